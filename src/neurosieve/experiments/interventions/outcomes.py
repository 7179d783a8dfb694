"""Outcomes of all edited versions: by pair, and by text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from neurosieve.errors import NeurosieveError
from neurosieve.experiments.interventions.changes import Change, Editor
from neurosieve.experiments.interventions.pairs import AskedPairs, log_odds
from neurosieve.experiments.interventions.sets import NeuronSet
from neurosieve.models.edits import Edit
from neurosieve.models.language_model import LanguageModel

Job = tuple[NeuronSet, float]
"""A set of neurons, and the dose at which it is edited."""

TEXT_KINDS = ("top", "random", "bottom")
TEXT_DRAWS = 5
"""Random sets of which the loss on text is measured: a text costs many times what a pair does."""


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
    losses, divergences : ndarray of shape (n_text_jobs, n_texts), float64
        Mean over a sentence's sub-words, in nats: minus the log-probability; KL(intact || edited).
    intact_losses : ndarray of shape (n_texts,), float64
    """

    jobs: list[Job]
    values: NDArray[np.float64]
    intact: NDArray[np.float64]
    text_jobs: Sequence[Job] = ()
    losses: NDArray[np.float64] | None = None
    divergences: NDArray[np.float64] | None = None
    intact_losses: NDArray[np.float64] | None = None

    def of(self, kind: str, k: int, dose: float) -> NDArray[np.float64]:
        """Values of all draws of a kind of set, (n_draws, n_pairs)."""
        here = [i for i, (one, at) in enumerate(self.jobs) if (one.kind, one.k, at) == (kind, k, dose)]
        return self.values[here]

    @property
    def sizes(self) -> list[int]:
        """Sizes of the sets."""
        return sorted({one.k for one, _ in self.jobs})

    @property
    def kinds(self) -> list[str]:
        """Kinds of sets, but for the random ones that all are compared with."""
        return [kind for kind in dict.fromkeys(one.kind for one, _ in self.jobs) if kind != "random"]


def measure(
    model: LanguageModel,
    asked: AskedPairs,
    jobs: Sequence[Job],
    *,
    editor: Editor,
    change: Change,
    progress: Callable[[float, float], None] | None = None,
) -> Outcomes:
    """Log-odds of all pairs under all edits."""
    found = log_odds(model, asked.asked, [_edits(job, editor, change) for job in jobs], progress=progress)
    return Outcomes(list(jobs), found[1:], found[0])


def of_texts(
    model: LanguageModel, texts: Sequence[Sequence[str]], outcomes: Outcomes, *, editor: Editor, change: Change
) -> Outcomes:
    """Add the loss on text of the top, bottom and a few random sets of the largest size.

    Raises
    ------
    NeurosieveError
        If no text can be read.
    """
    largest = outcomes.sizes[-1]
    jobs = [
        (one, dose)
        for one, dose in outcomes.jobs
        if one.k == largest and one.kind in TEXT_KINDS and one.draw < TEXT_DRAWS
    ]
    asked = [text for text in model.ask_texts(texts) if not isinstance(text, str)]
    if not asked:
        raise NeurosieveError(f"none of {len(texts)} texts can be read by the model; give shorter ones")
    variants = [_edits(job, editor, change) for job in jobs]
    answers = model.answers(asked, variants, measure=("log_probability", "divergence"))
    scores, divergences = np.stack([answer.mean(axis=2, dtype=np.float64) for answer in answers], axis=2)
    losses = -scores
    return replace(outcomes, text_jobs=jobs, losses=losses[1:], divergences=divergences[1:], intact_losses=losses[0])


def _edits(job: Job, editor: Editor, change: Change) -> list[Edit]:
    one, dose = job
    at = replace(change, dose=dose)
    if one.kind == "direction":
        return editor.direction(one.neurons, at, draw=one.draw)
    return editor.edits(one.neurons, at)
