"""The whole chain: every model with every property, from text to report, resuming what is done."""

from __future__ import annotations

import hashlib
import logging
import platform
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from itertools import product
from pathlib import Path
from typing import Any

import pandas as pd

from neurosieve._version import __version__
from neurosieve.activations.extract import extract
from neurosieve.activations.format import write_json
from neurosieve.activations.store import ActivationStore, is_complete, open_store
from neurosieve.corpora.corpus import Corpus
from neurosieve.corpora.load import load_corpus
from neurosieve.errors import CorpusError, StudyError
from neurosieve.study.cell import Cell, Reporter, silent
from neurosieve.study.failures import Failures
from neurosieve.study.findings import Findings, collect
from neurosieve.study.folder import RunFolder
from neurosieve.study.in_short import in_a_sentence
from neurosieve.study.inputs import refuse_changed_inputs
from neurosieve.study.settings import CorpusSettings, ModelSettings, StudySettings, slug
from neurosieve.study.spread import FILES
from neurosieve.study.stages import STAGES
from neurosieve.study.study_file import model_place

log = logging.getLogger(__name__)

RESULTS = ("results.csv", "rankings.csv", "report.html")
_PACKAGES = ("numpy", "pandas", "scikit-learn", "safetensors", "tokenizers", "torch", "transformers")


def run_study(settings: StudySettings, out: str | Path, *, report: Reporter = silent) -> list[Findings]:
    """Run a study and write its results.

    Finished stages are taken from disk; the same study in the same folder therefore continues where it stopped, and
    repeats nothing when it is complete. A cell that fails does not take the others down: their results are written, and
    what failed is raised at the end; repeating the study tries it again.

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
    IncompleteStudyError
        If some of several cells failed; its ``failures`` say which and why, its ``found`` holds the others.
    NeurosieveError
        If the folder holds something else, or the study's only corpus, model or property cannot be used.
    """
    if not any(corpus.properties for corpus in settings.corpora):
        raise StudyError("the study names no property; give each corpus its properties")
    folder = RunFolder(out)
    manifest = folder.claim(settings.model_dump(mode="json"))
    refuse_changed_inputs(folder, settings, manifest)
    failures = Failures()
    loaded: dict[str, Corpus] = {}
    stores: list[ActivationStore] = []
    cells: list[Cell] = []
    found: list[Findings] = []
    for corpus, model in product(settings.corpora, settings.models):
        store = None
        with failures.noting(model.label, corpus.label):
            store = open_or_extract(folder, corpus, model, loaded=loaded, report=report)
        if store is None:
            continue
        stores.append(store)
        for prop in corpus.properties:
            with failures.noting(model.label, corpus.label, prop):
                name = resolved(store, prop)
                path = folder.cell_path(model.label, corpus.label, name)
                cell = Cell(path, store, name, settings.probes, model.label, report)
                found.append(with_extraction(collect(cell), folder))
                cells.append(cell)
    fingerprint = _fingerprint([cell.folder for cell in cells])
    manifest = folder.manifest()
    written = all((folder.path / name).is_file() for name in RESULTS)
    if not (written and manifest.get("written_from") == fingerprint and manifest.get("failures") == failures.entries()):
        manifest |= {"finished": not failures.noted, "failures": failures.entries()}
        if found:
            manifest |= provenance(stores)
            manifest["seconds"] = {**manifest.get("seconds", {}), **_seconds(cells)}
            manifest["cells"] = [cell_entry(f, cell) for f, cell in zip(found, cells, strict=True)]
            report("writing tables, figures and the page")
            write_results(folder.path, found, manifest=manifest)
            manifest["written_from"] = fingerprint
        write_json(folder.manifest_path, manifest)
    failures.raise_if_any(found)
    return found


def finished_cells(settings: StudySettings, out: str | Path) -> list[dict[str, Any]] | None:
    """What a run's manifest says of each cell, where the study is finished in `out` and nothing has changed since.

    Reads no activations and fits nothing, so that a finished study answers at once; `run_study` does the rest.

    Returns
    -------
    list of dict, or None
        ``model``, ``corpus``, ``property``, ``l1``, ``l2``, ``folder``, ``in_short``; None if there is work to do.
    """
    folder = RunFolder(out)
    manifest = folder.manifest()
    if not manifest.get("finished") or manifest.get("settings") != settings.model_dump(mode="json"):
        return None
    refuse_changed_inputs(folder, settings, manifest)
    cells: list[dict[str, Any]] = manifest.get("cells", [])
    if not all("folder" in cell for cell in cells) or not all((folder.path / name).is_file() for name in RESULTS):
        return None
    fingerprint = _fingerprint([folder.path / "cells" / cell["folder"] for cell in cells])
    return cells if manifest.get("written_from") == fingerprint else None


def cell_entry(found: Findings, cell: Cell) -> dict[str, Any]:
    """What the manifest says of a finished cell."""
    return {
        "model": found.model,
        "corpus": found.corpus,
        "property": found.prop,
        "l1": found.l1,
        "l2": found.l2,
        "folder": cell.folder.name,
        "in_short": in_a_sentence(found),
    }


