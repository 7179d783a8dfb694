"""The stages of one cell, in order: data, search, oracles, ablation, minimal sets, control tasks, stability, single labels,
single neurons.

Each reads what the earlier ones left in the cell's folder, so that the single commands and the whole run share them, and an
interrupted run repeats nothing that is finished. Every score is an accuracy, or R² where the property has real values.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from neurosieve.activations.source import as_source
from neurosieve.activations.splits import Splits
from neurosieve.errors import StudyError
from neurosieve.experiments.ablation import Fill, ablated_probes
from neurosieve.experiments.control import ControlTask
from neurosieve.experiments.macro_f1 import macro_f1
from neurosieve.experiments.minimal import MinimalResult, minimal_neurons
from neurosieve.experiments.scored import fit_and_score
from neurosieve.experiments.search import search_lambdas
from neurosieve.probes.engine import fit_probes
from neurosieve.probes.moments import column_moments
from neurosieve.probes.predict import score_probes
from neurosieve.probes.spec import FittedProbe, ProbeSpec
from neurosieve.rankings.registry import method_named, rank
from neurosieve.study import columns, counts
from neurosieve.study.cell import Cell
from neurosieve.study.cell_folder import CellFolder, save_ranking
from neurosieve.study.certainty import resample
from neurosieve.study.interventions import edited, wanted
from neurosieve.study.result import Tables, Unit
from neurosieve.study.stage import (
    FITTING,
    STAGES,
    WEIGHT_MASS,
    all_neurons_and_each_set,
    always,
    each_seed,
    each_set,
    stage,
    unless_solved,
)

FILLS: tuple[Fill, ...] = ("zero", "mean")
RESAMPLED = ("resamples", "resampling", "discovery_rate")


def _no_probe(cell: CellFolder) -> bool:
    return not cell.ranks_probes


@stage("data", settings=("rare_labels",), needed=always, tables=columns.DATA)
def data(cell: Cell, _units: Sequence[Unit]) -> Tables:
    """Count the words, labels and values, and name the neurons, so that the run tells them without its activations."""
    splits, words = cell.splits, cell.store.words
    n = counts.labelled_counts(splits)
    sentences = words[words[cell.prop].notna()].groupby("split", observed=True)["sentence"].nunique()
    rows = [
        {
            "split": name,
            "n_words": n[name],
            "unseen": splits.unseen.get(name, 0),
            "sentences": int(sentences.get(name, 0)),
        }
        for name in counts.SPLITS
    ]
    about = {"n_labels": 1 if splits.loss == "squared" else len(set(_known(splits))), "loss": splits.loss}
    return {
        "about": pd.DataFrame([{**about, "unit": splits.unit, "corpus": str(cell.store.manifest["corpus"]["name"])}]),
        "words": pd.DataFrame(rows),
        "label_counts": counts.label_counts(splits),
        "values": counts.value_summary(splits),
        "histogram": counts.value_histogram(splits),
        "neurons": cell.store.neurons[["neuron", "layer", "index"]],
    }


def _known(splits: Splits) -> list[Any]:
    return [label for label in splits.train.y.tolist() if label is not None]


@stage(
    "ranking",
    after=("data",),
    ranked=True,
    wanted=_no_probe,
    needed=_no_probe,
    tables=columns.RANKING,
    files=lambda cell, _units: [cell.ranking_path],
)
def ranking(cell: Cell, _units: Sequence[Unit]) -> Tables:
    """Rank the neurons by a method that needs no probe; the whole ranking lies beside the table."""
    found = rank(cell.method, split=cell.splits.train if method_named(cell.method).needs == "labels" else None)
    cell.folder.mkdir(parents=True, exist_ok=True)
    save_ranking(cell.ranking_path, found)
    return {"ranking": pd.DataFrame({"index": found.order, "score": np.asarray(found.score)[found.order]})}


@stage(
    "search",
    after=("data",),
    settings=(FITTING, "grid", "keep", "alpha", "beta"),
    needed=always,
    tables=columns.SEARCH,
    files=lambda cell, _units: [cell.probe_path(0)],
)
def search(cell: Cell, _units: Sequence[Unit]) -> Tables:
    """Search the lambdas with seed 0, on dev; leaves the chosen probe as the oracle of seed 0."""
    s = cell.settings
    found = search_lambdas(
        cell.splits,
        grid=s.grid,
        keep=s.keep,
        alpha=s.alpha,
        beta=s.beta,
        random_state=0,
        solver=s.solver,
        progress=cell.progress("lambda search (fits x passes)"),
        **s.solver_settings,
    )
    cell.folder.mkdir(parents=True, exist_ok=True)
    found.probe.save(cell.probe_path(0))
    return {"search": found.table, "chosen": pd.DataFrame([{"l1": found.l1, "l2": found.l2}])}


def chosen_lambdas(cell: Cell) -> dict[str, Any]:
    """The pair that the search chose, as keywords ``l1`` and ``l2``."""
    row = search(cell)["chosen"].iloc[0]
    return {"l1": float(row["l1"]), "l2": float(row["l2"])}


def _probes(cell: CellFolder, units: Sequence[Unit]) -> list[Path]:
    return [cell.probe_path(int(seed)) for seed, _ in units if seed]  # that of seed 0 is the search's


@stage(
    "oracles",
    after=("search",),
    units=each_seed,
    apart=unless_solved,
    needed=always,
    tables=columns.ORACLES,
    files=_probes,
)
def oracles(cell: Cell, units: Sequence[Unit]) -> Tables:
    """Fit the probe on all neurons with the other seeds, and score all of them."""
    s, splits = cell.settings, cell.splits
    seeds = [int(seed) for seed, _ in units if seed is not None]
    others = [seed for seed in seeds if seed != 0]
    if s.exact:  # a solved problem does not depend on seeds
        fitted = [cell.probe(0) for _ in others]
    else:
        lambdas = chosen_lambdas(cell)
        specs = [ProbeSpec(splits.train.y, random_state=seed, loss=splits.loss, **lambdas) for seed in others]
        progress = cell.progress("oracles (fits x passes)")
        fitted = fit_probes(splits.train.activations, specs, s.solver, progress=progress, **s.solver_settings)
    for seed, probe in zip(others, fitted, strict=True):
        probe.save(cell.probe_path(seed))
    probes = {seed: cell.probe(seed) for seed in seeds}
    rows = []
    for split in ("dev", "test"):
        part = getattr(splits, split)
        scores = score_probes(part.activations, list(probes.values()), part.y)
        rows += [{"seed": seed, "split": split, "score": float(a)} for seed, a in zip(probes, scores, strict=True)]
    certificate = [
        {"seed": seed, "objective": probe.objective_, "gap": probe.gap_, "n_passes": probe.n_passes_}
        for seed, probe in probes.items()
    ]
    return {
        "oracle": pd.DataFrame(rows),
        "certificate": pd.DataFrame(certificate),
        "oracle_f1": _macro_f1(splits, [({"seed": seed}, probe) for seed, probe in probes.items()], ["seed"]),
    }


@stage("ablation", after=("oracles",), units=each_seed, ranked=True, needed=always, tables=columns.ABLATION)
def ablation(cell: Cell, units: Sequence[Unit]) -> Tables:
    """Keep all, top, random and bottom neurons without retraining; zero and mean; every seed; dev and test."""
    s, splits = cell.settings, cell.splits
    means, _ = column_moments(as_source(splits.train.activations))
    variants: list[FittedProbe] = []
    names: list[tuple[int, str, str]] = []
    for seed in (int(seed) for seed, _ in units if seed is not None):
        probe, ranking = cell.probe(seed), cell.ranking(seed)
        for fill in FILLS:
            kept = ablated_probes(
                probe, ranking, keep=s.keep, fill=means if fill == "mean" else None, random_state=seed
            )
            if fill != "zero":
                del kept["all"]  # nothing is ablated, so nothing is filled
            variants += kept.values()
            names += [(seed, fill, subset) for subset in kept]
    n_kept = cell.ranking(0).count(s.keep)
    rows = []
    for split in ("dev", "test"):
        part = getattr(splits, split)
        scores = score_probes(part.activations, variants, part.y)
        rows += [
            {
                "seed": seed,
                "split": split,
                "fill": fill,
                "subset": subset,
                "n_neurons": splits.n_neurons if subset == "all" else n_kept,
                "score": float(score),
            }
            for (seed, fill, subset), score in zip(names, scores, strict=True)
        ]
    return {"ablation": pd.DataFrame(rows)}


@stage(
    "minimal",
    after=("oracles",),
    settings=("step", "regularize"),
    units=each_set,
    apart=unless_solved,
    ranked=True,
    needed=always,
    tables=columns.MINIMAL,
)
def minimal(cell: Cell, units: Sequence[Unit]) -> Tables:
    """Find the minimal set of every seed for every delta; chosen on dev, reported on test."""
    s, splits = cell.settings, cell.splits
    rows, members, curves = [], [], []
    smallest: list[tuple[dict[str, Any], FittedProbe]] = []
    found: dict[tuple[float, ...], tuple[MinimalResult, NDArray[np.float64]]] = {}
    for seed in dict.fromkeys(int(seed) for seed, _ in units if seed is not None):
        deltas = tuple(float(delta) for other, delta in units if other == seed and delta is not None)
        if not s.exact or deltas not in found:  # a solved problem does not depend on seeds
            found[deltas] = _minimal_of_seed(cell, seed, deltas)
        result, test = found[deltas]
        for (delta, item), score in zip(result.sets.items(), test[:-1], strict=True):
            at = {"seed": seed, "delta": delta}
            rows.append(
                {
                    **at,
                    "n_neurons": len(item.neurons),
                    "dev": item.dev_accuracy,
                    "test": float(score),
                    "oracle_dev": item.oracle_dev_accuracy,
                    "oracle_test": float(test[-1]),
                }
            )
            members.append(pd.DataFrame({**at, "position": range(len(item.neurons)), "index": item.neurons}))
            smallest.append((at, item.probe))
        curves.append(result.curve.rename(columns={"dev_accuracy": "dev"}).assign(seed=seed))
    return {
        "minimal": pd.DataFrame(rows),
        "sets": pd.concat(members, ignore_index=True),
        "curves": pd.concat(curves, ignore_index=True),
        "minimal_f1": _macro_f1(splits, smallest, ["seed", "delta"]),
    }


def _minimal_of_seed(cell: Cell, seed: int, deltas: Sequence[float]) -> tuple[MinimalResult, NDArray[np.float64]]:
    """Minimal sets of one seed, and the scores on test of their probes and, last, of the oracle."""
    s, splits = cell.settings, cell.splits
    ranking, oracle = cell.ranking(seed), cell.probe(seed)
    if not s.regularize:  # both without regularisation, so that they differ in neurons only
        spec = ProbeSpec(splits.train.y, random_state=seed, loss=splits.loss)
        oracle = fit_probes(splits.train.activations, [spec], s.solver, **s.solver_settings)[0]
    found = minimal_neurons(
        oracle,
        ranking,
        splits,
        deltas=deltas,
        step=s.step,
        regularize=s.regularize,
        random_state=seed,
        solver=s.solver,
        progress=cell.progress("minimal sets (sizes)" if s.exact else f"minimal set {seed + 1} of {s.seeds} (sizes)"),
        **s.solver_settings,
    )
    probes = [item.probe for item in found.sets.values()]
    return found, score_probes(splits.test.activations, [*probes, oracle], splits.test.y)


def neurons_of(sets: pd.DataFrame, seed: int, delta: float) -> NDArray[np.intp]:
    """The minimal set of a seed and delta from the table ``sets``, in rank order."""
    rows = sets[(sets["seed"] == seed) & (sets["delta"] == delta)]
    return rows["index"].to_numpy(dtype=np.intp)


@stage(
    "control",
    after=("minimal",),
    units=all_neurons_and_each_set,
    apart=always,
    ranked=True,
    wanted=lambda cell: cell.settings.control and not cell.no_control,
    tables=columns.CONTROL,
)
def control(cell: Cell, units: Sequence[Unit]) -> Tables:
    """Fit control probes on all neurons and on the minimal sets, every seed with a control task of its own.

    Raises
    ------
    StudyError
        If the unit is the sentence, of which there is no control task.
    """
    if cell.no_control:
        raise StudyError(f"'{cell.prop}' labels sentences: {cell.no_control}; there is no control task")
    s, lambdas, sets = cell.settings, chosen_lambdas(cell), minimal(cell)["sets"]
    rows: list[dict[str, Any]] = []
    progress = cell.progress("control tasks (seeds)")
    for seed in dict.fromkeys(int(seed) for seed, _ in units if seed is not None):
        splits = ControlTask(random_state=seed).apply(cell.splits)
        deltas = [delta for other, delta in units if other == seed]
        subsets = [None if delta is None else neurons_of(sets, seed, delta) for delta in deltas]
        y = splits.train.y
        specs = [ProbeSpec(y, random_state=seed, loss=splits.loss, neurons=neurons, **lambdas) for neurons in subsets]
        found = fit_and_score(splits, specs, solver=s.solver, **s.solver_settings)
        for split, scores in found.scores.items():
            rows += [
                {
                    "seed": seed,
                    "split": split,
                    "subset": "all" if delta is None else "minimal",
                    "delta": delta,
                    "n_neurons": splits.n_neurons if neurons is None else len(neurons),
                    "score": float(score),
                    "gap": gap,
                }
                for delta, neurons, score, gap in zip(deltas, subsets, scores, found.gaps, strict=True)
            ]
        if progress is not None:
            progress(seed + 1, s.seeds)
    return {"control": pd.DataFrame(rows)}


def _resampled(cell: Cell) -> bool:
    there = cell.path_of(STAGES["stability"]).is_file()
    return cell.method == WEIGHT_MASS and (cell.settings.resamples > 0 or there)


@stage(
    "stability",
    after=("minimal",),
    settings=("seeds", "deltas", *RESAMPLED),
    remade=("seeds", "deltas", *RESAMPLED),
    wanted=_resampled,
    asked=lambda settings: settings.resamples > 0,
    tables=columns.STABILITY,
)
def stability(cell: Cell, _units: Sequence[Unit]) -> Tables:
    """Repeat the method on resampled sentences and permuted labels, to say how sure each result is.

    Where the settings say no number of resamples, what an earlier command left is taken.

    Raises
    ------
    StudyError
        If there is nothing either, or the cell's ranking is not by weight mass.
    """
    if not cell.settings.resamples:
        raise StudyError(f"{cell.folder}: no number of resamples; pass --resamples, such as 20")
    if cell.method != WEIGHT_MASS:
        raise StudyError(
            f"{cell.folder}: resamples are ranked by {WEIGHT_MASS}, not by {cell.method}; leave --ranking out"
        )
    return resample(cell, minimal=minimal(cell)["minimal"], **chosen_lambdas(cell))


@stage(
    "interventions",
    after=("oracles",),
    settings=("interventions",),
    remade=("interventions", "pairs_digest"),
    ranked=True,
    wanted=wanted,
    asked=lambda settings: settings.interventions is not None,
    tables=columns.INTERVENTIONS,
)
def interventions(cell: Cell, _units: Sequence[Unit]) -> Tables:
    """Edit the neurons that the ranking takes first, and see what the model then prefers of minimal pairs."""
    return edited(cell, **chosen_lambdas(cell))


def _macro_f1(
    splits: Splits, probes: Sequence[tuple[dict[str, Any], FittedProbe]], names: Sequence[str]
) -> pd.DataFrame:
    """Macro F1, one row a split and probe, named as each probe is; none for real values. One pass a split."""
    rows = []
    for split, part in (("dev", splits.dev), ("test", splits.test)):
        if splits.loss == "softmax":
            scores = macro_f1(part.activations, [probe for _, probe in probes], part.y)
            named = zip(probes, scores, strict=True)
            rows += [{**name, "split": split, "macro_f1": float(score)} for (name, _), score in named]
    return pd.DataFrame(rows, columns=[*names, "split", "macro_f1"])
