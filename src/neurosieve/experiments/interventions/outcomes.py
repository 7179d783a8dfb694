"""Outcomes of all edited versions, by pair; by text they are joined to them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from neurosieve.experiments.interventions.changes import Change, Editor
from neurosieve.experiments.interventions.probe_odds import Odds
from neurosieve.experiments.interventions.sets import NeuronSet
from neurosieve.models.edits import Edit

Job = tuple[NeuronSet, float]
"""A set of neurons, and the dose at which it is edited."""

EDITED_AT_ONCE = 1 << 21
"""Neurons that the versions of one call edit together, for memory: where a few are kept, each version edits nearly all."""


@dataclass(frozen=True, eq=False)
class Outcomes:
    """What the intact model and all edited versions give.

    Attributes
    ----------
    jobs : list of (NeuronSet, float)
    values : ndarray of shape (n_jobs, n_pairs), float64
        Log-odds in nats.
    intact : ndarray of shape (n_pairs,), float64
    text_jobs : list of (NeuronSet, float)
    texts : mapping of str to ndarray of shape (n_text_jobs + 1, n_texts), float64
        Losses and divergences by name (see `neurosieve.experiments.interventions.text_outcomes`), the intact model first.
    """

    jobs: list[Job]
    values: NDArray[np.float64]
    intact: NDArray[np.float64]
    text_jobs: Sequence[Job] = ()
    texts: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)

    def of(
        self, kind: str, k: int, dose: float, *, keep: bool = False, layer: int | None = None
    ) -> NDArray[np.float64]:
        """Values of all draws of a kind of set, (n_draws, n_pairs)."""
        wanted = (kind, k, keep, layer)
        here = [i for i, (one, at) in enumerate(self.jobs) if (*_key(one), at) == (*wanted, dose)]
        return self.values[here]

    def sizes(self, *, keep: bool = False) -> list[int]:
        """Sizes of the sets that are removed, or kept."""
        return sorted({one.k for one, _ in self.jobs if one.keep == keep and one.layer is None and one.k})

    def compared(self) -> list[tuple[str, int, float, bool, int | None]]:
        """Kind, size, dose, keep and layer of all that was edited, but for the random sets that all are compared with."""
        keys = (
            (one.kind, one.k, dose, one.keep, one.layer) for one, dose in self.jobs if one.kind != "random" and one.k
        )
        return list(dict.fromkeys(keys))


def measure(
    ask: Odds,
    jobs: Sequence[Job],
    *,
    editor: Editor,
    change: Change,
    progress: Callable[[float, float], None] | None = None,
) -> Outcomes:
    """Log-odds of all pairs, or sentences, under all edits."""
    n_neurons = len(editor.layer_of)
    n_edited = np.cumsum([n_neurons - one.k if one.keep else one.k for one, _ in jobs])
    values = np.empty((len(jobs), len(ask)))
    intact = values[:0].sum(axis=0)
    for number in np.unique(n_edited // EDITED_AT_ONCE):
        members = np.flatnonzero(n_edited // EDITED_AT_ONCE == number).tolist()
        done = float(members[0])

        def report(part: float, whole: float, *, done: float = done, n: int = len(members)) -> None:
            if progress is not None:
                progress(done + n * part / whole, len(jobs))

        intact, *values[members] = ask([edits_of_job(jobs[i], editor, change) for i in members], progress=report)
    return Outcomes(list(jobs), values, intact)


def edits_of_job(job: Job, editor: Editor, change: Change) -> list[Edit]:
    """What is done in one version."""
    one, dose = job
    at = replace(change, dose=dose)
    if one.kind == "direction":
        return editor.direction(one.neurons, at, draw=one.draw)
    return editor.edits(editor.others(one.neurons) if one.keep else one.neurons, at)


def _key(one: NeuronSet) -> tuple[str, int, bool, int | None]:
    return one.kind, one.k, one.keep, one.layer
