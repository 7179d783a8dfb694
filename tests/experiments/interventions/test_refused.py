"""Bad input is one line that says what to do, or a named exclusion."""

from __future__ import annotations

import json

import numpy as np
import pytest

import neurosieve as ns
from neurosieve.errors import NeurosieveError
from neurosieve.experiments.interventions.pairs import MinimalPair, read_pairs
from neurosieve.experiments.interventions.sets import matched_draws
from neurosieve.models.load import load_model


def refused(message, network, **changes):
    splits = network.splits("number")
    options = {"model": network.model, "ranking": ns.rank("probeless", split=splits), "pairs": network.pairs} | changes
    model, ranking = options.pop("model"), options.pop("ranking")
    with pytest.raises(NeurosieveError, match=message) as error:
        ns.intervene(model, ranking, splits, **options)
    assert "\n" not in str(error.value)


def test_what_cannot_be_done_is_said(planted_network, tmp_path):
    network = planted_network(0)
    refused(r"expected one of mean, zero", network, edit="maen")
    refused(r"to translate, give two labels", network, edit="translate", of="one")
    refused(r"no word of the training text has the label 'few'; there are many, one", network, edit="mean", to="few")
    refused(r"no dose; leave of and doses out", network, doses=(2.0,))
    refused(
        r"no pair has the label 'many'.*labels are one",
        network,
        edit="translate",
        of="many",
        to="one",
        pairs=[p for p in network.pairs if p.label == "one"],
    )
    refused(r"expected numbers from 1 to 32", network, sizes=(60,))
    refused(r"there are 10 draws.*expected 19 draws at least", network, draws=10)
    refused(r"is not finite", network, edit="value", value=float("nan"))
    refused(r"gives logits that are not finite", network, edit="value", value=1e38)
    refused(
        r"none of 1 pairs can be asked about: x: its sentences do not differ",
        network,
        pairs=[MinimalPair(("the", "is"), ("the", "is"), where="x")],
    )
    refused(
        r"has no paired sentence to take values from",
        network,
        edit="interchange",
        pairs=[MinimalPair(("the", "is"), ("the", "are"), where="x")],
    )
    refused(r"cannot read pairs as 'masked'", network, reading="masked")
    refused(r"without its language-model head", network, model=load_model(network.folder, site="mlp", self_test=False))
    refused(
        r"the model has 64 neurons and the ranking 32",
        network,
        ranking=ns.NeuronRanking(np.arange(32), None, None, None, np.array(["a"]), method="x", score=np.ones(32)),
    )
    refused(r"nowhere.jsonl: cannot be read", network, pairs=tmp_path / "nowhere.jsonl")


def test_pairs_are_left_out_by_name(planted_network, caplog):
    network = planted_network(0)
    pairs = [*network.pairs, MinimalPair(("the", "is"), ("the", "is"), where="file:7")]
    splits = network.splits("number")
    found = ns.intervene(
        network.model, ns.rank("probeless", split=splits), splits, pairs=pairs, sizes=(2,), completeness=False
    )
    assert found.excluded.to_dict("records") == [{"where": "file:7", "why": "its sentences do not differ"}]
    assert "file:7 is left out: its sentences do not differ" in caplog.text


def test_files_of_pairs(tmp_path):
    blimp = tmp_path / "a.jsonl"
    blimp.write_text(
        json.dumps({"sentence_good": "A b.", "sentence_bad": "A c.", "UID": "x"}) + "\n\n", encoding="utf-8"
    )
    (pair,) = read_pairs(blimp)
    assert pair == MinimalPair(("A", "b."), ("A", "c."), where="a.jsonl:1")
    table = tmp_path / "a.csv"
    table.write_text('good,bad,label,paired\n"A b, c",A d,NN,\nx y,x z,,q y\n', encoding="utf-8")
    one, other = read_pairs(table)
    assert (one.good, one.label, one.paired) == (("A", "b,", "c"), "NN", None)
    assert (other.label, other.paired, other.where) == (None, ("q", "y"), "a.csv:3")


def test_line_breaks_inside_a_text_end_no_pair(tmp_path):
    table = tmp_path / "a.csv"
    table.write_bytes('good,bad\r\n"A b\r\nc","A\u2028 d"\r\n\r\nx y,x z\r\n'.encode())
    one, other = read_pairs(table)
    assert (one.good, one.bad, one.where) == (("A", "b", "c"), ("A", "d"), "a.csv:3")
    assert (other.good, other.where) == (("x", "y"), "a.csv:5")
    lines = tmp_path / "a.jsonl"
    rows = [{"good": "A\u2028b\x85c", "bad": "A d"}, {"good": "x y", "bad": "x z"}]
    lines.write_bytes("\r\n".join(json.dumps(row, ensure_ascii=False) for row in rows).encode())
    one, other = read_pairs(lines)
    assert (one.good, one.where, other.where) == (("A", "b", "c"), "a.jsonl:1", "a.jsonl:2")


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.jsonl", "", r"holds no pair"),
        ("a.jsonl", "{", r"a\.jsonl:1: not a JSON object"),
        ("a.jsonl", '{"sentence_good": "x"}', r"a\.jsonl:1: has no bad sentence.*found sentence_good"),
        ("a.jsonl", '{"good": "x", "bad": 3}', r"bad is 3; expected a text"),
        ("a.csv", "right,wrong\na,b\n", r"a\.csv:2: has no good sentence.*found right, wrong"),
        ("a.csv", "good,bad\n" + "a" * 200_000 + ",b\n", r"a\.csv:2: cannot be read as CSV \(field larger"),
    ],
)
def test_files_that_hold_no_pairs(tmp_path, name, text, message):
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(NeurosieveError, match=message):
        read_pairs(tmp_path / name)


def test_random_sets_match_layer_by_layer_and_in_variance():
    generator = np.random.default_rng(0)
    layers = np.repeat([0, 1, 2], 200)
    variance = generator.lognormal(sigma=2, size=600)
    members = generator.permutation(600)[:60]
    drawn = matched_draws(members, layers, variance, n_draws=20)
    for draw in drawn:
        assert len(set(draw)) == 60
        assert not set(draw) & set(members)
        np.testing.assert_array_equal(layers[draw], layers[members])
        assert np.abs(np.log(variance[draw] / variance[members])).mean() < 0.5  # 2.3 of pairs at random
    assert len({tuple(draw) for draw in drawn}) == 20
    with pytest.raises(NeurosieveError, match=r"120 of the 120 neurons lie in one layer of 200"):
        matched_draws(np.arange(120), layers, variance, n_draws=2)
