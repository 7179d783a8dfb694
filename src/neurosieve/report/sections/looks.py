"""What each neuron of the minimal set does: a part for each, with words, distribution and what else it follows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosieve.figures.style import delta_name
from neurosieve.report import numbers
from neurosieve.report.neuron.tables import NeuronTables, looked_at, split_by_neuron
from neurosieve.report.neuron.view import view_of
from neurosieve.report.numbers import count, file_name, ordinal, percent
from neurosieve.report.section import Parts, Section, has_table
from neurosieve.report.text import visible

if TYPE_CHECKING:
    from neurosieve.study.findings import Findings

TEMPLATE = "neuron.html"
FEW = 50
"""Training words of a label below which its weights are said to rest on little."""


def neurons_of(f: Findings) -> dict[int, NeuronTables]:
    """What is known of each neuron that was looked at, by its number."""
    real = f.metric == "r2"
    return split_by_neuron(f.tables, f.neurons["neuron"], prop=f.prop, unit=f.unit, real_values=real)


def words(f: Findings) -> list[str]:
    """Which neurons have a part, and over which words they were looked at."""
    seen = looked_at(f.tables)
    delta = numbers.deltas(f)[0]
    size = int(numbers.minimal(f, delta)["n_neurons"].iloc[0])
    which = f"the {count(len(seen))}" if len(seen) == size else f"the first {count(len(seen))} of the {count(size)}"
    whose = "seed 0's" if numbers.over_seeds(f) else "the"
    n_words = int(f.tables["neuron_summary"]["n_words"].iloc[0])
    return [
        f"A part for each of {which} neurons of {whose} minimal set ({delta_name(delta)}), in its order, over all "
        f"{count(n_words)} {numbers.units(f)} of the text, train, dev and test together. What a neuron goes up and down on is "
        'seen here, not what the network does with it: that only changing the neuron tells ("edited alone", where it was done).'
    ]


def parts(f: Findings, anchor: str, most: int) -> Sequence[Mapping[str, Any]]:
    """The parts, in the order of the ranking."""
    known = list(neurons_of(f).values())[:most]
    links = {n.name: f"{anchor}--{file_name(n.name)}" for n in known}
    text = f"{anchor}--text-view" if "text_words" in f.tables else ""
    layers = {layer: place for place, layer in enumerate(dict.fromkeys(f.neurons["layer"]))}
    return [
        view_of(
            n,
            anchor=links[n.name],
            facts=facts(f, n.index),
            links=links,
            text=text,
            layer=layers[f.neurons["layer"].iloc[n.index]],
        )
        for n in known
    ]


def facts(f: Findings, neuron: int) -> list[tuple[str, str]]:
    """What the study knows of a neuron: its rank, how sure that is, and in how many sets it is."""
    ranks = f.ranks.iloc[neuron]
    first = int(ranks.iloc[0])
    rank = f"{count(first)} of {count(f.n_neurons)}, counted from 0"
    if ranks.nunique() > 1:
        rank += f"; {count(int(ranks.min()))} to {count(int(ranks.max()))} over {len(ranks)} seeds"
    said = [("rank", rank)]
    if f.ranking.mass is not None:
        share = f"{percent(f.ranking.mass[neuron])} of the absolute weights of the label that leans on it most"
        said.append(("weight", f"{share}{_first_label(f, neuron)}"))
    if f.certainty is not None:
        row = f.certainty.neurons.iloc[neuron]
        often = f"in the top {count(f.certainty.k)} of {percent(row['frequency'], 0)} of {f.certainty.n_resamples} resamples"
        ends = f"95 % of its ranks lie between {count(round(row['rank_low']))} and {count(round(row['rank_high']))}"
        said.append(("how sure", f"{often}; {ends}; q-value {row['q_value']:.2g}"))
    said += _edited_alone(f, neuron)
    sets = numbers.members(f, numbers.deltas(f)[0])
    held = int(np.sum([neuron in members for members in sets.values()]))
    if held < len(sets):
        said.append(("in minimal sets", f"of {held} of {len(sets)} seeds"))
    return said


def _edited_alone(f: Findings, neuron: int) -> list[tuple[str, str]]:
    """What an edit of the neuron alone does, where that was measured."""
    if "intervention_neurons" not in f.tables:
        return []
    alone = f.tables["intervention_neurons"]
    rows = alone[alone["neuron"] == f.neurons["neuron"].iloc[neuron]].to_dict("records")
    return [
        (
            "edited alone",
            f"{row['edit']}: {row['effect']:.2f} nats of log-odds lost beyond neurons that match it (95 % interval "
            f"{row['low']:.2f} to {row['high']:.2f}; 95 % of these lie from {row['random_low']:.2f} to {row['random_high']:.2f})",
        )
        for row in rows
    ]


def _first_label(f: Findings, neuron: int) -> str:
    """The label among whose weights the neuron comes earliest, with its training words where they are few."""
    weights = f.tables.get("neuron_weights")
    if weights is None or f.metric == "r2" or not (weights["index"] == neuron).any():
        return ""
    row = weights[weights["index"] == neuron].sort_values("place", kind="stable").iloc[0]
    counts = f.label_counts.loc[f.label_counts["label"].astype(str) == str(row["label"]), "train"]
    n = int(counts.iloc[0]) if len(counts) else 0
    few = f", a label with {count(n)} training {numbers.units(f)} only" if n < FEW else ""
    return f"; it is {ordinal(int(row['place']) + 1)} among those of “{visible(str(row['label']))}”{few}"


SECTION = Section(
    "looks",
    "What each neuron does",
    needs=(has_table("neuron_summary"),),
    words=words,
    parts=Parts(TEMPLATE, parts, lambda f: len(looked_at(f.tables))),
)
