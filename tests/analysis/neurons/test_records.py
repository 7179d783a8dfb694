"""What neurons do over a text, against a slow literal reference."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from neurosieve.analysis.neurons.contexts import SAME_TYPE
from neurosieve.analysis.neurons.names import EVERYTHING, OTHERS
from neurosieve.analysis.neurons.records import FEWEST, N_BINS, neuron_records
from neurosieve.analysis.neurons.text import Text
from neurosieve.errors import NeurosieveError

NEURONS = (7, 0, 3)


@pytest.fixture(scope="module")
def words() -> pd.DataFrame:
    """300 sentences of 1 to 9 words of 40 types; the rows of two sentences stand in turns."""
    rng = np.random.default_rng(1)
    lengths = rng.integers(1, 10, size=300)
    table = pd.DataFrame(
        {
            "sentence": np.repeat(np.arange(300), lengths),
            "position": np.concatenate([np.arange(n) for n in lengths]),
            "word": rng.choice([f"{'W' if i % 3 else '.'}{'x' * (i % 7)}{i}" for i in range(40)], size=lengths.sum()),
            "split": "train",
        }
    )
    return table.sort_values(["position", "sentence"], ignore_index=True)  # as arrays of a user's own may come


@pytest.fixture(scope="module")
def labels(words: pd.DataFrame) -> np.ndarray:
    """Twelve labels; every eleventh word has none."""
    rng = np.random.default_rng(2)
    y = rng.choice([f"label{i}" for i in range(12)], size=len(words)).astype(object)
    y[::11] = None
    return y


@pytest.fixture(scope="module")
def X(words: pd.DataFrame, labels: np.ndarray) -> np.ndarray:  # noqa: N802 (the matrix)
    """Neuron 3 goes down on one label, neuron 7 up with the words' length; the rest is noise."""
    rng = np.random.default_rng(3)
    X = rng.standard_normal((len(words), 9))
    X[:, 3] -= 3 * (labels == "label4")
    X[:, 7] += words["word"].str.len()
    return X.astype(np.float32)


@pytest.fixture(scope="module")
def records(X, words, labels):
    return neuron_records(X, words, labels, neurons=NEURONS)


def test_moments_and_quantiles(records, X):
    table = records.summary.set_index("index")
    assert table.index.tolist() == [*NEURONS]
    for neuron in NEURONS:
        v, row = X[:, neuron].astype(np.float64), table.loc[neuron]
        wanted = [v.mean(), v.std(), v.min(), *np.quantile(v, [0.01, 0.25, 0.5, 0.75, 0.99]), v.max()]
        np.testing.assert_allclose(row.iloc[1:10].astype(float), wanted, rtol=1e-6, atol=1e-6)


def adjusted(v: np.ndarray, groups: np.ndarray) -> float:
    """Epsilon squared, from the mean squares within and in all."""
    frame = pd.DataFrame({"v": v, "g": groups}).dropna()
    within = sum(((part["v"] - part["v"].mean()) ** 2).sum() for _, part in frame.groupby("g"))
    n, k = len(frame), frame["g"].nunique()
    return max(0.0, 1 - (within / (n - k)) / (((frame["v"] - frame["v"].mean()) ** 2).sum() / (n - 1)))


def test_shares_of_variance(records, X, words, labels):
    table = records.summary.set_index("index")
    for neuron in NEURONS:
        v = X[:, neuron].astype(np.float64)
        assert table.loc[neuron, "of_property"] == pytest.approx(adjusted(v, labels), abs=1e-6)
        assert table.loc[neuron, "of_types"] == pytest.approx(adjusted(v, words["word"].to_numpy()), abs=1e-6)
        assert table.loc[neuron, "of_sentences"] == pytest.approx(adjusted(v, words["sentence"].to_numpy()), abs=1e-6)
    assert table["of_property"].idxmax() == 3
    assert table["of_types"].idxmax() == 7


def test_labels(records, X, labels):
    for neuron in NEURONS:
        table = records.labels[records.labels["index"] == neuron].set_index("label")
        assert set(table.index) == {label for label in labels if label is not None}
        for label, row in table.iterrows():
            v = X[labels == label, neuron].astype(np.float64)
            assert (row["n"], row["mean"], row["sd"]) == pytest.approx((len(v), v.mean(), v.std()), abs=1e-6)


