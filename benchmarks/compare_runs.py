"""Compare finished runs of two solvers: python benchmarks/compare_runs.py ADAM_RUN EXACT_RUN [ADAM_RUN EXACT_RUN ...]

Prints the table of docs/certified.md, one block a model and property that both runs of a pair hold: oracle, ablation,
size of the minimal sets, selectivity, agreement between seeds, the score of the search, gaps and times. Means over seeds,
on test, in percent or points; the sizes are chosen on dev.
"""

from __future__ import annotations

import argparse
import json
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd

TOP = 100


def main() -> None:
    """Print one markdown table for all pairs of runs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="+", type=Path, help="folders of finished runs, in pairs: stochastic, exact")
    runs = parser.parse_args().runs
    if len(runs) % 2:
        parser.error(f"{len(runs)} folders; give pairs of a stochastic and an exact run")
    blocks = []
    for one, other in zip(runs[::2], runs[1::2], strict=True):
        first, second = measured(one), measured(other)
        for cell in [name for name in first if name in second]:
            names = list(dict.fromkeys([*first[cell], *second[cell]]))
            rows = [(cell, name, first[cell].get(name, ""), second[cell].get(name, "")) for name in names]
            blocks.append(pd.DataFrame(rows, columns=["model / property", "measure", solver(one), solver(other)]))
    if not blocks:
        parser.error("no model and property is in both runs of a pair")
    print(markdown(pd.concat(blocks)))


def solver(run: Path) -> str:
    """The solver that a run was made with."""
    return json.loads((run / "manifest.json").read_text(encoding="utf-8"))["settings"]["probes"]["solver"]


def measured(run: Path) -> dict[str, dict[str, str]]:
    """For each model and property of a run its measures, written out."""
    results = pd.read_csv(run / "results.csv")
    rankings = pd.read_csv(run / "rankings.csv", low_memory=False)
    return {
        f"{model} / {prop}": _cell(found, rankings[(rankings["model"] == model) & (rankings["property"] == prop)])
        for (model, prop), found in results.groupby(["model", "property"], sort=False)
    }


def _cell(results: pd.DataFrame, ranking: pd.DataFrame) -> dict[str, str]:
    plain = results[results["task"] == "linguistic"]
    test = plain[plain["split"] == "test"]
    best = plain[plain["metric"] == "lambda_score"].sort_values("value").iloc[-1]
    said = {
        "score S (points, dev)": f"{100 * best['value']:.2f}",
        "l1, l2": f"{test['l1'].iloc[0]:g}, {test['l2'].iloc[0]:g}",
        "oracle (%)": _spread(test, "accuracy", "all"),
        "oracle, macro F1 (%)": _spread(test, "macro_f1", "all"),
    }
    for subset in ("top", "random", "bottom"):
        said[f"{subset}, others zero (%)"] = _spread(test, "accuracy", subset)
        said[f"{subset}, others mean (%)"] = _spread(test, "accuracy_mean_ablation", subset)
    for at in sorted({name.partition("@")[2] for name in plain["metric"] if name.startswith("n_neurons@")}, key=float):
        said[f"minimal set, delta {at} (neurons)"] = _spread(plain, f"n_neurons@{at}", "minimal", scale=1)
        said[f"its accuracy, delta {at} (%)"] = _spread(test, f"accuracy@{at}", "minimal")
        said[f"its selectivity, delta {at} (points)"] = _spread(test, f"selectivity@{at}", "minimal")
    said["selectivity, all neurons (points)"] = _spread(test, "selectivity", "all")
    said[f"Jaccard of the seeds' top {TOP}"] = _agreement(ranking)
    said["objective on train"] = _spread(plain, "objective", "all", scale=1, digits=5)
    said["largest gap, share of the objective"] = _gap(plain)
    for kind, name in (("sampling", "resamples"), ("seed", "seeds on one resample")):
        said[f"Jaccard of {name}, top k"] = _spread(plain, f"jaccard_{kind}", "top", scale=1)
    return {name: text for name, text in said.items() if text}


def _spread(rows: pd.DataFrame, metric: str, subset: str, *, scale: float = 100, digits: int = 2) -> str:
    """Mean and standard deviation over seeds; empty where there is no such row."""
    values = scale * rows.loc[(rows["metric"] == metric) & (rows["subset"] == subset), "value"]
    if values.empty:
        return ""
    sd = f" ± {values.std():.{digits}f}" if len(values) > 1 else ""
    return f"{values.mean():.{digits}f}{sd}"


def _agreement(ranking: pd.DataFrame) -> str:
    columns = [name for name in ranking.columns if name.startswith("rank_seed_") and ranking[name].notna().all()]
    tops = [set(ranking.loc[ranking[name] < TOP, "neuron"]) for name in columns]
    pairs = [len(a & b) / len(a | b) for a, b in combinations(tops, 2)]
    return f"{np.mean(pairs):.3f}" if pairs else ""


def _gap(rows: pd.DataFrame) -> str:
    of = {name: rows[rows["metric"] == name].set_index("seed")["value"] for name in ("gap", "objective")}
    return "" if of["gap"].empty else f"{(of['gap'] / of['objective']).max():.1e}"


def markdown(table: pd.DataFrame) -> str:
    """The table in the form that documentation takes."""
    lines = [" | ".join(table.columns), " | ".join("---" for _ in table.columns)]
    lines += [" | ".join(map(str, row)) for row in table.itertuples(index=False)]
    return "\n".join(f"| {line} |" for line in lines)


if __name__ == "__main__":
    main()
