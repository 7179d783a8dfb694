"""``neuron`` and ``words``: what one neuron does."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from neurosieve.cli.describe import add
from neurosieve.cli.on_run import CORPUS, MODEL
from neurosieve.cli.options import RANKING
from neurosieve.cli.output import CSV_OPTION, TABLE_OPTION, Format, UsageError, chosen_format, emit, reporting, visible

if TYPE_CHECKING:
    from neurosieve.runs.neurons import NeuronPage

SOURCE = typer.Argument(..., help="A run's folder, or an activation store.", metavar="RUN")
PROPERTY = typer.Option(None, "--property", "-p", help="The property; not needed where there is one.", metavar="NAME")
KINDS = ("top", "middle", "bottom", "random")


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    add(app, neuron, words)


def _page(
    run: Path, name: str, prop: str | None, *, model: str | None, corpus: str | None, ranking: str | None
) -> NeuronPage:
    from neurosieve.runs.neurons import show

    with reporting(quiet=True):
        return show(run, name, prop, model=model, corpus=corpus, ranking=ranking)


def neuron(
    run: Path = SOURCE,
    name: str = typer.Argument(..., help="The neuron, such as L3N251.", metavar="NEURON"),
    prop: str | None = PROPERTY,
    model: str | None = MODEL,
    corpus: str | None = CORPUS,
    ranking: str | None = RANKING,
    html: bool = typer.Option(False, "--html", help="Print a page that opens in a browser instead of text."),
    csv: bool = typer.Option(False, "--csv", help="Print its numbers as CSV instead of text."),
) -> None:
    """Say what a neuron does.

    In a sentence: on which words and labels it goes up and down. Then its rank, the labels that weigh it with sign, words
    in context from the top, the middle, the bottom and at random, word types, and what else it follows. A neuron that the
    run has not looked at is looked at now; its page is not written into the run.

    In Python: neurosieve.show

    Example:
        neurosieve neuron runs/bert L3N251 --property pos
    """
    if html and csv:
        raise UsageError("choose one of --html and --csv")
    page = _page(run, name, prop, model=model, corpus=corpus, ranking=ranking)
    if csv:
        emit(page.to_frame(), form=Format.csv)
    else:
        print(page.html() if html else visible(page, but="\n"))


def words(
    run: Path = SOURCE,
    name: str = typer.Option(..., "--neuron", "-n", help="The neuron, such as L3N251.", metavar="NEURON"),
    prop: str | None = PROPERTY,
    model: str | None = MODEL,
    corpus: str | None = CORPUS,
    ranking: str | None = RANKING,
    kind: str | None = typer.Option(None, "--kind", help=f"Only one kind: {', '.join(KINDS)}.", metavar="KIND"),
    alone: bool = typer.Option(False, "--alone", help="Only the words that are meant, without their contexts."),
    csv: bool = CSV_OPTION,
    table: bool = TABLE_OPTION,
) -> None:
    """List words in context with a neuron's values.

    Prints one row a word: kind (top, middle, bottom or random) and number of the context, sentence and position in the corpus,
    offset (0 is the word that is meant), word, label and value. Top and bottom are the most extreme words, one a sentence
    and two a type at most; middle (of the middle fifth) and random are drawn.

    In Python: neurosieve.show(run, neuron).words

    Example:
        neurosieve words runs/bert --neuron L3N251 --property pos --alone --table
    """
    form = chosen_format(csv=csv, table=table)
    if kind not in (None, *KINDS):
        raise UsageError(f"--kind {kind}: expected one of {', '.join(KINDS)}")
    page = _page(run, name, prop, model=model, corpus=corpus, ranking=ranking)
    frame = page.words if kind is None else page.words[page.words["kind"] == kind]
    emit(frame[frame["offset"] == 0] if alone else frame, form=form, title="words in context", neuron=name)
