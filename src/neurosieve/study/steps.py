"""The single steps of the chain on a run's folder, for the commands that do one stage each."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pydantic import ValidationError

from neurosieve.activations.format import MANIFEST, write_json
from neurosieve.activations.store import ActivationStore, open_store
from neurosieve.errors import StudyError
from neurosieve.study.cell import Cell, Reporter, read_stage, silent
from neurosieve.study.certainty import Certainty
from neurosieve.study.findings import Findings, collect
from neurosieve.study.folder import RunFolder, of_activations
from neurosieve.study.inputs import refuse_changed_inputs
from neurosieve.study.run import open_or_extract, provenance, resolved, with_extraction, write_results
from neurosieve.study.settings import (
    CorpusSettings,
    ModelSettings,
    ProbeSettings,
    StudySettings,
    explained,
    option_name,
)
from neurosieve.study.stages import OPTIONAL, STAGES, stability


def extract_into(settings: StudySettings, out: str | Path, *, report: Reporter = silent) -> ActivationStore:
    """Extract the activations of the first model over the first corpus of `settings` into a run's folder."""
    folder = RunFolder(out)
    asked = settings.model_dump(mode="json")
    before = folder.manifest().get("settings")
    if before and of_activations(before) == of_activations(asked):
        asked = before  # the same activations: how they are probed is not this command's business
    refuse_changed_inputs(folder, settings, folder.claim(asked))
    return open_or_extract(folder, settings.corpora[0], settings.models[0], loaded={}, report=report)


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
    return StudySettings.checked(manifest["settings"], where=str(folder.manifest_path))


def open_cell(
    run: str | Path,
    prop: str,
    *,
    model: str | None = None,
    corpus: str | None = None,
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
    probes = _changed(folder, settings.probes, {key: value for key, value in changes.items() if value is not None})
    known = [m.label for m in settings.models]
    if model not in (None, *known):
        raise StudyError(f"{folder.path}: no model '{model}'; the run's models are {', '.join(known)}")
    corpora = [c.label for c in settings.corpora]
    if corpus not in (None, *corpora):
        raise StudyError(f"{folder.path}: no corpus '{corpus}'; the run's corpora are {', '.join(corpora)}")
    finished = [
        (m, c, store)
        for m, c, store in _finished(folder, settings)
        if model in (None, m.label) and corpus in (None, c.label)
    ]
    if not finished:
        asked = f"{f' of {model}' if model else ''}{f' over {corpus}' if corpus else ''}"
        raise StudyError(
            f"{folder.path}: no finished activations{asked}; repeat the run's `neurosieve extract` or `run` command"
        )
    having = [found for found in finished if resolved(found[2], prop) in found[2].properties]
    if not having:
        finished[0][2].require(prop)
    if len(having) > 1:
        names = ", ".join(f"{m.label} over {c.label}" for m, c, _ in having)
        options = [
            option
            for option, labels in (
                ("--model", {m.label for m, _, _ in having}),
                ("--corpus", {c.label for _, c, _ in having}),
            )
            if len(labels) > 1
        ]
        raise StudyError(
            f"{folder.path}: several activations have '{prop}' ({names}); choose one with {' and '.join(options)}"
        )
    found_model, found_corpus, store = having[0]
    name = resolved(store, prop)
    return Cell(
        folder=folder.cell_path(found_model.label, found_corpus.label, name),
        store=store,
        prop=name,
        asked=probes,
        model=found_model.label,
        report=report,
    )


def _finished(
    folder: RunFolder, settings: StudySettings
) -> list[tuple[ModelSettings, CorpusSettings, ActivationStore]]:
    """What the run's folder holds of finished activations, in the study's order."""
    return [
        (model, corpus, open_store(path))
        for corpus in settings.corpora
        for model in settings.models
        if ((path := folder.store_path(model.label, corpus.label)) / MANIFEST).is_file()
    ]


def _changed(folder: RunFolder, probes: ProbeSettings, changes: dict[str, Any]) -> ProbeSettings:
    """The run's probe settings with `changes`, which must not contradict what finished stages were made with."""
    try:
        wanted = ProbeSettings.model_validate({**probes.model_dump(), **changes})
    except ValidationError as error:
        raise StudyError(explained(error, name=option_name)) from error
    values = wanted.model_dump(mode="json")
    for path in sorted((folder.path / "cells").glob("*/*.json")):
        made_with = read_stage(path)["made_with"]
        for key in changes:
            if key in made_with and made_with[key] != values[key]:
                raise StudyError(
                    f"{option_name([key])}: {path} was made with {made_with[key]!r}, now asked with {values[key]!r}; one "
                    "folder holds one run: leave the option out, or extract into another folder"
                )
    return wanted


def remember_probe_settings(run: str | Path, probes: ProbeSettings) -> None:
    """Keep probe settings for the later stages of the same run."""
    folder = RunFolder(run)
    manifest = folder.manifest()
    manifest["settings"] = {**manifest["settings"], "probes": probes.model_dump(mode="json")}
    write_json(folder.manifest_path, manifest)


def remember_solver(run: str | Path, solver: str) -> None:
    """Keep the solver for the later stages of the same run."""
    manifest = RunFolder(run).manifest()
    probes = {**manifest["settings"]["probes"], "solver": solver}
    write_json(RunFolder(run).manifest_path, {**manifest, "settings": {**manifest["settings"], "probes": probes}})


def stability_summary(cell: Cell, *, default: int) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, Any]]:
    """What the command prints: the neurons by seed 0's ranking, the table of scores, and the numbers in short.

    Parameters
    ----------
    cell : Cell
    default : int
        Number of resamples where neither the settings nor an earlier command say one.
    """
    if not cell.settings.resamples and not (cell.folder / "stability.json").is_file():
        cell = replace(cell, asked=cell.asked.model_copy(update={"resamples": default}))
    found = Certainty.of(stability(cell))
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


