"""What one cell found: the stages' results as tables, ready for figures, pages and the tidy table of results."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from neurosieve.analysis.labels import mean_label_distribution
from neurosieve.analysis.layers import layer_distribution
from neurosieve.notebook import short_repr
from neurosieve.probes.solvers import SOLVERS, current_name
from neurosieve.rankings.ranking import NeuronRanking
from neurosieve.study.cell import no_control
from neurosieve.study.certainty import Certainty
from neurosieve.study.columns import CONTROL
from neurosieve.study.spread import spread_by_seed
from neurosieve.study.stages import neurons_of

LABEL_COLUMNS = ["label", "n_neurons", "n_exclusive", "main_layer", "main_layer_share"]

RESULT_COLUMNS = [
    "model",
    "property",
    "ranking",
    "subset",
    "n_neurons",
    "fraction",
    "task",
    "split",
    "seed",
    "l1",
    "l2",
    "metric",
    "value",
]


@dataclass(frozen=True, repr=False)
class Findings:
    """Everything that one model and one property gave.

    Attributes
    ----------
    model, prop : str
    n_neurons, n_labels : int
    words : dict of str to int
        Labelled words (or sentences, see `unit`) of each split.
    unseen : dict of str to int
        Words of dev and test whose label train lacks.
    label_counts : DataFrame
        label, train, dev, test; empty for real values.
    l1, l2 : float
        The chosen lambdas.
    search : DataFrame
        l1, l2, a_top, a_bottom, a_all, score; one row a pair of the grid (dev).
    oracle : DataFrame
        seed, split, score.
    ablation : DataFrame
        seed, split, fill, subset, n_neurons, score.
    minimal : DataFrame
        seed, delta, n_neurons, dev, test, oracle_dev, oracle_test.
    curves : DataFrame
        seed, n_neurons, fraction, dev.
    control : DataFrame
        seed, split, subset, delta, n_neurons, score (on the control task); empty without control tasks.
    selectivity : DataFrame
        seed, split, subset, delta, n_neurons, linguistic, control, selectivity; empty without control tasks.
    layers : DataFrame
        layer, n_selected, n_neurons, share, expected; means over seeds, of the minimal set of the smallest delta.
    labels : DataFrame
        label, n_neurons, n_exclusive, main_layer, main_layer_share; means over seeds, of the minimal set of the smallest
        delta.
    neurons : DataFrame
        The store's table of neurons.
    ranking : NeuronRanking
        Of seed 0.
    ranks : DataFrame
        One column a seed: rank of each neuron, in neuron order.
    seconds : dict of str to float
        Wall time of each stage.
    settings : dict
        The probe settings.
    metric : {"accuracy", "r2"}
        What every score of the tables above is: the accuracy, or for real values R², the share of their variance that a
        probe explains (below 0 where it is worse than their mean).
    unit : {"word", "sentence"}
        What is labelled.
    no_control : str
        Why there is no control task whatever was asked for; empty if there is one.
    values : DataFrame
        Of real values: split, n, mean, sd, min, median, max; else empty.
    histogram : DataFrame
        Of real values: low, high, train, dev, test; else empty.
    corpus : str
        Name of the corpus.
    sentences : dict of str to int
        Sentences of each split that hold a labelled word.
    by_seed : dict of str to DataFrame
        ``"layers"``, ``"labels"`` and ``"architecture"`` of every seed's minimal set of the smallest delta, with the
        columns seed and delta (see `neurosieve.study.spread`).
    macro_f1 : DataFrame
        seed, split, delta (missing for the oracle), macro_f1; empty for real values.
    certificate : DataFrame
        seed, objective, gap (missing unless the solver is exact), n_passes of the oracles.
    certainty : Certainty or None
        What resampling and permuting gave, where it was asked for.
    tables : dict of str to DataFrame
        Every table of every stage (see `neurosieve.study.columns`), also of stages that other packages added.
    """

    __repr__ = short_repr

    model: str
    prop: str
    n_neurons: int
    n_labels: int
    words: dict[str, int]
    unseen: dict[str, int]
    label_counts: pd.DataFrame
    l1: float
    l2: float
    search: pd.DataFrame
    oracle: pd.DataFrame
    ablation: pd.DataFrame
    minimal: pd.DataFrame
    curves: pd.DataFrame
    control: pd.DataFrame
    selectivity: pd.DataFrame
    layers: pd.DataFrame
    labels: pd.DataFrame
    neurons: pd.DataFrame
    ranking: NeuronRanking
    ranks: pd.DataFrame
    seconds: dict[str, float]
    settings: dict[str, Any]
    metric: str = "accuracy"
    unit: str = "word"
    no_control: str = ""
    values: pd.DataFrame = field(default_factory=pd.DataFrame)
    histogram: pd.DataFrame = field(default_factory=pd.DataFrame)
    corpus: str = ""
    sentences: dict[str, int] = field(default_factory=dict)
    by_seed: dict[str, pd.DataFrame] = field(default_factory=dict)
    macro_f1: pd.DataFrame = field(default_factory=pd.DataFrame)
    certificate: pd.DataFrame = field(default_factory=pd.DataFrame)
    certainty: Certainty | None = None
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)

    @property
    def by_mass(self) -> bool:
        """Whether neurons are ranked by weight mass, so that it can be said which labels take them."""
        return self.ranking.key is not None

    @property
    def exact(self) -> bool:
        """Whether probes are solved to their optimum, which does not depend on seeds."""
        solver = SOLVERS.get(current_name(str(self.settings.get("solver"))))
        return solver is not None and solver.deterministic

    def results(self) -> pd.DataFrame:
        """Rows of the tidy table ``results.csv`` (columns `RESULT_COLUMNS`), one row a seed."""
        rows: list[dict[str, object]] = []

        def add(
            metric: str,
            value: float,
            *,
            seed: int,
            split: str,
            subset: str = "all",
            n: int | None = None,
            task: str = "linguistic",
            l1: float = self.l1,
            l2: float = self.l2,
        ) -> None:
            count = self.n_neurons if n is None else n
            rows.append(
                {
                    "model": self.model,
                    "property": self.prop,
                    "ranking": self.ranking.method,
                    "subset": subset,
                    "n_neurons": count,
                    "fraction": count / self.n_neurons,
                    "task": task,
                    "split": split,
                    "seed": seed,
                    "l1": l1,
                    "l2": l2,
                    "metric": metric,
                    "value": value,
                }
            )

        for row in _records(self.search.dropna(subset="score")):
            add("lambda_score", row["score"], seed=0, split="dev", l1=row["l1"], l2=row["l2"])
        for row in _records(self.ablation):
            metric = self.metric if row["fill"] == "zero" else f"{self.metric}_mean_ablation"
            add(metric, row["score"], seed=row["seed"], split=row["split"], subset=row["subset"], n=row["n_neurons"])
        for row in _records(self.minimal):
            seed, n, at = row["seed"], row["n_neurons"], f"@{row['delta']:g}"
            for split in ("dev", "test"):
                add(f"{self.metric}{at}", row[split], seed=seed, split=split, subset="minimal", n=n)
            add(f"n_neurons{at}", n, seed=seed, split="dev", subset="minimal", n=n)
        for row in _records(self.selectivity):
            at = "" if row["subset"] == "all" else f"@{row['delta']:g}"
            where = {"seed": row["seed"], "split": row["split"], "subset": row["subset"], "n": row["n_neurons"]}
            add(f"{self.metric}{at}", row["control"], task="control", **where)
            add(f"selectivity{at}", row["selectivity"], **where)
        self._add_certainty(add)
        return pd.DataFrame(rows, columns=RESULT_COLUMNS)

    def _add_certainty(self, add: Callable[..., None]) -> None:
        """Add what says how good and how sure the other rows are."""
        sizes = {(row["seed"], row["delta"]): row["n_neurons"] for row in _records(self.minimal)}
        for row in _records(self.macro_f1):
            if np.isnan(row["delta"]):
                add("macro_f1", row["macro_f1"], seed=row["seed"], split=row["split"])
                continue
            n = sizes[row["seed"], row["delta"]]
            metric = f"macro_f1@{row['delta']:g}"
            add(metric, row["macro_f1"], seed=row["seed"], split=row["split"], subset="minimal", n=n)
        for row in _records(self.certificate):
            for metric in ("objective", "gap"):
                if row[metric] is not None and not np.isnan(row[metric]):
                    add(metric, row[metric], seed=row["seed"], split="train")
        for row in [] if self.certainty is None else self.certainty.results(self.metric):
            add(row.pop("metric"), row.pop("value"), seed=0, **row)

    def ranking_frame(self) -> pd.DataFrame:
        """Rows of ``rankings.csv``, in the order of seed 0's ranking.

        Beside the ranking: every seed's rank and their mean, whether seed 0's minimal set of the smallest delta holds
        the neuron, the share of seeds whose does, and, after resampling, the neuron's selection frequency, intervals of
        rank and key, and q-value.
        """
        frame = self.ranking.to_frame(self.neurons)
        position = {name: i for i, name in enumerate(self.neurons["neuron"])}
        numbers = frame["neuron"].map(position).to_numpy()
        smallest = self.minimal[(self.minimal["seed"] == 0)]["n_neurons"].max()
        fixed = pd.DataFrame({"model": self.model, "property": self.prop}, index=frame.index)
        seeds = self.ranks.iloc[numbers].reset_index(drop=True).add_prefix("rank_seed_")
        selected = pd.Series(np.arange(len(frame)) < smallest, name="in_minimal_set")
        sizes = self.minimal.groupby("seed")["n_neurons"].max()
        held = np.mean([self.ranks[seed] < sizes[seed] for seed in self.ranks.columns], axis=0)
        over_seeds = pd.DataFrame(
            {"mean_rank": self.ranks.mean(axis=1).to_numpy()[numbers], "minimal_set_share": held[numbers]}
        )
        sure = [] if self.certainty is None else [self.certainty.neurons.iloc[numbers].reset_index(drop=True)]
        of_labels = [str(column).startswith("rank:") for column in frame]
        head, labels = frame.loc[:, [not label for label in of_labels]], frame.loc[:, of_labels]
        return pd.concat([fixed, head, seeds, selected, over_seeds, *sure, labels], axis=1)


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return frame.to_dict("records")  # type: ignore[return-value]  # keys are the column names, all strings


def from_tables(
    tables: Mapping[str, pd.DataFrame],
    rankings: Sequence[NeuronRanking],
    *,
    model: str,
    prop: str,
    settings: Mapping[str, Any],
    seconds: Mapping[str, float],
) -> Findings:
    """The findings of one cell from its stages' tables and the ranking of each seed."""
    about = tables["about"].iloc[0]
    of_split = {str(row["split"]): row for row in _records(tables["words"])}
    oracle, minimal = tables["oracle"], tables["minimal"]
    control = tables.get("control", pd.DataFrame(columns=list(CONTROL["control"].columns)))
    neurons, smallest = tables["neurons"], min(settings["deltas"])
    sets = {seed: neurons_of(tables["sets"], seed, smallest) for seed in range(len(rankings))}
    by_seed = spread_by_seed(rankings, sets, neurons, delta=smallest)
    macro_f1 = pd.concat([tables["oracle_f1"].assign(delta=np.nan), tables["minimal_f1"]], ignore_index=True)
    return Findings(
        model=model,
        prop=prop,
        n_neurons=len(neurons),
        n_labels=int(about["n_labels"]),
        words={split: int(row["n_words"]) for split, row in of_split.items()},
        unseen={split: int(of_split[split]["unseen"]) for split in ("dev", "test")},
        label_counts=tables["label_counts"],
        l1=float(tables["chosen"]["l1"].iloc[0]),
        l2=float(tables["chosen"]["l2"].iloc[0]),
        search=tables["search"],
        oracle=oracle,
        ablation=tables["ablation"],
        minimal=minimal,
        curves=tables["curves"],
        control=control,
        selectivity=selectivity_table(oracle, minimal, control),
        **distributions(rankings, sets, neurons),
        neurons=neurons,
        ranking=rankings[0],
        ranks=pd.DataFrame({seed: ranking.ranks for seed, ranking in enumerate(rankings)}),
        seconds=dict(seconds),
        settings=dict(settings),
        metric="r2" if about["loss"] == "squared" else "accuracy",
        unit=str(about["unit"]),
        no_control=no_control(str(about["unit"])),
        values=tables["values"],
        histogram=tables["histogram"],
        corpus=str(about["corpus"]),
        sentences={split: int(row["sentences"]) for split, row in of_split.items()},
        by_seed=by_seed,
        macro_f1=macro_f1[["seed", "split", "delta", "macro_f1"]],
        certificate=tables["certificate"],
        certainty=Certainty.of(tables) if "certainty" in tables else None,
        tables=dict(tables),
    )


