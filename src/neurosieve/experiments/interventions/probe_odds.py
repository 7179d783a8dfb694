"""What edited versions of a model without a head tell: labels, as a probe kept apart reads them in the deepest layer.

Only neurons below that layer are edited, so that what the probe reads is what later layers made of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from neurosieve.activations.labels import encode_labels
from neurosieve.activations.splits import Splits
from neurosieve.errors import NeurosieveError
from neurosieve.experiments.interventions.completeness import fit_held_out, sentences_of
from neurosieve.models.edits import Edit
from neurosieve.models.language_model import LanguageModel

MOST_SENTENCES = 100
"""Sentences of test that are embedded again for every edited version."""


class Odds(Protocol):
    """What is asked of edited versions, of one unit (a pair, a sentence) after the other."""

    def __len__(self) -> int: ...

    def __call__(
        self, variants: Sequence[Sequence[Edit]], *, progress: Callable[[float, float], None] | None = None
    ) -> NDArray[np.float64]:
        """Log-odds in nats, the model as it is first: (n_variants + 1, n_units)."""


class ProbeOdds:
    """By how much a held-out probe of the deepest layer prefers the right label, on average over a sentence's words.

    Parameters
    ----------
    model : LanguageModel
    splits : Splits
        The probe is fitted on dev and reads words of test.
    layers : ndarray of shape (n_neurons,), int
        Layer of each neuron.
    of : str, optional
        The only label whose words count.

    Raises
    ------
    NeurosieveError
        If the model reads one layer only, or no word of test has such a label.
    """

    def __init__(
        self, model: LanguageModel, splits: Splits, *, layers: NDArray[np.intp], of: str | None = None
    ) -> None:
        columns = np.flatnonzero(layers == layers[-1])
        if len(columns) == len(layers):
            raise NeurosieveError(
                "the model reads one layer, so that no later layer tells what became of an edit; load it with two at least, "
                "or give minimal pairs and a model with its head"
            )
        self._model = model
        self._probe = fit_held_out(splits, columns).probe
        y = splits.test.y
        codes = encode_labels(y, classes=self._probe.classes_).codes
        counts = (codes >= 0) & (np.array([str(label) == of for label in y.tolist()]) if of is not None else True)
        chosen = [(words, part) for words, part in sentences_of(splits.test) if counts[part].any()][:MOST_SENTENCES]
        if not chosen:
            raise NeurosieveError(f"no word of test has the label {of!r}, of which the probe could be asked")
        self._sentences = [words for words, _ in chosen]
        self._rows = np.concatenate([np.arange(part.start, part.stop) for _, part in chosen])
        self._of = np.repeat(np.arange(len(chosen)), [part.stop - part.start for _, part in chosen])
        self._codes = np.where(counts, codes, -1)[self._rows]

    def __len__(self) -> int:
        return len(self._sentences)

    def __call__(
        self, variants: Sequence[Sequence[Edit]], *, progress: Callable[[float, float], None] | None = None
    ) -> NDArray[np.float64]:
        """Log-odds in nats, the model as it is first: (n_variants + 1, n_sentences)."""
        found = np.empty((len(variants) + 1, len(self)))
        for number, edits in enumerate(([], *variants)):
            found[number] = self._read(edits)
            if progress is not None:
                progress(number + 1, len(found))
        return found

    def _read(self, edits: Sequence[Edit]) -> NDArray[np.float64]:
        model = self._model.edited(edits) if edits else self._model
        batch = model.embed(self._sentences)
        gold, of = self._codes[batch.kept], self._of[batch.kept]
        scores = np.asarray(batch.layers[-1] @ self._probe.coef_.T + self._probe.intercept_, dtype=np.float64)
        if not np.isfinite(scores).all():
            raise NeurosieveError(
                "an edit gives activations that are not finite; take a smaller dose or value, or load the model with dtype float32"
            )
        seen = gold >= 0
        scores, gold, of = scores[seen], gold[seen], of[seen]
        at = np.arange(len(gold))
        right = scores[at, gold]
        scores[at, gold] = -np.inf
        largest = scores.max(axis=1)
        odds = right - (largest + np.log(np.exp(scores - largest[:, None]).sum(axis=1)))
        return np.asarray(np.bincount(of, odds, len(self)) / np.maximum(np.bincount(of, minlength=len(self)), 1))
