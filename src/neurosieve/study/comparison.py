"""The stage `rankings`: the rankings of one property side by side, where a study has several."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from pydantic import ValidationError

from neurosieve.analysis.ranking_comparison import agreement, best_detectors, overlaps
from neurosieve.errors import StudyError
from neurosieve.experiments.cross_table import cross_table
from neurosieve.probes.memory import memory_limit
from neurosieve.probes.predict import scoring_options
from neurosieve.rankings.detectors import DETECTORS, detector_scores
from neurosieve.rankings.rank_all import rank_all
from neurosieve.rankings.ranking import NeuronRanking
from neurosieve.rankings.registry import REVERSED, method_named, method_names
from neurosieve.study import columns
from neurosieve.study.cell import Cell
from neurosieve.study.probe_settings import ProbeSettings
from neurosieve.study.result import Result, Tables, Unit
from neurosieve.study.settings import explained, option_name
from neurosieve.study.stage import stage
from neurosieve.study.stages import chosen_lambdas

SIZES = (10, 50, 200)


def compared(cell: Cell, methods: Sequence[str]) -> Tables | Result:
    """The comparison of some methods, of the study's own where none is named, or of all that are cheap where it has one.

    Other methods than the study's are compared and not kept: the stage of the run is about its own.
    """
    chosen = tuple(methods) or cell.asked.ranking
    if not methods and len(chosen) < 2:
        cheap = [name for name in method_names() if method_named(name).measure]
        chosen = tuple(dict.fromkeys([*chosen, *cheap, "random"]))
    if chosen == cell.asked.ranking:
        return rankings(cell)
    other = replace(cell, asked=_checked({**cell.asked.model_dump(), "ranking": chosen}))
    with memory_limit(other.settings.memory_limit):
        return rankings.make(other, ())


def _checked(settings: dict[str, object]) -> ProbeSettings:
    try:
        return ProbeSettings.model_validate(settings)
    except ValidationError as error:
        raise StudyError(explained(error, name=option_name)) from error


def wide(result: Tables | Result) -> pd.DataFrame:
    """One row a ranking and size: the table ``rankings`` and the accuracy of each probe."""
    table, probes = result["rankings"].dropna(axis=1, how="all"), result["ranking_probes"]
    if not len(probes):
        return table
    scores = probes.pivot_table(index=["ranking", "k"], columns="probe", values="score", sort=False).reset_index()
    return table.merge(scores, on=["ranking", "k"], how="left")


def rankings_of(cell: Cell, methods: Sequence[str]) -> dict[str, NeuronRanking]:
    """The ranking of seed 0 by each method: those of the shared pass together, others as their own cells have them."""
    cells = {name: replace(cell, method=name) for name in methods}
    together = [name for name, other in cells.items() if _shared(name) and not other.ranking_path.is_file()]
    found = rank_all(together, split=cell.splits) if together else {}
    return {name: found[name] if name in found else other.ranking(0) for name, other in cells.items()}


def _shared(name: str) -> bool:
    return method_named(name.removeprefix(REVERSED)).measure is not None


def methods_of(cell: Cell) -> tuple[str, ...]:
    """The study's rankings that are defined for the cell's property."""
    return tuple(name for name in cell.settings.ranking if cell.splits.loss in method_named(name).losses)


@stage(
    "rankings",
    after=("oracles",),
    settings=("ranking",),
    remade=("ranking",),
    wanted=lambda cell: len(methods_of(cell)) > 1,
    tables=columns.RANKINGS,
)
def rankings(cell: Cell, _units: Sequence[Unit]) -> Tables:
    """Compare the rankings: how far they agree, what their neurons detect, and how probes do on their top neurons.

    Raises
    ------
    StudyError
        If there are not two rankings.
    """
    methods = methods_of(cell)
    if len(methods) < 2:
        raise StudyError(
            f"{cell.folder}: {cell.prop} has the ranking {', '.join(methods) or 'none'} only; name two or more by --ranking"
        )
    found = rankings_of(cell, methods)
    n_neurons, s = cell.splits.n_neurons, cell.settings
    sizes = [k for k in SIZES if k <= n_neurons // 2] or [max(1, n_neurons // 2)]
    table = agreement(found, sizes)
    probes = pd.DataFrame(columns=list(columns.RANKINGS["ranking_probes"].columns))
    if cell.splits.loss == "softmax":
        lambdas = chosen_lambdas(cell)
        table = table.merge(best_detectors(found, sizes, detector_scores(cell.splits.test)), on=["ranking", "k"])
        probes = cross_table(
            cell.splits,
            found,
            sizes=sizes,
            l1=lambdas["l1"],
            l2=lambdas["l2"],
            standardize=s.standardize,
            **scoring_options(s.solver_settings),
        )
    else:
        table = table.assign(**dict.fromkeys(DETECTORS, np.nan))
    pairs = [
        {"ranking": a, "with": b, "k": k, "overlap": float(of_pair)}
        for k in sizes
        for a, row in overlaps(found, k).to_dict("index").items()
        for b, of_pair in row.items()
        if a != b
    ]
    return {"rankings": table, "ranking_overlaps": pd.DataFrame(pairs), "ranking_probes": probes}
