"""The stage that scores each label: the probe on all neurons of seed 0, on dev and test."""

from __future__ import annotations

import numpy as np
import pandas as pd

from neurosieve.activations.labels import is_labelled
from neurosieve.activations.splits import Splits
from neurosieve.analysis.label_scores import confusion, label_scores
from neurosieve.probes.predict import predict_codes
from neurosieve.probes.spec import FittedProbe


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
