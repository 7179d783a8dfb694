"""What the stages about labels leave: the scores of each on dev and test, and the neurons that tell two of them apart."""

from __future__ import annotations

import numpy as np
import pandas as pd

from neurosieve.activations.labels import is_labelled
from neurosieve.activations.splits import Splits
from neurosieve.analysis.label_pairs import label_pairs
from neurosieve.analysis.label_scores import confusion, label_scores
from neurosieve.probes.predict import predict_codes
from neurosieve.probes.spec import FittedProbe

MOST_PAIRS, FEWEST = 1500, 10
"""Pairs of labels, and words of a label, for which neurons are told: with fewer words, some differ far by chance."""


def telling_neurons(splits: Splits, confused: pd.DataFrame) -> pd.DataFrame:
    """The table ``label_pairs``: of all pairs where they are at most `MOST_PAIRS`, else of those confused most on dev and test."""
    known = splits.train.y[is_labelled(splits.train.y)].tolist()
    counts = pd.Series(known, dtype=object).value_counts()
    often = sorted((label for label, n in counts.items() if n >= FEWEST), key=str)
    pairs: list[tuple[object, object]] | None = None
    if len(often) * (len(often) - 1) // 2 > MOST_PAIRS:
        names = {str(label): label for label in often}
        wrong = confused[(confused["gold"] != confused["predicted"])]
        wrong = wrong[wrong["gold"].isin(names) & wrong["predicted"].isin(names)]
        both = [tuple(sorted(pair)) for pair in zip(wrong["gold"], wrong["predicted"], strict=True)]
        most = wrong.groupby(pd.Series(both, index=wrong.index, dtype=object))["n"].sum()
        chosen = most.sort_values(ascending=False, kind="stable").index[:MOST_PAIRS]
        pairs = [(names[first], names[second]) for first, second in chosen]
    found = label_pairs(splits.train, pairs, fewest=FEWEST)
    return found.assign(first=found["first"].astype(str), second=found["second"].astype(str))


def neurons_between(splits: Splits, neurons: pd.DataFrame, *, between: tuple[str, str], top: int) -> pd.DataFrame:
    """The neurons that tell two labels apart, the best first; `top` of them.

    Raises
    ------
    NeurosieveError
        If train has no such label.
    """
    names = {str(label): label for label in splits.train.y[is_labelled(splits.train.y)].tolist()}
    pair = (names.get(between[0], between[0]), names.get(between[1], between[1]))
    found = label_pairs(splits.train, [pair], n_neurons=top)
    chosen = neurons.iloc[found["index"].to_numpy()][["neuron", "layer", "index"]].reset_index(drop=True)
    return pd.concat([chosen, found[["d", "mean_first", "mean_second"]].reset_index(drop=True)], axis=1)


def scores_by_label(splits: Splits, probe: FittedProbe) -> dict[str, pd.DataFrame]:
    """The tables of the stage ``label_scores``; one pass over dev and test each."""
    scores, pairs = [], []
    for split, part in (("dev", splits.dev), ("test", splits.test)):
        known = is_labelled(part.y)
        codes = predict_codes(part.activations, [probe])[0][known]
        gold = np.asarray([str(label) for label in part.y[known]], dtype=object)
        predicted = probe.classes_.astype(str).astype(object)[codes]
        scores.append(label_scores(gold, predicted).assign(split=split))
        pairs.append(confusion(gold, predicted).assign(split=split))
    return {
        "label_scores": pd.concat(scores, ignore_index=True),
        "confusion": pd.concat(pairs, ignore_index=True),
    }
