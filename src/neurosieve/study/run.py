"""The whole chain: every model with every property, from text to report, resuming what is done."""

from __future__ import annotations

import hashlib
import logging
import platform
import time
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pandas as pd

from neurosieve._version import __version__
from neurosieve.activations.extract import extract
from neurosieve.activations.format import file_digest, write_json
from neurosieve.activations.store import ActivationStore, is_complete, open_store
from neurosieve.corpora.corpus import Corpus
from neurosieve.corpora.load import load_corpus
from neurosieve.errors import StudyError
from neurosieve.study.cell import Cell, Reporter, silent
from neurosieve.study.findings import Findings, collect
from neurosieve.study.folder import RunFolder
from neurosieve.study.settings import CorpusSettings, ModelSettings, StudySettings

log = logging.getLogger(__name__)

RESULTS = ("results.csv", "rankings.csv", "report.html")
_PACKAGES = ("numpy", "pandas", "scikit-learn", "safetensors", "tokenizers", "torch", "transformers")


def run_study(settings: StudySettings, out: str | Path, *, report: Reporter = silent) -> list[Findings]:
    """Run a study and write its results.

    Finished stages are taken from disk; the same study in the same folder therefore continues where it stopped, and
    repeats nothing when it is complete.

    Parameters
    ----------
    settings : StudySettings
    out : str or Path
        The run's folder (see `neurosieve.study.folder`).
    report : Reporter, optional
        Where the stages report their progress.

    Returns
    -------
    list of Findings
        One for each model and property, in the study's order.

    Raises
    ------
    NeurosieveError
        If the folder holds something else, or a corpus, model or property cannot be used.
    """
    asked_for = [prop for corpus in settings.corpora for prop in corpus.properties]
    if not asked_for:
        raise StudyError("the study names no property; give each corpus its properties")
    twice = next((prop for prop in asked_for if asked_for.count(prop) > 1), None)
    if twice is not None:
        raise StudyError(
            f"two corpora of the study have the property '{twice}', and results could not be told apart; run them into two "
            "folders"
        )
    folder = RunFolder(out)
    asked = settings.model_dump(mode="json")
    manifest = folder.claim(asked)
    _refuse_changed_files(folder, settings, manifest)
    seconds = dict(manifest.get("seconds", {}))
    loaded: dict[str, Corpus] = {}
    stores: list[ActivationStore] = []
    cells: list[Cell] = []
    found: list[Findings] = []
    for corpus_settings in settings.corpora:
        for model_settings in settings.models:
            started = time.perf_counter()
            store = open_or_extract(folder, corpus_settings, model_settings, loaded=loaded, report=report)
            key = store.path.name
            seconds.setdefault(f"extract {key}", round(time.perf_counter() - started, 2))
            stores.append(store)
            for prop in corpus_settings.properties:
                name = resolved(store, prop)
                cell = Cell(
                    folder=folder.cell_path(model_settings.label, corpus_settings.label, name),
                    store=store,
                    prop=name,
                    settings=settings.probes,
                    model=model_settings.label,
                    report=report,
                )
                found.append(collect(cell))
                cells.append(cell)
                seconds |= {f"{cell.folder.name}: {stage}": s for stage, s in cell.seconds().items()}
    fingerprint = _fingerprint(cells)
    if manifest.get("written_from") == fingerprint and all((folder.path / name).is_file() for name in RESULTS):
        return found  # nothing is new since the results were written
    manifest = {
        **folder.manifest(),
        "finished": True,
        **provenance(stores),
        "seconds": seconds,
        "cells": [{"model": f.model, "property": f.prop, "l1": f.l1, "l2": f.l2} for f in found],
    }
    report("writing tables, figures and the page")
    write_results(folder.path, found, manifest=manifest)
    write_json(folder.manifest_path, {**manifest, "written_from": fingerprint})
    return found


def _refuse_changed_files(folder: RunFolder, settings: StudySettings, manifest: dict[str, Any]) -> None:
    """Note the digests of the corpus files when a run begins, and refuse to go on with other ones."""
    digests = {}
    for corpus in settings.corpora:
        for name in corpus.files:
            if Path(name).is_file():
                digests[name] = file_digest(Path(name))
    before = manifest.get("files")
    if before is None:
        write_json(folder.manifest_path, {**manifest, "files": digests})
        return
    for name, digest in digests.items():
        if before.get(name, digest) != digest:
            raise StudyError(
                f"{name}: has changed since the run in {folder.path} began, so its results no longer fit; choose another "
                "output folder, or restore the file"
            )


def _fingerprint(cells: Sequence[Cell]) -> str:
    """Digest of everything that the results are written from."""
    digest = hashlib.sha256(__version__.encode())
    for cell in cells:
        for path in sorted(cell.folder.glob("*.json")):
            digest.update(path.read_bytes())
    return digest.hexdigest()


def resolved(store: ActivationStore, prop: str) -> str:
    """The name under which the store has a property that was made from text (``regex:ing$``)."""
    if prop in store.properties:
        return prop
    from neurosieve.corpora.derived import property_name

    return property_name(prop) or prop