def with_extraction(found: Findings, folder: RunFolder) -> Findings:
    """The findings with the time that the extraction of their activations took, in front of the stages' times."""
    seconds = folder.manifest().get("seconds", {}).get(f"extract {slug(found.model)}--{slug(found.corpus)}")
    order = [name for name in STAGES if name in found.seconds]
    stages = {name: found.seconds[name] for name in [*order, *(n for n in found.seconds if n not in order)]}
    return replace(found, seconds=stages if seconds is None else {"extraction": seconds, **stages})


def _seconds(cells: Sequence[Cell]) -> dict[str, float]:
    return {f"{cell.folder.name}: {stage}": s for cell in cells for stage, s in cell.seconds().items()}


def _fingerprint(folders: Sequence[Path]) -> str:
    """Digest of everything that the results are written from."""
    digest = hashlib.sha256(__version__.encode())
    for folder in folders:
        for path in sorted(folder.glob("*.json")):
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
    started = time.perf_counter()
    if corpus.label not in loaded:  # several models read the same corpus
        loaded[corpus.label] = read_corpus(corpus)
    store = extract(
        loaded[corpus.label],
        read_model(model),
        path,
        unit=corpus.unit,
        sentence_vector=model.sentence_vector or "mean",
        progress=report(f"activations of {model.label} (words)"),
    )
    manifest = folder.manifest()  # noted at once, since a run may be interrupted long before it is written
    taken = {f"extract {path.name}": round(time.perf_counter() - started, 2)}
    write_json(folder.manifest_path, {**manifest, "seconds": {**manifest.get("seconds", {}), **taken}})
    return store


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
    if not made:
        return corpus
    try:
        return load_corpus(files, properties=[*corpus.properties, *made], **options)
    except CorpusError:
        usable = [prop for prop in made if _can_be_made(files, prop, options)]
        if not usable and len(made) == len(settings.properties):
            raise  # nothing of the corpus can be studied
    # A property that cannot be made fails on its own, when its cell comes up.
    return load_corpus(files, properties=[*corpus.properties, *usable], **options) if usable else corpus


def _can_be_made(files: list[str] | None, prop: str, options: dict[str, Any]) -> bool:
    try:
        load_corpus(files, properties=[prop], **options)
    except CorpusError:
        return False
    return True


def read_model(settings: ModelSettings) -> Any:  # noqa: ANN401 (LanguageModel, which loads torch)
    """Load the model that a study names."""
    from neurosieve.models.load import load_model

    return load_model(
        model_place(settings.path),
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

    def short_splits(splits: Any) -> Any:  # noqa: ANN401 (a scheme's name, or files by split)
        if not isinstance(splits, dict):
            return splits
        return {k: short(v) if isinstance(v, str) else [short(f) for f in v] for k, v in splits.items()}

    models = [{**model, "path": short(model["path"])} for model in settings.get("models", ())]
    corpora = [
        {**corpus, "files": [short(f) for f in corpus["files"]], "splits": short_splits(corpus.get("splits"))}
        for corpus in settings.get("corpora", ())
    ]
    files = dict(zip(short_names(manifest.get("files", {})), manifest.get("files", {}).values(), strict=True))
    return {**manifest, "settings": {**settings, "models": models, "corpora": corpora}, "files": files}


def short_names(paths: Iterable[str]) -> list[str]:
    """The last parts of paths, as many of each as tell it from all others: two ``train.txt`` keep their folders' names."""
    parts = [Path(path).parts for path in paths]

    def shortest(own: tuple[str, ...]) -> str:
        for n in range(1, len(own)):
            if sum(other[-n:] == own[-n:] for other in parts) == 1:
                return "/".join(own[-n:])
        return "/".join(own)

    return [shortest(own) for own in parts]


def write_results(folder: Path, found: Sequence[Findings], *, manifest: dict[str, Any]) -> None:
    """Write ``results.csv``, ``rankings.csv``, and ``report.html`` with its ``tables/`` and ``figures/``."""
    from neurosieve.report.html import write_report

    pd.concat([_placed(f.results(), f, found) for f in found], ignore_index=True).to_csv(
        folder / "results.csv", index=False
    )
    # Each property has labels of its own, so the wide table's columns are the union, empty where a label is unknown.
    rankings = [_placed(f.ranking_frame(), f, found) for f in found]
    pd.concat(rankings, ignore_index=True).to_csv(folder / "rankings.csv", index=False)
    for name, file in FILES.items():
        tables = [_placed(f.by_seed[name].assign(model=f.model, property=f.prop), f, found) for f in found]
        pd.concat(tables, ignore_index=True).to_csv(folder / file, index=False)
    write_report(folder, found, manifest=_without_paths(manifest))


def _placed(table: pd.DataFrame, f: Findings, found: Sequence[Findings]) -> pd.DataFrame:
    """A cell's rows with model and property in front, and the corpus after them where the study has several."""
    first = ["model", "property"]
    if len({other.corpus for other in found}) > 1:
        table, first = table.assign(corpus=f.corpus), [*first, "corpus"]
    return table[[*first, *(column for column in table if column not in first)]]
