"""Sets of neurons that are edited, and the sets that they are compared with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neurosieve.errors import NeurosieveError

SET_KINDS = ("top", "bottom", "random", "control", "untrained", "direction")
KEPT_KINDS = ("top", "control", "untrained", "random")
"""Kinds of sets of which it is asked what they do alone."""
KEPT = ", all others"
"""What ends the name of an edit of all neurons but a set."""
LARGEST_SHARE = 0.1
"""Share of all neurons above which no set goes by default: matched random sets need others to be drawn from."""
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
    keep : bool
        Whether they alone are left as they are and all others are edited.
    layer : int or None
        Position of the layer, if they are those members of a set that lie in it; None = the whole set.
    """

    kind: str
    k: int
    draw: int
    neurons: NDArray[np.intp]
    keep: bool = False
    layer: int | None = None


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
    also: Sequence[str] = (),
    random_state: int = 0,
) -> list[NeuronSet]:
    """All sets of all sizes; those that are removed come first.

    Parameters
    ----------
    orders : dict of str to ndarray of int
        Neurons from the most salient on: ``"top"``, and ``"control"`` and ``"untrained"`` where there are such rankings.
    sizes : sequence of int
    layers, variance, random_state
        See `matched_draws`.
    n_draws, n_directions : int
        Random sets and random directions of each size.
    also : sequence of {"keep", "layers"}
        Sets that are kept while all others are edited; and the largest top set and its matches, one layer at a time.
    """
    top = orders["top"]
    drawn = matched_draws(top[: max(sizes)], layers, variance, n_draws=n_draws, random_state=random_state)
    found = []
    for k in sizes:
        found += [NeuronSet(kind, k, 0, order[:k]) for kind, order in orders.items()]
        found.append(NeuronSet("bottom", k, 0, top[::-1][:k]))
        found += [NeuronSet("random", k, draw, drawn[draw, :k]) for draw in range(n_draws)]
        found += [NeuronSet("direction", k, draw, top[:k]) for draw in range(n_directions)]
    if "layers" in also:
        members = top[: max(sizes)]
        for layer in np.unique(layers[members]):
            here = layers[members] == layer
            k = int(here.sum())
            found.append(NeuronSet("top", k, 0, members[here], layer=int(layer)))
            found += [NeuronSet("random", k, draw, drawn[draw, here], layer=int(layer)) for draw in range(n_draws)]
    if "keep" in also:
        found += _kept(orders, sizes, layers=layers, variance=variance, n_draws=n_draws, random_state=random_state)
    return found


def _kept(
    orders: dict[str, NDArray[np.intp]],
    sizes: Sequence[int],
    *,
    layers: NDArray[np.intp],
    variance: NDArray[np.float64],
    n_draws: int,
    random_state: int,
) -> list[NeuronSet]:
    """Sets that are kept: of the given sizes, and of larger ones, as few neurons alone seldom do anything; and of none."""
    largest = max(max(sizes), int(LARGEST_SHARE * len(layers)))
    larger = [digit * 10**power for power in range(len(str(largest))) for digit in (1, 2, 5)]
    room = np.bincount(layers) // 2
    wanted = [
        k
        for k in sorted({*sizes, *(k for k in larger if max(sizes) < k <= largest)})
        if k <= max(sizes) or (np.bincount(layers[orders["top"][:k]], minlength=len(room)) <= room).all()
    ]
    drawn = matched_draws(orders["top"][: wanted[-1]], layers, variance, n_draws=n_draws, random_state=random_state)
    found = [NeuronSet("top", 0, 0, orders["top"][:0], keep=True)]
    for k in wanted:
        found += [NeuronSet(kind, k, 0, order[:k], keep=True) for kind, order in orders.items() if kind in KEPT_KINDS]
        found += [NeuronSet("random", k, draw, drawn[draw, :k], keep=True) for draw in range(n_draws)]
    return found
