"""The page of a neuron: what it says follows from the values, and text of the corpus does nothing on it."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from neurosieve.analysis.neurons.records import neuron_records
from neurosieve.probes.spec import FittedProbe
from neurosieve.report.html import write_report
from neurosieve.report.neuron.picture import distribution
from neurosieve.report.neuron.says import headline, signed, what_it_does
from neurosieve.report.neuron.tables import split_by_neuron
from neurosieve.report.neuron.view import LEVELS, level, view_of
from neurosieve.report.sections.looks import facts
from neurosieve.report.text import visible
from neurosieve.study.neurons import PREFIX, _weights

N_NEURONS = 100
EVIL = '<script>alert("x")</script>'
RTL = "no\u202eon"


@pytest.fixture(scope="module")
def text():
    """400 sentences of five words; “not” and “no” are RB, “dogs” NNS."""
    rng = np.random.default_rng(0)
    words = rng.choice(["not", "no", "dogs", "cats", "run", "walk", EVIL, RTL], size=2000)
    labels = {"not": "RB", "no": "RB", "dogs": "NNS", "cats": "NNS", "run": "VB", "walk": "VB", EVIL: "<b>", RTL: None}
    table = pd.DataFrame(
        {
            "sentence": np.repeat(np.arange(400), 5),
            "position": np.tile(np.arange(5), 400),
            "word": words,
            "split": "dev",
        }
    )
    return table, np.array([labels[word] for word in words], dtype=object)


@pytest.fixture(scope="module")
def tables(text):
    """Neuron 0 goes down on RB, neuron 1 rises with the position, neuron 2 never changes, neuron 3 is noise."""
    words, labels = text
    X = np.random.default_rng(1).standard_normal((2000, N_NEURONS)).astype(np.float32) * 0.1
    X[:, 0] -= 2 * (labels == "RB")
    X[:, 1] += words["position"]
    X[:, 2] = 0.5
    found = neuron_records(X, words, labels, neurons=[0, 1, 2, 3])
    probe = FittedProbe(
        np.array([[-2.0, 0, 0, 0.1], [1.0, 0.5, 0, 0], [0.5, -0.2, 0, 0]], dtype=np.float32),
        np.zeros(3, dtype=np.float32),
        np.array(["RB", "NNS", "VB"]),
        n_neurons=4,
    )
    index = found.summary["index"].to_numpy(dtype=np.intp)
    weights = _weights(probe, index, found.summary["sd"].to_numpy())
    return {**{f"{PREFIX}{name}": t for name, t in found.tables.items()}, f"{PREFIX}weights": weights}


@pytest.fixture(scope="module")
def neurons(tables):
    names = pd.Series([f"L0N{i}" for i in range(N_NEURONS)])
    return split_by_neuron(tables, names, prop="pos", unit="word", real_values=False)


def test_the_answer_has_words_labels_and_a_direction(neurons):
    words, labels, shares = what_it_does(neurons[0])
    assert re.match(r"L0N0 goes down on “(no|not)” and “(no|not)” \(−\d\.\d( to −\d\.\d)? standard deviations", words)
    assert labels.startswith("By pos it goes down on “RB” (−")
    assert re.match(r"Word types account for 9\d.% of its variance, labels of pos for 9\d.%, sentences for", shares)
    assert headline(neurons[0]) == words


def test_what_it_follows_beside_the_property_is_said(neurons):
    said = " ".join(what_it_does(neurons[1]))
    assert "It hardly follows pos." in said
    assert "goes far up or down on no frequent word type" in said
    assert "It rises with “position in the sentence” (r = +1.00)" in said


def test_neurons_that_say_nothing(neurons):
    assert what_it_does(neurons[2]) == ["L0N2 has the value 0.5 on every word: it says nothing."]
    assert view_of(neurons[2], anchor="x")["picture"] == ""
    assert "It hardly follows pos." in what_it_does(neurons[3])


def test_sentences_have_no_word_types():
    rows = pd.DataFrame(
        {"sentence": range(60), "position": 0, "word": [f"Sentence {i} ." for i in range(60)], "split": "dev"}
    )
    labels = np.array(["good", "bad"] * 30, dtype=object)
    X = np.random.default_rng(0).standard_normal((60, 2)).astype(np.float32)
    X[:, 0] += 3 * (labels == "good")
    found = {f"{PREFIX}{name}": t for name, t in neuron_records(X, rows, labels, neurons=[0, 1]).tables.items()}
    whole = {**found, f"{PREFIX}weights": _weights(None, np.arange(2), np.ones(2))}
    both = split_by_neuron(whole, pd.Series(["L0N0", "L0N1"]), prop="mood", unit="sentence", real_values=False)
    assert headline(both[0]).startswith("By mood it goes ")
    assert headline(both[1])
    shown = view_of(both[0], anchor="x")
    assert len(shown["contexts"][0]["rows"][0]["words"]) == 1
    assert shown["contexts"][0]["rows"][0]["words"][0]["text"].startswith("Sentence ")
    assert not any(rows for _, rows in shown["types"])


def test_weights_have_signs_and_places(neurons, tables):
    sd = tables["neuron_summary"]["sd"][0]
    assert view_of(neurons[0], anchor="x")["weights"] == [
        ("RB", signed(-2 * sd, 3), "n", "1"),
        ("NNS", signed(sd, 3), "p", "1"),
        ("VB", signed(0.5 * sd, 3), "p", "1"),
    ]
    assert [row[0] for row in view_of(neurons[1], anchor="x")["weights"]] == ["NNS", "VB"]  # without those of 0


def test_colours_change_at_the_printed_values(neurons):
    n = neurons[1]
    shown = view_of(n, anchor="x")
    assert [level(z) for z in (-2.5, -1.2, -0.6, 0.4, 0.6, 1.2, 2.0)] == ["n3", "n2", "n1", "z", "p1", "p2", "p3"]
    scale = dict(shown["scale"])
    assert scale["p2"] == f"from {n.mean + LEVELS[1] * n.sd:.3g}"
    assert list(scale) == ["n3", "n2", "n1", "z", "p1", "p2", "p3"]


def test_words_carry_their_values_labels_and_colours(neurons, text):
    words, labels = text
    n = neurons[1]
    for group in view_of(n, anchor="x")["contexts"]:
        for number, row in enumerate(group["rows"]):
            part = n.contexts[(n.contexts["kind"] == group["kind"]) & (n.contexts["context"] == number)]
            start = 5 * part["sentence"].iloc[0]
            assert [w["text"] for w in row["words"]] == [visible(w) for w in words["word"][start : start + 5]]
            assert [w["label"] for w in row["words"]] == [label or "" for label in labels[start : start + 5]]
            values = part["value"].to_numpy()
            assert [w["value"] for w in row["words"]] == [f"{v:.3g}".replace("-", "−") for v in values]
            assert [w["level"] for w in row["words"]] == [level((v - n.mean) / n.sd) for v in values]
            assert [w["target"] for w in row["words"]].count(True) == 1
            assert row["begins"]


def test_words_that_could_not_be_stored_leave_a_mark(tables, neurons):
    part = neurons[0].contexts.query("kind == 'top' and context == 0")
    middle = part["position"] == 2
    cut = {
        **tables,
        "neuron_contexts": part[~middle] if not part[middle]["offset"].eq(0).any() else part[part["position"] != 3],
    }
    n = split_by_neuron(
        cut, pd.Series([f"L0N{i}" for i in range(N_NEURONS)]), prop="pos", unit="word", real_values=False
    )[0]
    texts = [w["text"] for w in view_of(n, anchor="x")["contexts"][0]["rows"][0]["words"]]
    assert texts.count("[…]") == 1


def test_the_picture_has_a_line_a_label_with_its_words(neurons, text):
    svg = distribution(neurons[0])
    _, labels = text
    assert svg.count('class="name"') == 4
    assert f">{(labels == 'RB').sum()}<" in svg
    assert "&lt;b&gt;" in svg
    assert "<b>" not in svg
    assert 'class="below"' in svg
    assert 'class="above"' in svg


def test_characters_that_cannot_be_seen_are_escaped():
    assert visible(RTL) == "no\\u202eon"
    assert visible(" ") == "\\x20"
    assert visible("New York") == "New York"
    assert visible("a\tb\n") == "a\\x09b\\x0a"
    assert visible("\u0915\u094d\u200d\u0937") == "\u0915\u094d\u200d\u0937"
    assert visible("\u200b") == "\\u200b"
    assert visible("日本 العربية 👩‍🔬") == "日本 العربية 👩‍🔬"
    assert len(visible("x" * 500)) == 60


@pytest.fixture(scope="module")
def page(tables, make_findings, make_certainty, tmp_path_factory):
    f = make_findings(tables=tables, certainty=make_certainty())
    return write_report(tmp_path_factory.mktemp("run"), [f], manifest={}).read_text(encoding="utf-8")


def test_the_page_has_a_part_for_each_neuron(page):
    assert re.findall(r'<details class="neuron" id="([^"]+)"', page) == [f"tiny--pos--L0N{i}" for i in range(4)]
    assert 'href="#tiny--pos--L0N1"' in page  # a neuron that another goes with
    assert "A part for each of the first 4 of the 30 neurons" in page


def test_text_of_the_corpus_is_only_text(page):
    assert EVIL not in page
    assert "&lt;script&gt;alert" in page
    assert "\u202e" not in page
    assert page.count("<script>") == 1


def test_what_the_study_knows_of_a_neuron(make_findings, make_certainty):
    f = make_findings(certainty=make_certainty())
    known = dict(facts(f, 3))
    assert known["how sure"].replace("\u00a0", " ").startswith("in the top 32 of 100 % of 20 resamples")
    assert "q-value 0.05" in known["how sure"]
    assert "over 3 seeds" in known["rank"]
    first = f.minimal.query("seed == 0")
    one = make_findings(ranks=f.ranks[[0]], minimal=first)
    assert dict(facts(one, 3))["rank"] == f"{f.ranks[0][3]} of 100, counted from 0"


def test_several_cells_share_the_room(tables, make_findings, tmp_path, monkeypatch):
    monkeypatch.setattr("neurosieve.report.html.ALL_PARTS", 4)
    monkeypatch.setattr("neurosieve.report.html.FEWEST_PARTS", 1)
    many = [make_findings(tables=tables, prop=prop) for prop in "ab"]
    page = write_report(tmp_path, many, manifest={}).read_text(encoding="utf-8")
    assert page.count('<details class="neuron"') == 2 * 2
    assert page.count("The first 2 of 4 have a part here") == 2


def test_a_page_without_looks_leaves_the_section_out(findings, tmp_path):
    assert "What each neuron does" not in write_report(tmp_path, [findings], manifest={}).read_text(encoding="utf-8")


def test_words_that_are_not_alike_have_a_number_each(neurons):
    from dataclasses import replace

    n = neurons[0]
    far = n.types.assign(mean=[n.mean + n.sd * z for z in np.linspace(3, -3, len(n.types))])
    said = what_it_does(replace(n, types=far))[0]
    numbers = re.findall(r"“[^”]+” \(([+−]\d\.\d)", said)
    assert len(numbers) >= 2
    assert len(set(numbers)) > 1
    assert said.count("standard deviations from its mean") == 1


def test_what_the_share_of_word_types_means_is_said(neurons):
    assert what_it_does(neurons[0])[-1].endswith("It goes by which word stands there; the context changes it little.")
    assert what_it_does(neurons[3])[-1].endswith("It goes by the context more than by the word.")


def test_the_label_that_weighs_it_most_is_named(make_findings, tables):
    counts = pd.DataFrame({"label": ["RB", "NNS", "VB"], "train": [40, 4000, 4000], "dev": 10, "test": 10})
    found = dict(facts(make_findings(tables=tables, label_counts=counts), 0))["weight"]
    assert found.endswith("; it is 1st among those of “RB”, a label with 40 training words only")
    assert dict(facts(make_findings(tables=tables, label_counts=counts), 1))["weight"].endswith("among those of “NNS”")
    assert dict(facts(make_findings(), 0))["weight"].endswith("that leans on it most")
