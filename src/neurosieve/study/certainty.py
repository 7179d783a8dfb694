"""How sure a cell's results are: resampled sentences, other seeds and permuted labels, as a stage and as findings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from neurosieve.activations.labels import is_labelled
from neurosieve.experiments.discovery import Null, ambiguous_words, discover_neurons, fewest_permutations
from neurosieve.experiments.stability import stability
from neurosieve.notebook import short_repr

if TYPE_CHECKING:
    from neurosieve.study.cell import Cell

CURVE_SIZES = 3
"""Sizes of retrained sets between the smallest tried and the largest needed."""

FREQUENT = 0.9
"""Share of the resamples from which on a neuron is called certain."""


@dataclass(frozen=True, repr=False)
class Certainty:
    """What resampling and permuting gave.

    Attributes
    ----------
    k : int
        Size of the top sets that are compared: that of the minimal set of the smallest delta, or of the kept neurons
        where they are fewer.
    neurons : DataFrame
        In neuron order: frequency, rank_low, rank_high, key_low, key_high, q_value.
    scores, sets, overlap : DataFrame
        As in `StabilityResult`.
    sampling_jaccard : float
    seed_jaccard : float or None
    n_resamples, n_seeds : int
    scheme : str
    rate : float
        Rate of the list of discovered neurons.
    null : str
        What was permuted: labels within word types, or sentences of labels where no type has two labels.
    n_permutations : int
    changed, ambiguous : float
        Shares of the labelled training words whose label a permutation changes, and whose type has several labels.
    """

    __repr__ = short_repr

    k: int
    neurons: pd.DataFrame
    scores: pd.DataFrame
    sets: pd.DataFrame
    overlap: pd.DataFrame
    sampling_jaccard: float
    seed_jaccard: float | None
    n_resamples: int
    n_seeds: int
    scheme: str
    rate: float
    null: str
    n_permutations: int
    changed: float
    ambiguous: float

    @property
    def discovered(self) -> NDArray[np.intp]:
        """Numbers of the neurons on the list, in ascending order."""
        return np.flatnonzero(self.neurons["q_value"].to_numpy() <= self.rate)

    @property
    def frequent(self) -> NDArray[np.intp]:
        """Numbers of the neurons that nearly all resamples (`FREQUENT`) select."""
        return np.flatnonzero(self.neurons["frequency"].to_numpy() >= FREQUENT)

    @classmethod
    def of(cls, tables: Mapping[str, pd.DataFrame]) -> Certainty:
        """Take the tables of the stage `stability`."""
        row = tables["stability"].iloc[0].to_dict()
        seed = row.pop("seed_jaccard")
        whole = {name: int(row.pop(name)) for name in ("k", "n_resamples", "n_seeds", "n_permutations")}
        named = {"neurons": "certainty", "scores": "scores", "sets": "stability_sets", "overlap": "overlap"}
        frames = {field: tables[name] for field, name in named.items()}
        parts: dict[str, Any] = {str(k): v for k, v in row.items()} | whole | frames
        return cls(**parts, seed_jaccard=None if pd.isna(seed) else seed)

    def results(self, score: str) -> list[dict[str, Any]]:
        """Rows for ``results.csv``: metric, value, split, subset and n of every interval, noise and count.

        Parameters
        ----------
        score : str
            What the scores are: ``"accuracy"`` or ``"r2"``.
        """
        rows: list[dict[str, Any]] = []
        for row in self.scores.to_dict("records"):
            name = f"{score}_mean_ablation" if row["fill"] == "mean" else score
            where = {"split": row["split"], "subset": row["subset"], "n": int(row["n_neurons"])}
            if row["subset"] == "retrained":
                rows.append({"metric": name, "value": row["value"], **where})
            for kind in ("low", "high", "sd_train", "sd_text", "sd_seed"):
                rows.append({"metric": f"{name}_{kind}", "value": row[kind], **where})
        for row in self.sets.to_dict("records"):
            for kind in ("low", "high"):
                metric = f"n_neurons_{kind}@{row['delta']:g}"
                rows.append(
                    {"metric": metric, "value": row[kind], "split": "dev", "subset": "minimal", "n": int(row[kind])}
                )
        top = {"split": "train", "subset": "top", "n": self.k}
        rows.append({"metric": "jaccard_sampling", "value": self.sampling_jaccard, **top})
        rows.append({"metric": "jaccard_seed", "value": self.seed_jaccard, **top})
        rows.append({"metric": f"n_frequent@{FREQUENT:g}", "value": len(self.frequent), **top})
        found = {"split": "train", "subset": "all", "n": len(self.neurons)}
        rows.append({"metric": f"n_discovered@{self.rate:g}", "value": len(self.discovered), **found})
        return [row for row in rows if row["value"] is not None and not np.isnan(row["value"])]


def resample(cell: Cell, *, l1: float, l2: float, minimal: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Resample and permute; gives the tables of the stage `stability`.

    Parameters
    ----------
    cell : Cell
        With settings that say how many resamples.
    l1, l2 : float
        The chosen lambdas.
    minimal : DataFrame
        The minimal sets: ``delta`` and ``n_neurons``.
    """
    s, splits = cell.settings, cell.splits
    found = stability(
        splits,
        l1=l1,
        l2=l2,
        k=_compared_size(minimal, splits.n_neurons, keep=s.keep),
        n_resamples=s.resamples,
        n_seeds=s.seeds,
        scheme=s.resampling,
        keep=s.keep,
        sizes=curve_sizes(minimal, splits.n_neurons, step=s.step),
        deltas=s.deltas,
        regularize=s.regularize,
        solver=s.solver,
        progress=cell.progress("resamples (fits x passes)"),
        **s.solver_settings,
    )
    n_ambiguous = ambiguous_words(splits.train) if splits.unit == "word" else 0  # sentences hardly ever come back
    null: Null = "type" if n_ambiguous else "sentences"
    listed = discover_neurons(
        splits,
        l1=l1,
        l2=l2,
        rate=s.discovery_rate,
        null=null,
        n_permutations=max(s.resamples, fewest_permutations(s.discovery_rate)),
        solver=s.solver,
        progress=cell.progress("permuted labels (fits x passes)"),
        **s.solver_settings,
    )
    numbers = {
        "k": found.k,
        "sampling_jaccard": found.sampling_jaccard,
        "seed_jaccard": found.seed_jaccard,
        "n_resamples": found.n_resamples,
        "n_seeds": found.n_seeds,
        "scheme": found.scheme,
        "rate": listed.rate,
        "null": listed.null,
        "n_permutations": listed.n_permutations,
        "changed": listed.changed,
        "ambiguous": n_ambiguous / int(is_labelled(splits.train.y).sum()),
    }
    return {
        "stability": pd.DataFrame([numbers]),
        "certainty": found.to_frame().assign(q_value=listed.q_value),
        "scores": found.scores,
        "stability_sets": found.sets,
        "overlap": found.overlap,
    }


def curve_sizes(minimal: pd.DataFrame, n_neurons: int, *, step: float) -> list[int]:
    """Sizes on which resamples are retrained: from the first step to beyond the largest minimal set, and these sets'.

    All steps would cost as much for every resample as the whole search for minimal sets.
    """
    own = {round(float(size)) for size in minimal.groupby("delta")["n_neurons"].mean()}
    last = min(n_neurons, 1.5 * int(minimal["n_neurons"].max()))
    first = min(max(1.0, step * n_neurons), last)
    even = {round(float(size)) for size in np.geomspace(first, last, CURVE_SIZES)}
    return sorted(size for size in own | even if 1 <= size < n_neurons)


def _compared_size(minimal: pd.DataFrame, n_neurons: int, *, keep: float) -> int:
    """Mean size of the minimal sets of the smallest delta; a set of nearly all neurons would be the same for everyone."""
    sizes = minimal.loc[minimal["delta"] == minimal["delta"].min(), "n_neurons"]
    return max(1, min(round(float(sizes.mean())), round(keep * n_neurons)))
