"""The whole chain: every model with every property, from text to report, resuming what is done."""

from __future__ import annotations

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
from neurosieve.activations.format import MANIFEST, write_json
from neurosieve.activations.store import ActivationStore, open_store
from neurosieve.corpora.corpus import Corpus
from neurosieve.corpora.load import load_corpus
from neurosieve.errors import StudyError
from neurosieve.study.cell import Cell, Reporter, silent, slug
from neurosieve.study.findings import Findings, collect
from neurosieve.study.folder import RunFolder
from neurosieve.study.settings import CorpusSettings, ModelSettings, StudySettings

log = logging.getLogger(__name__)

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
    if not any(corpus.properties for corpus in settings.corpora):
        raise StudyError("the study names no property; give each corpus its properties")
    folder = RunFolder(out)
    asked = settings.model_dump(mode="json")
    manifest = folder.claim(asked)
    seconds = dict(manifest.get("seconds", {}))
    corpora: dict[int, Corpus] = {}
    stores: list[ActivationStore] = []
    found: list[Findings] = []
    for number, corpus_settings in enumerate(settings.corpora):
        for model_settings in settings.models:
            started = time.perf_counter()
            store = open_or_extract(folder, number, corpus_settings, model_settings, corpora, report)
            key = store.path.name
            seconds.setdefault(f"extract {key}", round(time.perf_counter() - started, 2))
            stores.append(store)
            for prop in corpus_settings.properties:
                cell = Cell(
                    folder=folder.cell_path(model_settings.label, corpus_name(corpus_settings, store), prop),
                    store=store, prop=resolved(store, prop), settings=settings.probes, model=model_settings.label,
                    report=report,
                )
                found.append(collect(cell))
                seconds |= {f"{cell.folder.name}: {stage}": s for stage, s in cell.seconds().items()}
    manifest = {
        **folder.manifest(), "finished": True, **provenance(stores), "seconds": seconds,
        "cells": [{"model": f.model, "property": f.prop, "l1": f.l1, "l2": f.l2} for f in found],
    }
    write_results(folder.path, found, manifest=manifest)
    write_json(folder.manifest_path, manifest)
    return found


def corpus_name(corpus: CorpusSettings, store: ActivationStore) -> str:
    """The corpus's name in tables and folders."""
    return corpus.name or str(store.manifest["corpus"]["name"])


def resolved(store: ActivationStore, prop: str) -> str:
    """The name under which the store has a property that was made from text (``regex:ing$``)."""
    if prop in store.properties:
        return prop
    from neurosieve.corpora.derived import property_name

    return property_name(prop) or prop


def open_or_extract(
    folder: RunFolder, number: int, corpus: CorpusSettings, model: ModelSettings, corpora: dict[int, Corpus],
    report: Reporter,
) -> ActivationStore:
    """The activations of one model over one corpus, from disk if they are complete."""
    if corpus.name is not None:
        path = folder.store_path(model.label, corpus.name)
        if (path / MANIFEST).is_file():
            return open_store(path)
    if number not in corpora:
        corpora[number] = read_corpus(corpus)
    text = corpora[number]
    path = folder.store_path(model.label, corpus.name or text.name)
    if (path / MANIFEST).is_file():  # the run's settings are the same, so what it holds is what is wanted
        return open_store(path)
    return extract(text, read_model(model), path, progress=report(f"activations of {model.label}"))


def read_corpus(settings: CorpusSettings) -> Corpus:
    """Load the corpus that a study names, with all its properties and those that are made from text."""
    options: dict[str, Any] = {
        "format": settings.format, "columns": settings.columns, "splits": settings.splits, "name": settings.name,
    }
    corpus = load_corpus(list(settings.files), **options)
    made = [prop for prop in settings.properties if prop not in corpus.properties]
    if made:
        corpus = load_corpus(list(settings.files), properties=[*corpus.properties, *made], **options)
    return corpus


def read_model(settings: ModelSettings) -> Any:  # noqa: ANN401 (LanguageModel, which loads torch)
    """Load the model that a study names."""
    from neurosieve.models.load import load_model

    return load_model(
        settings.path, pooling=settings.pooling, site=settings.site, layers=settings.layers, untrained=settings.untrained
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
        "neurosieve_version": __version__, "python": platform.python_version(), "packages": packages,
        "device": "cuda" if torch.cuda.is_available() else "cpu", "threads": torch.get_num_threads(),
        "activations": [
            {
                "folder": store.path.name,
                **{k: store.manifest[k] for k in ("model", "corpus", "splits", "n_words", "unknown_share", "dtype")},
                "n_left_out": len(store.manifest["left_out"]), "n_windowed": len(store.manifest["windowed"]),
                "left_out": store.manifest["left_out"][:20],
            }
            for store in stores
        ],
    }


def write_results(folder: Path, found: Sequence[Findings], *, manifest: dict[str, Any]) -> None:
    """Write ``results.csv``, ``rankings.csv``, ``tables/``, ``figures/`` and ``report.html``."""
    from neurosieve.figures.all import save_figures
    from neurosieve.report.html import write_report
    from neurosieve.report.tables import paper_tables, write_tables

    pd.concat([f.results() for f in found], ignore_index=True).to_csv(folder / "results.csv", index=False)
    # Each property has labels of its own, so the wide table's columns are the union, empty where a label is unknown.
    pd.concat([f.ranking_frame() for f in found], ignore_index=True).to_csv(folder / "rankings.csv", index=False)
    write_tables(folder / "tables", paper_tables(found))
    for findings in found:
        save_figures(folder / "figures", findings, prefix=f"{slug(findings.model)}--{slug(findings.prop)}--")
    write_report(folder, found, manifest=manifest)
