"""From point to point to a proven end, with exact passes and with rough ones, with all words and with few."""

from __future__ import annotations

import itertools
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from neurosieve.activations.source import as_source
from neurosieve.planted import make_planted
from neurosieve.probes import products
from neurosieve.probes.exact import newton
from neurosieve.probes.exact.likelihood import Likelihood
from neurosieve.probes.exact.newton import approach
from neurosieve.probes.exact.objective import Penalised, evaluate
from neurosieve.probes.exact.passes import Design, Gradient, Logits, Words, run_together
from neurosieve.probes.exact.room import Room
from neurosieve.probes.stream import ActivationStream

PLENTY = Room(sample_words=10_000, most_words=10_000, block_columns=1000)
LITTLE = Room(sample_words=500, most_words=4000, block_columns=1000)


@pytest.fixture(scope="module")
def correlated():
    """4000 words x 60 correlated columns, six labels."""
    planted = make_planted(n_words=4000, n_neurons=60, n_labels=6, random_state=1)
    mixing = np.random.default_rng(0).standard_normal((60, 60)) * np.linspace(2.0, 0.2, 60)
    return (planted.X @ mixing).astype(np.float32), torch.from_numpy(np.unique(planted.y, return_inverse=True)[1])


def reach(
    data,
    *,
    l1=1e-3,
    l2=1e-3,
    room=PLENTY,
    rough=False,
    dtype=torch.float32,
    tol=1e-4,
    max_passes=500.0,
    weights=None,
    enough=0.0,
):
    X, codes = data
    design = Design(ActivationStream(as_source(X), device=torch.device("cpu"), memory_limit=1 << 30))
    problem = Penalised(Likelihood(codes, weights, 6), l1, l2, None, design.variance)
    W = torch.zeros((len(problem.likelihood.live), X.shape[1]), dtype=dtype)
    b = problem.likelihood.target.log()
    solver = approach(problem, W, b, tol=tol, max_passes=max_passes, rough=rough, room=room, enough=enough)
    seen = []

    def watched():
        answer = None
        while True:
            try:
                asked = solver.send(answer)
            except StopIteration as stop:
                return stop.value
            seen.extend(asked if isinstance(asked, tuple) else (asked,))
            answer = yield asked

    reached = run_together([watched()], design, at_once=1)[0]
    return SimpleNamespace(
        point=reached.point,
        n_passes=reached.n_passes,
        slight=reached.slight,
        seen=seen,
        problem=problem,
        design=design,
    )


def from_scratch(found):
    """The certificate of the same weights in float64."""
    solver = evaluate(
        found.problem, found.point.W.double(), found.point.b, choose=lambda P: Words(torch.empty(0, dtype=torch.int64))
    )
    return run_together([solver], found.design, at_once=1)[0][0]


@pytest.mark.parametrize(
    ("l1", "l2", "dtype"),
    [
        (1e-2, 1e-2, torch.float32),
        # with weaker penalties, labels are so well separated that the order of the columns decides how far float32 leads
        (3e-3, 3e-3, torch.float32),
        (1e-3, 1e-2, torch.float32),
        (1e-3, 1e-3, torch.float64),
        (1e-4, 1e-4, torch.float64),
        (0.0, 1e-3, torch.float64),
        (1e-3, 0.0, torch.float64),
    ],
)
@pytest.mark.parametrize("order", [0, 1])
def test_the_gap_is_met_and_is_what_float64_says(correlated, l1, l2, dtype, order):
    X, codes = correlated
    turned = np.ascontiguousarray(X[:, np.random.default_rng(order).permutation(X.shape[1])])
    found = reach((turned, codes), l1=l1, l2=l2, dtype=dtype, max_passes=2000.0)
    assert found.point.gap <= 1e-4 * found.point.objective
    exact = from_scratch(found)
    assert found.point.objective == pytest.approx(exact.objective, rel=1e-6)
    assert exact.gap <= 1.1e-4 * exact.objective  # sums of float32 products


@pytest.mark.parametrize(("l1", "l2"), [(1e-1, 1e-2), (1e-2, 1e-2), (1e-3, 1e-3)])
def test_rough_passes_end_with_a_certificate_from_scratch(correlated, monkeypatch, l1, l2):
    monkeypatch.setattr(products, "FEW_VALUES", 0)
    monkeypatch.setattr(products, "_speed_up", lambda: 9.0)
    found = reach(correlated, l1=l1, l2=l2, rough=True)
    assert found.design.rough == torch.bfloat16
    assert found.point.gap <= 1e-4 * found.point.objective
    assert from_scratch(found).gap <= 1.1e-4 * found.point.objective  # sums of float32 products
    assert found.seen[-1].__class__.__name__ == "Words"  # of an evaluation from scratch, with the gradient before it
    assert not found.seen[-2].rough
    assert any(request.rough for request in found.seen if isinstance(request, Logits))


