"""Encoded, or used? What edits of the top neurons do to what the model says, and the verdict."""

from __future__ import annotations

from collections.abc import Hashable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from neurosieve.figures.interventions import NAMES, effect_by_dose, effect_by_size, effects_of, first_dose, kept_rows
from neurosieve.report.numbers import count, percent
from neurosieve.report.section import Figure, Need, Section, has_table

if TYPE_CHECKING:
    from neurosieve.study.findings import Findings

DOSED = Need(lambda f: "interventions" in f.tables and len(f.tables["interventions"]["dose"].unique()) > 1)
KEPT_SETS = Need(lambda f: len(kept_rows(f.tables["intervention_effects"])) > 0)
FEW_PAIRS = 50
LOSSY = 1.1
"""Collateral loss is cautioned of where the loss on other text is this many times the intact model's."""


def _verdict(f: Findings) -> dict[str, Any]:
    return {str(name): value for name, value in f.tables["intervention_verdict"].iloc[0].items()}


def words(f: Findings) -> list[str]:
    """What was done, the verdict and its numbers, completeness and selectivity, loss on other text."""
    v, table = _verdict(f), f.tables["interventions"]
    intact = table[table["outcome"] == "accuracy"]["intact"].iloc[0]
    edit, layers = table["edit"].iloc[0], table["layers"].iloc[0]
    said = [
        f"The neurons that the ranking takes first were edited in the running model ({edit}, at {layers}), and it was measured "
        f"{_asked(v, intact)} What is reported is the difference to random sets of the same layers and of nearly the same "
        "variance.",
        f"Verdict: {v['verdict']}. {_sentence(v['why'])} It would have been refuted by {v['refuted_by']}.",
    ]
    if not pd.isna(v["completeness"]):
        text = (
            "A probe kept apart says that the edit of the largest set takes "
            f"{percent(v['completeness'], 0)} of the property away"
        )
        if not pd.isna(v["selectivity"]):
            text += f", and leaves {percent(v['selectivity'], 0)} of other properties as they were"
        said.append(f"{text}.")
    return [*said, *_beside(f), *_collateral(table)]


def _asked(v: dict[str, Any], intact: float) -> str:
    if pd.isna(v["pairs"]):
        return (
            f"what a probe kept apart then reads in the deepest layer, in {count(v['n_pairs'])} sentences of test. Unedited it "
            f"prefers the right label in {percent(intact, 1)} of them, on average over a sentence's words."
        )
    return (
        f"how far the model still prefers the good sentence in {count(v['n_pairs'])} minimal pairs "
        f"({Path(str(v['pairs'])).name}). Unedited it does so in {percent(intact, 1)} of them."
    )


def _beside(f: Findings) -> list[str]:
    """Areas of what was removed and kept, the layer that matters most, and the layers that take over."""
    said = []
    if "intervention_areas" in f.tables:
        areas = f.tables["intervention_areas"]
        top = areas[areas["set"] == "top"].to_dict("records")
        text = "Averaged over the logarithm of the size, removing the top neurons costs " + _interval(top[0], "area")
        if len(top) > 1:
            text += f", and leaving them alone keeps {_interval(top[1], 'area')}, both beyond matched random neurons"
        said.append(f"{text}.")
    effects = f.tables["intervention_effects"]
    one = effects[(effects["layers"] != effects["layers"].iloc[0]) & (effects["set"] == "top")]
    if len(one):
        most = one.loc[one["effect"].idxmax()].to_dict()
        said.append(
            f"One layer at a time, the neurons in {most['layers']} ({count(most['k'])} of the largest set) cost most: "
            f"{_interval(most, 'effect')}."
        )
    repair = f.tables.get("intervention_repair")
    if repair is not None and len(repair):
        grown = repair[repair["low"] > 0].sort_values("growth", ascending=False)
        first = ", ".join(f"{row['layer']} (by {row['growth']:.2f} nats)" for row in grown.head(3).to_dict("records"))
        which = f"those of {count(len(grown))}, first {first}" if len(grown) else "none"
        said.append(
            f"Self-repair: of the next neurons of each of {count(len(repair))} layers, {which} cost more once the largest set "
            "is gone (one layer in forty is expected by chance)."
        )
    return said


