"""Findings made by hand: known numbers, so that tests can say what must be drawn and written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from neurosieve.analysis.labels import label_distribution
from neurosieve.analysis.layers import layer_distribution
from neurosieve.rankings.weight_mass import weight_mass_ranking
from neurosieve.study.certainty import Certainty
from neurosieve.study.findings import Findings

N_LAYERS, WIDTH, SEEDS = 4, 25, 3
N_NEURONS = N_LAYERS * WIDTH
LABELS = ("NN", "VB", "PRP$", "$", "<UH>", "É&")
SIZES = {0.005: (30, 32, 34), 0.02: (10, 10, 13)}
ORACLE = (0.90, 0.91, 0.92)
ABLATION = {"all": 0.91, "top": 0.80, "random": 0.40, "bottom": 0.20}


def _weights(seed: int, labels: int) -> np.ndarray:
    shared = np.random.default_rng(7).exponential(size=(labels, N_NEURONS))
    own = np.random.default_rng(100 + seed).exponential(size=(labels, N_NEURONS))
    return shared**3 + 0.2 * own


def _search() -> pd.DataFrame:
    rows = [
        {
            "l1": l1,
            "l2": l2,
            "a_top": 0.5 + 3 * l1,
            "a_bottom": 0.2,
            "a_all": 0.92 - 2 * l2,
            "score": 0.15 + 1.5 * l1 - l2,
        }
        for l1 in (0.0, 1e-2, 1e-3)
        for l2 in (0.0, 1e-2, 1e-3)
    ]
    return pd.DataFrame(rows)


def _ablation() -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "seed": seed,
                "split": split,
                "fill": fill,
                "subset": subset,
                "n_neurons": N_NEURONS if subset == "all" else 20,
                "score": value + 0.01 * (seed - 1) + (0.03 if fill == "mean" else 0.0),
            }
            for seed in range(SEEDS)
            for split in ("dev", "test")
            for fill in ("zero", "mean")
            for subset, value in ABLATION.items()
            if (subset, fill) != ("all", "mean")
        ]
    )


def _minimal() -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "seed": seed,
                "delta": delta,
                "n_neurons": size,
                "dev": ORACLE[seed] - delta,
                "test": ORACLE[seed] - delta,
                "oracle_dev": ORACLE[seed],
                "oracle_test": ORACLE[seed],
            }
            for delta, sizes in SIZES.items()
            for seed, size in enumerate(sizes)
        ]
    )


def _selectivity() -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "seed": seed,
                "split": split,
                "subset": "all" if delta is None else "minimal",
                "delta": np.nan if delta is None else delta,
                "n_neurons": N_NEURONS if delta is None else SIZES[delta][seed],
                "linguistic": 0.9,
                "control": 0.9 - gap,
                "selectivity": gap,
            }
            for seed in range(SEEDS)
            for split in ("dev", "test")
            for delta, gap in ((None, 0.15), (0.005, 0.30), (0.02, 0.40))
        ]
    )


def build_findings(**changes: Any) -> Findings:
    """Findings of a good outcome: a small set suffices, top beats random, selectivity rises. `changes` replace fields."""
    neurons = pd.DataFrame(
        [
            {"neuron": f"L{layer}N{i}", "layer": layer, "index": i, "layer_name": f"L{layer}"}
            for layer in range(N_LAYERS)
            for i in range(WIDTH)
        ]
    )
    rankings = [weight_mass_ranking(_weights(seed, len(LABELS)), labels=np.array(LABELS)) for seed in range(SEEDS)]
    layers = (
        pd.concat(
            [
                layer_distribution(ranking.top(size), neurons).table
                for ranking, size in zip(rankings, SIZES[0.005], strict=True)
            ]
        )
        .groupby("layer", as_index=False)
        .mean()
    )
    findings = Findings(
        model="tiny",
        prop="pos",
        n_neurons=N_NEURONS,
        n_labels=len(LABELS),
        words={"train": 1000, "dev": 200, "test": 400},
        unseen={"dev": 0, "test": 0},
        label_counts=pd.DataFrame(
            {
                "label": list(LABELS),
                "train": [500, 200, 150, 80, 40, 30],
                "dev": [100, 40, 30, 15, 10, 5],
                "test": [200, 80, 60, 30, 20, 10],
            }
        ),
        l1=1e-2,
        l2=0.0,
        search=_search(),
        oracle=pd.DataFrame(
            [{"seed": s, "split": split, "score": a} for s, a in enumerate(ORACLE) for split in ("dev", "test")]
        ),
        ablation=_ablation(),
        minimal=_minimal(),
        curves=pd.DataFrame(
            [
                {"seed": s, "n_neurons": k, "fraction": k / N_NEURONS, "dev": a - 0.2 / k}
                for s, a in enumerate(ORACLE)
                for k in range(1, 41)
            ]
        ),
        control=pd.DataFrame(),
        selectivity=_selectivity(),
        layers=layers,
        labels=label_distribution(rankings[0], SIZES[0.005][0], neurons).table,
        neurons=neurons,
        ranking=rankings[0],
        ranks=pd.DataFrame({seed: ranking.ranks for seed, ranking in enumerate(rankings)}),
        seconds={"search": 12.0, "oracles": 3.5},
        settings={
            "seeds": SEEDS,
            "grid": "paper",
            "keep": 0.2,
            "deltas": [0.005, 0.02],
            "regularize": True,
            "control": True,
        },
    )
    return replace(findings, **changes)


def build_certainty(**changes: Any) -> Certainty:
    """Three of a hundred neurons are always selected and listed; other text changes more than another seed."""
    always = np.isin(np.arange(N_NEURONS), (3, 14, 15))
    scores = [
        {"split": split, "subset": subset, "fill": fill, "n_neurons": n, "value": 0.9, "low": 0.88, "high": 0.92}
        for split in ("dev", "test")
        for subset, fill, n in (
            ("all", None, N_NEURONS),
            ("top", "zero", 20),
            ("top", "mean", 20),
            ("retrained", None, 30),
        )
    ]
    noises = {"sd_train": 0.006, "sd_text": 0.008, "sd_seed": 0.002}
    sets = {"n_neurons": 30, "low": 25.0, "high": 40.0, "sampling_jaccard": 0.5, "seed_jaccard": 0.7}
    sizes = np.array([5, 32, 100])
    certainty = Certainty(
        k=32,
        neurons=pd.DataFrame(
            {
                "frequency": np.where(always, 1.0, 0.25),
                "rank_low": np.where(always, 0.0, 10.0),
                "rank_high": np.where(always, 4.0, 90.0),
                "key_low": 0.0,
                "key_high": 1.0,
                "q_value": np.where(always, 0.05, 1.0),
            }
        ),
        scores=pd.DataFrame([{**row, **noises} for row in scores]),
        sets=pd.DataFrame([{"delta": delta, **sets} for delta in SIZES]),
        overlap=pd.DataFrame(
            {"n_neurons": sizes, "sampling": [0.2, 0.5, 1], "seed": [0.4, 0.7, 1], "chance": sizes / (2 * 100 - sizes)}
        ),
        sampling_jaccard=0.5,
        seed_jaccard=0.7,
        n_resamples=20,
        n_seeds=SEEDS,
        scheme="bootstrap",
        rate=0.1,
        null="type",
        n_permutations=20,
        changed=0.08,
        ambiguous=0.18,
    )
    return replace(certainty, **changes)


@pytest.fixture(scope="session")
def make_certainty() -> Callable[..., Certainty]:
    """`build_certainty`."""
    return build_certainty


@pytest.fixture(scope="session")
def make_findings() -> Callable[..., Findings]:
    """`build_findings`."""
    return build_findings


@pytest.fixture(scope="session")
def findings() -> Findings:
    """The good outcome."""
    return build_findings()
