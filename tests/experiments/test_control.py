"""Control labels are a function of seed, word type and label distribution, and of nothing else."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from neurosieve.errors import NeurosieveError
from neurosieve.experiments.control import ControlTask, selectivity

TYPES = [f"type{i}" for i in range(5000)]
Y = np.array(["noun"] * 50 + ["verb"] * 30 + ["rare"] * 5 + ["other"] * 15)


def test_one_label_for_each_type_whatever_stands_around_it():
    task = ControlTask(3).fit(Y)
    labels = dict(zip(TYPES, task.labels(TYPES).tolist(), strict=True))
    order = np.random.default_rng(0).permutation(np.repeat(TYPES[:300], 3))
    assert task.labels(order).tolist() == [labels[word] for word in order]
    assert task.label("type17") == labels["type17"]
    assert ControlTask(3).fit(np.random.default_rng(1).permutation(Y)).labels(TYPES).tolist() == list(labels.values())


def test_the_seed_draws_anew():
    a, b = (ControlTask(seed).fit(Y).labels(TYPES) for seed in (0, 1))
    # Two independent draws agree with probability sum p^2 = 0.365; 5,000 types know it to 0.007.
    assert np.mean(a == b) == pytest.approx(0.5**2 + 0.3**2 + 0.05**2 + 0.15**2, abs=0.03)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_types_follow_the_empirical_distribution(seed):
    labels = ControlTask(seed).fit(Y).labels(TYPES)
    # Hoeffding: one label's share is off by more than sqrt(log(2 / 1e-6) / (2 n)) in one draw of a million.
    bound = np.sqrt(np.log(2e6) / (2 * len(TYPES)))
    assert bound < 0.04
    for label, share in {"noun": 0.5, "verb": 0.3, "rare": 0.05, "other": 0.15}.items():
        assert abs(np.mean(labels == label) - share) < bound


def test_labels_do_not_depend_on_similar_seeds_and_types():
    """Seed 1 with the type "2" is not seed 12 with the empty type."""
    words = ["", "2", "22", "\0", "a", "A", "ä", "\ud800", "a b"]
    uniform = np.array([f"label{i:05d}" for i in range(1 << 16)])
    drawn = [ControlTask(seed).fit(uniform).label(word) for seed in (0, 1, 12, 122) for word in words]
    assert len(set(drawn)) == len(drawn)  # independent draws would collide with 1 %


def test_unlabelled_words_stay_unlabelled():
    y = np.array(["noun", None, "verb", None], dtype=object)
    task = ControlTask().fit(y)
    labels = task.labels(["a", "b", "c", "a"], y)
    assert labels[0] == task.label("a")
    assert labels[1] is None
    assert labels[3] is None
    assert set(task.classes_) == {"noun", "verb"}


def test_numbers_are_labels_too():
    task = ControlTask().fit(np.array([1, 1, 2]))
    assert set(task.labels(TYPES[:50]).tolist()) == {1, 2}


def test_no_label_at_all():
    with pytest.raises(NeurosieveError, match="no word has a label"):
        ControlTask().fit([None, None])


def test_apply_draws_from_train_and_keeps_types_across_splits(splits):
    control = ControlTask(5).apply(splits)
    drawn: dict[str, set[str]] = {}
    for part, original in ((control.train, splits.train), (control.dev, splits.dev), (control.test, splits.test)):
        assert part.activations is original.activations
        assert np.array_equal(part.words, original.words)
        for word, label in zip(part.words, part.y, strict=True):
            drawn.setdefault(word, set()).add(label)
    assert all(len(labels) == 1 for labels in drawn.values())
    assert set.union(*drawn.values()) <= set(splits.train.y.tolist())
    assert control.prop == splits.prop
    assert not np.array_equal(control.train.y, splits.train.y)


def test_python_hash_seed_does_not_matter():
    code = (
        "from neurosieve.experiments.control import ControlTask\n"
        "task = ControlTask(7).fit(['a', 'b', 'c', 'd'])\n"
        "print(''.join(task.labels([f't{i}' for i in range(200)]).tolist()))"
    )
    runs = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed in ("0", "1")
    }
    assert len(runs) == 1
    assert runs == {"".join(ControlTask(7).fit(list("abcd")).labels([f"t{i}" for i in range(200)]).tolist()) + "\n"}


def test_a_control_task_can_be_memorised_only_for_types_seen(planted, settings):
    """Vectors that are the type's own carry its control label; those of other types do not."""
    from neurosieve.probes.engine import fit_probes
    from neurosieve.probes.spec import ProbeSpec

    generator = np.random.default_rng(0)
    types = [f"t{i}" for i in range(60)]
    vectors = generator.standard_normal((60, 80)).astype(np.float32)
    task = ControlTask().fit(["a", "b"])
    seen, unseen = generator.integers(0, 30, 600), generator.integers(30, 60, 600)
    y = task.labels([types[i] for i in seen])
    probe = fit_probes(vectors[seen], [ProbeSpec(y)], epochs=30, batch_size=64, learning_rate=1e-2, solver="adam")[0]
    assert probe.score(vectors[seen], y) == 1.0
    # 30 new types at chance 0.5: a standard error of 0.09.
    assert probe.score(vectors[unseen], task.labels([types[i] for i in unseen])) < 0.5 + 0.3


def test_selectivity():
    assert selectivity(0.96, 0.64) == pytest.approx(0.32)
    assert selectivity(0.5, 0.75) == -0.25
