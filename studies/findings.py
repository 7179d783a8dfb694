"""The figures of docs/findings.md from a finished run: python studies/findings.py RUN

Prints one markdown table for each of the paper's five claims. Means over seeds with standard deviations, sizes chosen on
dev and accuracies on test; depth 0 is the embedding layer and 1 the last one.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

CELL = ["model", "property"]
DELTA = 0.005
FOCUSED = 5
"""A label with at most this many neurons counts as focused here."""


def main() -> None:
    """Print all tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, help="folder of a finished run")
    for title, table in tables(parser.parse_args().run):
        print(f"### {title}\n\n{markdown(table)}\n")


def tables(run: Path) -> Iterator[tuple[str, pd.DataFrame]]:
    """Title and table of each claim."""
    results, labels, layers, architectures = (
        pd.read_csv(run / f"{name}.csv", keep_default_na=False, na_values=[""])
        for name in ("results", "labels", "layers", "architectures")
    )
    yield "Small sets suffice", small_sets(results)
    yield f"Neurons needed, % of all, delta {100 * DELTA:g}", by_property(results, DELTA)
    yield "Neurons needed, % of all, delta 2", by_property(results, 0.02)
    yield "Focused and distributed labels", focus(labels)
    yield "Mean depth of the minimal sets, and of the same number of neurons at random", depth(layers)
    yield "Share of the minimal sets by layer, %", by_layer(layers)
    yield "Architectures", across(architectures)


def small_sets(results: pd.DataFrame) -> pd.DataFrame:
    """What all neurons, the top and bottom fifth, and minimal sets reach."""
    plain = results[(results["task"] == "linguistic") & (results["split"] == "test")]
    columns = {
        "all": _mean(plain, "accuracy", "all", 100),
        "top fifth": _mean(plain, "accuracy", "top", 100),
        "bottom fifth": _mean(plain, "accuracy", "bottom", 100),
        "minimal set": _mean(results, f"n_neurons@{DELTA}", "minimal", 1, digits=0),
        "of all, %": _sizes(results, DELTA),
        "its accuracy": _mean(plain, f"accuracy@{DELTA}", "minimal", 100),
        "selectivity, all": _mean(plain, "selectivity", "all", 100),
        "selectivity, minimal": _mean(plain, f"selectivity@{DELTA}", "minimal", 100),
    }
    return pd.DataFrame(columns).loc[_order(results)].reset_index()


def by_property(results: pd.DataFrame, delta: float) -> pd.DataFrame:
    """Size of the minimal sets, a row a model and a column a property."""
    sizes = _sizes(results, delta).unstack("property")  # noqa: PD010
    return sizes.loc[results["model"].unique(), results["property"].unique()].reset_index()


def focus(labels: pd.DataFrame) -> pd.DataFrame:
    """How many neurons of the minimal set each label draws on."""
    rows = []
    for cell, found in labels[labels["delta"] == DELTA].groupby(CELL, sort=False):
        sizes = found.groupby("label")["n_neurons"].mean().sort_values()
        rows.append(
            {
                **dict(zip(CELL, cell, strict=True)),
                "labels": len(sizes),
                "median": f"{sizes.median():.0f}",
                f"labels with at most {FOCUSED}": f"{100 * (sizes <= FOCUSED).mean():.0f} %",
                "fewest": _named(sizes.head(3)),
                "most": _named(sizes.tail(3)),
            }
        )
    return pd.DataFrame(rows)


def depth(layers: pd.DataFrame) -> pd.DataFrame:
    """Where the neurons of the minimal sets sit on average, a row a model and a column a property."""
    used = layers[layers["delta"] == DELTA].copy()
    number = used.groupby([*CELL, "seed"])["layer"].rank(method="dense") - 1
    last = used.groupby("model")["layer"].transform("nunique") - 1
    used["depth"] = number / last
    used["moment"] = used["depth"] * used["share"]
    each = used.groupby([*CELL, "seed"], sort=False)["moment"].sum().groupby(CELL, sort=False)
    text = each.mean().map("{:.2f}".format) + each.std().map(" ± {:.2f}".format)
    table = text.unstack("property").loc[used["model"].unique(), used["property"].unique()]  # noqa: PD010
    table["at random"] = "0.50"
    return table.reset_index()


def by_layer(layers: pd.DataFrame) -> pd.DataFrame:
    """Share of the minimal set in each layer; all layers of a model have the same number of neurons."""
    used = layers[layers["delta"] == DELTA]
    shares = 100 * used.groupby([*CELL, "layer"], sort=False)["share"].mean()
    table = shares.map("{:.0f}".format).unstack("layer").fillna("")  # noqa: PD010
    return table.loc[list(dict.fromkeys(zip(used["model"], used["property"], strict=True)))].reset_index()


def across(architectures: pd.DataFrame) -> pd.DataFrame:
    """Neurons a label, exclusive ones, distributedness, evenness over layers, and overlap of labels against chance."""
    used = architectures[architectures["delta"] == DELTA].copy()
    used["exclusive, %"] = 100 * used["n_exclusive"] / used["n_selected"]
    digits = {
        "neurons_per_label": 0,
        "exclusive, %": 0,
        "distributedness": 3,
        "layer_evenness": 2,
        "overlap": 3,
        "overlap_by_chance": 3,
    }
    each = used.groupby(CELL, sort=False)
    columns = {
        name.replace("_", " "): each[name].mean().map(f"{{:.{n}f}}".format)
        + each[name].std().map(f" ± {{:.{n}f}}".format)
        for name, n in digits.items()
    }
    return pd.DataFrame(columns).reset_index()


def _sizes(results: pd.DataFrame, delta: float) -> pd.Series:
    sizes = results[(results["metric"] == f"n_neurons@{delta}") & (results["subset"] == "minimal")]
    each = (100 * sizes["fraction"]).groupby([sizes[name] for name in CELL], sort=False)
    return each.mean().map("{:.0f}".format) + each.std().map(" ± {:.0f}".format)


def _mean(rows: pd.DataFrame, metric: str, subset: str, scale: float, digits: int = 1) -> pd.Series:
    found = rows[(rows["metric"] == metric) & (rows["subset"] == subset) & (rows["task"] == "linguistic")]
    found = found if len(found) else rows[(rows["metric"] == metric) & (rows["subset"] == subset)]
    each = (scale * found["value"]).groupby([found[name] for name in CELL], sort=False)
    return each.mean().map(f"{{:.{digits}f}}".format) + each.std().map(f" ± {{:.{digits}f}}".format)


def _order(rows: pd.DataFrame) -> list[tuple[str, str]]:
    return list(dict.fromkeys(zip(rows["model"], rows["property"], strict=True)))


def _named(sizes: pd.Series) -> str:
    return ", ".join(f"`{label}` {size:.0f}" for label, size in sizes.items())


def markdown(table: pd.DataFrame) -> str:
    """The table in the form that documentation takes."""
    lines = [" | ".join(map(str, table.columns)), " | ".join("---" for _ in table.columns)]
    lines += [
        " | ".join("" if v != v else str(v).replace("|", "\\|") for v in row) for row in table.itertuples(index=False)
    ]
    return "\n".join(f"| {line} |" for line in lines)


if __name__ == "__main__":
    main()
