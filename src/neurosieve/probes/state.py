"""Bytes that fitting takes besides activations: weights and what belongs to them, a batch on its way, a solver's state."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from neurosieve.activations.labels import EncodedLabels, EncodedValues
from neurosieve.activations.source import ActivationSource
from neurosieve.errors import NeurosieveError
from neurosieve.probes.plan import Group
from neurosieve.probes.solvers import Solver
from neurosieve.probes.stream import CHUNK_WORDS

WEIGHT_BYTES = 20
"""Bytes that a weight takes while it is fitted: itself, its gradient, two moments, and copies in half precision."""

_KERNEL_BYTES = 32 << 20
"""Room for what matrix products copy their factors into (20 MB measured, per process and whatever their size)."""


def group_bytes(
    group: Group,
    encoded: Sequence[EncodedLabels | EncodedValues],
    source: ActivationSource,
    *,
    options: Any,  # noqa: ANN401 (settings of any solver)
) -> int:
    """Bytes for a group's weights and for a batch on its way."""
    n_rows = sum(len(encoded[i].classes) for i in group.members)
    width = source.n_neurons if group.columns is None else len(group.columns)
    n_batch = min(source.n_words, getattr(options, "batch_size", CHUNK_WORDS))
    batch = n_batch * (width * (source.dtype.itemsize + 4) + 4 * n_rows)
    return _KERNEL_BYTES + WEIGHT_BYTES * n_rows * width + batch


def solver_bytes(
    groups: Sequence[Group],
    encoded: Sequence[EncodedLabels | EncodedValues],
    source: ActivationSource,
    *,
    solver: Solver,
    options: Any,  # noqa: ANN401 (settings of the solver)
    limit: int,
) -> int:
    """Bytes for what the solver holds besides, if anything: what it makes good use of, but no more than half of `limit`.

    Raises
    ------
    NeurosieveError
        If not even what a probe must hold fits `limit`.
    """
    wanted = 0
    for group in groups:
        sizes = {
            "n_words": source.n_words,
            "n_labels": max(len(encoded[i].classes) for i in group.members),
            "n_columns": source.n_neurons if group.columns is None else len(group.columns),
        }
        least = solver.least_bytes(options, **sizes)
        if least > limit:
            raise NeurosieveError(
                f"solving one probe of {sizes['n_labels']:,} labels on {sizes['n_words']:,} words exactly takes "
                f"{least / 1e9:.2g} GB, and the memory limit is {limit / 1e9:.2g} GB: raise it, use fewer words, or solver 'adam'"
            )
        wanted = max(wanted, solver.wanted_bytes(options, n_probes=len(group.members), **sizes))
    return min(wanted, limit // 2)