def open_or_extract(
    folder: RunFolder, corpus: CorpusSettings, model: ModelSettings, *, loaded: dict[str, Corpus], report: Reporter
) -> ActivationStore:
    """The activations of one model over one corpus, from disk if they are complete."""
    path = folder.store_path(model.label, corpus.label)
    if is_complete(path):  # the run's settings are the same, so what it holds is what is wanted
        return open_store(path)
    log.info("%s over %s: reading the text and loading the model", model.label, corpus.label)
    if corpus.label not in loaded:  # several models read the same corpus
        loaded[corpus.label] = read_corpus(corpus)
    return extract(
        loaded[corpus.label],
        read_model(model),
        path,
        unit=corpus.unit,
        sentence_vector=model.sentence_vector or "mean",
        progress=report(f"activations of {model.label} (words)"),
    )


def read_corpus(settings: CorpusSettings) -> Corpus:
    """Load the corpus that a study names, with all its properties and those that are made from text."""
    files = list(settings.files) or None
    options: dict[str, Any] = {
        "format": settings.format,
        "columns": settings.columns,
        "splits": settings.splits,
        "name": settings.label,
        "dev_fraction": settings.dev_fraction,
        "test_fraction": settings.test_fraction,
        "random_state": settings.random_state,
        "numeric": settings.numeric,
    }
    corpus = load_corpus(files, **options)
    for note in corpus.notes:
        log.info("%s: %s", corpus.name, note)
    of_words, of_sentences = (", ".join(names) or "none" for names in (corpus.properties, corpus.sentence_properties))
    for prop in settings.properties:
        if settings.unit == "word" and prop in corpus.sentence_properties:
            raise StudyError(
                f"'{prop}' labels whole sentences of '{corpus.name}', and the unit is the word; say unit = sentence "
                f"(--unit sentence), or choose a property of words: {of_words}"
            )
        if settings.unit == "sentence" and prop not in corpus.sentence_properties:
            raise StudyError(
                f"'{prop}' labels no sentences of '{corpus.name}', and the unit is the sentence; properties of sentences: "
                f"{of_sentences}, of words (--unit word): {of_words}"
            )
    if settings.unit == "sentence":
        return corpus
    made = [prop for prop in settings.properties if prop not in corpus.properties]
    if made:
        corpus = load_corpus(files, properties=[*corpus.properties, *made], **options)
    return corpus


def read_model(settings: ModelSettings) -> Any:  # noqa: ANN401 (LanguageModel, which loads torch)
    """Load the model that a study names."""
    from neurosieve.models.load import load_model

    return load_model(
        settings.path,
        pooling=settings.pooling,
        site=settings.site,
        layers=settings.layers,
        untrained=settings.untrained,
        revision=settings.revision,
        device=settings.device,
        dtype=settings.dtype,
        trust_remote_code=settings.trust_remote_code,
    )


def provenance(stores: Sequence[ActivationStore]) -> dict[str, Any]:
    """Versions, machine and the digests of what was read."""
    packages = {}
    for name in _PACKAGES:
        try:
            packages[name] = version(name)
        except PackageNotFoundError:  # pragma: no cover (all are dependencies)
            packages[name] = "not installed"
    import torch

    return {
        "neurosieve_version": __version__,
        "python": platform.python_version(),
        "packages": packages,
        "device": "cuda" if torch.cuda.is_available() else "cpu",
        "threads": torch.get_num_threads(),
        "activations": [
            {
                "folder": store.path.name,
                **{k: store.manifest[k] for k in ("model", "corpus", "splits", "n_words", "unknown_share", "dtype")},
                "unit": store.unit,
                "sentence_vector": store.manifest.get("sentence_vector"),
                "special_token": store.manifest.get("special_token"),
                "n_left_out": len(store.manifest["left_out"]),
                "n_windowed": len(store.manifest["windowed"]),
                "left_out": store.manifest["left_out"][:20],
            }
            for store in stores
        ],
    }


def _without_paths(manifest: dict[str, Any]) -> dict[str, Any]:
    """The manifest as the page shows it: local files by their names, since a page is handed on and paths are not."""
    settings = manifest.get("settings", {})

    def short(path: str) -> str:
        return Path(path).name if Path(path).exists() else path

    models = [{**model, "path": short(model["path"])} for model in settings.get("models", ())]
    corpora = [{**corpus, "files": [short(f) for f in corpus["files"]]} for corpus in settings.get("corpora", ())]
    files = {Path(name).name: digest for name, digest in manifest.get("files", {}).items()}
    return {**manifest, "settings": {**settings, "models": models, "corpora": corpora}, "files": files}


def write_results(folder: Path, found: Sequence[Findings], *, manifest: dict[str, Any]) -> None:
    """Write ``results.csv``, ``rankings.csv``, and ``report.html`` with its ``tables/`` and ``figures/``."""
    from neurosieve.report.html import write_report

    pd.concat([f.results() for f in found], ignore_index=True).to_csv(folder / "results.csv", index=False)
    # Each property has labels of its own, so the wide table's columns are the union, empty where a label is unknown.
    pd.concat([f.ranking_frame() for f in found], ignore_index=True).to_csv(folder / "rankings.csv", index=False)
    write_report(folder, found, manifest=_without_paths(manifest))