def _interval(row: dict[Hashable, Any], name: str) -> str:
    return f"{row[name]:.2f} nats ({row['low']:.2f} to {row['high']:.2f})"


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def _collateral(table: pd.DataFrame) -> list[str]:
    loss = table[table["outcome"] == "loss"]
    if not len(loss):
        return []
    by_set = loss[loss["dose"] == loss["dose"].iloc[0]].groupby("set")["value"].mean()
    return [
        f"On sentences of test the model loses {loss['intact'].iloc[0]:.2f} nats a sub-word unedited, {by_set['top']:.2f} with the "
        f"{count(loss['k'].iloc[0])} top neurons edited, and {by_set['random']:.2f} with as many matched random ones."
    ]


def table(f: Findings) -> pd.DataFrame:
    """Effects of each kind of set and size."""
    effects = effects_of(f)
    effects = effects[effects["dose"] == first_dose(effects)]
    return pd.DataFrame(
        [
            {
                "set": NAMES.get(str(row["set"]), row["set"]),
                "neurons": count(row["k"]),
                "effect, nats": f"{row['effect']:.2f}",
                "95 % interval": f"{row['low']:.2f} to {row['high']:.2f}",
                "95 % of random sets": f"{row['random_low']:.2f} to {row['random_high']:.2f}",
                "p": f"{row['p']:.3f}",
            }
            for row in effects.to_dict("records")
        ]
    )


def caution(f: Findings) -> list[str]:
    """Few pairs, pairs left out, loss on other text, nothing told of non-use."""
    if "intervention_verdict" not in f.tables:
        return []
    v, values = _verdict(f), f.tables["interventions"]
    said = []
    if v["n_pairs"] < FEW_PAIRS:
        units = "sentences" if pd.isna(v["pairs"]) else "minimal pairs"
        said.append(f"The verdict on use rests on {count(v['n_pairs'])} {units} only.")
    if v["n_excluded"]:
        said.append(
            f"{count(v['n_excluded'])} minimal pairs could not be asked about; the table intervention_excluded names them."
        )
    loss = values[(values["outcome"] == "loss") & (values["set"] == "top")]
    if len(loss) and float(loss["value"].iloc[0]) > LOSSY * float(loss["intact"].iloc[0]):
        said.append(
            "Editing the largest set also makes the model worse on other text, so that its effect on the pairs is not of the "
            "property alone."
        )
    if v["verdict"] == "cannot be told":
        said.append(f"Whether these neurons are used cannot be told: {v['why']}.")
    return said


def brief(f: Findings) -> dict[str, str]:
    """The verdict."""
    v = _verdict(f)
    return {"Encoded, or used": f"{_sentence(v['verdict'])[:-1]}: {v['why']}."}


SECTION = Section(
    "interventions",
    "Encoded, or used?",
    needs=(has_table("intervention_verdict"),),
    words=words,
    table=table,
    caution=caution,
    brief=brief,
    figures={
        "interventions": Figure(
            effect_by_size,
            lambda f: f.tables["intervention_effects"],
            "Log-odds of the good sentences lost by editing neurons, beyond matched random sets, against their number.",
        ),
        "kept": Figure(
            lambda f: effect_by_size(f, kept=True),
            lambda f: f.tables["intervention_effects"],
            "Log-odds of the good sentences kept by leaving neurons alone as they are, beyond matched random sets.",
            needs=(KEPT_SETS,),
        ),
        "doses": Figure(
            effect_by_dose,
            lambda f: f.tables["interventions"],
            "Log-odds of the good sentences against the dose of the translation.",
            needs=(DOSED,),
        ),
    },
)
