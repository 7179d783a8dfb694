"""A section of the page: its figures, words, table, cautions and lines of the summary, in one object."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pandas as pd

from neurosieve.errors import NeurosieveError
from neurosieve.figures.style import score_name
from neurosieve.report.numbers import file_name, over_seeds

if TYPE_CHECKING:
    from neurosieve.study.findings import Findings


@dataclass(frozen=True)
class Need:
    """What a section or a figure needs.

    Attributes
    ----------
    met : callable
        Whether the findings have it.
    otherwise : str
        The sentence that stands in the section where they have it not (see `filled`); without one it is left out.
    """

    met: Callable[[Findings], bool]
    otherwise: str = ""


@dataclass(frozen=True)
class Figure:
    """A figure of a section.

    Attributes
    ----------
    draw : callable
        Findings to axes.
    data : callable
        Findings to the table that is saved beside the figure.
    caption : str
        What it shows (see `filled`).
    needs : tuple of Need
        Without them it is not drawn.
    """

    draw: Callable[[Findings], Any]
    data: Callable[[Findings], pd.DataFrame]
    caption: str
    needs: tuple[Need, ...] = ()


@dataclass(frozen=True)
class Parts:
    """Parts below a section that a reader opens one by one, such as one a neuron.

    Attributes
    ----------
    template : str
        Name of the file in ``templates/`` that shows one of them, as ``part``.
    of : callable
        ``of(findings, anchor, most)`` gives at most `most` of them, each a mapping for the template with its address ``id``,
        which begins with `anchor`.
    n : callable
        How many there are.
    """

    template: str
    of: Callable[[Findings, str, int], Sequence[Mapping[str, Any]]]
    n: Callable[[Findings], int]


def _nothing(_: Findings) -> None:
    return None


@dataclass(frozen=True)
class Section:
    """A section of the page. All callables take the findings of one model and property.

    Attributes
    ----------
    key : str
        Ends the section's address on the page.
    heading : str
    needs : tuple of Need
        Without them the section says what it lacks, or is left out; nothing else of it is asked for.
    words : callable
        Paragraphs, or one as a str.
    figures : mapping of str to Figure
        By the names of their files.
    table : callable
        A DataFrame, or None.
    caution : callable
        What a reader must know before trusting the numbers: sentences, one as a str, or None.
    brief : callable
        The section's part of the summary: {question: answer}, or None.
    parts : Parts or None
    """

    key: str
    heading: str
    needs: tuple[Need, ...] = ()
    words: Callable[[Findings], Sequence[str] | str | None] = _nothing
    figures: Mapping[str, Figure] = field(default_factory=dict)
    table: Callable[[Findings], pd.DataFrame | None] = _nothing
    caution: Callable[[Findings], Sequence[str] | str | None] = _nothing
    brief: Callable[[Findings], Mapping[str, str] | None] = _nothing
    parts: Parts | None = None

    def __post_init__(self) -> None:
        for name in (self.key, *self.figures):
            if file_name(name) != name:
                raise NeurosieveError(f"{name!r} cannot be part of a file's name or address; take {file_name(name)!r}")


LABELS = Need(lambda f: f.metric != "r2")
REAL_VALUES = Need(lambda f: f.metric == "r2")
BY_MASS = Need(lambda f: f.by_mass, "This needs the ranking by weight mass; this one is by {f.ranking.method}.")
RESAMPLED = Need(
    lambda f: f.certainty is not None,
    "This needs resamples of the text; “neurosieve stability” on this run's folder makes them.",
)


def has_table(name: str, otherwise: str = "") -> Need:
    """The findings have rows in the table `name`, one of their own or one of a stage (`Findings.tables`)."""

    def met(f: Findings) -> bool:
        table = f.tables.get(name, getattr(f, name, None))
        return isinstance(table, pd.DataFrame) and len(table) > 0

    return Need(met, otherwise)


def lacking(needs: Sequence[Need], f: Findings) -> Need | None:
    """The first need that the findings do not meet."""
    return next((need for need in needs if not need.met(f)), None)


def filled(text: str, f: Findings) -> str:
    """`text` with what it names in braces.

    ``{score}`` is accuracy or R², ``{mean}`` the addition ``, mean over seeds`` where minimal sets differ between these, and
    ``{f.unit}`` and the like are of the findings.
    """
    try:
        return text.format(score=score_name(f), mean=over_seeds(f), f=f)
    except (AttributeError, IndexError, KeyError, ValueError) as error:
        raise NeurosieveError(
            f"cannot fill {text!r} ({error}); use {{score}}, {{mean}}, {{f.unit}} and the like, or {{{{ }}}}"
        ) from error


def sentences(said: Sequence[str] | str | None) -> list[str]:
    """What a section says, as a list."""
    return [said] if isinstance(said, str) else list(said or ())
