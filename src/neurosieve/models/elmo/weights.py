"""Taking weights out of a file by name, with every mismatch stated."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosieve.errors import ModelError

if TYPE_CHECKING:
    from torch import Tensor


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


def require(options: Mapping[str, Any], path: str, *, where: str, kind: type = int) -> Any:  # noqa: ANN401
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

    Raises
    ------
    ModelError
        If the option is missing or of another kind.
    """
    value: Any = options
    for key in path.split("."):
        if not isinstance(value, Mapping) or key not in value:
            raise ModelError(f"{where} has no option {path!r}; the file is incomplete or of another kind of model")
        value = value[key]
    if not isinstance(value, kind) or isinstance(value, bool):
        raise ModelError(f"{where}: option {path!r} is {value!r}, where {kind.__name__} is expected")
    return value
