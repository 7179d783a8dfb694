"""The study of rankings: every table, and that it goes on where it was."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import neurosieve as ns

STUDIES = Path(__file__).resolve().parents[2] / "studies"


def script(name):
    spec = importlib.util.spec_from_file_location(f"study_of_{name}", STUDIES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def store(tmp_path):
    """Planted activations of three splits, and labels of five words a sentence."""
    planted = ns.make_planted(n_words=900, n_neurons=80, n_labels=3, n_informative=6, random_state=0)
    rows = np.arange(900)
    ns.store_from_arrays(
        tmp_path / "store",
        planted.X.astype(np.float32),
        labels={"kind": planted.y.astype(str)},
        splits=np.where(rows < 600, "train", np.where(rows < 700, "dev", "test")),
        sentences=rows // 5,
    )
    return tmp_path / "store"


def test_every_table_is_made_once_and_grows(store, tmp_path, monkeypatch) -> None:
    study, out = script("rankings"), tmp_path / "out" / "planted-kind"
    study.main([str(store), "kind", str(out), "--train", "400", "--trained", "weight-mass", "--judges", "gaussian"])
    few = {name: pd.read_csv(out / f"{name}.csv") for name in ("tops", "probes", "again", "planted", "words")}
    assert {"weight-mass", "f-statistic", "random"} <= set(few["tops"])
    assert len(few["tops"]) == 50
    n_shared = len(few["tops"].columns) - 2
    assert len(few["probes"]) == 2 * (n_shared + 2)
    assert len(few["again"]) == len(few["planted"]) == 3 * n_shared + 1
    assert len(few["words"]) == 3 * n_shared + 2
    given = [str(store), "kind", str(out), "--train", "400", "--trained", "weight-mass,poisson"]
    study.main([*given, "--judges", "gaussian,exact", "--seeds", "2"])
    more = {name: pd.read_csv(out / f"{name}.csv") for name in few}
    for name, table in few.items():
        pd.testing.assert_frame_equal(more[name].iloc[: len(table)][list(table)], table)
    assert len(more["probes"]) == len(few["probes"]) + 2 + n_shared + 3
    assert (more["again"].groupby("ranking").size()[["weight-mass", "poisson", "auroc"]] == [2, 2, 3]).all()
    assert len(pd.read_csv(out / "agreement.csv")) == 2 * (n_shared + 3)
    assert set(pd.read_csv(out / "overlap-50.csv").columns[1:]) == set(more["tops"])

    monkeypatch.setattr(sys, "argv", ["ranking_summary.py", str(out.parent)])
    script("ranking_summary").main()
    page = (out.parent / "summary.md").read_text()
    rows = [line for line in page.splitlines() if line.startswith("| poisson |")]
    assert len(rows) == page.count("### ") - 1 == 7  # no probe was fitted by Adam
    assert "nan" not in page
    assert page.count("### planted-kind") == 1