def test_distribution(records, X, labels):
    whole = records.histogram[records.histogram["index"] == 3]
    lines = list(dict.fromkeys(whole["label"]))
    assert lines[0] == "label4"
    assert lines[-1] == OTHERS
    for line in lines:
        part = whole[whole["label"] == line]
        edges = np.append(part["low"].to_numpy(), part["high"].iloc[-1])
        own = (~np.isin(labels, [*lines[:-1], None])) if line == OTHERS else labels == line
        inside = np.clip(X[own.astype(bool), 3], edges[0], edges[-1])
        np.testing.assert_array_equal(part["count"], np.histogram(inside, bins=edges)[0])
        assert len(part) == N_BINS
    assert whole["count"].sum() == sum(label is not None for label in labels)


def reference_extremes(v: np.ndarray, words: pd.DataFrame, n: int) -> list[int]:
    seen, types, found = set(), [], []
    for row in np.argsort(v, kind="stable"):
        word = words["word"][row].lower()
        if words["sentence"][row] not in seen and types.count(word) < SAME_TYPE and len(found) < n:
            seen.add(words["sentence"][row])
            types.append(word)
            found.append(row)
    return found


def test_contexts_are_words_of_the_text_in_the_order_of_reading(records, X, words, labels):
    at = {(s, p): i for i, (s, p) in enumerate(zip(words["sentence"], words["position"], strict=True))}
    for (neuron, _, _), part in records.contexts.groupby(["index", "kind", "context"]):
        rows = [at[sentence, position] for sentence, position in zip(part["sentence"], part["position"], strict=True)]
        assert part["word"].tolist() == words["word"][rows].tolist()
        assert [None if pd.isna(label) else label for label in part["label"]] == labels[rows].tolist()
        assert part["value"].to_numpy() == pytest.approx(X[rows, neuron])
        assert (np.diff(part["position"]) == 1).all()
        assert (part["offset"] == 0).sum() == 1
        whole = words[words["sentence"] == part["sentence"].iloc[0]]
        assert len(part) == len(whole)  # sentences of nine words lie within eight of any


def test_the_top_and_the_bottom_are_the_most_extreme_words(records, X, words):
    target = records.contexts[records.contexts["offset"] == 0]
    for neuron in NEURONS:
        for kind, sign in (("top", -1), ("bottom", 1)):
            own = target[(target["index"] == neuron) & (target["kind"] == kind)]
            rows = reference_extremes(sign * X[:, neuron].astype(np.float64), words, 8)
            assert own["sentence"].tolist() == words["sentence"][rows].tolist()
            assert own["position"].tolist() == words["position"][rows].tolist()


def test_equal_values_are_taken_in_order(words):
    X = np.zeros((len(words), 1), dtype=np.float32)
    X[5:400] = 1.0
    top = neuron_records(X, words, neurons=[0]).contexts.query("kind == 'top' and offset == 0")
    rows = reference_extremes(-X[:, 0].astype(float), words, 8)
    assert top["sentence"].tolist() == words["sentence"][rows].tolist()


def test_middle_and_random_words_are_drawn_with_a_seed(records, X, words, labels):
    target = records.contexts[records.contexts["offset"] == 0]
    low, high = np.quantile(X[:, 3], [0.4, 0.6])
    middle = target[(target["index"] == 3) & (target["kind"] == "middle")]
    assert middle["value"].between(low, high).all()
    assert len(middle) == 8
    again = neuron_records(X, words, labels, neurons=[3, 7])
    pd.testing.assert_frame_equal(
        again.contexts[again.contexts["index"] == 3].reset_index(drop=True),
        records.contexts[records.contexts["index"] == 3].reset_index(drop=True),
    )
    other = neuron_records(X, words, labels, neurons=[3], random_state=1)
    assert not other.contexts.query("kind == 'random'").equals(again.contexts.query("kind == 'random'"))
    drawn = neuron_records(X, words, neurons=[3], n_contexts=400).contexts.query("kind == 'random' and offset == 0")
    v = X[:, 3].astype(np.float64)
    assert drawn["value"].mean() == pytest.approx(v.mean(), abs=4 * v.std() / np.sqrt(400))  # four standard errors


