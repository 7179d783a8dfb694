"""Taking weights out of a file by name, with every mismatch stated."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from neurosieve.errors import ModelError

if TYPE_CHECKING:
    from torch import Tensor, nn

Network = TypeVar("Network", bound="nn.Module")
LARGEST = 1_000_000
"""Largest width that an option may have."""
MOST_LAYERS = 1_000
MOST_TIMES = 16
"""How many times the bytes of its file a network's weights may have: more than packing ever saves on weights."""
LEAST_BOUND = 1 << 29
"""Bytes of weights that are built whatever the file: those of the largest released model, and a little more."""


class WeightFile:
    """Named arrays of one file.

    Parameters
    ----------
    name : str
        Of the file, for error messages.
    lookup : callable
        Gives the array of a name, or None.
    """

    def __init__(self, name: str, lookup: Callable[[str], Any]) -> None:
        self.name = name
        self._lookup = lookup

    def take(self, key: str, *shape: int) -> Tensor:
        """Return the array of a name as a float32 tensor.

        Parameters
        ----------
        key : str
        *shape : int
            What the model's options say it is.

        Raises
        ------
        ModelError
            If there is no such array, its shape is another, or it holds values that are not finite.
        """
        import torch

        found = self._lookup(key)
        if found is None or not hasattr(found, "shape"):
            raise ModelError(f"{self.name} has no weights {key!r}; the file is incomplete or of another kind of model")
        if tuple(found.shape) != shape:
            raise ModelError(
                f"{self.name}: weights {key!r} have the shape {tuple(found.shape)}, where the model's options ask for "
                f"{shape}; options and weights do not belong together"
            )
        try:
            tensor: Tensor
            if isinstance(found, torch.Tensor):
                tensor = found.to(torch.float32)
            else:
                tensor = torch.from_numpy(np.asarray(found[...], dtype=np.float32))
        except (OSError, TypeError, ValueError, RuntimeError) as error:
            raise ModelError(f"{self.name}: weights {key!r} cannot be read ({error}); get the file again") from error
        if not bool(torch.isfinite(tensor).all()):
            raise ModelError(f"{self.name}: weights {key!r} hold values that are not finite; get the file again")
        return tensor


def built(build: Callable[[], Network], *, n_bytes: int, where: str) -> Network:
    """Build a network, unless its options ask for far more weights than its file can hold.

    Raises
    ------
    ModelError
        If they do; nothing of that size is made then.
    """
    import torch

    with torch.device("meta"):
        asked = sum(parameter.numel() for parameter in build().parameters())
    if 4 * asked > max(MOST_TIMES * n_bytes, LEAST_BOUND):
        raise ModelError(
            f"{where}: the options ask for {asked:,} weights, and the file of weights has {n_bytes:,} bytes; options and "
            "weights do not belong together"
        )
    return build()


def require(
    options: Mapping[str, Any],
    path: str,
    *,
    where: str,
    kind: type = int,
    least: int = 1,
    most: int = LARGEST,
) -> Any:  # noqa: ANN401
    """Return a nested option.

    Parameters
    ----------
    options : mapping
    path : str
        Keys separated by dots.
    where : str
        Names the file in errors.
    kind : type
        Of the value.
    least, most : int
        Bounds of a number.

    Raises
    ------
    ModelError
        If the option is missing, of another kind, or out of bounds.
    """
    value: Any = options
    for key in path.split("."):
        if not isinstance(value, Mapping) or key not in value:
            raise ModelError(f"{where} has no option {path!r}; the file is incomplete or of another kind of model")
        value = value[key]
    if not isinstance(value, kind) or isinstance(value, bool):
        raise ModelError(f"{where}: option {path!r} is {value!r}, where {kind.__name__} is expected")
    number: Any = value
    if kind is int and not least <= number <= most:
        raise ModelError(f"{where}: option {path!r} is {value}; expected {least} to {most:,}")
    return value
