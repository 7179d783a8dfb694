"""The stages of one cell, in order: search, oracles, ablation, minimal sets, control tasks, stability.

Each stage reads what the earlier ones left in the cell's folder, so that the single commands and the whole run share
them, and an interrupted run repeats nothing that is finished.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosieve.activations.source import as_source
from neurosieve.activations.splits import Splits
from neurosieve.errors import StudyError
from neurosieve.experiments.ablation import Fill, ablated_probes
from neurosieve.experiments.control import ControlTask
from neurosieve.experiments.macro_f1 import macro_f1
from neurosieve.experiments.minimal import MinimalResult, minimal_neurons
from neurosieve.experiments.search import search_lambdas
from neurosieve.probes.engine import fit_probes
from neurosieve.probes.moments import column_moments
from neurosieve.probes.predict import score_probes
from neurosieve.probes.spec import FittedProbe, ProbeSpec
from neurosieve.study.cell import Cell, read_stage
from neurosieve.study.certainty import resample
from neurosieve.study.settings import ProbeSettings

_FIT = ("solver", "epochs", "batch_size", "learning_rate", "tol", "standardize", "rare_labels")
_SEARCH = (*_FIT, "grid", "keep", "alpha", "beta")
_SEEDED = (*_SEARCH, "seeds")
_MINIMAL = (*_SEEDED, "deltas", "step", "regularize")
_RESAMPLED = ("resamples", "resampling", "discovery_rate")
_STABILITY = (*_MINIMAL, *_RESAMPLED)

FILLS: tuple[Fill, ...] = ("zero", "mean")


def search(cell: Cell) -> dict[str, Any]:
    """Search the lambdas with seed 0, on dev; leaves the chosen probe as the oracle of seed 0."""

    def make() -> dict[str, Any]:
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
        return {
            "l1": found.l1,
            "l2": found.l2,
            "table": found.table.to_dict(orient="list"),
            "unseen": cell.splits.unseen,
        }

    return cell.stage("search", _SEARCH, make)


def oracles(cell: Cell) -> dict[str, Any]:
    """Fit the probe on all neurons with the other seeds, and score all of them."""
    chosen = search(cell)

    def make() -> dict[str, Any]:
        s, splits = cell.settings, cell.splits
        probes = {0: cell.oracle(0)}
        progress = cell.progress("oracles (fits x passes)")
        others = range(1, s.seeds)
        if s.exact:  # a solved problem does not depend on seeds
            fitted = [probes[0] for _ in others]
        else:
            specs = [
                ProbeSpec(splits.train.y, l1=chosen["l1"], l2=chosen["l2"], random_state=seed, loss=splits.loss)
                for seed in others
            ]
            fitted = fit_probes(splits.train.activations, specs, s.solver, progress=progress, **s.solver_settings)
        for seed, probe in zip(others, fitted, strict=True):
            probe.save(cell.probe_path(seed))
            probes[seed] = probe
        rows = []
        for split in ("dev", "test"):
            part = getattr(splits, split)
            scores = score_probes(part.activations, list(probes.values()), part.y)
            rows += [
                {"seed": seed, "split": split, "accuracy": float(a)} for seed, a in zip(probes, scores, strict=True)
            ]
        certificate = [
            {"seed": seed, "objective": probe.objective_, "gap": probe.gap_, "n_passes": probe.n_passes_}
            for seed, probe in probes.items()
        ]
        return {
            "rows": rows,
            "certificate": certificate,
            "macro_f1": _macro_f1(splits, [({"seed": seed}, probe) for seed, probe in probes.items()]),
        }

    return cell.stage("oracles", _SEEDED, make)


def ablation(cell: Cell) -> dict[str, Any]:
    """Keep all, top, random and bottom neurons without retraining; zero and mean; every seed; dev and test."""
    oracles(cell)

    def make() -> dict[str, Any]:
        s, splits = cell.settings, cell.splits
        means, _ = column_moments(as_source(splits.train.activations))
        variants: list[FittedProbe] = []
        names: list[tuple[int, str, str]] = []
        for seed in range(s.seeds):
            probe, ranking = cell.oracle(seed), cell.ranking(seed)
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
                    "accuracy": float(accuracy),
                }
                for (seed, fill, subset), accuracy in zip(names, scores, strict=True)
            ]
        return {"rows": rows}

    return cell.stage("ablation", _SEEDED, make)


def minimal(cell: Cell) -> dict[str, Any]:
    """Find the minimal set of every seed for every delta; chosen on dev, reported on test."""
    oracles(cell)

    def make() -> dict[str, Any]:
        s, splits = cell.settings, cell.splits
        rows, curves, sets = [], [], {}
        smallest: list[tuple[dict[str, Any], FittedProbe]] = []
        for seed in range(s.seeds):
            if seed == 0 or not s.exact:  # a solved problem does not depend on seeds
                found, test = _minimal_of_seed(cell, seed)
            for (delta, item), accuracy in zip(found.sets.items(), test[:-1], strict=True):
                rows.append(
                    {
                        "seed": seed,
                        "delta": delta,
                        "n_neurons": len(item.neurons),
                        "dev": item.dev_accuracy,
                        "test": float(accuracy),
                        "oracle_dev": item.oracle_dev_accuracy,
                        "oracle_test": float(test[-1]),
                    }
                )
                sets[f"{seed}/{delta}"] = item.neurons.tolist()
                smallest.append(({"seed": seed, "delta": delta}, item.probe))
            curves.append({"seed": seed, **found.curve.to_dict(orient="list")})
        return {"rows": rows, "sets": sets, "curves": curves, "macro_f1": _macro_f1(splits, smallest)}

    return cell.stage("minimal", _MINIMAL, make)


def _minimal_of_seed(cell: Cell, seed: int) -> tuple[MinimalResult, NDArray[np.float64]]:
    """Minimal sets of one seed, and the accuracies on test of their probes and, last, of the oracle."""
    s, splits = cell.settings, cell.splits
    ranking, oracle = cell.ranking(seed), cell.oracle(seed)
    if not s.regularize:  # both without regularisation, so that they differ in neurons only
        spec = ProbeSpec(splits.train.y, random_state=seed, loss=splits.loss)
        oracle = fit_probes(splits.train.activations, [spec], s.solver, **s.solver_settings)[0]
    found = minimal_neurons(
        oracle,
        ranking,
        splits,
        deltas=s.deltas,
        step=s.step,
        regularize=s.regularize,
        random_state=seed,
        solver=s.solver,
        progress=cell.progress("minimal sets (sizes)" if s.exact else f"minimal set {seed + 1} of {s.seeds} (sizes)"),
        **s.solver_settings,
    )
    probes = [item.probe for item in found.sets.values()]
    return found, score_probes(splits.test.activations, [*probes, oracle], splits.test.y)


def control(cell: Cell) -> dict[str, Any]:
    """Fit control probes on all neurons and on the minimal sets, every seed with a control task of its own.

    Raises
    ------
    StudyError
        If the unit is the sentence, of which there is no control task.
    """
    if cell.no_control:
        raise StudyError(f"'{cell.prop}' labels sentences: {cell.no_control}; there is no control task")
    chosen, sets = search(cell), minimal(cell)["sets"]

    def make() -> dict[str, Any]:
        s = cell.settings
        rows = []
        progress = cell.progress("control tasks (seeds)")
        for seed in range(s.seeds):
            splits = ControlTask(random_state=seed).apply(cell.splits)
            subsets: dict[str, list[int] | None] = {"all": None, **{str(d): sets[f"{seed}/{d}"] for d in s.deltas}}
            y = splits.train.y
            specs = [
                ProbeSpec(
                    y,
                    l1=chosen["l1"],
                    l2=chosen["l2"],
                    random_state=seed,
                    loss=splits.loss,
                    neurons=None if neurons is None else np.asarray(neurons),
                )
                for neurons in subsets.values()
            ]
            probes = fit_probes(splits.train.activations, specs, s.solver, **s.solver_settings)
            for split in ("dev", "test"):
                part = getattr(splits, split)
                scores = score_probes(part.activations, probes, part.y)
                rows += [
                    {
                        "seed": seed,
                        "split": split,
                        "subset": "all" if name == "all" else "minimal",
                        "delta": None if name == "all" else float(name),
                        "n_neurons": splits.n_neurons if neurons is None else len(neurons),
                        "accuracy": float(accuracy),
                    }
                    for (name, neurons), accuracy in zip(subsets.items(), scores, strict=True)
                ]
            if progress is not None:
                progress(seed + 1, s.seeds)
        return {"rows": rows}

    return cell.stage("control", _MINIMAL, make)


def stability(cell: Cell) -> dict[str, Any]:
    """Repeat the method on resampled sentences and permuted labels, to say how sure each result is.

    Uses as many resamples as the settings say; where they say none, the result that an earlier command left.

    Raises
    ------
    StudyError
        If neither the settings nor an earlier command say how many resamples.
    """
    chosen, found = search(cell), minimal(cell)
    s = with_resamples(cell)

    def make() -> dict[str, Any]:
        return resample(cell, settings=s, chosen=chosen, minimal=found["rows"])

    return replace(cell, asked=s).stage("stability", _STABILITY, make)


def with_resamples(cell: Cell) -> ProbeSettings:
    """The cell's settings with a number of resamples: its own, or that of the finished stage."""
    path = cell.folder / "stability.json"
    if cell.settings.resamples or not path.is_file():
        if not cell.settings.resamples:
            raise StudyError(f"{cell.folder}: no number of resamples; pass --resamples, such as 20")
        return cell.settings
    made_with = read_stage(path)["made_with"]
    return cell.settings.model_copy(update={key: made_with[key] for key in _RESAMPLED})


def _macro_f1(splits: Splits, probes: list[tuple[dict[str, Any], FittedProbe]]) -> list[dict[str, Any]]:
    """Rows of macro F1, one a split and probe, named as each probe is; none for real values. One pass a split."""
    if splits.loss == "squared":
        return []
    rows = []
    for split, part in (("dev", splits.dev), ("test", splits.test)):
        scores = macro_f1(part.activations, [probe for _, probe in probes], part.y)
        rows += [
            {**name, "split": split, "macro_f1": float(score)} for (name, _), score in zip(probes, scores, strict=True)
        ]
    return rows


STAGES = {
    "search": search,
    "oracles": oracles,
    "ablation": ablation,
    "minimal": minimal,
    "control": control,
    "stability": stability,
}
"""All stages in the order in which they need each other."""

OPTIONAL = ("control", "stability")
"""Stages that a run can do without."""