def report_run(run: str | Path, *, report: Reporter = silent) -> Path:
    """Write the results of every cell that a run's folder holds, and return the page's path.

    Raises
    ------
    StudyError
        If no property has been studied, or a cell lacks a stage; the message says which.
    """
    folder = RunFolder(run)
    settings = settings_of(folder)
    found: list[Findings] = []
    finished = _finished(folder, settings)
    for model, corpus, store in finished:
        for prop in store.properties:
            cell_folder = folder.cell_path(model.label, corpus.label, prop)
            if not cell_folder.is_dir():
                continue
            missing = [name for name in STAGES if name not in OPTIONAL and not (cell_folder / f"{name}.json").is_file()]
            if missing:
                command = {"oracles": "ablate", "ablation": "ablate"}.get(missing[0], missing[0])
                raise StudyError(
                    f"{cell_folder}: the stage '{missing[0]}' is missing; run `neurosieve {command} "
                    f"{folder.path} --property {prop}` first"
                )
            probes = settings.probes.model_copy(update={"control": (cell_folder / "control.json").is_file()})
            cell = Cell(cell_folder, store, prop, probes, model.label, report)
            found.append(with_extraction(collect(cell), folder))
    if not found:
        raise StudyError(f"{folder.path}: no property has been studied yet; run `neurosieve search` on it first")
    manifest = {**folder.manifest(), **provenance([store for _, _, store in finished])}
    n_asked = len(settings.models) * sum(len(corpus.properties) for corpus in settings.corpora)
    manifest["finished"] = len(found) >= n_asked
    done = {(f.model, f.corpus, f.prop) for f in found}
    manifest["failures"] = [
        failure
        for failure in manifest.get("failures", ())
        if (failure["model"], failure["corpus"], failure["property"]) not in done and not manifest["finished"]
    ]
    report("writing tables, figures and the page")
    write_results(folder.path, found, manifest=manifest)
    write_json(folder.manifest_path, manifest)
    return folder.path / "report.html"
