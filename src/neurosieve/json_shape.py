"""What a JSON file of ours must hold: names and kinds of its entries, so that an edited one is refused in a line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MOST = 2**48
"""Largest whole number that a file of ours may hold: more than anything that is counted, and safe in every array."""
ANY = "*"
"""Key of a shape that stands for every key of a mapping."""
_CALLED = {
    str: "a text",
    int: "a whole number from 0",
    float: "a number",
    dict: "a mapping",
    list: "a list",
    bool: "true or false",
}


def misfit(content: Any, shape: Any, where: str = "") -> str | None:  # noqa: ANN401 (any JSON)
    """The first place where JSON is not of a shape, in words; None if it is.

    Parameters
    ----------
    content : JSON value
    shape : type, mapping, list or tuple
        ``str``, ``int`` (0 to `MOST`), ``float``, ``bool``, ``dict``, ``list`` or ``object`` (anything); a mapping of keys to
        shapes, where a key that ends with ``?`` may lack or be null and ``"*"`` is every key; a list of one shape for lists of
        any length; a tuple of shapes for lists of that length.
    where : str
        The place that `content` has in the file.

    Examples
    --------
    >>> misfit({"splits": {"train": [0, "x"]}}, {"splits": {"*": (int, int)}})
    "splits.train[1] is 'x', where a whole number from 0 is expected"
    >>> misfit({}, {"model": dict})
    'model is missing'
    """
    if isinstance(shape, type):
        if shape is object or _is(content, shape):
            return None
        return f"{where or 'the file'} is {_shown(content)}, where {_CALLED[shape]} is expected"
    if isinstance(shape, (list, tuple)):
        if not isinstance(content, list):
            return f"{where or 'the file'} is {_shown(content)}, where a list is expected"
        if isinstance(shape, tuple) and len(content) != len(shape):
            return f"{where or 'the file'} has {len(content)} entries, where {len(shape)} are expected"
        shapes = shape if isinstance(shape, tuple) else shape * len(content)
        found = (misfit(part, one, f"{where}[{i}]") for i, (part, one) in enumerate(zip(content, shapes, strict=True)))
        return next(filter(None, found), None)
    if not isinstance(content, dict):
        return f"{where or 'the file'} is {_shown(content)}, where a mapping is expected"
    return next(filter(None, (_entry(content, key, part, where) for key, part in shape.items())), None)


def _entry(content: Mapping[str, Any], key: str, shape: Any, where: str) -> str | None:  # noqa: ANN401
    if key == ANY:
        found = (misfit(part, shape, _joined(where, name)) for name, part in content.items())
        return next(filter(None, found), None)
    name = key.removesuffix("?")
    if content.get(name) is None and name != key:
        return None
    return (
        misfit(content[name], shape, _joined(where, name)) if name in content else f"{_joined(where, name)} is missing"
    )


def _is(value: Any, kind: type) -> bool:  # noqa: ANN401
    if isinstance(value, bool):
        return kind is bool
    if isinstance(value, int) and kind in (int, float):
        return abs(value) <= MOST and (kind is float or value >= 0)
    return isinstance(value, kind)


def _joined(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name


def _shown(value: Any) -> str:  # noqa: ANN401
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
