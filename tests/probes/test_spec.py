"""Fitted probes: reading some neurons only, and the way to disk and back."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

from neurosieve.errors import NeurosieveError
from neurosieve.probes.engine import fit_probes
from neurosieve.probes.spec import FittedProbe, ProbeSpec

ROUNDING = 1e-5
"""Sums of 24 float32 products of order 1 in another order."""


@pytest.fixture(scope="module")
def probes(planted):
    """On all neurons, on some, and on z-scores."""
    settings = {"epochs": 5, "learning_rate": 1e-2, "batch_size": 100}
    plain, subset = fit_probes(
        planted.X,
        [ProbeSpec(planted.y, l1=1e-3), ProbeSpec(planted.y, neurons=[2, 3, 5, 7, 11, 13])],
        solver="adam",
        **settings,
    )
    scored = fit_probes(planted.X, [ProbeSpec(planted.y)], standardize=True, solver="adam", **settings)[0]
    return {"all": plain, "some": subset, "z-scores": scored}


@pytest.mark.parametrize("name", ["all", "some", "z-scores"])
@pytest.mark.parametrize("neurons", [[], [3], [23, 0, 7, 3, 2], range(24)])
@pytest.mark.parametrize("fill", [None, "mean"])
def test_keeping_neurons_is_setting_all_others_to_a_constant(planted, probes, name, neurons, fill):
    probe = probes[name]
    constant = None if fill is None else planted.X.mean(axis=0) + 2.0
    kept = probe.keep(neurons, fill=constant)
    changed = planted.X.copy()
    gone = np.setdiff1d(np.arange(24), list(neurons))
    changed[:, gone] = 0.0 if constant is None else constant[gone]
    np.testing.assert_allclose(
        kept.decision_function(planted.X), probe.decision_function(changed), atol=ROUNDING, rtol=0
    )
    assert set(kept.columns) == set(neurons) & set(probe.columns)
    assert kept.n_neurons == 24
    assert kept.objective_ is None


def test_keeping_twice_keeps_what_both_keep(planted, probes):
    kept = probes["all"].keep([1, 2, 3]).keep([2, 3, 4])
    assert kept.columns.tolist() == [2, 3]
    assert np.array_equal(kept.coef_, probes["all"].coef_[:, [2, 3]])


def test_keeping_changes_nothing_in_the_probe_itself(probes):
    before = probes["all"].coef_.copy(), probes["all"].intercept_.copy()
    probes["all"].keep([1], fill=np.ones(24))
    assert np.array_equal(probes["all"].coef_, before[0])
    assert np.array_equal(probes["all"].intercept_, before[1])


@pytest.mark.parametrize("neurons", [[24], [-1], [0.5], np.ones(24, dtype=bool)])
def test_what_is_no_neuron_cannot_be_kept(probes, neurons):
    with pytest.raises(NeurosieveError, match="neurons must be numbers from 0 to 23"):
        probes["all"].keep(neurons)


def test_a_fill_of_another_length_is_refused(probes):
    with pytest.raises(NeurosieveError, match=r"fill has shape \(3,\); expected one value a neuron, \(24,\)"):
        probes["all"].keep([0], fill=np.zeros(3))


def test_full_coef_stands_where_the_neurons_are(probes):
    full = probes["some"].full_coef()
    assert full.shape == (4, 24)
    assert np.array_equal(full[:, [2, 3, 5, 7, 11, 13]], probes["some"].coef_)
    assert np.count_nonzero(full) == np.count_nonzero(probes["some"].coef_)


def test_scores_count_only_labelled_words(planted, probes):
    predicted = probes["all"].predict(planted.X)
    y = predicted.astype(object)
    y[:300] = None
    y[300:375] = "no such label"
    assert probes["all"].score(planted.X, y) == 225 / 300


def test_activations_of_another_width_are_refused(planted, probes):
    with pytest.raises(NeurosieveError, match=r"shape \(600, 23\); this probe was fitted on 24 neurons"):
        probes["all"].predict(planted.X[:, :23])
    with pytest.raises(NeurosieveError, match=r"shape \(24,\)"):
        probes["all"].predict(planted.X[0])


def _equal(a, b):
    assert a.coef_.tobytes() == b.coef_.tobytes()
    assert a.intercept_.tobytes() == b.intercept_.tobytes()
    assert a.classes_.tolist() == b.classes_.tolist()
    assert a.classes_.dtype.kind == b.classes_.dtype.kind
    assert a.columns.tolist() == b.columns.tolist()
    assert (a.neurons is None) == (b.neurons is None)
    assert (a.n_neurons, a.l1, a.l2, a.objective_, a.gap_, a.n_passes_) == (
        b.n_neurons,
        b.l1,
        b.l2,
        b.objective_,
        b.gap_,
        b.n_passes_,
    )
    assert (a.scale_ is None) == (b.scale_ is None)
    assert a.scale_ is None or np.array_equal(a.scale_, b.scale_)
    assert dict(a.info) == dict(b.info)


@pytest.mark.parametrize("name", ["all", "some", "z-scores"])
def test_round_trip(probes, tmp_path, name):
    path = tmp_path / "probe.safetensors"
    probes[name].save(path)
    _equal(probes[name], FittedProbe.load(path))
    probes[name].keep([3, 4], fill=np.ones(24)).save(path)  # over the old one
    _equal(probes[name].keep([3, 4], fill=np.ones(24)), FittedProbe.load(str(path)))


@pytest.mark.parametrize("labels", [[3, 1, 2], ["é", "名", '"quoted", \\ and\ttab'], [True, False, True]])
def test_labels_come_back_as_they_were(planted, tmp_path, labels):
    y = np.array(labels)[np.arange(600) % 3]
    spec = ProbeSpec(y, l1=np.float32(0.25), random_state=np.int64(3))  # numbers of numpy are no JSON
    probe = fit_probes(planted.X, [spec], epochs=1, solver="adam")[0]
    probe.save(tmp_path / "p")
    loaded = FittedProbe.load(tmp_path / "p")
    _equal(probe, loaded)
    assert loaded.predict(planted.X).tolist() == probe.predict(planted.X).tolist()


def test_saving_twice_gives_the_same_bytes(probes, tmp_path):
    for name in ("a", "b"):
        probes["some"].save(tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def _truncated(path):
    path.write_bytes(path.read_bytes()[:-10])


def _foreign(path):
    from safetensors.numpy import save_file

    save_file({"coef": np.zeros((2, 2), dtype=np.float32)}, str(path))


@pytest.mark.parametrize(
    "damage",
    [
        _truncated,
        _foreign,
        lambda path: path.write_bytes(b""),
        lambda path: path.write_text("{}"),
        lambda path: path.unlink(),
    ],
)
def test_a_damaged_or_foreign_file_is_refused(probes, tmp_path, damage):
    path = tmp_path / "probe"
    probes["all"].save(path)
    damage(path)
    with pytest.raises(
        NeurosieveError, match=r"probe is not a saved probe \(.*\); pass a file that FittedProbe.save wrote"
    ):
        FittedProbe.load(path)


def test_a_saved_probe_is_readable_by_colleagues_and_leaves_nothing_beside_it(tmp_path):
    before = os.umask(0o022)
    try:
        probe = FittedProbe(np.zeros((2, 3), np.float32), np.zeros(2, np.float32), np.array(["a", "b"]), n_neurons=3)
        probe.save(tmp_path / "probe.safetensors")
    finally:
        os.umask(before)
    assert [path.name for path in tmp_path.iterdir()] == ["probe.safetensors"]
    assert (tmp_path / "probe.safetensors").stat().st_mode & 0o777 == 0o644


def _edited(path, *, arrays=lambda found: found, **settings):
    """Write a saved probe again with other settings (None leaves one out) or arrays."""
    with safe_open(str(path), framework="numpy") as file:
        known = json.loads(file.metadata()["neurosieve_probe"])
        found = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
    whole = {key: value for key, value in {**known, **settings}.items() if value is not None}
    save_file(arrays(found), str(path), metadata={"neurosieve_probe": json.dumps(whole)})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"l1": None}, "l1 is missing"),
        ({"n_neurons": "all"}, "n_neurons is 'all', where a whole number"),
        ({"classes": ["only"]}, "where 1 x 6 weights are expected"),
        ({"n_neurons": 3}, r"it reads neurons outside the 3 that there are"),
        ({"arrays": lambda a: {k: v for k, v in a.items() if k != "coef"}}, "weights are expected"),
        ({"arrays": lambda a: {**a, "intercept": a["intercept"][1:]}}, "weights are expected"),
        ({"arrays": lambda a: {**a, "scale": np.ones(2)}}, r"it has \(2,\) scales, where 6 are expected"),
        ({"arrays": lambda a: {**a, "neurons": a["neurons"] - 50}}, "it reads neurons outside"),
    ],
)
def test_parts_that_do_not_belong_together_are_refused(probes, tmp_path, change, said):
    path = tmp_path / "probe"
    probes["some"].save(path)
    _edited(path, **change)
    with pytest.raises(NeurosieveError, match=rf"probe is not a saved probe \(.*{said}"):
        FittedProbe.load(path)


def test_a_probe_without_a_certificate_is_read(probes, tmp_path):
    path = tmp_path / "probe"
    probes["some"].save(path)
    _edited(path, gap=None, objective=None)
    assert FittedProbe.load(path).gap_ is None
