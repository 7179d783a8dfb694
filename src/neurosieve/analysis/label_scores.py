"""How well each label is told from the others: precision, recall, F1 and which label is taken for which."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from neurosieve.intervals import wilson

if TYPE_CHECKING:
    import pandas as pd


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
