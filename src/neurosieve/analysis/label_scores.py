"""How well each label is told from the others: precision, recall, F1 and which label is taken for which."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

Z = 1.959963984540054
"""Quantile of the normal distribution for 95 % intervals."""


def wilson(hits: NDArray[np.intp], tries: NDArray[np.intp]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Wilson's 95 % interval of shares (n,): low and high; 0 to 1 where nothing was tried.

    Source: Wilson, J. Am. Stat. Assoc. 22 (1927); it keeps its level where shares are near 0 or 1, as those of rare labels are.
    """
    n = np.maximum(np.asarray(tries, dtype=np.float64), 1e-12)
    p = np.asarray(hits, dtype=np.float64) / n
    middle = (p + Z**2 / (2 * n)) / (1 + Z**2 / n)
    half = Z * np.sqrt(p * (1 - p) / n + Z**2 / (4 * n**2)) / (1 + Z**2 / n)
    none = np.asarray(tries) == 0
    return np.where(none, 0.0, np.clip(middle - half, 0, 1)), np.where(none, 1.0, np.clip(middle + half, 0, 1))


def label_scores(gold: NDArray[np.generic], predicted: NDArray[np.generic]) -> pd.DataFrame:
    """Score every label that occurs, in gold or predicted.

    Parameters
    ----------
    gold, predicted : ndarray of shape (n_words,), str
        Of words that have a label.

    Returns
    -------
    DataFrame
        One row a label, the most frequent first: label, support (its words), predicted (words that were given it), correct,
        precision, precision_low, precision_high, recall, recall_low, recall_high (Wilson's 95 % intervals, words taken as
        independent), f1. Precision of a label that is never given, and recall of one without words, is missing.
    """
    import pandas as pd

    t = pd.crosstab(pd.Series(gold, name="gold"), pd.Series(predicted, name="predicted"))
    names = t.index.union(t.columns)
    t = t.reindex(index=names, columns=names, fill_value=0)
    counts = t.to_numpy()
    support, given, correct = counts.sum(axis=1), counts.sum(axis=0), np.diag(counts)
    with np.errstate(invalid="ignore", divide="ignore"):
        precision, recall = correct / given, correct / support
    (p_low, p_high), (r_low, r_high) = wilson(correct, given), wilson(correct, support)
    table = pd.DataFrame(
        {
            "label": [str(name) for name in names],
            "support": support,
            "predicted": given,
            "correct": correct,
            "precision": precision,
            "precision_low": p_low,
            "precision_high": p_high,
            "recall": recall,
            "recall_low": r_low,
            "recall_high": r_high,
            "f1": 2 * correct / np.maximum(support + given, 1),
        }
    )
    return table.sort_values(["support", "label"], ascending=[False, True], kind="stable", ignore_index=True)


def confusion(gold: NDArray[np.generic], predicted: NDArray[np.generic]) -> pd.DataFrame:
    """Count the words of each pair of labels: gold, predicted, n; pairs without words are left out, the most frequent first."""
    import pandas as pd

    pairs = pd.DataFrame({"gold": [str(label) for label in gold], "predicted": [str(label) for label in predicted]})
    counts = pairs.value_counts(sort=False).reset_index(name="n")
    return counts.sort_values(["n", "gold", "predicted"], ascending=[False, True, True], ignore_index=True)
