"""One neuron for the template: everything that its page shows, as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from neurosieve.analysis.neurons.levels import LEVELS, levels_of
from neurosieve.report.neuron.picture import distribution
from neurosieve.report.neuron.says import signed, top_weights, what_it_does
from neurosieve.report.neuron.tables import NeuronTables
from neurosieve.report.numbers import count, percent
from neurosieve.report.text import visible

CLASSES = ("n3", "n2", "n1", "z", "p1", "p2", "p3")
"""Classes of the colours, from far below the mean to far above it."""
MOST_LABELS = 8
TITLES = {
    "top": "Highest values",
    "middle": "From the middle fifth, drawn at random",
    "bottom": "Lowest values",
    "random": "Drawn at random from all words",
}

ENDS = {
    "above": "Words that move it up",
    "below": "Words that move it down",
    "top": "Highest means",
    "bottom": "Lowest means",
}


def view_of(
    n: NeuronTables,
    *,
    anchor: str,
    facts: Sequence[tuple[str, str]] = (),
    links: Mapping[str, str] | None = None,
    text: str = "",
    layer: int = 0,
    opened: bool = False,
) -> dict[str, Any]:
    """What the template takes.

    Parameters
    ----------
    n : NeuronTables
    anchor : str
        Its address on the page.
    facts : sequence of (name, text)
        What others know of it: its rank, how sure that is.
    links : mapping of str to str, optional
        Addresses of other neurons on the page, by name.
    text : str
        Address of sentences on the page that can be coloured by it; empty where there are none.
    layer : int
        Place of its layer among those of the model, by which parts are sorted.
    opened : bool
        Whether its part stands open.
    """
    said = what_it_does(n)
    return {
        "id": anchor,
        "name": n.name,
        "opened": opened,
        "text": text,
        "sorts": {"layer": layer, **{name: _share(n, name) for name in ("property", "types", "sentences")}},
        "unit": n.unit,
        "headline": said[0].removeprefix(f"{n.name} "),
        "said": said,
        "facts": [*facts, ("values", _spread(n))],
        "picture": distribution(n) if n.sd > 0 else "",
        "prop": n.prop,
        "weights": _weights(n),
        "labels": _labels(n),
        "scale": scale_of(n),
        "contexts": _contexts(n),
        "types": [(title, _types(n, end)) for end, title in ENDS.items()],
        "follows": _follows(n),
        "twins": _twins(n, links or {}),
    }


def _share(n: NeuronTables, name: str) -> str:
    """Share of the variance between labels, word types or sentences, for sorting; 0 where it is not known."""
    share = n.summary[f"of_{name}"]
    return f"{share:.4f}" if share is not None and share == share else "0"


def number(value: float) -> str:
    """A value of a neuron: three digits that count, a true minus."""
    return f"{value:.3g}".replace("-", "\N{MINUS SIGN}")


def level(z: float) -> str:
    """Class of a word's colour from its distance from the mean: ``n3`` (far below) to ``p3`` (far above), ``z`` between."""
    return CLASSES[int(levels_of(z)) + 3]


def scale_of(n: NeuronTables) -> list[tuple[str, str]]:
    """The colours with the values at which they begin: (class, text), from the lowest."""
    if n.sd == 0:
        return []
    low = [(f"n{i}", f"to {number(n.mean - n.sd * edge)}") for i, edge in reversed([*enumerate(LEVELS, 1)])]
    high = [(f"p{i}", f"from {number(n.mean + n.sd * edge)}") for i, edge in enumerate(LEVELS, 1)]
    return [*low, ("z", f"near the mean, {number(n.mean)}"), *high]


def _spread(n: NeuronTables) -> str:
    s = n.summary
    return (
        f"mean {number(n.mean)}, standard deviation {number(n.sd)}; half between {number(s['q25'])} and {number(s['q75'])}, "
        f"98 % between {number(s['q01'])} and {number(s['q99'])}, all between {number(s['min'])} and {number(s['max'])} "
        f"({count(int(s['n_words']))} {n.unit}s)"
    )


