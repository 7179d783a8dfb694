"""The cells of a run's folder: one to run stages on, and those that are there to be read."""

from __future__ import annotations

import logging

from neurosieve.activations.from_text import with_property
from neurosieve.activations.store import ActivationStore
from neurosieve.bars import Reporter, silent
from neurosieve.corpora.derived import property_name
from neurosieve.rankings.registry import method_named
from neurosieve.study import baselines, comparison, looking  # noqa: F401  (their stages are part of every run)
from neurosieve.study.cell import Cell
from neurosieve.study.folder import RunFolder, property_in
from neurosieve.study.opened import OpenCell
from neurosieve.study.settings import StudySettings, slug
from neurosieve.study.sources import Activations, activations_of, resolved
from neurosieve.study.stage import STAGES

log = logging.getLogger(__name__)


def cell_of(
    folder: RunFolder,
    settings: StudySettings,
    activations: Activations,
    *,
    store: ActivationStore,
    prop: str,
    method: str,
    report: Reporter = silent,
) -> Cell:
    """The cell of a property, as the study names it, to run stages on."""
    store, name = with_property(store, prop), resolved(store, prop)
    return Cell(
        folder=folder.cell_path(activations.model, activations.corpus, name),
        model=activations.model,
        corpus=activations.corpus,
        prop=name,
        method=method,
        store=store,
        asked=settings.probes,
        report=report,
        model_settings=None if activations.made_from is None else activations.made_from[1],
    )


def studied_cell(
    folder: RunFolder,
    settings: StudySettings,
    activations: Activations,
    *,
    store: ActivationStore,
    prop: str,
    method: str,
    report: Reporter = silent,
) -> Cell | None:
    """`cell_of`, or None where the study has other rankings and this one does not rank neurons for such a property."""
    cell = cell_of(folder, settings, activations, store=store, prop=prop, method=method, report=report)
    if cell.splits.loss in method_named(method).losses or len(settings.probes.ranking) == 1:
        return cell
    kind = "labels" if cell.splits.loss == "softmax" else "real values"
    log.warning("%s has %s, which %s does not rank neurons for: left out", cell.prop, kind, method)
    return None


def finish(cell: Cell, *, extraction: float | None = None) -> OpenCell:
    """Run whatever stages a cell lacks, and give what they left.

    Parameters
    ----------
    cell : Cell
    extraction : float, optional
        Seconds that the extraction of its activations took.
    """
    for stage in STAGES.values():
        if stage.wanted(cell):
            stage(cell)
    cell.forget_parts()
    names = (cell.folder, cell.model, cell.corpus, cell.prop, cell.method)
    return OpenCell(*names, store_path=cell.store.path, asked=cell.asked, extraction=extraction)


def extraction_seconds(folder: RunFolder, activations: Activations) -> float | None:
    """How long an extraction took; None if this run did not do it."""
    seconds = folder.manifest().get("seconds", {})
    found: float | None = seconds.get(f"extract {activations.path.name}")
    return found


def open_cells(folder: RunFolder, settings: StudySettings) -> list[OpenCell]:
    """Every cell of which a stage is finished, in the study's order; properties that the study does not name come last."""
    return [
        cell
        for activations in activations_of(folder, settings)
        for extraction in [extraction_seconds(folder, activations)]
        for prop in _studied(folder, activations)
        for method in settings.probes.ranking
        if (
            cell := OpenCell(
                folder.cell_path(activations.model, activations.corpus, prop),
                activations.model,
                activations.corpus,
                prop,
                method,
                store_path=activations.path,
                written=next((p for p in activations.properties if property_name(p) == prop), prop),
                asked=settings.probes,
                extraction=extraction,
            )
        ).finished
        and cell.loss in (None, *method_named(method).losses)
    ]


def _studied(folder: RunFolder, activations: Activations) -> list[str]:
    """Properties with a folder, by the name that the store has."""

    def there(prop: str) -> bool:
        return folder.cell_path(activations.model, activations.corpus, prop).is_dir()

    named = [name for prop in activations.properties for name in (prop, property_name(prop) or prop) if there(name)]
    begins = f"{slug(activations.model)}--{slug(activations.corpus)}--"
    folders = (path for path in (folder.path / "cells").glob("*") if path.name.startswith(begins))
    others = [prop for path in folders if (prop := property_in(path)) is not None and there(prop)]
    return list(dict.fromkeys([*named, *sorted(others)]))
