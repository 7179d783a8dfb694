"""The stage that looks at single neurons: what they do over the text, and how the probe weighs them for each label."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from neurosieve.analysis.neurons.records import neuron_records
from neurosieve.probes.spec import FittedProbe

if TYPE_CHECKING:
    from neurosieve.activations.store import ActivationStore

PREFIX = "neuron_"
"""What the names of the tables begin with; the rest is that of `neurosieve.analysis.neurons.records.NeuronRecords`."""


def look(
    store: ActivationStore, prop: str | None, neurons: Sequence[int] | NDArray[np.intp], *, probe: FittedProbe | None
) -> dict[str, pd.DataFrame]:
    """Look at neurons over all words of a store; gives the tables of the stage ``looks``.

    Parameters
    ----------
    store : ActivationStore
    prop : str or None
        The property; without it there are no labels.
    neurons : sequence of int
        Columns of the activations.
    probe : FittedProbe or None
        The probe on all neurons whose weights are told; without it there are none.
    """
    found = neuron_records(store, store.words, None if prop is None else store.labels(prop), neurons=neurons)
    tables = {f"{PREFIX}{name}": table for name, table in found.tables.items()}
    sd = found.summary["sd"].to_numpy()
    return {**tables, f"{PREFIX}weights": _weights(probe, found.summary["index"].to_numpy(dtype=np.intp), sd)}


def _weights(probe: FittedProbe | None, neurons: NDArray[np.intp], sd: NDArray[np.float64]) -> pd.DataFrame:
    """One row a neuron and label: its weight, raw and for a change by its standard deviation, and its place in the label."""
    columns = ["index", "label", "weight", "per_sd", "place"]
    if probe is None:
        return pd.DataFrame({name: [] for name in columns})
    coef = probe.full_coef()
    sizes = np.abs(probe.full_coef(standardized=True))  # what the ranking sorts by
    rows = []
    for label, weights, size in zip(probe.classes_, coef, sizes, strict=True):
        place = (size[None, :] > size[neurons, None]).sum(axis=1)
        own = weights[neurons].astype(np.float64)
        parts = {"index": neurons, "label": str(label), "weight": own, "per_sd": own * sd, "place": place}
        rows.append(pd.DataFrame(parts))
    return pd.concat(rows, ignore_index=True)[columns]
