from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from neurosieve.errors import NeurosieveError
from neurosieve.probes import products, solvers
from neurosieve.probes.engine import fit_probes
from neurosieve.probes.solvers import SOLVERS, Solver, register_solver, resolve, settings_of_others, solver_named
from neurosieve.probes.spec import ProbeSpec


def test_names_are_checked_without_loading_torch():
    code = (
        "import sys; from neurosieve.study.settings import ProbeSettings; "
        "ProbeSettings(solver='exact').of(real_values=False); assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_old_name_still_works_and_says_so(planted):
    with pytest.warns(FutureWarning, match="'proximal' is now called 'exact'"):
        assert solver_named("proximal") is SOLVERS["exact"]
    with pytest.warns(FutureWarning, match="now called"):
        probe = fit_probes(planted.X, [ProbeSpec(planted.y, l1=1e-2, l2=1e-2)], "proximal")[0]
    assert probe.info["solver"] == "exact"


def test_auto_is_exact():
    assert resolve("auto", "softmax").name == "exact"
    assert resolve("auto", "squared").name == "exact"
    assert resolve("exact", "squared").name == "exact"
    register_solver(Solver("labels-only", module="none", losses=("softmax",), defaults={}))
    with pytest.raises(NeurosieveError, match=r"solver 'labels-only' fits labels, not real values; use solver='exact'"):
        resolve("labels-only", "squared")
    del SOLVERS["labels-only"]
    with pytest.raises(NeurosieveError, match="unknown solver 'sgd'; expected one of auto, exact, adam, neurox"):
        resolve("sgd", "softmax")


def test_labels_and_real_values_are_fitted_in_one_call(planted):
    values = planted.X[:, 0].astype(float)
    specs = [
        ProbeSpec(values, l1=1e-3, loss="squared"),
        ProbeSpec(planted.y, l1=1e-2, l2=1e-2),
        ProbeSpec(values, l1=1e-2, loss="squared"),
    ]
    said: list[tuple[float, float]] = []
    probes = fit_probes(planted.X, specs, progress=lambda done, total: said.append((done, total)))
    assert [probe.info["solver"] for probe in probes] == ["exact", "exact", "exact"]
    assert [(probe.l1, probe.loss) for probe in probes] == [(spec.l1, spec.loss) for spec in specs]
    assert said[-1][0] == pytest.approx(said[-1][1])
    assert [done for done, _ in said] == sorted(done for done, _ in said)


def test_settings_of_another_solver_are_refused_and_say_whose_they_are(planted):
    with pytest.raises(NeurosieveError, match=r"solver 'exact' does not take \['learning_rate'\].*solver='adam'"):
        fit_probes(planted.X, [ProbeSpec(planted.y, l1=1e-2, l2=1e-2)], learning_rate=1e-2)
    assert settings_of_others(SOLVERS["exact"], ["tol", "seeds", "epochs"]) == ["epochs"]
    assert settings_of_others(SOLVERS["adam"], ["tol", "seeds", "epochs"]) == ["tol"]


@pytest.mark.parametrize("solver", SOLVERS.values(), ids=lambda solver: solver.name)
def test_a_study_gives_each_solver_what_it_takes_at_the_same_values(solver):
    plain, given = solver.settings({}), solver.settings(solver.defaults)
    assert plain == given


@pytest.mark.parametrize("solver", SOLVERS.values(), ids=lambda solver: solver.name)
def test_what_a_solver_says_of_itself_holds(solver, planted):
    specs = [ProbeSpec(planted.y, l1=1e-2, l2=1e-2, random_state=seed) for seed in (0, 1)]
    first, second = fit_probes(planted.X, specs, solver.name)
    assert np.array_equal(first.coef_, second.coef_) == solver.deterministic
    assert (first.gap_ is not None) == solver.certified


def test_another_solver_is_one_entry(planted, monkeypatch):
    monkeypatch.setattr(solvers, "SOLVERS", dict(SOLVERS))
    monkeypatch.setattr(solvers, "import_module", lambda name: __import__("neurosieve.probes.adam", fromlist=["solve"]))
    register_solver(Solver("mine", "mine", ("softmax",), {"epochs": 3}, fixed={"learning_rate": 1e-2}))
    probe = fit_probes(planted.X, [ProbeSpec(planted.y)], "mine", epochs=2)[0]
    assert (probe.info["solver"], probe.info["epochs"], probe.info["learning_rate"]) == ("mine", 2, 1e-2)


def test_info_says_how_exact_probes_were_made(planted, monkeypatch):
    spec = ProbeSpec(planted.y, l1=1e-2, l2=1e-2)
    plain = fit_probes(planted.X, [spec])[0].info
    assert (plain["order"], plain["products"]) == ("stored order", "float32")
    assert fit_probes(planted.X, [spec], tol=1e-9)[0].info["products"] == "float32 then float64"
    monkeypatch.setattr(products, "FEW_VALUES", 0)
    monkeypatch.setattr(products, "_speed_up", lambda: 9.0)
    assert fit_probes(planted.X, [spec], device="cpu")[0].info["products"] == "bfloat16 then float32"


def test_info_says_that_the_tool_kit_reads_words_in_their_order(planted):
    orders = [fit_probes(planted.X, [ProbeSpec(planted.y)], name)[0].info["order"] for name in ("adam", "neurox")]
    assert orders == ["all shuffled", "stored order"]
