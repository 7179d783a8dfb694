"""What can be changed in a forward pass: some neurons of a layer, at all positions or at some words.

Nothing here knows of a network. A family that can be edited (see `neurosieve.models.language_model.LanguageModel.edited`)
carries edits out where the neurons are read, so that all that follows sees them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from neurosieve.errors import ModelError

if TYPE_CHECKING:
    from torch import Tensor

_SHOWN = 8
"""Numbers that a description of an edit lists; of more it gives a digest."""


@dataclass(frozen=True, eq=False)
class _Numbers:
    """A change by a number for all neurons or one number for each.

    Parameters
    ----------
    numbers : float or array-like of shape (n_neurons,)
        In the neurons' own units.
    """

    numbers: ArrayLike

    def __post_init__(self) -> None:
        array = np.asarray(self.numbers, dtype=np.float64)
        if array.ndim > 1:
            raise ModelError(f"{type(self).__name__} has numbers of shape {array.shape}; expected one, or one a neuron")
        object.__setattr__(self, "numbers", array)

    def __repr__(self) -> str:
        array = np.asarray(self.numbers)
        return f"{type(self).__name__}({array.tolist() if array.size <= _SHOWN else 'sha256 ' + _digest(array)})"

    def _like(self, values: Tensor) -> Tensor:
        import torch

        numbers = torch.as_tensor(np.asarray(self.numbers), dtype=values.dtype, device=values.device)
        if numbers.dim() and len(numbers) != values.shape[1]:
            raise ModelError(
                f"{type(self).__name__} has {len(numbers)} numbers for {values.shape[1]} neurons; give one for each, or one"
            )
        return numbers


class SetTo(_Numbers):
    """Gives neurons fixed values: ``SetTo(0.0)``, or ``SetTo(means)`` with one value a neuron."""

    def __call__(self, values: Tensor) -> Tensor:
        """Map (n_positions, n_neurons) to the same shape."""
        return self._like(values).expand_as(values)


class Scale(_Numbers):
    """Multiplies neurons: ``Scale(2.0)``, or ``Scale(factors)`` with one factor a neuron."""

    def __call__(self, values: Tensor) -> Tensor:
        """Map (n_positions, n_neurons) to the same shape."""
        return values * self._like(values)


class Add(_Numbers):
    """Adds to neurons: ``Add(vector)`` with one number a neuron, such as a direction, or one number for all."""

    def __call__(self, values: Tensor) -> Tensor:
        """Map (n_positions, n_neurons) to the same shape."""
        return values + self._like(values)


class Resampled:
    """Gives neurons the values that they have at randomly drawn words.

    Edits with pools of the same words and the same seed draw the same words, so that neurons of several layers get the
    values of one word.

    Parameters
    ----------
    pool : array-like of shape (n_pool, n_neurons)
        The neurons' values at the words that are drawn from.
    seed : int
    """

    def __init__(self, pool: ArrayLike, seed: int) -> None:
        self.pool = np.asarray(pool, dtype=np.float32)
        self.seed = seed
        if self.pool.ndim != 2 or not len(self.pool):
            raise ModelError(
                f"Resampled has a pool of shape {self.pool.shape}; expected words x neurons, one word at least"
            )

    def __repr__(self) -> str:
        return f"Resampled(sha256 {_digest(self.pool)}, seed={self.seed})"

    def __call__(self, values: Tensor) -> Tensor:
        """Map (n_positions, n_neurons) to the same shape."""
        import torch

        if self.pool.shape[1] != values.shape[1]:
            raise ModelError(
                f"Resampled has a pool of {self.pool.shape[1]} neurons for {values.shape[1]}; give one for each"
            )
        drawn = np.random.default_rng(self.seed).integers(len(self.pool), size=len(values))
        return torch.as_tensor(self.pool[drawn], dtype=values.dtype, device=values.device)


class FromPaired:
    """Gives neurons the values that they have in a paired text (interchange); only where texts are paired."""

    def __repr__(self) -> str:
        return "FromPaired()"

    def __call__(self, values: Tensor) -> Tensor:  # noqa: ARG002
        """Refuse: outside of `LanguageModel.answers` there is no paired text."""
        raise ModelError(
            "values can be taken from a paired text only where texts are paired; use `answers` with such texts"
        )


@dataclass(frozen=True, eq=False)
class Edit:
    """One change of some neurons of a layer.

    Attributes
    ----------
    layer : str
        Its name, as stores and rankings have it: ``"L3"``, ``"L3.mlp"``, ``"dec.L1.heads"``.
    neurons : sequence of int, or None
        Numbers of the neurons in the layer; None = all of them.
    change : callable
        `SetTo`, `Scale`, `Add`, or a function of your own that maps a tensor (n_positions, n_neurons) to another of that shape.
    words : sequence of int, or None
        Words of each sentence at whose sub-words the change takes place; -1 is the last word. None = all positions, special
        tokens included. A sentence without such a word is left as it is.
    site : str, optional
        Only for a site that you name yourself, as in `neurosieve.models.load.load_model`:
        ``Edit("L3.gate", ..., site="gate=layers.{}.mlp.gate_proj:out")``.

    Raises
    ------
    ModelError
        If neurons or words are none, or neurons are below 0.
    """

    layer: str
    neurons: Sequence[int] | None
    change: Callable[[Tensor], Tensor]
    words: Sequence[int] | None = None
    site: str | None = None

    def __post_init__(self) -> None:
        for name in ("neurons", "words"):
            given = getattr(self, name)
            if given is None:
                continue
            numbers = tuple(int(number) for number in given)
            if not numbers:
                raise ModelError(f"the edit of {self.layer} has no {name}; name some, or None for all")
            object.__setattr__(self, name, numbers)
        if self.neurons is not None and min(self.neurons) < 0:
            raise ModelError(f"the edit of {self.layer} has neuron {min(self.neurons)}; neurons are counted from 0")

    def described(self) -> dict[str, object]:
        """What tells the edit from another in a manifest; of a function of your own that is its name alone."""
        change = self.change
        own = not isinstance(change, (_Numbers, Resampled, FromPaired))
        neurons = None if self.neurons is None else list(self.neurons)
        return {
            "layer": self.layer,
            "neurons": neurons if neurons is None or len(neurons) <= _SHOWN else f"sha256 {_digest(np.array(neurons))}",
            "change": f"{change.__module__}.{getattr(change, '__qualname__', type(change))}" if own else repr(change),
            "words": None if self.words is None else list(self.words),
            "site": self.site,
        }


def edits_of(
    neurons: Sequence[str], change: Callable[[Tensor], Tensor], *, words: Sequence[int] | None = None
) -> list[Edit]:
    """The same change for neurons by their names.

    Parameters
    ----------
    neurons : sequence of str
        Such as ``["L3N251", "L3N7", "L5.mlp.N12"]``.
    change : callable
        See `Edit`. Numbers that differ between neurons need an `Edit` for each layer.
    words : sequence of int, optional
        See `Edit`.

    Returns
    -------
    list of Edit
        One for each layer.

    Raises
    ------
    ModelError
        If a name is not one of a neuron.

    Examples
    --------
    >>> [(edit.layer, edit.neurons) for edit in edits_of(["L3N251", "L5.mlp.N12", "L3N7"], SetTo(0.0))]
    [('L3', (251, 7)), ('L5.mlp', (12,))]
    """
    by_layer: dict[str, list[int]] = {}
    for name in neurons:
        parts = re.fullmatch(r"(.+?)\.?N(\d+)", name)
        if parts is None:
            raise ModelError(f"{name!r} is no name of a neuron; expected one such as L3N251 or L3.mlp.N251")
        by_layer.setdefault(parts[1], []).append(int(parts[2]))
    return [Edit(layer, numbers, change, words) for layer, numbers in by_layer.items()]


def _digest(array: np.ndarray) -> str:
    return sha256(np.ascontiguousarray(array).tobytes()).hexdigest()
