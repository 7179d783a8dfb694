"""The single steps of the chain on a run's folder, for the commands that do one stage each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from neurosieve.activations.format import MANIFEST, write_json
from neurosieve.activations.store import ActivationStore, open_store
from neurosieve.errors import StudyError
from neurosieve.study.cell import Cell, Reporter, silent
from neurosieve.study.findings import Findings, collect
from neurosieve.study.folder import RunFolder
from neurosieve.study.run import corpus_name, open_or_extract, provenance, resolved, write_results
from neurosieve.study.settings import ProbeSettings, StudySettings
from neurosieve.study.stages import STAGES


def extract_into(settings: StudySettings, out: str | Path, *, report: Reporter = silent) -> ActivationStore:
    """Extract the activations of the first model over the first corpus of `settings` into a run's folder."""
    folder = RunFolder(out)
    folder.claim(settings.model_dump(mode="json"))
    return open_or_extract(folder, 0, settings.corpora[0], settings.models[0], {}, report)


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
    run: str | Path, prop: str, *, model: str | None = None, report: Reporter = silent, **changes: Any  # noqa: ANN401
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
    asked = {**settings.probes.model_dump(), **{key: value for key, value in changes.items() if value is not None}}
    try:
        probes = ProbeSettings.model_validate(asked)
    except ValidationError as error:
        first = error.errors()[0]
        raise StudyError(f"--{str(first['loc'][0]).replace('_', '-')}: {first['msg']} (found {first['input']!r})") from error
    candidates = []
    for m in settings.models:
        for c in settings.corpora:
            for path in folder.stores():
                store_settings = (m.label, c)
                if model in (None, m.label) and path.name.startswith(folder.store_path(m.label, c.name or "").name.rstrip("-")):
                    candidates.append((path, store_settings))
    finished = [(path, pair) for path, pair in candidates if (path / MANIFEST).is_file()]
    if not finished:
        known = ", ".join(m.label for m in settings.models)
        raise StudyError(f"{folder.path}: no finished activations{f' of {model}' if model else ''}; the run's models are "
                         f"{known}: repeat its `neurosieve extract` or `run` command")
    stores = [(open_store(path), pair) for path, pair in finished]
    having = [(store, pair) for store, pair in stores if resolved(store, prop) in store.properties]
    if not having:
        stores[0][0].require(prop)
    if len(having) > 1:
        names = ", ".join(pair[0] for _, pair in having)
        raise StudyError(f"{folder.path}: several activations have '{prop}' ({names}); choose one with --model")
    store, (label, corpus) = having[0]
    return Cell(
        folder=folder.cell_path(label, corpus_name(corpus, store), prop), store=store, prop=resolved(store, prop),
        settings=probes, model=label, report=report,
    )


def remember_probe_settings(run: str | Path, probes: ProbeSettings) -> None:
    """Keep probe settings for the later stages of the same run."""
    folder = RunFolder(run)
    manifest = folder.manifest()
    manifest["settings"] = {**manifest["settings"], "probes": probes.model_dump(mode="json")}
    write_json(folder.manifest_path, manifest)


def report_run(run: str | Path, *, report: Reporter = silent) -> Path:
    """Write the results of every cell that a run's folder holds, and return the page's path.

    Raises
    ------
    StudyError
        If no property has been studied, or a cell lacks a stage; the message says which.
    """
    folder = RunFolder(run)
    settings = settings_of(folder)
    needed = [name for name in STAGES if name != "control"]
    found: list[Findings] = []
    stores: list[ActivationStore] = []
    for corpus in settings.corpora:
        for model in settings.models:
            path = next((p for p in folder.stores() if (p / MANIFEST).is_file()
                         and p.name.startswith(folder.store_path(model.label, corpus.name or "").name.rstrip("-"))), None)
            if path is None:
                continue
            store = open_store(path)
            stores.append(store)
            for prop in dict.fromkeys([*corpus.properties, *store.properties]):
                cell_folder = folder.cell_path(model.label, corpus_name(corpus, store), prop)
                if not cell_folder.is_dir():
                    continue
                missing = [name for name in needed if not (cell_folder / f"{name}.json").is_file()]
                if missing:
                    command = {"oracles": "ablate", "ablation": "ablate"}.get(missing[0], missing[0])
                    raise StudyError(f"{cell_folder}: the stage '{missing[0]}' is missing; run `neurosieve {command} "
                                     f"{folder.path} --property {prop}` first")
                probes = settings.probes.model_copy(update={"control": (cell_folder / "control.json").is_file()})
                found.append(collect(Cell(cell_folder, store, resolved(store, prop), probes, model.label, report)))
    if not found:
        raise StudyError(f"{folder.path}: no property has been studied yet; run `neurosieve search` on it first")
    manifest = {**folder.manifest(), **provenance(stores)}
    write_results(folder.path, found, manifest=manifest)
    write_json(folder.manifest_path, manifest)
    return folder.path / "report.html"
