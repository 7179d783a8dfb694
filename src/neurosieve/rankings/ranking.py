"""`NeuronRanking`: an order of all neurons, whatever method made it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from neurosieve.errors import NeurosieveError
from neurosieve.notebook import card, listed

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, repr=False)
class NeuronRanking:
    """A permutation of all neurons, most salient first.

    Attributes
    ----------
    order : ndarray of shape (n_neurons,), int
        Neuron numbers (columns of the activations) from the first rank to the last.
    key : ndarray of shape (n_neurons,), float64
        What the order is sorted by, in neuron order, ascending. For weight mass: the smallest share of any label's mass
        at which the neuron is taken; infinite for a neuron without weight.
    mass : ndarray of shape (n_neurons,), float64
        The neuron's largest share of a label's weight mass.
    label_keys : ndarray of shape (n_labels, n_neurons), float64
        The same key for each label alone.
    labels : ndarray of shape (n_labels,)
    method : str
    params : mapping
        What the ranking was made from.
    score : ndarray of shape (n_neurons,), float64, or None
        How salient each neuron is, in neuron order; higher is more. For weight mass 1 - `key`.
    label_scores : ndarray of shape (n_labels, n_neurons), float64, or None
        The same for each label, with sign; a label takes neurons by absolute value.

    `key`, `mass` and `label_keys` are None where the method is not weight mass.
    """

    order: NDArray[np.intp]
    key: NDArray[np.float64] | None
    mass: NDArray[np.float64] | None
    label_keys: NDArray[np.float64] | None
    labels: NDArray[np.generic]
    method: str = "weight-mass"
    params: Mapping[str, object] = field(default_factory=dict)
    score: NDArray[np.float64] | None = None
    label_scores: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        given = self.score if self.key is None else self.key
        if given is None:
            raise NeurosieveError(f"the ranking '{self.method}' has neither key nor score; give one value a neuron")
        if not np.array_equal(np.sort(self.order), np.arange(len(given))):
            raise NeurosieveError("a ranking must hold every neuron exactly once")

    def __repr__(self) -> str:
        first = ", ".join(map(str, self.order[:5].tolist()))
        return (
            f"NeuronRanking by {self.method}: {self.n_neurons} neurons, {len(self.labels)} labels; begins with {first}"
        )

    def _repr_html_(self) -> str:
        facts = {"method": self.method, "neurons": self.n_neurons, "labels": listed(self.labels.tolist())}
        frame = self.to_frame()
        shown = frame[[name for name in frame if not str(name).startswith("rank:")]].drop(columns=["layer", "index"])
        return card("NeuronRanking", facts, shown)

    def require_mass(self, what: str) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """`key`, `mass` and `label_keys`, or an error that says that `what` needs weight mass."""
        if self.key is None or self.mass is None or self.label_keys is None:
            raise NeurosieveError(
                f"{what} needs weight mass, and this ranking is '{self.method}'; rank a fitted probe by 'weight-mass'"
            )
        return self.key, self.mass, self.label_keys

    def _label_order(self, number: int) -> NDArray[np.intp]:
        if self.label_keys is not None:
            return np.argsort(self.label_keys[number], kind="stable")
        if self.label_scores is None:
            raise NeurosieveError(f"the ranking '{self.method}' has no scores of single labels; use another method")
        return np.argsort(-np.abs(self.label_scores[number]), kind="stable")

    @property
    def n_neurons(self) -> int:
        """Number of neurons."""
        return len(self.order)

    @property
    def ranks(self) -> NDArray[np.intp]:
        """Rank of each neuron (0 = most salient), shape (n_neurons,)."""
        ranks = np.empty_like(self.order)
        ranks[self.order] = np.arange(self.n_neurons)
        return ranks

    def count(self, k: int | float) -> int:
        """Number of neurons meant by `k`: an int is a number, a float between 0 and 1 a share (at least one neuron)."""
        share = isinstance(k, (float, np.floating))
        if not (0 < k <= 1 if share else 0 <= k <= self.n_neurons):
            raise NeurosieveError(
                f"{k!r} of {self.n_neurons} neurons: pass an int from 0 to {self.n_neurons}, or a float in (0, 1]"
            )
        return max(1, round(float(k) * self.n_neurons)) if share else int(k)

    def top(self, k: int | float) -> NDArray[np.intp]:
        """The `k` (or share `k` of the) most salient neurons, most salient first."""
        return self.order[: self.count(k)]

    def bottom(self, k: int | float) -> NDArray[np.intp]:
        """The `k` (or share `k` of the) least salient neurons, least salient first."""
        return self.order[::-1][: self.count(k)]

    def random(self, k: int | float, random_state: int = 0) -> NDArray[np.intp]:
        """`k` (or a share `k`) of the neurons drawn without replacement, exactly that many."""
        return np.random.default_rng((random_state, 2)).permutation(self.n_neurons)[: self.count(k)]

    def per_label(self, label: object) -> NDArray[np.intp]:
        """All neurons in the order in which one label takes them."""
        where = np.flatnonzero(self.labels == label)
        if not len(where):
            raise NeurosieveError(f"the ranking has no label {label!r}; it has {', '.join(map(str, self.labels))}")
        return self._label_order(int(where[0]))

    def to_frame(self, neurons: pd.DataFrame | None = None) -> pd.DataFrame:
        """One row a neuron in rank order: neuron, layer, index, rank, key and mass (or score), ``rank:<label>``.

        Parameters
        ----------
        neurons : DataFrame with columns neuron, layer, index, optional
            The store's table of neurons; without it neurons are numbered.
        """
        import pandas as pd

        if neurons is None:
            numbers = np.arange(self.n_neurons)
            neurons = pd.DataFrame({"neuron": [f"N{i}" for i in numbers], "layer": 0, "index": numbers})
        if len(neurons) != self.n_neurons:
            raise NeurosieveError(
                f"the table has {len(neurons)} neurons, the ranking {self.n_neurons}; pass the table of the store that "
                "the probe was fitted on"
            )
        columns: dict[str, object] = {
            "neuron": neurons["neuron"].to_numpy(),
            "layer": neurons["layer"].to_numpy(),
            "index": neurons["index"].to_numpy(),
            "rank": self.ranks,
        }
        if self.key is None or self.mass is None:
            columns["score"] = self.score
        else:
            columns |= {"key": self.key, "mass": self.mass}
        has_labels = self.label_keys is not None or self.label_scores is not None
        for number, label in enumerate(self.labels if has_labels else ()):
            ranks = np.empty(self.n_neurons, dtype=np.int64)
            ranks[self._label_order(number)] = np.arange(self.n_neurons)
            columns[f"rank:{label}"] = ranks
        return pd.DataFrame(columns).iloc[self.order].reset_index(drop=True)
