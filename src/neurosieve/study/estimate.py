"""What a study will take: its cells with their disk, memory and time, before anything is run.

Time is counted in units of one weight multiplied by one word in one pass, forwards and back, plus the cost of reading
a word's activations (`neurosieve.probes.plan.PASS_ROWS`). The seconds a unit takes come from the search stages that
the folder has finished, else from fitting a few probes on random numbers here and now.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil

from neurosieve.activations.format import MANIFEST
from neurosieve.activations.store import open_store
from neurosieve.corpora.corpus import Corpus
from neurosieve.corpora.derived import property_name
from neurosieve.errors import NeurosieveError
from neurosieve.experiments.discovery import fewest_permutations
from neurosieve.experiments.search import GRIDS
from neurosieve.models.load import model_size
from neurosieve.models.sizes import ModelSize
from neurosieve.probes.engine import fit_probes
from neurosieve.probes.plan import MAX_GROUP_WEIGHTS, PASS_ROWS
from neurosieve.probes.solvers import SOLVERS
from neurosieve.probes.spec import ProbeSpec
from neurosieve.probes.state import WEIGHT_BYTES
from neurosieve.study import cells as _all_stages  # noqa: F401  (which registers them)
from neurosieve.study.cell_folder import CellFolder
from neurosieve.study.certainty import CURVE_SIZES
from neurosieve.study.folder import RunFolder
from neurosieve.study.probe_settings import ProbeSettings
from neurosieve.study.result import read_result
from neurosieve.study.settings import CorpusSettings, ModelSettings, StoreSettings, StudySettings
from neurosieve.study.solver_choice import solver_for
from neurosieve.study.sources import named_stores, read_corpus, resolved
from neurosieve.study.stage import STAGES, WEIGHT_MASS
from neurosieve.study.study_file import model_place

MINIMAL_SHARE = 0.4
"""Share of the neurons up to which minimal sets are assumed to be searched (the paper's reach 33 %, small models' more)."""
SUBWORDS = 1.3
"""Sub-words a word, assumed."""


@dataclass(frozen=True)
class Estimate:
    """What a study will take.

    Attributes
    ----------
    cells : DataFrame
        One row a cell: model, corpus, property, train_words, neurons, labels, solver, finished, disk_mb, memory_mb, minutes,
        note (why the solver is the recipe), problem. Activations, which the cells of a model and corpus share, are rows with an
        empty property.
    summary : dict
        Totals, and what they assume.
    """

    cells: pd.DataFrame
    summary: dict[str, Any]


def estimate(settings: StudySettings, out: str | Path | None = None) -> Estimate:
    """Say what a study will take, reading its texts and the models' configurations but no weights.

    Parameters
    ----------
    settings : StudySettings
    out : str or Path, optional
        The run's folder, if it exists: what is finished there takes no time, and tells how fast the machine is.
    """
    folder = None if out is None else RunFolder(out)
    texts: dict[str, Corpus | NeurosieveError] = {}
    sizes: dict[str, ModelSize | NeurosieveError] = {}
    rows: list[dict[str, Any]] = []
    for corpus in settings.corpora:
        texts[corpus.label] = _tried(lambda corpus=corpus: read_corpus(corpus))
        for model in settings.models:
            if model.label not in sizes:
                sizes[model.label] = _tried(lambda model=model: _size(model))
            rows += _rows(folder, settings, model, corpus, texts[corpus.label], sizes[model.label])
    for given in named_stores(settings).stores:
        rows += _rows_of_store(folder, settings, given)
    speed, how = _speed(rows, settings.probes)
    for row in rows:
        units = row.pop("units")
        row["minutes"] = None if units is None else round(units * speed / 60, 1)
        row.pop("search_units"), row.pop("search_seconds")
    cells = pd.DataFrame(rows)
    where = Path(out) if out is not None else Path()
    return Estimate(cells, _summary(cells, how, settings.probes, where=where))


def _tried(make: Any) -> Any:  # noqa: ANN401
    try:
        return make()
    except (NeurosieveError, OSError) as error:
        return error


def _size(model: ModelSettings) -> ModelSize:
    size = model_size(
        model_place(model.path),
        site=model.site,
        revision=model.revision,
        trust_remote_code=model.trust_remote_code,
    )
    if model.layers is None:
        return size
    return ModelSize(size.widths[: len(model.layers)], size.n_weights)


def _rows(
    folder: RunFolder | None,
    settings: StudySettings,
    model: ModelSettings,
    corpus: CorpusSettings,
    text: Corpus | Exception,
    size: ModelSize | Exception,
) -> list[dict[str, Any]]:
    """The row of the activations and those of the cells that read them."""
    base: dict[str, Any] = {"model": model.label, "corpus": corpus.label}
    empty = dict.fromkeys(
        (
            "train_words",
            "neurons",
            "labels",
            "solver",
            "disk_mb",
            "memory_mb",
            "units",
            "search_units",
            "search_seconds",
            "note",
        )
    )
    problem = next((str(part) for part in (text, size) if isinstance(part, Exception)), "")
    if isinstance(text, Exception) or isinstance(size, Exception):
        return [{**base, "property": prop, **empty, "finished": "", "problem": problem} for prop in corpus.properties]
    store = None if folder is None else folder.store_path(model.label, corpus.label)
    extracted = store is not None and (store / MANIFEST).is_file()
    neurons = open_store(store).n_neurons if extracted and store is not None else size.n_neurons
    n_rows = text.n_words if corpus.unit == "word" else len(text)
    first = {
        **base,
        "property": "",
        **empty,
        "train_words": text.n_words,
        "neurons": neurons,
        "finished": "activations" if extracted else "",
        "disk_mb": 0.0 if extracted else round(2 * n_rows * neurons / 1e6, 1),
        "units": 0.0 if extracted else text.n_words * SUBWORDS * size.n_weights / 2,  # forwards only
        "problem": "",
    }
    known = text.properties if corpus.unit == "word" else text.sentence_properties
    cells = []
    for prop in corpus.properties:
        name = prop if prop in known else property_name(prop) or prop  # one made from text has its own name
        if name in known:
            labels = _labels(text, name, unit=corpus.unit)
            cells.append(_cell_row({**base, "property": prop}, folder, settings, name, labels=labels, neurons=neurons))
        else:
            problem = (
                f"{corpus.label}: no property '{prop}' of {corpus.unit}s; the corpus has {', '.join(known) or 'none'}"
            )
            cells.append({**base, "property": prop, **empty, "finished": "", "problem": problem})
    return [first, *cells]


def _rows_of_store(folder: RunFolder | None, settings: StudySettings, given: StoreSettings) -> list[dict[str, Any]]:
    """The rows of the cells of a store that is there already."""
    store = open_store(given.path)
    words = store.words[store.words["split"] == "train"]
    base = {"model": given.model, "corpus": given.corpus}
    rows = []
    for prop in given.properties:
        store.require(resolved(store, prop))
        labels = [label for label in words[resolved(store, prop)].tolist() if not pd.isna(label)]
        here = {**base, "property": prop}
        rows.append(_cell_row(here, folder, settings, resolved(store, prop), labels=labels, neurons=store.n_neurons))
    return rows


def _cell_row(
    base: dict[str, Any],
    folder: RunFolder | None,
    settings: StudySettings,
    name: str,
    *,
    labels: list[Any],
    neurons: int,
) -> dict[str, Any]:
    """The row of one cell, whose property the store calls `name` and whose training words have `labels`."""
    real_values = any(isinstance(label, float) for label in labels)
    n_words, n_labels = len(labels), 1 if real_values else len(set(labels))
    choice = solver_for(settings.probes, real_values=real_values, n_words=n_words, n_labels=n_labels, n_columns=neurons)
    s = choice.settings
    seconds: dict[str, float] = {}
    left: dict[str, float] = {}
    if folder is not None:
        place = (folder.cell_path(base["model"], base["corpus"], name), base["model"], base["corpus"], name)
        seconds = CellFolder(*place, WEIGHT_MASS).seconds()
        left = _left([CellFolder(*place, method) for method in s.ranking], s)
    done = [stage for stage in seconds if not left[stage]]
    units = stage_units(s, neurons=neurons, labels=n_labels, words=n_words)
    grid = len(GRIDS[s.grid])
    solver = s.solved_by
    fitting = solver.wanted_bytes(
        solver.settings({name: getattr(s, name) for name in solver.defaults}),
        n_probes=grid,
        n_words=n_words,
        n_labels=n_labels,
        n_columns=neurons,
    ) or WEIGHT_BYTES * min(MAX_GROUP_WEIGHTS, grid * n_labels * neurons)
    return {
        **base,
        "train_words": n_words,
        "neurons": neurons,
        "labels": n_labels,
        "solver": s.solver,
        "finished": ", ".join(done),
        "disk_mb": 0.0 if "oracles" in done else round(4 * s.seeds * n_labels * neurons / 1e6, 1),
        "memory_mb": round((2 * n_words * neurons + fitting + 4 * grid * n_labels * neurons) / 1e6, 1),
        "units": float(sum(u * left.get(stage, 1.0) for stage, u in units.items())),
        "search_units": units["search"],
        "search_seconds": seconds.get("search") or None,
        "note": f"{base['property']}: {choice.why}" if choice.why else "",
        "problem": "",
    }


def _left(cells: list[CellFolder], probes: ProbeSettings) -> dict[str, float]:
    """Share of each stage that is still to be done, of a cell under each of its ranking methods: what has grown is not free."""
    shares = {}
    for name, stage in STAGES.items():
        wanted = stage.units(probes) if stage.asked(probes) else []
        there = [set(read_result(path).units) if (path := cell.path_of(stage)).is_file() else set() for cell in cells]
        lacking = sum(unit not in units for units in there for unit in wanted)
        shares[name] = lacking / (len(wanted) * len(cells)) if wanted else 0.0
    return shares


def _labels(text: Corpus, prop: str, *, unit: str) -> list[Any]:
    """Labels of the training words (or sentences) that have one."""
    train = [sentence for sentence in text.sentences if sentence.split == "train"]
    if unit == "sentence":
        given = [sentence.sentence_labels.get(prop) for sentence in train]
    else:
        given = [label for sentence in train for label in sentence.labels.get(prop, ())]
    return [label for label in given if label is not None]


def stage_units(probes: ProbeSettings, *, neurons: int, labels: int, words: int) -> dict[str, float]:
    """Units of work of each stage of a cell (see the module).

    Parameters
    ----------
    probes : ProbeSettings
    neurons, labels, words : int
        All neurons; labels and labelled words of train.
    """
    passes = probes.solved_by.passes_of(probes.model_dump())
    seeds = 1 if probes.exact else probes.seeds
    methods = len(probes.ranking)

    def fits(n_probes: float, width: float = neurons) -> float:
        if labels == 1 and probes.exact:  # real values: the products of all columns once, and a pass to certify
            return words * width * (2 * PASS_ROWS + width / 2 + n_probes)
        groups = max(1, int(np.ceil(n_probes * labels * width / MAX_GROUP_WEIGHTS)))
        return words * passes * width * (PASS_ROWS * groups + n_probes * labels)

    sizes = np.arange(probes.step, MINIMAL_SHARE + probes.step / 2, probes.step)
    sets = len(probes.deltas) * 0.1  # of about a tenth of the neurons each
    return {
        "search": fits(len(GRIDS[probes.grid])),
        "oracles": fits(seeds - 1) if seeds > 1 else 0.0,
        "ablation": methods * fits(8 * probes.seeds) / passes / 2,  # scored once, not fitted
        "minimal": methods * seeds * fits(float(len(sizes)), width=float(sizes.mean()) * neurons)
        if len(sizes)
        else 0.0,
        "control": methods * probes.seeds * fits(1 + sets) if probes.control else 0.0,
        "baselines": (2 if labels > 1 else 1) * fits(1) + 2 * fits(1, width=50),
        "rankings": fits(6.0 * methods, width=100) if methods > 1 else 0.0,  # two linear probes on three sizes
        "stability": _resampling(probes, fits, sets=sets),
    }


def _resampling(probes: ProbeSettings, fits: Callable[..., float], *, sets: float) -> float:
    """Units of the resamples (the whole text and the other seeds besides), of their retrained sets, and of permutations."""
    if not probes.resamples:
        return 0.0
    runs = probes.resamples + probes.seeds
    permutations = max(probes.resamples, fewest_permutations(probes.discovery_rate))
    return fits(runs) + runs * fits(CURVE_SIZES * 0.1 + sets) + fits(1 + permutations)


def _speed(rows: list[dict[str, Any]], probes: ProbeSettings) -> tuple[float, str]:
    """Seconds a unit, and where they come from."""
    known = [row["search_seconds"] / row["search_units"] for row in rows if row["search_seconds"]]
    if known:
        return float(
            np.median(known)
        ), f"the machine is as fast as in {len(known)} finished lambda searches of this run"
    speed = measured_speed(probes)
    return speed, f"measured now: {4e-9 / speed:.0f} GFLOP/s in fitting 16 probes on 1,024 random neurons"


def measured_speed(probes: ProbeSettings) -> float:
    """Seconds a unit of work takes here, from fitting 16 probes of 20 labels on 4,096 words of 1,024 random neurons."""
    rng = np.random.default_rng(0)
    words, neurons, labels, n_probes, epochs = 4096, 1024, 20, 16, 2
    X = rng.standard_normal((words, neurons), dtype=np.float32)
    y = rng.integers(labels, size=words)
    specs = [ProbeSpec(y, l1=1e-4, l2=1e-4, random_state=0) for _ in range(n_probes)]
    settings: dict[str, Any] = {"batch_size": probes.batch_size, "learning_rate": probes.learning_rate}
    fit_probes(X, specs[:1], "adam", epochs=1, **settings)  # the first call also starts the threads
    started = time.perf_counter()
    fit_probes(X, specs, "adam", epochs=epochs, **settings)
    return (time.perf_counter() - started) / (words * epochs * neurons * (PASS_ROWS + n_probes * labels))


def _summary(cells: pd.DataFrame, how: str, probes: ProbeSettings, *, where: Path) -> dict[str, Any]:
    existing = next(path for path in (where.absolute(), *where.absolute().parents) if path.exists())
    used = sorted(set(cells["solver"].dropna()))
    each = [f"{SOLVERS[name].passes_of(probes.model_dump())} passes a fit of {name}; " for name in used]
    problems = sorted(set(cells["problem"]) - {""})
    notes = sorted(set(cells["note"].dropna()) - {""})
    return {
        "cells": int((cells["property"] != "").sum()),
        "disk_gb": round(float(cells["disk_mb"].sum()) / 1e3, 2),
        "free_disk_gb": round(shutil.disk_usage(existing).free / 1e9, 1),
        "memory_gb": round(float(cells["memory_mb"].fillna(0).max()) / 1e3, 2),
        "free_memory_gb": round(psutil.virtual_memory().available / 1e9, 1),
        "hours": round(float(cells["minutes"].sum()) / 60, 2),
        "assumes": [
            how,
            f"{''.join(each)}minimal sets searched up to {100 * MINIMAL_SHARE:g} % of the neurons in every seed",
            f"{SUBWORDS} sub-words a word; a forward pass as fast as fitting",
            "memory beside that of the program itself, with all training activations held; they are streamed where they "
            "do not fit in half of what is free",
        ],
        **({"notes": notes} if notes else {}),
        **({"problems": problems} if problems else {}),
    }
