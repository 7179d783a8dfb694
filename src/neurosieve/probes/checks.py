"""Checks of what users pass to the engine: whole numbers, and devices that are there."""

from __future__ import annotations

import numpy as np
import torch

from neurosieve.errors import NeurosieveError


def require_whole(**settings: object) -> None:
    """Raise a `NeurosieveError` unless every setting is a whole number (1.0 and True are not)."""
    for name, value in settings.items():
        if not isinstance(value, (int, np.integer)) or isinstance(value, bool):
            raise NeurosieveError(f"{name} is {value!r}; expected a whole number")


def usable_device(device: str | torch.device | None) -> torch.device:
    """The device that was asked for, or by default a GPU where there is one.

    Raises
    ------
    NeurosieveError
        If the device is unknown or not on this machine.
    """
    if device is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        target = torch.device(device)
        torch.empty(1, device=target)
    except (RuntimeError, AssertionError, TypeError) as error:
        reason = (str(error).splitlines() or ["unknown"])[0].rstrip(".")
        raise NeurosieveError(
            f"device {str(device)!r} cannot be used ({reason}); leave it out, or use 'cpu'"
        ) from error
    return target
