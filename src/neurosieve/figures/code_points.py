"""Labels in scripts that the bundled font lacks, as code points: boxes would all look the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache

from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.text import Text
from matplotlib.ticker import Formatter, FuncFormatter

from neurosieve.figures.style import STYLE


@cache
def _glyphs() -> frozenset[int]:
    """Code points that the font of all figures has."""
    return frozenset(get_font(findfont(FontProperties(family=STYLE["font.family"]))).get_charmap())


def lacking(text: str) -> set[str]:
    """Characters of a text that the font has not."""
    return {c for c in text if ord(c) not in _glyphs() and not c.isspace()}


def with_code_points(text: str) -> str:
    """The text with each character that the font lacks as its code point, such as U+540D, set apart by blanks."""
    if not lacking(text):
        return text
    return " ".join("".join(f" U+{ord(c):04X} " if lacking(c) else c for c in text).split())


@contextmanager
def code_points(figure: Figure) -> Iterator[set[str]]:
    """Write what the font lacks as code points while the figure is drawn; gives the characters that it lacks."""
    found: set[str] = set()
    before: list[tuple[Text, str]] = []
    formatters = []
    for ax in figure.axes:
        for axis in (ax.xaxis, ax.yaxis):
            missing = set().union(*(lacking(label.get_text()) for label in axis.get_ticklabels()))
            if missing:  # of names, not of numbers, whose formatters have a state of their own
                found |= missing
                formatters.append((axis, axis.get_major_formatter()))
                axis.set_major_formatter(FuncFormatter(_rewritten(axis.get_major_formatter())))
    for text in figure.findobj(Text):
        if isinstance(text, Text) and lacking(text.get_text()):
            found |= lacking(text.get_text())
            before.append((text, text.get_text()))
            text.set_text(with_code_points(text.get_text()))
    try:
        yield found
    finally:
        for axis, formatter in formatters:
            axis.set_major_formatter(formatter)
        for text, said in before:
            text.set_text(said)


def _rewritten(formatter: Formatter) -> Callable[[float, int | None], str]:
    """A formatter's labels with code points."""

    def written(value: float, place: int | None = None) -> str:
        return with_code_points(formatter(value, place))

    return written
