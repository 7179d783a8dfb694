"""Whether an edit does what it says: how far the property moves, and how little others do, by probes kept apart.

The probes are fitted on dev, of which no ranking by train has seen anything, on the deepest layers that the model reads;
they judge words of test, embedded anew by the edited model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from neurosieve.activations.labelled_split import LabelledSplit
from neurosieve.activations.labels import encode_labels, is_labelled
from neurosieve.activations.source import as_source
from neurosieve.activations.splits import Splits
from neurosieve.errors import NeurosieveError
from neurosieve.experiments.interventions.changes import Change
from neurosieve.models.edits import Edit
from neurosieve.models.language_model import LanguageModel
from neurosieve.probes.engine import fit_probes
from neurosieve.probes.predict import predict_codes
from neurosieve.probes.spec import FittedProbe, ProbeSpec

MOST_NEURONS = 4096
"""Neurons that held-out probes read at most, from the deepest layer down, one layer at least."""
MOST_WORDS = 8000
"""Words of dev that they are fitted on at most."""
MOST_SENTENCES = 150
"""Sentences of test, with a word of the property, that are embedded again for every edited version."""
L2, BATCH, STEPS = 1e-3, 64, 3000
"""Penalty of those probes, words of a step, and how many steps they take at least."""


@dataclass(frozen=True, eq=False)
class HeldOut:
    """A probe kept apart from the ranking, and what it reads.

    Attributes
    ----------
    probe : FittedProbe
    columns : ndarray of int
        Of the activations.
    """

    probe: FittedProbe
    columns: NDArray[np.intp]


def held_out_probe(splits: Splits, layers: NDArray[np.intp]) -> HeldOut:
    """Fit a probe on the words of dev.

    Parameters
    ----------
    splits : Splits
    layers : ndarray of shape (n_neurons,), int
        Layer of each neuron.
    """
    columns = np.flatnonzero(layers == layers[-1])
    while columns[0] > 0:
        wider = np.flatnonzero(layers >= layers[columns[0] - 1])
        if len(wider) > MOST_NEURONS:
            break
        columns = wider
    return fit_held_out(splits, columns)


def fit_held_out(splits: Splits, columns: NDArray[np.intp]) -> HeldOut:
    """Fit a probe that reads some columns of the words of dev."""
    source = as_source(splits.dev.activations)
    n_words = min(source.n_words, MOST_WORDS)
    X = np.ascontiguousarray(source.read(0, n_words, columns), dtype=np.float32)
    spec = ProbeSpec(splits.dev.y[:n_words], l1=0.0, l2=L2, random_state=1)
    n_labelled = int(is_labelled(splits.dev.y[:n_words]).sum())
    epochs = max(10, -(-STEPS * BATCH // max(1, n_labelled)))
    return HeldOut(fit_probes(X, [spec], "adam", epochs=epochs, batch_size=BATCH, standardize=True)[0], columns)


def sentences_of(split: LabelledSplit) -> list[tuple[list[str], slice]]:
    """Sentences of a split, from its words, and the rows of each.

    Raises
    ------
    NeurosieveError
        If the split has no words or sentence numbers.
    """
    if split.words is None or split.sentences is None:
        raise NeurosieveError(
            "the splits have no words or sentence numbers, so that no sentence can be embedded again; give both, or "
            "completeness=False"
        )
    words = [str(word) for word in split.words.tolist()]
    starts = [0, *(np.flatnonzero(np.diff(split.sentences.astype(np.int64))) + 1).tolist(), len(words)]
    return [(words[a:b], slice(a, b)) for a, b in pairwise(starts) if b > a]


@dataclass(frozen=True)
class Moved:
    """How far an edit moves properties.

    Attributes
    ----------
    completeness : float or None
        0: the property is read as before; 1: no better than its most frequent label alone (or, translated, every word of
        the one label is read as the other). None where the held-out probe does not read it in the intact model.
    selectivity : float or None
        1 minus the mean of the same over the other properties; None where there are none.
    accuracy : dict of str to tuple of float
        For each property the accuracy of its held-out probe, intact and edited.
    """

    completeness: float | None
    selectivity: float | None
    accuracy: dict[str, tuple[float, float]]


class Checker:
    """Checks edited versions of one model.

    Parameters
    ----------
    model : LanguageModel
    splits : Splits
        Of the property.
    others : mapping of str to Splits
        Of other properties of the same words.
    layers : ndarray of shape (n_neurons,), int
    n_sentences : int
        Sentences of test, at most, that are embedded again.
    """

    def __init__(
        self,
        model: LanguageModel,
        splits: Splits,
        *,
        others: Mapping[str, Splits],
        layers: NDArray[np.intp],
        n_sentences: int = MOST_SENTENCES,
    ) -> None:
        self._model = model
        known = is_labelled(splits.test.y)
        sentences = sentences_of(splits.test)
        self._chosen = [(words, part) for words, part in sentences if known[part].any()][:n_sentences]
        self._prop = splits.prop
        self._splits = {splits.prop: splits, **others}
        self._probes = {name: held_out_probe(part, layers) for name, part in self._splits.items()}
        self._intact = self._read([])

    def moved(self, edits: Sequence[Edit], change: Change) -> Moved:
        """How far one edited version moves the property, and the others."""
        after = self._read(edits)
        accuracy: dict[str, tuple[float, float]] = {}
        shares: dict[str, float | None] = {}
        for name, (gold, read) in after.items():
            before = self._intact[name][1]
            accuracy[name] = (float((before == gold).mean()), float((read == gold).mean()))
            translated = change.edit == "translate" and name == self._prop
            shares[name] = (
                _translated(gold, before, read, self._probes[name].probe, change)
                if translated
                else _lost(gold, before, read)
            )
        rest = [share for name, share in shares.items() if name != self._prop and share is not None]
        return Moved(shares[self._prop], 1 - float(np.mean(rest)) if rest else None, accuracy)

    def _read(self, edits: Sequence[Edit]) -> dict[str, tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """For each property the labels of the words, and those that its probe reads, as numbers."""
        model = self._model.edited(edits) if edits else self._model
        batch = model.embed([words for words, _ in self._chosen])
        X = np.concatenate(batch.layers, axis=1) if len(batch.layers) > 1 else batch.layers[0]
        rows = np.concatenate([np.arange(part.start, part.stop) for _, part in self._chosen])[batch.kept]
        found = {}
        for name, splits in self._splits.items():
            held_out = self._probes[name]
            y = splits.test.y[rows]
            known = is_labelled(y)
            gold = encode_labels(y, classes=held_out.probe.classes_).codes if known.any() else np.full(len(y), -1)
            seen = known & (gold >= 0)
            read = predict_codes(np.ascontiguousarray(X[:, held_out.columns]), [held_out.probe])[0]
            found[name] = (gold[seen], read[seen].astype(np.int64))
        return found


def _lost(gold: NDArray[np.int64], before: NDArray[np.int64], after: NDArray[np.int64]) -> float | None:
    if not len(gold):
        return None
    base = float(np.bincount(gold).max()) / len(gold)
    intact = float((before == gold).mean())
    if intact - base < 0.02:  # nothing to lose
        return None
    return float(np.clip((intact - (after == gold).mean()) / (intact - base), 0, 1))


def _translated(
    gold: NDArray[np.int64], before: NDArray[np.int64], after: NDArray[np.int64], probe: FittedProbe, change: Change
) -> float | None:
    names = [str(label) for label in probe.classes_]
    if change.of not in names or change.to not in names:
        return None
    here = (gold == names.index(change.of)) & (before == names.index(change.of))
    return float((after[here] == names.index(str(change.to))).mean()) if here.any() else None
