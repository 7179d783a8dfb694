"""Of a model without a head it is asked what a held-out probe reads in the deepest layer."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from scipy.special import log_softmax

import neurosieve as ns
from neurosieve.errors import NeurosieveError
from neurosieve.experiments.interventions.probe_odds import ProbeOdds
from neurosieve.experiments.interventions.statistics import neuron_statistics
from neurosieve.models.edits import Edit, SetTo
from neurosieve.models.load import load_model


@pytest.fixture(scope="module")
def residual(planted_network):
    """The planted network, read at the residual stream without its head, and its splits of number."""
    network = planted_network(0)
    model = load_model(network.folder, self_test=False)
    return model, network.splits("number", model)


def test_neurons_below_the_deepest_layer_are_told_to_be_used(residual):
    model, splits = residual
    ranking = ns.rank("probeless", split=splits)
    found = ns.intervene(model, ranking, splits, sizes=(1, 2, 3), directions=2, also=("repair", "neurons"))
    assert found.verdict.verdict == "encoded and used"
    assert found.verdict.completeness is None
    assert found.n_pairs == 100
    assert set(found.table["outcome"]) == {"log-odds", "accuracy"}
    assert found.neurons["neuron"].str.startswith("L0N").all()
    assert found.repair["layer"].tolist() == ["L0"]
    last_first = np.concatenate([np.arange(32, 64), np.arange(32)])
    other = ns.NeuronRanking(
        last_first, None, None, None, np.array(["a"]), method="x", score=-np.argsort(last_first) * 1.0
    )
    top = ns.intervene(model, other, splits, sizes=(1,), directions=1)  # begins with neurons of the deepest layer
    assert top.verdict.effect.value > 0.1  # L0N0, which tells number


def test_log_odds_are_those_of_the_probe_by_hand(residual):
    model, splits = residual
    layers = np.repeat([0, 1], 32)
    odds = ProbeOdds(model, splits, layers=layers)
    edits = [Edit("L0", [0, 28], SetTo(0.3))]
    intact, edited = odds([edits])
    probe = odds._probe
    assert probe.coef_.shape == (2, 32)
    for sentence in range(5):
        words = [str(word) for word in splits.test.words[splits.test.sentences == sentence]]
        gold = splits.test.y[splits.test.sentences == sentence][1]  # the noun; "the" has no label
        for values, one in ((intact, model), (edited, model.edited(edits))):
            scores = one.embed([words]).layers[1][1] @ probe.coef_.T + probe.intercept_
            logs = log_softmax(scores.astype(np.float64))
            right = list(probe.classes_).index(gold)
            assert values[sentence] == pytest.approx(logs[right] - logs[1 - right], abs=1e-4)
    assert len(ProbeOdds(model, splits, layers=layers, of="one")) < 100 * 2


def test_the_deepest_layer_is_left_alone_where_sets_are_kept(residual):
    model, splits = residual
    ranking = ns.rank("probeless", split=splits)
    found = ns.intervene(model, ranking, splits, sizes=(2,), directions=1, also=("keep",))
    kept = found.table.query("edit == 'mean, all others' and outcome == 'log-odds' and set == 'top'").set_index("k")
    means = neuron_statistics(splits.train).mean[:32]
    odds = ProbeOdds(model, splits, layers=np.repeat([0, 1], 32))
    _, nothing = odds([[Edit("L0", list(range(32)), SetTo(means))]])
    assert kept.loc[0, "value"] == pytest.approx(nothing.mean(), abs=1e-4)
    assert kept.loc[2, "value"] > kept.loc[0, "value"] + 0.1


def test_what_cannot_be_asked_is_said(residual, planted_network):
    model, splits = residual
    ranking = ns.rank("probeless", split=splits)
    with pytest.raises(NeurosieveError, match="give pairs that have them"):
        ns.intervene(model, ranking, splits, edit="interchange")
    network = planted_network(0)
    one_layer = network.splits("number")
    with pytest.raises(NeurosieveError, match="the model reads one layer, so that no later layer tells"):
        ns.intervene(network.model, ns.rank("probeless", split=one_layer), one_layer)


def test_a_run_of_a_model_without_a_head_is_asked_by_probes(shell, finished_run, tmp_path):
    run = shutil.copytree(finished_run, tmp_path / "run")
    done = shell("intervene", run, "-p", "pos", "--probes", "--sizes", "1,4", "-q")
    assert done.code == 0, done.err
    content = json.loads(done.out)
    assert content["verdict"] in ("encoded and used", "encoded, no sign of use", "cannot be told")
    assert {row["set"] for row in content["rows"]} >= {"top", "bottom", "direction"}
    assert shell("report", run, "-q").code == 0
    page = (run / "report.html").read_text(encoding="utf-8")
    assert "what a probe kept apart then reads in the deepest layer" in page
    done = shell("intervene", run, "-p", "pos", "--probes", "--pairs", "x.csv", "-q")
    assert done.code == 2
    assert "choose one of --pairs and --probes" in done.err
