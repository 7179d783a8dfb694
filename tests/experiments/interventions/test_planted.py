"""A network of which it is known what is used: both verdicts are right, and an untrained twin is never called used."""

from __future__ import annotations

import pytest

import neurosieve as ns
from neurosieve.models.load import load_model

SEEDS = range(20)


@pytest.mark.slow
def test_used_and_unused_neurons_are_told_apart(planted_network):
    right = {"number": 0, "kind": 0}
    for seed in SEEDS:
        network = planted_network(seed)
        for prop, members, expected in (
            ("number", network.used, "encoded and used"),
            ("kind", network.unused, "encoded, no sign of use"),
        ):
            splits = network.splits(prop)
            ranking = ns.rank("probeless", split=splits)
            assert set(ranking.top(6)) == set(members)
            found = ns.intervene(network.model, ranking, splits, pairs=network.pairs, sizes=(1, 2, 4, 6))
            right[prop] += found.verdict.verdict == expected
    assert min(right.values()) >= 19, right


@pytest.mark.slow
def test_an_untrained_twin_is_never_called_used(planted_network):
    for seed in SEEDS:
        network = planted_network(seed)
        twin = load_model(network.folder, site="mlp", head=True, untrained=seed, self_test=False)
        splits = network.splits("number", twin)
        ranking = ns.rank("probeless", split=splits)
        for pairs in (network.pairs, network.pairs[::2]):  # half of them all call for the same word
            found = ns.intervene(twin, ranking, splits, pairs=pairs, sizes=(1, 2, 4, 6), completeness=False)
            assert found.verdict.verdict == "cannot be told"


def test_every_edit_of_the_used_neurons_changes_what_is_said(planted_network):
    network = planted_network(0)
    splits = network.splits("number")
    ranking = ns.rank("probeless", split=splits)
    for edit, labels in (
        ("zero", {}),
        ("mean", {}),
        ("resample", {}),
        ("interchange", {}),
        ("translate", {"of": "one", "to": "many"}),
        ("mean", {"to": "many"}),
        ("value", {"value": 0.5}),
    ):
        found = ns.intervene(
            network.model, ranking, splits, pairs=network.pairs, sizes=(6,), edit=edit, completeness=False, **labels
        )
        assert found.verdict.effect.low > 0.5, edit
        top = found.table.query("set == 'top' and outcome == 'accuracy'").iloc[0]
        assert top["intact"] == 1
        if edit in ("interchange", "translate"):  # the other number is said
            assert top["value"] < 0.1, edit


def test_the_dose_flips_what_is_said(planted_network):
    network = planted_network(1)
    splits = network.splits("number")
    found = ns.intervene(
        network.model,
        ns.rank("probeless", split=splits),
        splits,
        pairs=network.pairs,
        edit="translate",
        of="one",
        to="many",
        doses=(1.0, 0.0, 0.5, 2.0),
        sizes=(2, 6),
    )
    assert found.n_pairs == sum(pair.label == "one" for pair in network.pairs)
    rows = found.table.query("set == 'top' and outcome == 'log-odds' and k == 6").set_index("dose")["value"]
    assert rows[0.0] == found.table["intact"].iloc[0]  # a dose of nothing
    assert rows[0.0] > rows[0.5] > rows[1.0] > rows[2.0]
    assert rows[2.0] < 0
    assert set(found.table.query("k == 2")["dose"]) == {1.0}
    assert found.verdict.completeness == 1


def test_tables_are_tidy_and_the_same_every_time(planted_network):
    network = planted_network(2)
    splits = network.splits("number")
    ranking = ns.rank("probeless", split=splits)
    options = {
        "pairs": network.pairs,
        "sizes": (1, 6),
        "draws": 19,
        "directions": 2,
        "control": ns.rank("probeless", split=network.splits("kind")),
        "others": {"kind": network.splits("kind")},
        "texts": [["the", "noun3", "are"], ["the", "noun4"]],
    }
    found, again = (ns.intervene(network.model, ranking, splits, **options) for _ in range(2))
    assert found.table.equals(again.table)
    assert found.verdict == again.verdict
    counts = found.table.groupby(["outcome", "set", "k"]).size()
    for outcome in ("log-odds", "accuracy"):
        for k in (1, 6):
            assert counts[outcome, "random", k] == 19
            assert counts[outcome, "direction", k] == 2
            assert counts[outcome, "top", k] == counts[outcome, "bottom", k] == counts[outcome, "control", k] == 1
    assert counts["loss", "top", 6] == counts["divergence", "bottom", 6] == 1
    assert ((found.table["low"] <= found.table["value"]) & (found.table["value"] <= found.table["high"])).all()
    assert (found.table.query("outcome == 'divergence'")["value"] > 0).all()
    assert found.verdict.selectivity > 0.8
    assert found.verdict.completeness > 0.5
    assert list(found.checks["property"]) == ["number", "kind"]
