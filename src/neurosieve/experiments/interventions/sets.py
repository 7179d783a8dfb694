"""Sets of neurons that are edited, and the sets that they are compared with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neurosieve.errors import NeurosieveError

SET_KINDS = ("top", "bottom", "random", "control", "untrained", "direction")
WINDOW = 10
"""Neurons of most similar variance, on either side, of which a match is drawn."""


@dataclass(frozen=True, eq=False)
class NeuronSet:
    """Neurons to edit.

    Attributes
    ----------
    kind : str
        One of `SET_KINDS`.
    k : int
        Size of the top set that it belongs to.
    draw : int
        Number of the draw, where several are made; else 0.
    neurons : ndarray of shape (k,), int
        Columns of the activations; of a direction those of the top set, whose norm it has.
    """

    kind: str
    k: int
    draw: int
    neurons: NDArray[np.intp]


def matched_draws(
    members: NDArray[np.intp],
    layers: NDArray[np.intp],
    variance: NDArray[np.float64],
    *,
    n_draws: int,
    random_state: int = 0,
) -> NDArray[np.intp]:
    """Random neurons that match others one by one: of the same layer, and of nearly the same variance.

    Parameters
    ----------
    members : ndarray of shape (n_members,), int
        The neurons to match, most salient first; none of them is drawn.
    layers : ndarray of shape (n_neurons,), int
        Layer of each neuron.
    variance : ndarray of shape (n_neurons,), float64
    n_draws : int
    random_state : int

    Returns
    -------
    ndarray of shape (n_draws, n_members), int
        The first k of a draw match the first k members.

    Raises
    ------
    NeurosieveError
        If a layer has fewer other neurons than members.
    """
    is_member = np.zeros(len(layers), dtype=bool)
    is_member[members] = True
    drawn = np.empty((n_draws, len(members)), dtype=np.intp)
    for layer in np.unique(layers[members]):
        here = np.flatnonzero(layers[members] == layer)
        others = np.flatnonzero((layers == layer) & ~is_member)
        if len(others) < len(here):
            raise NeurosieveError(
                f"{len(here)} of the {len(members)} neurons lie in one layer of {len(here) + len(others)}, so that no "
                "random set of that layer matches them; take smaller sizes"
            )
        others = others[np.argsort(variance[others], kind="stable")]
        near = np.searchsorted(variance[others], variance[members[here]])
        for draw in range(n_draws):
            generator = np.random.default_rng((random_state, draw, int(layer)))
            free = np.ones(len(others), dtype=bool)
            for place, middle in zip(here, near, strict=True):
                width = WINDOW
                while True:
                    low = max(0, middle - width)
                    choice = low + np.flatnonzero(free[low : middle + width])
                    if len(choice):
                        break
                    width *= 2
                chosen = int(generator.choice(choice))
                free[chosen] = False
                drawn[draw, place] = others[chosen]
    return drawn


def compared_sets(
    orders: dict[str, NDArray[np.intp]],
    sizes: Sequence[int],
    *,
    layers: NDArray[np.intp],
    variance: NDArray[np.float64],
    n_draws: int,
    n_directions: int,
    random_state: int = 0,
) -> list[NeuronSet]:
    """All sets of all sizes.

    Parameters
    ----------
    orders : dict of str to ndarray of int
        Neurons from the most salient on: ``"top"``, and ``"control"`` and ``"untrained"`` where there are such rankings.
    sizes : sequence of int
    layers, variance, random_state
        See `matched_draws`.
    n_draws, n_directions : int
        Random sets and random directions of each size.
    """
    top = orders["top"]
    drawn = matched_draws(top[: max(sizes)], layers, variance, n_draws=n_draws, random_state=random_state)
    found = []
    for k in sizes:
        found += [NeuronSet(kind, k, 0, order[:k]) for kind, order in orders.items()]
        found.append(NeuronSet("bottom", k, 0, top[::-1][:k]))
        found += [NeuronSet("random", k, draw, drawn[draw, :k]) for draw in range(n_draws)]
        found += [NeuronSet("direction", k, draw, top[:k]) for draw in range(n_directions)]
    return found
