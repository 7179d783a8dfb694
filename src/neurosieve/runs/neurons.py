"""`show`: what one neuron does, from a run or from activations, looked at now where the run has not done so."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path

import pandas as pd

from neurosieve.activations.format import SHARDS
from neurosieve.activations.store import ActivationStore, open_store
from neurosieve.errors import StudyError
from neurosieve.report.neuron.page import NeuronPage
from neurosieve.report.neuron.tables import looked_at, split_by_neuron
from neurosieve.report.sections.looks import facts
from neurosieve.runs.opened import Run, open_run
from neurosieve.study.neurons import look
from neurosieve.study.opened import OpenCell

__all__ = ["NeuronPage", "show"]


def show(
    source: Run | OpenCell | ActivationStore | str | Path,
    neuron: str,
    prop: str | None = None,
    *,
    model: str | None = None,
    corpus: str | None = None,
    ranking: str | None = None,
) -> NeuronPage:
    """Show what a neuron does: its answer in a sentence, its values by label, words in context, and what else it follows.

    Parameters
    ----------
    source : Run, OpenCell, ActivationStore, str or Path
        A run, one of its cells, a store, or the folder of a run or a store.
    neuron : str
        Its name, such as ``L3N251``.
    prop : str, optional
        The property; not needed where there is only one. A store can be looked at without any.
    model, corpus, ranking : str, optional
        Which cell of a run, where several have the property.

    Returns
    -------
    NeuronPage
        A notebook shows it; ``print`` gives text, ``save(path)`` writes a page.

    Raises
    ------
    NeurosieveError
        If there is no such neuron, property or cell, or several; the message says which there are.

    Examples
    --------
    >>> import neurosieve as ns
    >>> ns.show("nowhere", "L3N251")
    Traceback (most recent call last):
    ...
    neurosieve.errors.StudyError: nowhere: holds no run; make one with `neurosieve extract` or `neurosieve run`
    """
    opened = _opened(source)
    if isinstance(opened, ActivationStore):
        return _of_store(opened, neuron, prop)
    cell = (
        opened if isinstance(opened, OpenCell) else _only_cell(opened, prop, model=model, corpus=corpus, method=ranking)
    )
    return _of_cell(cell, neuron)


def _opened(source: Run | OpenCell | ActivationStore | str | Path) -> Run | OpenCell | ActivationStore:
    if not isinstance(source, (str, Path)):
        return source
    return open_store(source) if (Path(source) / SHARDS).is_dir() else open_run(source)


def _only_cell(run: Run, prop: str | None, *, model: str | None, corpus: str | None, method: str | None) -> OpenCell:
    """The cell that is meant; of several rankings the one that the study names first."""
    found = run.cells.select(prop=prop, model=model, corpus=corpus, method=method)
    if len({(c.model, c.corpus, c.prop) for c in found}) != 1:
        there = (
            "; ".join(dict.fromkeys(f"{c.prop} in {c.model} over {c.corpus}" for c in (found or run.cells))) or "none"
        )
        what = "several cells fit" if len(found) else "no cell fits"
        raise StudyError(f"{run.path}: {what}; name property, model and corpus of one of them: {there}")
    return found[0]


def _number(names: pd.Series[str], neuron: str, where: object) -> int:
    """The column of a neuron's name."""
    places = names.index[names == neuron]
    if not len(places):
        near = get_close_matches(neuron, names.tolist(), n=1)
        meant = f"did you mean {near[0]}?" if near else f"names are such as {names.iloc[0]} and {names.iloc[-1]}"
        raise StudyError(f"{where}: no neuron '{neuron}' among {len(names)}; {meant}")
    return int(places[0])


def _of_store(store: ActivationStore, neuron: str, prop: str | None) -> NeuronPage:
    if prop is None and len(store.properties) == 1:
        prop = store.properties[0]
    if prop is not None:
        store.require(prop)
    names = store.neurons["neuron"]
    number = _number(names, neuron, store.path)
    tables = look(store, prop, [number], probe=None)
    labels = [] if prop is None else [label for label in store.labels(prop)[:1000] if label is not None]
    real = bool(labels) and isinstance(labels[0], float)
    n = split_by_neuron(tables, names, prop=prop or "", unit=store.unit, real_values=real)[number]
    manifest = store.manifest
    return NeuronPage(n, where=f"{manifest['model']['name']}, {manifest['corpus']['name']}")


def _of_cell(cell: OpenCell, neuron: str) -> NeuronPage:
    data = cell.result("data")
    names = data["neurons"]["neuron"].astype(str)
    number = _number(names, neuron, cell.folder.name)
    tables = cell.tables if "looks" in cell.finished else {}
    seen = looked_at(tables)
    if number not in seen:  # with those that were looked at, so that it can be said which it goes with
        tables = look(cell.store, cell.prop, [number, *seen], probe=cell.probe(0) if 0 in cell.seeds else None)
    about = data["about"].iloc[0]
    real = bool(about["loss"] == "squared")
    found = split_by_neuron(tables, names, prop=cell.prop, unit=str(about["unit"]), real_values=real)[number]
    known = [] if cell.missing else facts(cell.findings(), number)
    return NeuronPage(found, facts=known, where=f"{cell.prop} in {cell.model}, {cell.corpus}")