def test_few_words_reach_the_same_optimum_as_all(correlated):
    whole, few = (reach(correlated, tol=1e-5, dtype=torch.float64, max_passes=3000.0, room=r) for r in (PLENTY, LITTLE))
    assert few.point.objective == pytest.approx(whole.point.objective, rel=2e-5)
    assert few.point.gap <= 1e-5 * few.point.objective
    sizes = [len(request.rows) for request in few.seen if hasattr(request, "rows")]
    assert sizes[0] < 600
    assert max(sizes) <= 4000


def test_a_small_matrix_costs_steps_and_not_the_optimum(correlated):
    cut = Room(sample_words=10_000, most_words=10_000, block_columns=12)  # four columns a label
    found = reach(correlated, room=cut, dtype=torch.float64, max_passes=20_000.0)
    assert found.point.gap <= 1e-4 * found.point.objective


def test_the_objective_never_rises(correlated):
    objectives = [
        reach(correlated, l1=1e-4, l2=1e-4, max_passes=p).point.objective for p in (1.0, 2.0, 4.0, 8.0, 16.0, 64.0)
    ]
    assert all(later <= earlier * (1.0 + 1e-7) for earlier, later in itertools.pairwise(objectives))  # float32


def test_float64_goes_as_far_as_asked(correlated):
    found = reach(correlated, dtype=torch.float64, tol=1e-12)
    assert found.point.gap <= 1e-12 * found.point.objective
    assert found.point.W.dtype == torch.float64


@pytest.mark.parametrize(("penalty", "rounding"), [(1e-3, 1e-4), (1e-4, 1e-3)])
def test_float32_soon_ends_where_rounding_does_with_nearly_the_gap_of_float64(correlated, penalty, rounding):
    found = reach(correlated, l1=penalty, l2=penalty, tol=1e-6, max_passes=5000.0)
    exact = from_scratch(found)
    # Where it ends depends on the processor, what it says of that does not.
    assert 0.0 <= found.point.gap < 1e-3 * found.point.objective
    assert found.point.gap == pytest.approx(exact.gap, abs=rounding * exact.objective)
    assert found.point.objective == pytest.approx(exact.objective, rel=1e-5)
    assert found.n_passes < 1500


def test_words_with_weights(correlated):
    X, codes = correlated
    counts = torch.from_numpy(np.random.default_rng(0).integers(0, 3, len(X)).astype(np.float32))
    found = reach(correlated, weights=counts, dtype=torch.float64)
    kept = counts > 0
    times = counts[kept].long()
    repeated = reach(
        (np.repeat(X[kept.numpy()], times.numpy(), axis=0), codes[kept].repeat_interleave(times)), dtype=torch.float64
    )
    assert found.point.objective == pytest.approx(repeated.point.objective, rel=2e-4)  # two gaps of 1e-4
    assert found.point.gap <= 1e-4 * found.point.objective


def test_three_steps_of_little_gain_are_enough_though_the_gap_is_wide(correlated, monkeypatch):
    penalty = {"l1": 0.0, "l2": 1e-7, "tol": 1e-3}
    whole, rough = reach(correlated, **penalty), reach(correlated, **penalty, enough=0.3)
    monkeypatch.setattr(newton, "_PATIENCE", 1)
    impatient = reach(correlated, **penalty, enough=0.3)
    assert rough.slight
    assert not whole.slight
    assert rough.point.gap > 0.2 * rough.point.objective
    one, three, all_steps = (
        sum(isinstance(asked, Gradient) and asked.rough for asked in run.seen) for run in (impatient, rough, whole)
    )
    assert one + 2 <= three < all_steps


def test_a_gap_is_wide_where_it_is_nearer_to_all_than_to_what_is_asked_for(correlated, monkeypatch):
    penalty = {"l1": 0.0, "l2": 2e-3, "tol": 1e-3, "enough": 0.1}
    found = reach(correlated, **penalty)
    assert found.slight
    assert found.point.gap < 1e-3**0.5 * found.point.objective
    monkeypatch.setattr(newton, "_PATIENCE", 1)
    impatient = reach(correlated, **penalty)
    assert 1e-3**0.5 * impatient.point.objective < impatient.point.gap < 0.2 * impatient.point.objective


def test_words_that_stay_the_same_are_asked_for_once(correlated):
    all_words = reach(correlated, room=Room(4000, 4000, 1000))
    asked = [len(request.rows) for request in all_words.seen if isinstance(request, Words)]
    assert asked[0] == 4000
    assert len(asked) > 3
    assert not any(asked[1:])


def test_where_a_model_looks_at_all_words_no_pass_takes_its_logits_anew(correlated):
    all_words, some = (reach(correlated, room=Room(n, n, 1000)) for n in (4000, 2000))
    rough = [any(isinstance(asked, Logits) and asked.rough for asked in run.seen) for run in (all_words, some)]
    assert rough == [False, True]
    assert all_words.point.objective == pytest.approx(from_scratch(all_words).objective, rel=1e-6)
