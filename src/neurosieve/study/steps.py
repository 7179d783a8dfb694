"""The single steps of the chain on a run's folder, for the commands that do one stage each."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pydantic import ValidationError

from neurosieve.activations.repair import take_out_damaged
from neurosieve.activations.store import ActivationStore, open_store
from neurosieve.bars import Reporter, silent
from neurosieve.corpora.derived import property_name
from neurosieve.errors import StudyError
from neurosieve.rankings.registry import method_named
from neurosieve.study import stages
from neurosieve.study.cell import Cell
from neurosieve.study.cells import cell_of
from neurosieve.study.certainty import Certainty
from neurosieve.study.findings import distributions, selectivity_table
from neurosieve.study.folder import RunFolder
from neurosieve.study.inputs import refuse_changed_inputs
from neurosieve.study.probe_settings import ProbeSettings
from neurosieve.study.result import read_result
from neurosieve.study.settings import StudySettings, explained, option_name
from neurosieve.study.sources import activations_of, resolved
from neurosieve.study.stage import STAGES

log = logging.getLogger(__name__)


def extract_into(
    settings: StudySettings, out: str | Path, *, repair: bool = False, report: Reporter = silent
) -> ActivationStore:
    """Extract the activations of the first model over the first corpus of `settings` into a run's folder.

    Parameters
    ----------
    settings : StudySettings
    out : str or Path
    repair : bool
        Compare all files that are there with their digests first, and make those that are damaged again.
    report : Reporter
    """
    folder = RunFolder(out)
    asked = settings.model_dump(mode="json")
    model, corpus = settings.models[0].label, settings.corpora[0].label
    with folder.working():
        probes = folder.manifest().get("settings", {}).get("probes")
        if probes:
            asked["probes"] = probes  # how activations are probed is not this command's business
        whole = StudySettings.model_validate(folder.claim(asked))
        folder.sweep()
        refuse_changed_inputs(folder, whole, folder.manifest())
        first = next(a for a in activations_of(folder, whole) if (a.model, a.corpus) == (model, corpus))
        for path in take_out_damaged(first.path) if repair else ():
            log.warning("%s: damaged, so it is made again", path)
        return first.open(folder, loaded={}, report=report)


def settings_of(folder: RunFolder) -> StudySettings:
    """The settings of the run in `folder`.

    Raises
    ------
    StudyError
        If the folder holds no run.
    """
    manifest = folder.manifest()
    if not manifest:
        raise StudyError(f"{folder.path}: holds no run; make one with `neurosieve extract` or `neurosieve run`")
    if not manifest.get("settings"):
        raise StudyError(
            f"{folder.manifest_path}: tells no settings; restore it from a copy, or choose another output folder"
        )
    return StudySettings.checked(manifest["settings"], where=str(folder.manifest_path))


def open_cell(
    run: str | Path,
    prop: str,
    *,
    model: str | None = None,
    corpus: str | None = None,
    ranking: str | None = None,
    report: Reporter = silent,
    **changes: Any,  # noqa: ANN401
) -> Cell:
    """Open the cell of one property in a run's folder.

    Parameters
    ----------
    run : str or Path
        The run's folder.
    prop : str
        The property.
    model : str, optional
        Name of the model, where the run has several.
    corpus : str, optional
        Name of the corpus, where several have the property.
    ranking : str, optional
        Method that ranks the neurons; by default the first that the run's settings name.
    report : Reporter
    **changes
        Probe settings that differ from the run's; None leaves a setting as it is.

    Raises
    ------
    StudyError
        If the folder holds no run, no finished activations, several models, or a setting is wrong.
    """
    folder = RunFolder(run)
    settings = settings_of(folder)
    given = {key: value for key, value in changes.items() if value is not None}
    _changed(settings.probes, given)  # what cannot be is refused first
    there = activations_of(folder, settings)
    for kind, plural, asked, known in (
        ("model", "models", model, [a.model for a in there]),
        ("corpus", "corpora", corpus, [a.corpus for a in there]),
    ):
        if asked not in (None, *known):
            names = ", ".join(dict.fromkeys(known))
            raise StudyError(f"{folder.path}: no {kind} '{asked}'; the run's {plural} are {names}")
    finished = [
        (a, open_store(a.path)) for a in there if model in (None, a.model) and corpus in (None, a.corpus) and a.complete
    ]
    if not finished:
        which = f"{f' of {model}' if model else ''}{f' over {corpus}' if corpus else ''}"
        raise StudyError(
            f"{folder.path}: no finished activations{which}; repeat the run's `neurosieve extract` or `run` command"
        )
    having = [(a, store) for a, store in finished if resolved(store, prop) in store.properties or property_name(prop)]
    if not having:
        finished[0][1].require(prop)
    if len(having) > 1:
        names = ", ".join(f"{a.model} over {a.corpus}" for a, _ in having)
        options = [
            option
            for option, labels in (
                ("--model", {a.model for a, _ in having}),
                ("--corpus", {a.corpus for a, _ in having}),
            )
            if len(labels) > 1
        ]
        raise StudyError(
            f"{folder.path}: several activations have '{prop}' ({names}); choose one with {' and '.join(options)}"
        )
    activations, store = having[0]
    method = ranking or settings.probes.ranking[0]
    method_named(method)
    cell = cell_of(folder, settings, activations, store=store, prop=prop, method=method, report=report)
    before = {key: value for key, value in _made_with(cell).items() if key not in given}
    return replace(cell, asked=_changed(settings.probes, {**before, **given}))


def _made_with(cell: Cell) -> dict[str, Any]:
    """Settings that the finished stages of a cell were made with; later stages go on with them, whatever the run's are now."""
    found: dict[str, Any] = {}
    for name in cell.finished:
        made = read_result(cell.path_of(STAGES[name])).made_with
        found |= {
            key: made[key] for key in made if key in ProbeSettings.model_fields and key not in STAGES[name].remade
        }
    return found