def test_types(records, X, words):
    for neuron in NEURONS:
        each = pd.DataFrame({"word": words["word"], "v": X[:, neuron].astype(np.float64)}).groupby("word")["v"]
        table = each.agg(["size", "mean", lambda v: v.std(ddof=0)]).query(f"size >= {FEWEST}").sort_values("mean")
        own = records.types[records.types["index"] == neuron]
        far = table["mean"] - X[:, neuron].astype(np.float64).mean()
        moving = table.assign(part=table["size"] * far**2, far=far).sort_values("part", ascending=False)
        above, below = (
            moving[side].drop(columns=["part", "far"])[:10] for side in (moving["far"] > 0, moving["far"] < 0)
        )
        ends = {"top": table[::-1][:10], "bottom": table[:10], "above": above, "below": below}
        for end, wanted in ends.items():
            part = own[own["end"] == end]
            assert part["word"].tolist() == wanted.index.tolist()
            assert part[["n", "mean", "sd"]].to_numpy(float) == pytest.approx(wanted.to_numpy(float), abs=1e-6)


def test_what_else_a_neuron_follows(records, X, words):
    counts = words["word"].map(words["word"].value_counts())
    wanted = {
        "word length": words["word"].str.len(),
        "log frequency of the word": np.log(counts),
        "begins with a capital": words["word"].str[0] == "W",
        "has no letter": ~words["word"].str.contains("[Wx]"),
        "position in the sentence": words["position"],
        "first word of the sentence": words["position"] == 0,
        "words in the sentence": words.groupby("sentence")["word"].transform("size"),
    }
    for neuron in NEURONS:
        own = records.follows[records.follows["index"] == neuron].set_index("feature")["r"]
        assert set(own.index) == set(wanted)
        for name, column in wanted.items():
            assert own[name] == pytest.approx(np.corrcoef(column.astype(float), X[:, neuron])[0, 1], abs=1e-6)
    assert records.follows.loc[records.follows["r"].abs().idxmax(), ["index", "feature"]].tolist() == [7, "word length"]


def test_twins(records, X):
    wanted = np.corrcoef(X[:, NEURONS].T.astype(np.float64))
    for place, neuron in enumerate(NEURONS):
        own = records.twins[records.twins["index"] == neuron]
        assert own["r"].abs().is_monotonic_decreasing
        for row in own.to_dict("records"):
            assert row["r"] == pytest.approx(wanted[place, NEURONS.index(row["other"])], abs=1e-6)
        assert neuron not in own["other"].tolist()


def test_little_memory_gives_the_same_in_more_passes(records, X, words, labels):
    again = neuron_records(X, words, labels, neurons=NEURONS, held_bytes=4 * len(X))
    for name, table in records.tables.items():
        pd.testing.assert_frame_equal(again.tables[name], table)


def test_real_values(X, words):
    y = words["word"].str.len().to_numpy(np.float64) + 0.1 * X[:, 0]
    y[3] = np.nan
    found = neuron_records(X, words, y, neurons=[7, 0])
    known = ~np.isnan(y)
    for neuron, row in found.summary.set_index("index").iterrows():
        assert row["of_property"] == pytest.approx(np.corrcoef(X[known, neuron], y[known])[0, 1] ** 2, abs=1e-6)
    fifths = found.labels[found.labels["index"] == 7]
    assert len(fifths) == 5
    assert fifths["n"].sum() == known.sum()
    assert fifths["n"].max() - fifths["n"].min() <= 2


def test_without_labels_and_with_a_neuron_that_never_changes(words):
    X = np.column_stack([np.full(len(words), 2.5), np.arange(len(words))]).astype(np.float32)
    found = neuron_records(X, words, neurons=[0, 1])
    assert set(found.histogram["label"]) == {EVERYTHING}
    assert found.histogram[found.histogram["index"] == 0]["count"].sum() == len(words)
    assert len(found.labels) == 0
    assert found.contexts["label"].isna().all()
    assert found.summary["sd"].iloc[0] == 0
    assert (found.follows[found.follows["index"] == 0]["r"] == 0).all()
    assert (found.twins["r"] == 0).all()


def test_further_features(X, words, labels):
    text = Text.of(words, labels, more={"sub-words": words["word"].str.len()})
    found = neuron_records(X, text, neurons=[7]).follows.set_index("feature")["r"]
    assert found["sub-words"] == pytest.approx(found["word length"])


def test_what_does_not_fit_is_refused(X, words, labels):
    for neurons in ([], [9], [-1], [1.5]):
        with pytest.raises(NeurosieveError, match=r"expected at least one whole number from 0 to 8"):
            neuron_records(X, words, labels, neurons=neurons)
    with pytest.raises(NeurosieveError, match="words for 3 rows"):
        neuron_records(X[:3], words, labels, neurons=[0])
    with pytest.raises(NeurosieveError, match=f"labels: 2 for {len(words)} words"):
        neuron_records(X, words, ["a", "b"], neurons=[0])
