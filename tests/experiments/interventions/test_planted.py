"""A network of which it is known what is used: both verdicts are right, and an untrained twin is never called used."""

from __future__ import annotations

import numpy as np
import pytest

import neurosieve as ns
from neurosieve.experiments.interventions.effects import area_weights
from neurosieve.experiments.interventions.tables import COLUMNS
from neurosieve.experiments.interventions.text_outcomes import Text
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
        "texts": [
            Text(["the", "noun3", "are"], [False, True, False]),
            Text(["the", "noun4"], [False, True]),
            Text(["the", "are", "is"], [False, False, False]),
            Text(["noun9", "the", "noun8"], unrelated=True),
            ["noun7", "is"],
        ],
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
    means = found.table.query("set == 'top' and k == 6").set_index("outcome")["value"]
    for name in ("loss", "divergence"):
        parts = [
            f"{name}, {part}"
            for part in ("labelled words", "other words", "text with", "text without", "unrelated text")
        ]
        assert set(means.index) >= set(parts)
    # Sub-words behind the first: noun3, are | noun4 | are, is | is; of the two with labels one alone has another word.
    only = ns.intervene(network.model, ranking, splits, **{**options, "texts": [["the", "noun3", "are"]]}).table
    (both,) = only.query("set == 'top' and k == 6 and outcome == 'loss'")["value"]
    two = ns.intervene(network.model, ranking, splits, **{**options, "texts": [["the", "noun3"]]}).table
    (first,) = two.query("set == 'top' and k == 6 and outcome == 'loss'")["value"]
    assert means["loss, other words"] == pytest.approx(2 * both - first, rel=1e-4)
    assert found.verdict.selectivity > 0.8
    assert found.verdict.completeness > 0.5
    assert list(found.checks["property"]) == ["number", "kind"]


def test_used_neurons_suffice_where_others_are_edited(planted_network):
    network = planted_network(0)
    for prop, suffices in (("number", True), ("kind", False)):
        splits = network.splits(prop)
        found = ns.intervene(
            network.model,
            ns.rank("probeless", split=splits),
            splits,
            pairs=network.pairs,
            sizes=(1, 2, 6),
            completeness=False,
            also=("keep",),
        )
        assert list(found.table.columns) == list(COLUMNS)
        kept = found.table.query("edit == 'mean, all others' and outcome == 'log-odds'")
        assert set(kept["set"]) == {"top", "random"}
        (nothing,) = kept.query("k == 0")["value"]
        assert abs(nothing) < 0.3 * kept["intact"].iloc[0]
        (all_six,) = kept.query("k == 6 and set == 'top'")["value"]
        assert (all_six > 0.9 * kept["intact"].iloc[0]) == suffices
        areas = found.areas.query("set == 'top'").set_index("edit")
        assert (areas["low"] > 0).to_dict() == {"mean": suffices, "mean, all others": suffices}
        effects = found.effects.query("set == 'top' and edit == 'mean'")
        assert areas.loc["mean", "area"] == pytest.approx(np.dot(area_weights(np.array([1, 2, 6])), effects["effect"]))
        assert areas.loc["mean", "area"] == pytest.approx(found.verdict.effect.value)
        # What else is asked changes nothing of the rest.
        alone = ns.intervene(
            network.model,
            ns.rank("probeless", split=splits),
            splits,
            pairs=network.pairs,
            sizes=(1, 2, 6),
            completeness=False,
        )
        assert alone.verdict == found.verdict
        whole = found.table.query("edit == 'mean'")
        np.testing.assert_allclose(whole["value"], alone.table["value"], atol=1e-5)


def test_one_layer_at_a_time_and_all_together(deep_network):
    """Of a network with several blocks: the rows of one layer are those of a set that lies in it alone."""
    model = load_model(deep_network, site="mlp", head=True, self_test=False)
    generator = np.random.default_rng(0)
    X, y, known = [], [], []
    for _ in range(3):
        sentences = [[f"noun{i}" for i in generator.integers(40, size=4)] for _ in range(60)]
        X.append(np.concatenate(model.embed(sentences).layers, axis=1))
        known.append([word for sentence in sentences for word in sentence])
        y.append(np.array(["ab"[int(word[4:]) % 2] for word in known[-1]], dtype=object))
    splits = ns.Splits.from_arrays(X, y, words=known)
    ranking = ns.rank("probeless", split=splits)
    pairs = [ns.MinimalPair(("the", f"noun{i}", "is"), ("the", f"noun{i}", "are")) for i in range(12)]
    given = {"pairs": pairs, "completeness": False, "directions": 1}
    found = ns.intervene(model, ranking, splits, sizes=(8,), also=("layers", "repair"), **given)
    width = model.layers[0].width
    names = [layer.name for layer in model.layers]
    for place, name in enumerate(names):
        members = [n for n in ranking.top(8) if n // width == place]
        rows = found.table.query(f"layers == '{name}' and set == 'top' and outcome == 'log-odds'")
        assert len(rows) == bool(members)
        if members:
            (row,) = rows.to_dict("records")
            assert row["k"] == len(members)
            order = np.array([*members, *(n for n in range(model.n_neurons) if n not in members)])
            one = ns.NeuronRanking(order, None, None, None, np.array(["a"]), method="x", score=-np.argsort(order) * 1.0)
            alone = ns.intervene(model, one, splits, sizes=(len(members),), **given)
            expected = alone.table.query("set == 'top' and outcome == 'log-odds'")["value"].iloc[0]
            assert row["value"] == pytest.approx(expected, abs=1e-5)
            assert len(found.effects.query(f"layers == '{name}'")) == 1
    assert found.repair["layer"].tolist() == names
    assert (found.repair["n_neurons"] == max(1, round(8 / len(names)))).all()
    np.testing.assert_allclose(found.repair["growth"], found.repair["after"] - found.repair["alone"], atol=1e-9)


def test_single_neurons_are_set_against_their_matches(planted_network):
    network = planted_network(0)
    splits = network.splits("number")
    ranking = ns.rank("probeless", split=splits)
    given = {"pairs": network.pairs, "completeness": False, "directions": 1}
    found = ns.intervene(network.model, ranking, splits, sizes=(6,), also=("neurons",), **given)
    names = network.model.layers[0].neuron_names()
    assert found.neurons["neuron"].tolist() == [names[n] for n in ranking.top(6)]
    one = ns.intervene(network.model, ranking, splits, sizes=(1,), **given)
    top, intact = one.table.query("set == 'top' and outcome == 'log-odds'")[["value", "intact"]].iloc[0]
    row = found.neurons.iloc[0]
    assert row["low"] < row["effect"] < row["high"]
    assert row["effect"] == pytest.approx(intact - top, abs=0.2)  # the matches do little
    assert row["p"] == 1 / 21


def test_a_second_way_is_seen_when_the_first_is_gone(planted_network):
    """Where half of the used units is gone, the norm before the head gives what is left more weight: the others say more."""
    network = planted_network(0)
    splits = network.splits("number")
    order = np.array([*network.used[:3], *network.used[3:], *np.setdiff1d(np.arange(64), network.used)])
    ranking = ns.NeuronRanking(order, None, None, None, np.array(["a"]), method="x", score=-np.argsort(order) * 1.0)
    found = ns.intervene(
        network.model, ranking, splits, pairs=network.pairs, sizes=(3,), completeness=False, also=("repair",)
    )
    (row,) = found.repair.to_dict("records")
    assert row["n_neurons"] == 3
    assert row["after"] > row["alone"] > 0
    assert row["low"] > 0