def _changed(probes: ProbeSettings, changes: dict[str, Any]) -> ProbeSettings:
    """Probe settings with `changes`."""
    try:
        return ProbeSettings.model_validate({**probes.model_dump(), **changes})
    except ValidationError as error:
        raise StudyError(explained(error, name=option_name)) from error


@contextmanager
def working_in(run: str | Path) -> Iterator[RunFolder]:
    """Be the one process that works in a run's folder, where it can be written into at all.

    Raises
    ------
    StudyError
        If the folder holds no run.
    """
    folder = RunFolder(run)
    settings_of(folder)
    if not os.access(folder.path, os.W_OK):  # finished stages are read all the same
        yield folder
        return
    with folder.working():
        yield folder


def deltas_of(cell: Cell) -> tuple[float, ...]:
    """Deltas of all minimal sets of a cell, those that were asked for before among them."""
    units = read_result(cell.path_of(stages.minimal)).units
    return tuple(sorted({delta for _, delta in units if delta is not None}))


def selectivity_of(cell: Cell) -> pd.DataFrame:
    """The table of selectivity of one cell, whose stages are run where they are missing (see `Findings`)."""
    control = stages.control(cell)["control"]  # which says so where there is no control task
    return selectivity_table(stages.oracles(cell)["oracle"], stages.minimal(cell)["minimal"], control)


def distributions_of(cell: Cell) -> dict[str, pd.DataFrame]:
    """Where the minimal sets of the smallest delta sit: ``layers`` and ``labels``, means over seeds (see `Findings`)."""
    sets, seeds = stages.minimal(cell)["sets"], range(cell.settings.seeds)
    chosen = {seed: stages.neurons_of(sets, seed, min(cell.settings.deltas)) for seed in seeds}
    return distributions([cell.ranking(seed) for seed in seeds], chosen, cell.store.neurons)


def stability_summary(cell: Cell, *, default: int) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, Any]]:
    """What the command prints: the neurons by seed 0's ranking, the table of scores, and the numbers in short.

    Parameters
    ----------
    cell : Cell
    default : int
        Number of resamples where neither the settings nor an earlier command say one.
    """
    if not cell.settings.resamples and not cell.path_of(stages.stability).is_file():
        cell = replace(cell, asked=cell.asked.model_copy(update={"resamples": default}))
    found = Certainty.of(stages.stability(cell).tables)
    order = cell.ranking(0).order
    names = pd.DataFrame({"neuron": cell.store.neurons["neuron"].to_numpy()[order], "rank": np.arange(len(order))})
    neurons = pd.concat([names, found.neurons.iloc[order].reset_index(drop=True)], axis=1)
    return (
        neurons,
        found.scores,
        {
            "resamples": found.n_resamples,
            "k": found.k,
            "jaccard_of_resamples": found.sampling_jaccard,
            "jaccard_of_seeds": found.seed_jaccard,
            "rate": found.rate,
            "permuted": found.null,
            "discovered": len(found.discovered),
        },
    )
