"""How far the rankings of the seeds agree, and how many neurons every seed selects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neurosieve.figures.agreement import overlap_of_seeds, seed_agreement
from neurosieve.figures.style import delta_name
from neurosieve.report import numbers
from neurosieve.report.numbers import count, percent
from neurosieve.report.section import Figure, Need, Section

if TYPE_CHECKING:
    from neurosieve.study.findings import Findings


def fixed(f: Findings) -> str:
    """That a ranking without a probe is the same with every seed; empty where it is not, or where there is one seed."""
    same = not f.by_mass and numbers.one_ranking(f)
    return f"The ranking by {f.ranking.method} is the same with every seed." if same else ""


SEVERAL_RANKINGS = Need(lambda f: f.ranks.shape[1] > 1 and not numbers.one_ranking(f))


def words(f: Findings) -> list[str]:
    """The overlap of two seeds' top sets, and of all seeds' minimal sets."""
    if f.exact and f.by_mass:
        return [
            "The probe on all neurons is solved to its optimum, so its ranking and its minimal sets do not depend on the seed."
        ]
    if f.ranks.shape[1] < 2:
        return ["There is one seed only, so it is not known how far another run would choose the same neurons."]
    said = [fixed(f)] if fixed(f) else []
    for delta in numbers.deltas(f):
        size = round(numbers.minimal(f, delta)["n_neurons"].mean())
        sets = list(numbers.members(f, delta).values())
        every, some = len(set.intersection(*sets)), len(set.union(*sets))
        said.append(
            f"{'' if fixed(f) else overlap(f, size, 'on average ') + ' '}Of the {count(some)} neurons in any seed's minimal set of "
            f"{delta_name(delta)}, {count(every)} are in every seed's."
        )
    return said


def overlap(f: Findings, size: int, mean: str = "") -> str:
    """How much of their union the top sets of two seeds share."""
    row = overlap_of_seeds(f.ranks, [size]).iloc[0]
    return (
        f"The top {count(size)} neurons of two seeds share {percent(row['mean'], 0)} of their union {mean}(chance: "
        f"{percent(row['chance'], 0)})."
    )


def caution(f: Findings) -> str | None:
    """One seed only."""
    return "One seed only: no number here has a spread." if f.settings.get("seeds", 1) == 1 else None


SECTION = Section(
    "agreement",
    "Whether seeds agree",
    words=words,
    caution=caution,
    figures={
        "agreement": Figure(
            seed_agreement,
            lambda f: overlap_of_seeds(f.ranks),
            "Overlap of the top sets of different seeds, against their size.",
            needs=(SEVERAL_RANKINGS,),
        )
    },
)
