"""What is done to a set of neurons: the edits of one version of the model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neurosieve.activations.labelled_split import LabelledSplit
from neurosieve.errors import NeurosieveError
from neurosieve.experiments.interventions.statistics import NeuronStatistics, values_at_words
from neurosieve.models.edits import Add, Edit, FromPaired, Resampled, SetTo
from neurosieve.models.language_model import Layer

EDITS = ("mean", "zero", "value", "translate", "resample", "interchange")
POOL = 512
"""Words of which values are resampled."""


@dataclass(frozen=True)
class Change:
    """What is done to neurons.

    Attributes
    ----------
    edit : str
        ``"mean"`` (over the text, or over a label's words if `to` names one), ``"zero"``, ``"value"``, ``"translate"`` (add
        the difference of the means of two labels), ``"resample"`` (values at random words, of the label `to` if it is
        given), or ``"interchange"`` (values in a paired sentence).
    of, to : str or None
        Labels: translated from, and to.
    value : float
        For ``"value"``, in the neurons' own unit.
    dose : float
        How much of the difference ``"translate"`` adds.
    words : tuple of int or None
        Words at which it is done (see `neurosieve.models.edits.Edit`); None = all positions.
    """

    edit: str = "mean"
    of: str | None = None
    to: str | None = None
    value: float = 0.0
    dose: float = 1.0
    words: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        if self.edit not in EDITS:
            raise NeurosieveError(f"the edit is {self.edit!r}; expected one of {', '.join(EDITS)}")
        if self.edit == "translate" and (self.of is None or self.to is None or self.of == self.to):
            raise NeurosieveError(
                f"to translate, give two labels, such as of='NN', to='NNS'; found of={self.of!r}, to={self.to!r}"
            )
        if self.edit != "translate" and (self.of is not None or self.dose != 1):
            raise NeurosieveError(
                f"the edit '{self.edit}' has no label to come from and no dose; leave of and doses out"
            )
        if self.to is not None and self.edit in ("zero", "value", "interchange"):
            raise NeurosieveError(f"the edit '{self.edit}' has no label to go to; leave it out")
        if not np.isfinite([self.value, self.dose]).all():
            raise NeurosieveError(f"the value {self.value} or the dose {self.dose} is not finite; give a number")

    @property
    def name(self) -> str:
        """The edit, with its labels or value."""
        if self.edit == "translate":
            return f"translate {self.of} to {self.to}"
        if self.edit == "value":
            return f"value {self.value:g}"
        return self.edit if self.to is None else f"{self.edit} of {self.to}"


class Editor:
    """Makes the edits of sets of neurons.

    Parameters
    ----------
    layers : sequence of Layer
        The model's, in the order of the activations' columns.
    statistics : NeuronStatistics
    split : LabelledSplit
        The text that values are resampled from.
    highest : int, optional
        Position of the last layer that is edited where all but a set are; by default of the last one.
    random_state : int
    """

    def __init__(
        self,
        layers: Sequence[Layer],
        statistics: NeuronStatistics,
        split: LabelledSplit,
        *,
        highest: int | None = None,
        random_state: int = 0,
    ) -> None:
        self._layers = list(layers)
        self._starts = np.cumsum([0, *(layer.width for layer in layers)])
        self._statistics = statistics
        self._split = split
        self._highest = len(self._layers) - 1 if highest is None else highest
        self._random_state = random_state
        self._pools: dict[str | None, NDArray[np.float32]] = {}

    @property
    def layer_of(self) -> NDArray[np.intp]:
        """Position of each neuron's layer, shape (n_neurons,)."""
        return np.repeat(np.arange(len(self._layers)), [layer.width for layer in self._layers])

    def others(self, neurons: NDArray[np.intp]) -> NDArray[np.intp]:
        """All neurons that may be edited but these."""
        return np.setdiff1d(np.flatnonzero(self.layer_of <= self._highest), neurons)

    def edits(self, neurons: NDArray[np.intp], change: Change) -> list[Edit]:
        """The change of some neurons: one edit a layer."""
        made = []
        for place, members in self._by_layer(np.sort(neurons)):
            layer = self._layers[place]
            inside = members - self._starts[place]
            if change.edit == "interchange":
                what: Add | SetTo | Resampled | FromPaired = FromPaired()
            elif change.edit == "resample":
                what = Resampled(self._pool(change.to)[:, members], self._random_state)
            elif change.edit == "translate":
                what = Add(self._difference(change)[members])
            else:
                what = SetTo(self._target(change)[members])
            made.append(Edit(layer.name, inside.tolist(), what, words=change.words))
        return made

    def direction(self, neurons: NDArray[np.intp], change: Change, *, draw: int) -> list[Edit]:
        """Add a random direction of each layer, as long as the change of the neurons there is in root mean square."""
        made = []
        for place, members in self._by_layer(np.sort(neurons)):
            layer = self._layers[place]
            generator = np.random.default_rng((self._random_state, draw, place, 7))
            vector = generator.standard_normal(layer.width)
            length = float(np.sqrt(self._squares(members, change).sum()))
            made.append(Edit(layer.name, None, Add(vector * length / np.linalg.norm(vector)), words=change.words))
        return made

    def _by_layer(self, neurons: NDArray[np.intp]) -> list[tuple[int, NDArray[np.intp]]]:
        places = np.searchsorted(self._starts, neurons, side="right") - 1
        return [(int(place), neurons[places == place]) for place in np.unique(places)]

    def _difference(self, change: Change) -> NDArray[np.float64]:
        s = self._statistics
        return change.dose * (s.label(str(change.to)) - s.label(str(change.of)))

    def _target(self, change: Change) -> NDArray[np.float64]:
        s = self._statistics
        if change.edit == "mean":
            return s.mean if change.to is None else s.label(change.to)
        return np.full_like(s.mean, change.value if change.edit == "value" else 0.0)

    def _pool(self, label: str | None) -> NDArray[np.float32]:
        """Values of all neurons at the words that are drawn from, read once."""
        if label not in self._pools:
            self._pools[label] = values_at_words(
                self._split, n_words=POOL, label=label, random_state=self._random_state
            )
        return self._pools[label]

    def _squares(self, members: NDArray[np.intp], change: Change) -> NDArray[np.float64]:
        """Expected square of the change of each of some neurons, shape (n_members,)."""
        s = self._statistics
        mean, variance = s.mean[members], s.variance[members]
        if change.edit == "translate":
            return self._difference(change)[members] ** 2
        if change.edit == "interchange":  # the paired sentence is one more of the kind
            return 2 * variance
        if change.edit == "resample":
            pool = self._pool(change.to)[:, members]
            apart = mean - pool.mean(axis=0, dtype=np.float64)
            return np.asarray(variance + pool.var(axis=0, dtype=np.float64) + apart**2)
        return variance + (mean - self._target(change)[members]) ** 2
