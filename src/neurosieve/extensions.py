"""What other packages add: objects behind entry points."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import entry_points
from typing import Any, TypeVar

from neurosieve.errors import NeurosieveError

T = TypeVar("T")


def offered(group: str, kind: type[T], *, loaded: set[str]) -> Iterator[tuple[str, T]]:
    """Objects of the entry points of `group` that are not in `loaded`; each is added to it once it was taken.

    Yields
    ------
    (str, object)
        Which entry point of which package it is, for errors, and the object.

    Raises
    ------
    NeurosieveError
        If one cannot be loaded or is no `kind`.
    """
    for point in entry_points(group=group):
        package = point.dist.name if point.dist else point.value
        name = f"{package}:{point.name}"
        if name in loaded:
            continue
        where = f"the entry point '{point.name}' of the package {package}"
        try:
            found: Any = point.load()
        except Exception as error:
            raise NeurosieveError(f"{where} cannot be loaded ({error}); mend or uninstall {package}") from error
        if not isinstance(found, kind):
            raise NeurosieveError(
                f"{where} is a {type(found).__name__}; expected a {kind.__name__}: mend or uninstall {package}"
            )
        yield where, found
        loaded.add(name)