def _weights(n: NeuronTables) -> list[tuple[str, str, str, str]]:
    """Label, signed weight, which side, and place among the label's own weights."""
    return [
        (visible(row["label"]), signed(row["per_sd"], 3), "p" if row["per_sd"] > 0 else "n", str(int(row["place"]) + 1))
        for row in top_weights(n, MOST_LABELS).to_dict("records")
    ]


def _labels(n: NeuronTables) -> list[tuple[str, str, str, str]]:
    """Label, its words, its mean, and that in standard deviations: the lowest and the highest means."""
    t = n.labels[n.labels["n"] > 0].sort_values("mean", kind="stable")
    rows = t if len(t) <= 2 * MOST_LABELS else pd.concat([t.iloc[:MOST_LABELS], t.iloc[-MOST_LABELS:]])
    return [
        (visible(str(row["label"])), count(int(row["n"])), number(row["mean"]), signed(float(n.scaled(row["mean"])), 1))
        for row in rows.to_dict("records")
    ]


def _types(n: NeuronTables, end: str) -> list[tuple[str, str, str, str, str]]:
    return [
        (
            visible(str(row["word"])),
            count(int(row["n"])),
            number(row["mean"]),
            number(row["sd"]),
            level(float(n.scaled(row["mean"]))),
        )
        for row in n.types[n.types["end"] == end].to_dict("records")
    ]


def _follows(n: NeuronTables) -> list[tuple[str, str, str]]:
    """What it follows beside the property: name, correlation with sign, share of the variance; the largest share first."""
    groups = [("word type", n.summary["of_types"]), ("sentence", n.summary["of_sentences"])]
    if n.prop:
        groups.insert(0, (n.prop, n.summary["of_property"]))
    rows = [(name, "", float(share)) for name, share in groups if share is not None and share == share]
    rows += [
        (str(f), signed(float(r)), float(r) ** 2) for f, r in zip(n.follows["feature"], n.follows["r"], strict=True)
    ]
    return [(name, r, percent(share, 1)) for name, r, share in sorted(rows, key=lambda row: -row[2])]


def _twins(n: NeuronTables, links: Mapping[str, str]) -> list[tuple[str, str, str]]:
    rows = zip(n.twins["other"], n.twins["r"], strict=True)
    return [(str(other), links.get(str(other), ""), signed(float(r))) for other, r in rows]


def _contexts(n: NeuronTables) -> list[dict[str, Any]]:
    """The contexts of each kind, word by word."""
    t = n.contexts.assign(level=[level(z) for z in np.atleast_1d(n.scaled(n.contexts["value"].to_numpy()))])
    shown = []
    for kind, title in TITLES.items():
        own = t[t["kind"] == kind]
        rows = [_context(part) for _, part in own.groupby("context", sort=True)]
        if rows:
            shown.append({"kind": kind, "title": title.replace("words", f"{n.unit}s"), "rows": rows})
    return shown


def _context(part: pd.DataFrame) -> dict[str, Any]:
    words, before = [], None
    for row in part.to_dict("records"):
        if before is not None and row["position"] != before + 1:
            words.append({"text": "[…]", "label": "", "level": "z", "value": "no value", "target": False})
        before = row["position"]
        label = row["label"]
        words.append(
            {
                "text": visible(str(row["word"]), most=400 if len(part) == 1 else 32),
                "label": "" if label is None or label != label else visible(str(label)),
                "level": row["level"],
                "value": number(row["value"]),
                "target": row["offset"] == 0,
            }
        )
    target = part[part["offset"] == 0].iloc[0]
    return {
        "value": number(target["value"]),
        "where": f"sentence {target['sentence']} ({target['split']})",
        "words": words,
        "begins": part["position"].iloc[0] == 0,
    }
