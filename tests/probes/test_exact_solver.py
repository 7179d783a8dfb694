"""The exact solver: the same optimum as scikit-learn's, proven by its gap, whatever the order and the units."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.datasets import make_blobs
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from neurosieve.activations.source import as_source
from neurosieve.errors import NeurosieveError
from neurosieve.planted import make_planted
from neurosieve.probes.engine import fit_probes
from neurosieve.probes.exact.solver import ExactSettings, lambda_max, solve
from neurosieve.probes.objective import objective
from neurosieve.probes.problem import GroupProblem
from neurosieve.probes.spec import ProbeSpec
from neurosieve.probes.stream import ActivationStream

EXACT = ExactSettings(tol=1e-14)
# A gap g bounds the error of the weights by sqrt(g / l2): 1e-6 for each of two solutions with l2 = 0.01.
SAME = 2e-6


def data(*, n_words=250, n_columns=8, n_labels=3, seed=0):
    generator = np.random.default_rng(seed)
    X = generator.standard_normal((n_words, n_columns)) * generator.uniform(0.5, 2.0, n_columns)
    X += generator.uniform(-2.0, 2.0, n_columns)
    noise = generator.gumbel(size=(n_words, n_labels))
    codes = ((X - X.mean(0))[:, :n_labels] + noise).argmax(axis=1)
    return X.astype(np.float32), codes


def stream_of(X, *, memory_limit=1 << 30):
    return ActivationStream(as_source(X), device=torch.device("cpu"), memory_limit=memory_limit)


def problem_of(codes, penalties, *, weights=None, mask=None, n_labels=None):
    codes = torch.from_numpy(np.atleast_2d(codes))
    l1, l2 = np.array(penalties, dtype=np.float64).T
    return GroupProblem(
        codes=codes,
        weights=None if weights is None else torch.from_numpy(np.atleast_2d(weights)).float(),
        n_labels=n_labels or int(codes.max()) + 1,
        l1=l1,
        l2=l2,
        mask=None if mask is None else torch.from_numpy(np.atleast_2d(mask)),
        random_state=0,
    )


def fit(X, codes, l1, l2, *, settings=EXACT, memory_limit=1 << 30, **options):
    solution = solve(stream_of(X, memory_limit=memory_limit), problem_of(codes, [(l1, l2)], **options), settings)
    return (
        solution.W[0].double().numpy(),
        solution.b[0].double().numpy(),
        float(solution.objective[0]),
        float(solution.gap[0]),
    )


def value(X, codes, W, b, l1, l2, weights=None):
    return float(
        objective(
            torch.from_numpy(X).double(),
            torch.from_numpy(codes),
            torch.from_numpy(W),
            b=torch.from_numpy(b),
            l1=l1,
            l2=l2,
            weights=None if weights is None else torch.from_numpy(weights).double(),
        )
    )


@pytest.mark.parametrize("weighted", [False, True])
def test_equals_saga_over_a_grid(weighted):
    X, codes = data()
    n = len(X)
    weights = np.random.default_rng(1).exponential(size=n).astype(np.float32) if weighted else None
    weights = weights / weights.mean() if weighted else None
    grid = [(l1, l2) for l1 in (1e-1, 1e-2, 1e-3, 0.0) for l2 in (1e-1, 1e-2)]
    ours = solve(stream_of(X), problem_of(codes, grid, weights=weights), EXACT)
    for i, (l1, l2) in enumerate(grid):
        theirs = LogisticRegression(
            solver="saga", C=1 / (n * (l1 + 2 * l2)), l1_ratio=l1 / (l1 + 2 * l2), tol=1e-11, max_iter=20000
        ).fit(X.astype(np.float64), codes, sample_weight=weights)
        assert np.abs(ours.W[i].numpy() - theirs.coef_).max() < 1e-6
        best = value(X, codes, theirs.coef_, theirs.intercept_, l1, l2, weights)
        assert ours.objective[i] == pytest.approx(best, abs=1e-9)  # quadratic in the error of the weights
        assert np.array_equal(ours.W[i].numpy() != 0, np.abs(theirs.coef_) > 1e-5)  # saga's zeros, up to its tolerance


@pytest.mark.parametrize("l1", [1e-1, 1e-2, 1e-3])
def test_equals_saga_without_l2(l1):
    # Four labels: a median of an even number of weights is not unique, so neither are the weights; the value is.
    X, codes = data(n_labels=4)
    theirs = LogisticRegression(solver="saga", C=1 / (len(X) * l1), l1_ratio=1.0, tol=1e-10, max_iter=20000)
    theirs.fit(X.astype(np.float64), codes)
    _, _, ours, gap = fit(X, codes, l1, 0.0, settings=ExactSettings(tol=1e-6))
    best = value(X, codes, theirs.coef_, theirs.intercept_, l1, 0.0)
    assert best - 1e-9 <= ours <= best + gap + 1e-9  # saga's own tolerance
    assert gap <= 1e-6 * ours


def test_the_objective_is_that_of_the_weights_returned():
    X, codes = data()
    W, b, reported, _ = fit(X, codes, 1e-2, 1e-3, settings=ExactSettings(tol=1e-3))
    assert reported == pytest.approx(value(X, codes, W, b, 1e-2, 1e-3), abs=1e-7)  # the intercept is rounded to float32


def test_the_gap_bounds_the_distance_and_shrinks_to_zero():
    X, codes = data()
    _, _, best, _ = fit(X, codes, 1e-3, 1e-2)
    gaps = []
    for max_passes in (1, 3, 9, 27, 81):
        _, _, reached, gap = fit(X, codes, 1e-3, 1e-2, settings=ExactSettings(tol=1e-14, max_passes=max_passes))
        assert 0.0 <= reached - best + 1e-15 <= gap + 1e-12  # rounding of both objectives
        gaps.append(gap)
    assert np.diff(gaps).max() <= 1e-15  # rounding again: the last ones are a few 1e-16
    assert gaps[-1] < 1e-8 < 1e-2 < gaps[0]


@pytest.mark.parametrize(("l1", "l2"), [(1e-2, 1e-2), (1e-3, 1e-1), (3e-2, 1e-3)])
def test_optimality_conditions(l1, l2):
    X, codes = data()
    W, b, _, _ = fit(X, codes, l1, l2)
    logits = X.astype(np.float64) @ W.T + b
    P = np.exp(logits - logits.max(1, keepdims=True))
    P /= P.sum(1, keepdims=True)
    R = (P - np.eye(3)[codes]) / len(X)
    G = R.T @ X.astype(np.float64)
    # Weights and intercepts are rounded to float32, and the gap of 1e-14 leaves about its square root.
    assert np.abs(R.sum(0)).max() < 1e-6
    used = W != 0
    assert used.any()
    assert np.abs(G + l1 * np.sign(W) + 2 * l2 * W)[used].max() < 1e-6
    assert (np.abs(G)[~used] <= l1 + 1e-6).all()


def test_order_of_columns_and_words_and_shifts_do_not_matter():
    X, codes = data()
    W, b, best, _ = fit(X, codes, 1e-2, 1e-2)
    columns, words = np.random.default_rng(0).permutation(X.shape[1]), np.random.default_rng(1).permutation(len(X))
    turned, _, objective_turned, _ = fit(X[words][:, columns], codes[words], 1e-2, 1e-2)
    assert np.abs(turned - W[:, columns]).max() < SAME
    shift = np.linspace(-4.0, 4.0, X.shape[1]).astype(np.float32)
    moved, moved_b, objective_moved, _ = fit(X + shift, codes, 1e-2, 1e-2)
    assert np.abs(moved - W).max() < SAME
    assert (
        np.abs((moved_b - moved_b.mean()) - (b - W @ shift - (b - W @ shift).mean())).max() < 1e-5
    )  # float32 sums of 8
    assert objective_turned == pytest.approx(best, abs=1e-12)
    assert objective_moved == pytest.approx(best, abs=1e-6)  # adding the shift rounds the activations to float32


def test_the_path_starts_at_all_zero():
    X, codes = data()
    largest = lambda_max(stream_of(X), problem_of(codes, [(0.0, 0.0)]))[0]
    frequencies = np.bincount(codes) / len(codes)
    centred = X - X.mean(0, dtype=np.float64)
    assert largest == pytest.approx(
        np.abs((frequencies - np.eye(3)[codes]).T @ centred / len(X)).max(), rel=1e-6
    )  # float32 mean
    path = [(largest * share, 1e-3) for share in (1.0, 0.99, 0.3)]
    solution = solve(stream_of(X), problem_of(codes, path), ExactSettings(tol=1e-9))
    used = (solution.W != 0).sum(dim=(1, 2)).tolist()
    assert used[0] == 0 < used[1] < used[2]
    assert solution.gap[0] <= 1e-9 * solution.objective[0]
    assert np.allclose(
        np.exp(solution.b[0].numpy()), frequencies * np.exp(solution.b[0].numpy()).sum(), atol=1e-6
    )  # float32


def test_a_mask_gives_what_fitting_those_columns_alone_gives():
    X, codes = data()
    mask = np.array([True, False, True, True, False, True, False, True])
    W, _, masked, _ = fit(X, codes, 1e-3, 1e-2, mask=mask)
    alone, _, best, _ = fit(np.ascontiguousarray(X[:, mask]), codes, 1e-3, 1e-2)
    assert (W[:, ~mask] == 0).all()
    assert np.abs(W[:, mask] - alone).max() < SAME
    assert masked == pytest.approx(best, abs=1e-12)
    largest = lambda_max(
        stream_of(X), problem_of(codes, [(0.0, 0.0)] * 2, mask=np.stack([mask, np.ones(8, dtype=bool)]))
    )
    assert largest[0] <= largest[1]


def test_words_without_weight_or_label_are_as_good_as_absent():
    X, codes = data()
    weights = np.ones(len(X), dtype=np.float32)
    weights[200:] = 0.0
    marked = np.where(np.arange(len(X)) < 225, codes, -1)  # some of them without a label, too
    W, b, kept, _ = fit(X, marked, 1e-2, 1e-2, weights=weights / weights.mean(), n_labels=3)
    absent, b_absent, best, _ = fit(X[:200], codes[:200], 1e-2, 1e-2)
    assert np.abs(W - absent).max() < SAME
    assert np.abs((b - b.mean()) - (b_absent - b_absent.mean())).max() < 1e-5  # float32 intercepts
    assert kept == pytest.approx(best, abs=1e-8)  # about another mean, centred activations round differently


def test_whole_weights_equal_repeated_words():
    X, codes = data(n_words=120)
    times = np.random.default_rng(0).integers(0, 4, size=120)
    W, _, weighted, _ = fit(X, codes, 1e-2, 1e-2, weights=(times / times.mean()).astype(np.float32))
    repeated, _, best, _ = fit(np.repeat(X, times, axis=0), np.repeat(codes, times), 1e-2, 1e-2)
    assert np.abs(W - repeated).max() < SAME
    assert weighted == pytest.approx(best, abs=1e-7)  # weights are rounded to float32, and centred about another mean


def test_a_label_that_never_occurs_is_left_out():
    X, codes = data()
    W, b, found, gap = fit(X, codes * 2, 1e-2, 1e-2, n_labels=6)  # labels 1, 3 and 5 never occur
    plain, _, best, _ = fit(X, codes, 1e-2, 1e-2)
    assert (W[[1, 3, 5]] == 0).all()
    assert np.abs(W[[0, 2, 4]] - plain).max() < SAME
    assert found == pytest.approx(best, abs=1e-12)
    assert gap <= 1e-12
    assert (X @ W.T + b).argmax(1).max() <= 4
    assert set((X @ W.T + b).argmax(1) % 2) == {0}


def test_two_labels_mirror_each_other_and_one_label_needs_nothing():
    X, codes = data(n_labels=2)
    W, _b, _, gap = fit(X, codes, 1e-3, 1e-2)
    assert np.abs(W[0] + W[1]).max() < SAME
    assert gap <= 1e-12
    W, _, found, gap = fit(X, np.zeros_like(codes), 1e-3, 1e-2, n_labels=1)
    assert (W == 0).all()
    assert found == pytest.approx(0.0, abs=1e-15)
    assert gap == pytest.approx(0.0, abs=1e-15)


def test_a_column_that_never_changes_gets_no_weight():
    X, codes = data()
    X[:, 2] = 3.0
    W, _, _, gap = fit(X, codes, 1e-4, 1e-2)
    assert (W[:, 2] == 0).all()
    assert gap <= 1e-12


def test_probes_side_by_side_equal_probes_alone():
    X, codes = data()
    other = np.random.default_rng(5).permutation(codes)
    together = solve(
        stream_of(X), problem_of(np.stack([codes, other, codes, other]), [(1e-2, 1e-2), (1e-3, 1e-2)] * 2), EXACT
    )
    for i, (labels, l1) in enumerate([(codes, 1e-2), (other, 1e-3), (codes, 1e-2), (other, 1e-3)]):
        W, _, best, _ = fit(X, labels, l1, 1e-2)
        assert np.abs(together.W[i].numpy() - W).max() < SAME
        assert together.objective[i] == pytest.approx(best, abs=1e-12)


def test_streamed_activations_give_the_resident_result():
    X, codes = data(n_words=2500, n_columns=12)
    resident, _, best, _ = fit(X, codes, 1e-3, 1e-2)
    streamed, _, found, _ = fit(X, codes, 1e-3, 1e-2, memory_limit=1)
    assert np.abs(resident - streamed).max() < SAME
    assert found == pytest.approx(
        best, abs=1e-9
    )  # the weights agree to float32; the objective then to about its square


@pytest.mark.parametrize("seed", [0, 5, 7])
@pytest.mark.parametrize("settings", [ExactSettings(), ExactSettings(tol=1e-4)])
def test_the_tolerance_is_kept_and_needs_few_passes_on_correlated_columns(settings, seed):
    planted = make_planted(n_words=3000, n_neurons=120, n_labels=6, random_state=seed + 1)
    mixing = np.random.default_rng(seed).standard_normal((120, 120)) * np.linspace(2.0, 0.02, 120)
    X = (planted.X @ mixing).astype(np.float32)
    _, codes = np.unique(planted.y, return_inverse=True)
    grid = [(1e-2, 1e-2), (1e-3, 1e-2), (1e-3, 1e-3), (1e-4, 1e-4)]
    solution = solve(stream_of(X), problem_of(codes, grid), settings)
    assert (solution.gap <= settings.tol * solution.objective).all()
    assert (solution.gap >= 0).all()
    # With those of conjugate gradients, of which a step takes up to 100. The weakest pair needs float64 on some processors.
    assert solution.n_passes[:2].max() < 500
    assert solution.n_passes.max() < (500 if settings.tol == 1e-3 and seed == 0 else 1500)


@pytest.mark.parametrize("penalty", [1e-2, 1e-3, 1e-4, 1e-6])
def test_few_words_in_distant_clusters(penalty):
    X, codes = make_blobs(n_samples=21, centers=3, random_state=0)
    X -= X.min()
    _, _, best, gap = fit(X, codes, penalty, penalty, settings=ExactSettings(tol=1e-4))
    assert 0.0 <= gap <= 1e-4 * best
    assert best < np.log(3.0)


def test_probes_that_run_out_of_passes_share_one_warning_with_the_worst_gap():
    X, codes = data()
    some = np.where(np.arange(len(X)) < 200, codes, None)  # other words: a group of its own
    specs = [ProbeSpec(codes, l1=0.9, l2=1e-2), ProbeSpec(codes, l1=1e-3, l2=1e-5), ProbeSpec(some, l1=1e-3, l2=1e-1)]
    with pytest.warns(ConvergenceWarning) as caught:
        probes = fit_probes(X, specs, "exact", tol=1e-9, max_passes=3)
    assert len(caught) == 1
    said = str(caught[0].message)
    assert said.startswith("2 of 3 probes ended above tol=1e-09; the worst, with l1=0.001 and l2=1e-05, has objective")
    assert float(re.search(r"duality gap of (\S+),", said).group(1)) == pytest.approx(
        probes[1].gap_, rel=0.05
    )  # 2 digits
    assert "max_passes (now 3)" in said
    assert caught[0].filename == __file__


def weakly_ridged():
    """Labels and penalties with which weights are near their optimum long before the gap shows it."""
    planted = make_planted(n_words=3000, n_neurons=60, n_labels=5, n_informative=8, random_state=0)
    X = planted.X + 2.0 * np.random.default_rng(1).standard_normal(planted.X.shape)
    return X.astype(np.float32), planted.y, {"l1": 3e-3, "l2": 1e-6}


@pytest.mark.filterwarnings("error")
def test_a_probe_that_gains_little_is_done_and_says_how_far_its_gap_is():
    X, y, penalty = weakly_ridged()
    wanted = {"tol": 1e-6, "max_passes": 1000}
    best = fit_probes(X, [ProbeSpec(y, **penalty)], "exact", **wanted)[0]
    early = fit_probes(X, [ProbeSpec(y, **penalty)], "exact", enough=1e-3, **wanted)[0]
    assert early.n_passes_ < 0.8 * best.n_passes_
    assert early.gap_ > wanted["tol"] * early.objective_
    assert 0.0 < early.objective_ - best.objective_ <= min(early.gap_, 3e-3 * best.objective_)  # a few steps' gain
    assert early.info["enough"] == 1e-3


def test_a_probe_that_runs_out_of_passes_before_it_gains_little_is_in_the_warning():
    X, y, penalty = weakly_ridged()
    with pytest.warns(ConvergenceWarning, match="1 of 1 probes ended above tol"):
        fit_probes(X, [ProbeSpec(y, **penalty)], "exact", tol=1e-6, enough=1e-3, max_passes=2)


def test_a_probe_without_any_penalty_is_in_the_warning_however_little_it_gains():
    X, codes = data()
    with pytest.warns(ConvergenceWarning, match="1 of 1 probes have l1 = l2 = 0"):
        fit_probes(X, [ProbeSpec(codes)], "exact", tol=1e-2, enough=1e-3)


@pytest.mark.parametrize("l2", [0.0, 1e-6])
def test_where_the_gap_is_wide_one_little_gain_is_not_taken_for_the_last(l2):
    X, y, _ = weakly_ridged()
    probe = fit_probes(X, [ProbeSpec(y, l1=1e-3, l2=l2)], "exact", tol=1e-2, enough=1e-2, max_passes=3000)[0]
    assert probe.gap_ <= 0.2 * probe.objective_


def test_without_any_penalty_there_is_no_proof_and_the_warning_says_so():
    X, codes = data()
    specs = [ProbeSpec(codes), ProbeSpec(codes, l1=1e-2)]
    with pytest.warns(ConvergenceWarning, match=r"^1 of 2 probes have l1 = l2 = 0 .* no finite optimum exists"):
        probe = fit_probes(X, specs, "exact", tol=1e-5)[0]
    theirs = LogisticRegression(C=np.inf, tol=1e-10, max_iter=5000).fit(X.astype(np.float64), codes)
    assert probe.objective_ == pytest.approx(value(X, codes, theirs.coef_, theirs.intercept_, 0.0, 0.0), rel=1e-3)
    assert probe.gap_ == probe.objective_


def test_probes_without_penalty_and_probes_above_the_tolerance_are_told_apart():
    X, codes = data()
    with pytest.warns(ConvergenceWarning) as caught:
        fit_probes(X, [ProbeSpec(codes), ProbeSpec(codes, l1=1e-3, l2=1e-5)], "exact", tol=1e-9, max_passes=2)
    said = sorted(str(warning.message) for warning in caught)
    assert said[0].startswith("1 of 2 probes ended above tol=1e-09; the worst, with l1=0.001")
    assert said[1].startswith("1 of 2 probes have l1 = l2 = 0")


def test_separated_labels_without_penalty_end_as_soon_as_every_word_is_right():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((200, 300)).astype(np.float32)
    codes = rng.integers(0, 3, 200)
    with pytest.warns(ConvergenceWarning, match="no finite optimum exists"):
        probe = fit_probes(X, [ProbeSpec(codes)], "exact", tol=1e-9)[0]
    assert (probe.predict(X) == codes).all()
    assert probe.n_passes_ < 500  # with those of conjugate gradients


def test_float64_activations_are_fitted_and_certified_in_float64():
    X, codes = data()
    X = X.astype(np.float64) + 1e-9 * np.random.default_rng(2).standard_normal(X.shape)  # digits that float32 loses
    probe = fit_probes(X, [ProbeSpec(codes, l1=1e-2, l2=1e-2)], "exact", tol=1e-14)[0]
    assert probe.coef_.dtype == np.float64
    found = value(X, codes, probe.coef_, probe.intercept_, 1e-2, 1e-2)
    assert probe.objective_ == pytest.approx(found, abs=1e-15)  # a few roundings of a value below 1
    assert np.abs(probe.intercept_.sum()) < 1e-14  # of the many equal intercepts, those that sum to 0


def test_a_start_saves_passes_and_changes_nothing_else():
    X, codes = data()
    spec = ProbeSpec(codes, l1=1e-3, l2=1e-2)
    rough, best = (fit_probes(X, [spec], "exact", tol=tol)[0] for tol in (1e-2, 1e-10))
    again = fit_probes(X, [replace(spec, start=rough)], "exact", tol=1e-10)[0]
    assert rough.gap_ > again.gap_
    assert again.n_passes_ < best.n_passes_
    np.testing.assert_allclose(again.coef_, best.coef_, atol=1e-4)  # a gap of 1e-10 leaves 1e-4 with l2 = 0.01
    assert fit_probes(X, [replace(spec, start=best)], "exact", tol=1e-6)[0].n_passes_ <= 3  # it is proven, and no more


@pytest.mark.parametrize("standardize", [False, True])
def test_a_start_may_read_other_neurons(standardize):
    X, codes = data()
    options = {"solver": "exact", "tol": 1e-10, "standardize": standardize}
    few, other = (ProbeSpec(codes, l1=1e-3, l2=1e-2, neurons=n) for n in ([0, 1, 2, 5], [1, 2, 5, 7]))
    first, alone = (fit_probes(X, [spec], **options)[0] for spec in (few, other))
    started = fit_probes(X, [replace(other, start=first)], **options)[0]
    np.testing.assert_allclose(started.coef_, alone.coef_, atol=1e-4)
    assert started.gap_ <= 1e-10 * started.objective_


def test_a_start_with_other_labels_is_refused():
    X, codes = data()
    two = fit_probes(X, [ProbeSpec(codes % 2, l1=1e-2)], "exact")[0]
    with pytest.raises(NeurosieveError, match="start from a probe of the same labels"):
        fit_probes(X, [ProbeSpec(codes, l1=1e-2, start=two)], "exact")


def test_progress_ends_at_all_probes():
    X, codes = data()
    seen = []
    solve(stream_of(X), problem_of(codes, [(1e-2, 1e-2), (1e-3, 1e-2)]), ExactSettings(), seen.append)
    assert seen == [0.5, 1.0]


def test_the_engine_hands_on_gap_and_passes():
    X, codes = data()
    probe = fit_probes(X, [ProbeSpec(codes, l1=1e-2, l2=1e-2)], "exact", tol=1e-6)[0]
    assert 0.0 <= probe.gap_ <= 1e-6 * probe.objective_
    assert probe.n_passes_ > 0
    assert (probe.coef_ == 0).any()
    assert probe.coef_.dtype == np.float32


@pytest.mark.parametrize("settings", [{"tol": 0.0}, {"tol": -1.0}, {"max_passes": 0}])
def test_settings_out_of_range_are_refused(settings):
    with pytest.raises(NeurosieveError, match="each must be positive"):
        ExactSettings(**settings)


@pytest.mark.parametrize("enough", [-1e-3, float("nan")])
def test_a_gain_below_zero_is_refused(enough):
    with pytest.raises(NeurosieveError, match="expected a share of the objective"):
        ExactSettings(enough=enough)


@pytest.mark.slow
def test_real_activations(real):
    X, y = real
    _, codes = np.unique(y, return_inverse=True)
    solution = solve(
        stream_of(X), problem_of(codes, [(1e-2, 1e-2), (1e-3, 1e-2), (1e-3, 1e-3)]), ExactSettings(tol=1e-4)
    )
    assert (solution.gap <= 1e-4 * solution.objective).all()
    shares = [float((W != 0).float().mean()) for W in solution.W]
    assert 0.0 < shares[0] < shares[2] < shares[1] < 0.5  # a larger l2 spreads the weight over more neurons


def test_what_cannot_fit_is_refused_before_anything_is_solved():
    X, codes = data(n_words=5000)
    with pytest.raises(
        NeurosieveError, match=r"solving one probe of 3 labels on 5,000 words exactly takes .* use fewer words"
    ):
        fit_probes(X, [ProbeSpec(codes, l1=1e-3, l2=1e-3)], "exact", memory_limit=10_000)


def test_little_memory_gives_the_same_optimum():
    X, codes = data(n_words=5000)
    plenty, little = (
        fit_probes(X, [ProbeSpec(codes, l1=1e-3, l2=1e-3)], "exact", tol=1e-5, memory_limit=limit)[0]
        for limit in (1 << 30, 2_000_000)
    )
    assert little.objective_ == pytest.approx(plenty.objective_, rel=2e-5)


@pytest.mark.parametrize("seed", range(3))
def test_columns_that_are_huge_at_few_words_do_not_stop_the_solver(seed):
    """As units of a language model's MLPs are: a label that is sure of such a word has no curvature there to warn of."""
    rng = np.random.default_rng(seed)
    n_words, n_columns = 1000, 1200
    codes = rng.integers(0, 2, n_words)
    X = 0.3 * rng.standard_normal((n_words, n_columns))
    X[:, :60] += 0.15 * (2 * codes[:, None] - 1)
    for column in rng.permutation(n_columns)[:150]:
        X[rng.integers(0, n_words, 3), column] += rng.standard_normal(3) * 10 ** rng.uniform(1, 3.5)
    (probe,) = fit_probes(X.astype(np.float32), [ProbeSpec(codes, l1=1e-3, l2=1e-3)], "exact", tol=0.05, max_passes=500)
    assert probe.gap_ <= 0.05 * probe.objective_
    assert probe.objective_ < 0.1  # the 60 columns tell the labels
