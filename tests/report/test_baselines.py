"""What the page says of baselines, in the section on accuracy, and of several rankings."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import pytest

from neurosieve.report.numbers import SPACE
from neurosieve.report.sections import accuracy, rankings


def table(*, lookup: float, own: float, turned: float) -> dict[str, pd.DataFrame]:
    rows = [
        ("lookup", 0, lookup, 0.125),
        ("permuted", 100, 0.2, None),
        ("neurons", 50, own, None),
        ("rotated", 50, turned, None),
    ]
    frame = pd.DataFrame(rows, columns=["baseline", "n_neurons", "score", "unseen"])
    return {"baselines": pd.concat([frame.assign(split="dev", score=0.0), frame.assign(split="test")])}


@pytest.fixture
def said(make_findings: Callable) -> Callable:
    def say(part: Callable, **scores: float) -> str:
        return " ".join(part(make_findings(tables=table(**scores)))).replace(SPACE, " ")

    return say


def test_baselines_stand_beside_the_probe(said, make_findings) -> None:
    text = said(accuracy.words, lookup=0.5, own=0.8, turned=0.7)
    assert (
        "most frequent label of its type in train gets 50.00 % (12.5 % of the test words are of types that train lacks)"
        in text
    )
    assert "points above it." in text
    assert "With the labels in random order, the same probe gets 20.00 %." in text
    assert (
        "on as many directions, chosen in the same way after each layer was turned at random, 70.00 %: 10.00 points less."
        in text
    )
    assert "below it." in said(accuracy.words, lookup=1.0, own=0.8, turned=0.9)
    assert "90.00 %: 10.00 points more." in said(accuracy.words, lookup=1.0, own=0.8, turned=0.9)
    short = accuracy.brief(make_findings(tables=table(lookup=0.5, own=0.8, turned=0.7)))["Accuracy"]
    assert short.endswith(f", 50.00{SPACE}% by a table of words.")
    assert "A table that" not in " ".join(accuracy.words(make_findings()))


def test_what_a_probe_tells_is_said_in_bits(make_findings) -> None:
    bits = pd.DataFrame(
        {
            "split": ["train", "dev", "test"],
            "entropy": [4.0, 3.9, 3.8],
            "information": [None, 3.0, 3.125],
            "code": [12_300.0, None, None],
            "uniform": [49_200.0, None, None],
        }
    )
    text = " ".join(accuracy.words(make_findings(tables={"information": bits})))
    assert "the probe tells 3.12 of the 3.80 bits that a test label holds" in text
    assert "take 12.3 kbit, 4.0 times less than without one" in text
    assert "bits" not in " ".join(accuracy.words(make_findings(tables={"information": bits[:0]})))


def test_the_page_warns_where_a_baseline_is_as_good(said, make_findings) -> None:
    good = said(accuracy.caution, lookup=0.1, own=0.8, turned=0.2)
    assert "adds nothing" not in good
    assert "Random directions" not in good
    bad = said(accuracy.caution, lookup=1.0, own=0.8, turned=0.8)
    assert "A table of words is as good as the probe on all neurons (100.00 % and" in bad
    assert "the probe adds nothing to knowing the word" in bad
    assert "Random directions are as good as neurons for this property" in bad


def test_rankings_are_told_by_the_middle_size(make_findings) -> None:
    names = ["weight-mass", "auroc", "random"]
    compared = pd.DataFrame(
        [
            {"ranking": n, "k": k, "avg_overlap": o, "neuron_vote": o, "chance": 0.1, "f1": 0.5}
            for k in (10, 50, 200)
            for n, o in zip(names, (0.5, 0.6, 0.1), strict=True)
        ]
    )
    probes = pd.DataFrame(
        [
            {"ranking": n, "probe": p, "k": 50, "score": s, "low": s - 0.02, "high": s + 0.02}
            for p in ("exact", "gaussian")
            for n, s in zip(names, (0.8, 0.83, 0.4), strict=True)
        ]
    )
    f = make_findings(tables={"rankings": compared, "ranking_probes": probes})
    first, exact, gaussian = (text.replace(SPACE, " ") for text in rankings.words(f))
    assert first == (
        "3 rankings are compared. Of two rankings' top 50 neurons, 40 % of their union are shared on average (by chance 10 %); "
        "auroc agrees most with the others (60 %), random least (10 %)."
    )
    assert exact == (
        "With the exact linear probe, the top 50 of auroc do best on test (83.00 %, 95 % interval 81.00 % to 85.00 %); the "
        "intervals of weight-mass reach its own; those of random do worst (40.00 %)."
    )
    assert gaussian.startswith("With the Gaussian probe")
    shown = rankings.table(f)
    assert shown["exact linear %"].dropna().tolist() == [80.0, 83.0, 40.0]
    assert "chance %" not in shown
    assert "flattered" in rankings.caution(f)
    assert rankings.caution(make_findings(tables={"rankings": compared, "ranking_probes": probes.iloc[:0]})) is None
    assert not rankings.ONCE.met(make_findings())