def distributions(
    rankings: Sequence[NeuronRanking], sets: Mapping[int, NDArray[np.intp]], neurons: pd.DataFrame
) -> dict[str, pd.DataFrame]:
    """Where minimal sets sit: ``layers`` and ``labels``, means over seeds."""
    each = [layer_distribution(chosen, neurons).table for chosen in sets.values()]
    of_labels = [(ranking, len(sets[seed])) for seed, ranking in enumerate(rankings)]
    by_mass = rankings[0].key is not None
    return {
        "layers": pd.concat(each).groupby("layer", sort=False, as_index=False).mean(),
        "labels": mean_label_distribution(of_labels, neurons).table if by_mass else pd.DataFrame(columns=LABEL_COLUMNS),
    }


def selectivity_table(oracle: pd.DataFrame, minimal: pd.DataFrame, control: pd.DataFrame) -> pd.DataFrame:
    """Linguistic minus control accuracy for each seed, split and set of neurons."""
    full = oracle.assign(subset="all", delta=np.nan).rename(columns={"score": "linguistic"})
    small = minimal.melt(
        id_vars=["seed", "delta"], value_vars=["dev", "test"], var_name="split", value_name="linguistic"
    ).assign(subset="minimal")
    linguistic = pd.concat([full, small], ignore_index=True)
    joined = (
        control.astype({"delta": float})
        .rename(columns={"score": "control"})
        .merge(linguistic, on=["seed", "split", "subset", "delta"], how="left", validate="one_to_one")
    )
    joined["selectivity"] = joined["linguistic"] - joined["control"]
    return joined[["seed", "split", "subset", "delta", "n_neurons", "linguistic", "control", "selectivity"]]
