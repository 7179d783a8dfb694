"""The stage that keeps some text of test to be read: gold and predicted labels, and what the chosen neurons do on each word."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from neurosieve.activations.labels import is_labelled
from neurosieve.activations.source import as_source
from neurosieve.analysis.neurons.levels import levels_of
from neurosieve.probes.moments import column_moments
from neurosieve.probes.spec import FittedProbe

if TYPE_CHECKING:
    from neurosieve.activations.splits import Splits

MOST_WORDS, MOST_SENTENCES = 4000, 300
PROBABLE = 0.05
"""Labels that a word has with a smaller probability are not kept."""
LOWEST = "0123456"
"""One digit a level, from far below a neuron's mean to far above it."""


def text_sample(
    splits: Splits, words: pd.DataFrame, *, probe: FittedProbe, chosen: NDArray[np.intp], looked: pd.DataFrame
) -> dict[str, pd.DataFrame]:
    """Tables of the stage ``text`` (see `neurosieve.study.looks_columns`).

    Parameters
    ----------
    splits : Splits
    words : DataFrame with columns sentence, position and word
        The words of test, one row a row of its activations.
    probe : FittedProbe
        On all neurons.
    chosen : ndarray of shape (n_chosen,), int
        The set whose own part in the probe's scores is told: all other neurons are set to their mean over train.
    looked : DataFrame with columns index, mean and sd
        Neurons whose values are told in levels.
    """
    source = as_source(splits.test.activations)
    rows = drawn_rows(words["sentence"].to_numpy(), is_labelled(splits.test.y))
    means, _ = column_moments(as_source(splits.train.activations))
    small = probe.keep(chosen, fill=means)
    asked = looked["index"].to_numpy(dtype=np.intp)
    mean, sd = (looked[name].to_numpy(dtype=np.float64) for name in ("mean", "sd"))
    whole, of_set, levels = [], [], []
    for part in _runs(rows):  # never more than a sentence or a few, whatever the size of the network
        X = source.read(int(part[0]), int(part[-1]) + 1)
        whole.append(probe.decision_function(X))
        of_set.append(small.decision_function(X))
        z = np.divide(X[:, asked] - mean, sd, out=np.zeros((len(X), len(asked))), where=sd > 0)
        levels += ["".join(LOWEST[level + 3] for level in row) for row in levels_of(z).tolist()]
    gold = splits.test.y[rows]
    told = _values(whole, of_set, gold) if probe.loss == "squared" else _labels(whole, of_set, gold, probe)
    table = words.iloc[rows][["sentence", "position", "word"]].reset_index(drop=True)
    return {
        "text_words": table.assign(**told["words"], levels=levels),
        "text_labels": pd.DataFrame(told["labels"]),
    }


def drawn_rows(sentences: NDArray[Any], labelled: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Rows of whole sentences that hold a labelled word, drawn without replacement, in the order of the text.

    Parameters
    ----------
    sentences : ndarray of shape (n_words,), int
        Number of each row's sentence; the rows of one stand together.
    labelled : ndarray of shape (n_words,), bool

    Returns
    -------
    ndarray of int
        At most `MOST_WORDS` rows of at most `MOST_SENTENCES` sentences; of longer sentences the shortest.
    """
    numbers, sizes = np.unique(sentences[np.isin(sentences, np.unique(sentences[labelled]))], return_counts=True)
    order = np.random.default_rng(0).permutation(len(numbers))
    taken = order[np.cumsum(sizes[order]) <= MOST_WORDS][:MOST_SENTENCES]
    if not len(taken):
        taken = np.asarray([np.argmin(sizes)])
    return np.flatnonzero(np.isin(sentences, numbers[taken]))


def _runs(rows: NDArray[np.intp], most: int = 512) -> list[NDArray[np.intp]]:
    """Rows that follow each other, in pieces."""
    runs = np.split(rows, np.flatnonzero(np.diff(rows) != 1) + 1)
    return [run[start : start + most] for run in runs for start in range(0, len(run), most)]


def _labels(
    whole: list[NDArray[np.floating]], of_set: list[NDArray[np.floating]], gold: NDArray[Any], probe: FittedProbe
) -> dict[str, dict[str, Any]]:
    """What the probe gives each word, what the set alone gives it, and by how much the set prefers the right label."""
    names = [str(name) for name in probe.classes_.tolist()]
    number = {label: i for i, label in enumerate(probe.classes_.tolist())}
    scores, small = (np.concatenate(part).astype(np.float64) for part in (whole, of_set))
    odds = np.exp(scores - scores.max(axis=1, keepdims=True))
    share = odds / odds.sum(axis=1, keepdims=True)
    right = np.array([number.get(label, -1) for label in gold.tolist()])
    own = small[np.arange(len(small)), right]
    rest = small.copy()
    rest[np.arange(len(small)), right] = -np.inf
    margin = np.where(right >= 0, own - rest.max(axis=1), np.nan)
    word, label = np.nonzero(share >= PROBABLE)
    return {
        "words": {
            "gold": [None if each is None else str(each) for each in gold.tolist()],
            "predicted": [names[i] for i in scores.argmax(axis=1)],
            "set_predicted": [names[i] for i in small.argmax(axis=1)],
            "set_margin": margin,
        },
        "labels": {"row": word, "label": [names[i] for i in label], "probability": share[word, label].round(3)},
    }


def _values(
    whole: list[NDArray[np.floating]], of_set: list[NDArray[np.floating]], gold: NDArray[Any]
) -> dict[str, dict[str, Any]]:
    """The same of real values: how far the set moves the prediction from its own mean, in standard deviations."""
    scores, small = (np.concatenate(part)[:, 0].astype(np.float64) for part in (whole, of_set))
    sd = small.std()

    def told(value: object) -> str | None:
        return None if value is None or value != value else f"{value:.3g}"

    return {
        "words": {
            "gold": [told(value) for value in gold.tolist()],
            "predicted": [told(value) for value in scores.tolist()],
            "set_predicted": [told(value) for value in small.tolist()],
            "set_margin": (small - small.mean()) / sd if sd > 0 else np.zeros(len(small)),
        },
        "labels": {"row": [], "label": [], "probability": []},
    }
