"""The set of neurons with which a probe does best, as far as exchanges find it: best subset selection by splicing.

Which k of thousands of neurons are best cannot be tried out. Splicing exchanges the neurons of a set that matter least for those
outside that promise most, and keeps what lowers the objective. Here every probe comes with a proof of how low it can get, and an
exchange is kept only if its probe lies below all that the probe before could reach.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neurosieve.activations.labelled_split import LabelledSplit
from neurosieve.activations.labels import encode_labels, is_labelled
from neurosieve.activations.source import RowSource, as_source
from neurosieve.errors import NeurosieveError
from neurosieve.probes.spec import FittedProbe, ProbeSpec
from neurosieve.rankings.f_statistic import MEASURE as F_STATISTIC
from neurosieve.rankings.measure import rank_by
from neurosieve.rankings.ranking import NeuronRanking

_MOST = 8  # neurons exchanged at once
_RIVALS = 3  # that a single neuron is exchanged for, one after the other


def best_subset_ranking(
    split: LabelledSplit,
    *,
    n_neurons: int = 50,
    n_screened: int = 200,
    n_words: int = 4000,
    l2: float = 1e-3,
    tol: float = 1e-3,
) -> NeuronRanking:
    """Rank the neurons of a best subset first [1]_, by how much the probe loses without each.

    Of the `n_screened` neurons with the largest F statistic (screening [2]_), sets of 1, 2, 4, ... and `n_neurons` are grown, each
    from the one before and the neurons that promise most. At every size neurons are exchanged, up to eight at once, until no
    exchange is proven to lower the objective of the linear softmax probe on their z-scores. What a neuron promises is half its
    squared gradient over its curvature, what it is worth half the curvature times its squared weight, summed over labels. The
    set is the best that exchanges find, not the best of all.

    Costs some fifty exact probes of at most `n_neurons` neurons, and a pass for the screen.

    Parameters
    ----------
    split : LabelledSplit
        Activations (n_words, n_neurons) and labels (n_words,); words without label are left out.
    n_neurons : int
        Size of the subset; no more than are screened.
    n_screened : int
    n_words : int
        Words, spread evenly, that the probes are fitted on.
    l2 : float
        The probes' penalty, without which labels of few words would have no optimum.
    tol : float
        Duality gap at which the solver stops, as a share of the objective: what an exchange must lower it by.

    Returns
    -------
    NeuronRanking
        ``score`` is 1 and the loss without the neuron, in nats, for those of the subset; for others that were screened what they
        promise, as a share below 1, and 0 for the rest, which go by their F statistic. ``label_scores`` are the probe's weights.
        ``params`` has the probe's ``objective`` and ``gap``.

    Raises
    ------
    NeurosieveError
        If labels are real values, fewer than two differ, an activation is not finite, none changes, or a number is not positive.

    References
    ----------
    .. [1] Zhu, Wen, Zhu, Zhang, Wang. A polynomial algorithm for best-subset selection problem. PNAS 2020.
    .. [2] Fan, Lv. Sure independence screening for ultrahigh dimensional feature space. JRSS B 2008.
    """
    for name, value in (
        ("n_neurons", n_neurons),
        ("n_screened", n_screened),
        ("n_words", n_words),
        ("l2", l2),
        ("tol", tol),
    ):
        if not value > 0:
            raise NeurosieveError(f"{name}={value!r}: expected a positive number")
    screen = rank_by([F_STATISTIC], split)[0]
    columns = np.sort(screen.top(min(n_screened, screen.n_neurons)))
    known = np.flatnonzero(is_labelled(split.y))
    rows = known[np.unique(np.linspace(0, len(known) - 1, min(n_words, len(known))).astype(np.intp))]
    X = RowSource(as_source(split.activations), rows).read(0, len(rows), columns).astype(np.float64)
    changes = X.min(axis=0) < X.max(axis=0)
    if not changes.any():
        raise NeurosieveError(f"no neuron changes on the {len(rows)} words of 'best-subset'; check the activations")
    columns, X = columns[changes], X[:, changes]
    Z = ((X - X.mean(axis=0)) / X.std(axis=0)).astype(np.float32)
    search = _Search(Z, np.asarray(split.y)[rows], l2=l2, tol=tol)
    size = 1
    while True:
        search.grow(min(size, n_neurons, len(columns)))
        search.exchange()
        if size >= min(n_neurons, len(columns)):
            break
        size *= 2
    chosen, worth, promise = search.chosen, search.worth, search.promise
    score = np.zeros(screen.n_neurons)
    promise = np.maximum(promise, 0.0)
    score[columns] = promise / (1 + promise)
    score[columns[chosen]] = 1 + worth[chosen]
    probe = search.probe
    of_labels = np.zeros((len(probe.classes_), screen.n_neurons))
    of_labels[:, columns] = probe.full_coef()
    params = {
        "n_neurons": len(chosen),
        "n_screened": len(columns),
        "n_words": len(rows),
        "l2": l2,
        "objective": probe.objective_,
        "gap": probe.gap_,
    }
    return NeuronRanking(
        np.lexsort((screen.ranks, -score)),
        None,
        None,
        None,
        probe.classes_,
        "best-subset",
        params,
        score=score,
        label_scores=of_labels,
    )


class _Search:
    """A set of columns of `Z` (n_words, n_screened), its probe, and what each column is worth to it or promises."""

    def __init__(self, Z: NDArray[np.float32], y: NDArray[np.generic], *, l2: float, tol: float) -> None:
        self.Z, self.squares, self.y, self.l2, self.tol = Z, Z**2, y, l2, tol
        encoded = encode_labels(y)
        self.gold = encoded.codes
        self.chosen = np.empty(0, dtype=np.intp)
        shares = np.bincount(self.gold) / len(y)
        self.worth = np.zeros(Z.shape[1])
        self.promise = self._told(np.zeros((len(shares), Z.shape[1]), dtype=np.float32), np.log(shares))[0]
        self.probe: FittedProbe

    def grow(self, size: int) -> None:
        """Add the columns that promise most, up to `size`."""
        promised = np.argsort(-self.promise, kind="stable")[: size - len(self.chosen)]
        self._take(self._fit(np.union1d(self.chosen, promised), None if not len(self.chosen) else self.probe))

    def exchange(self) -> None:
        """Exchange columns, as many at once as lower the objective, until not even one exchange does."""
        outside = self.Z.shape[1] - len(self.chosen)
        n = min(_MOST, len(self.chosen), outside)
        while n:
            kept = np.setdiff1d(self.chosen, self.chosen[np.argsort(self.worth[self.chosen], kind="stable")[:n]])
            most = np.argsort(-self.promise, kind="stable")[:outside]
            # What a neuron promises is known only roughly, so one that matters least meets several.
            for place in range(1 if n > 1 else min(_RIVALS, outside)):
                tried = self._fit(np.union1d(kept, most[place : place + n]), self.probe)
                if _objective(tried) < _objective(self.probe) - (self.probe.gap_ or 0.0):
                    self._take(tried)
                    break
            else:
                n //= 2

    def _fit(self, chosen: NDArray[np.intp], start: FittedProbe | None) -> FittedProbe:
        from neurosieve.probes.engine import fit_probes

        spec = ProbeSpec(self.y, l2=self.l2, neurons=chosen, start=start)
        return fit_probes(self.Z, [spec], "exact", tol=self.tol)[0]

    def _take(self, probe: FittedProbe) -> None:
        self.probe, self.chosen = probe, probe.columns
        self.promise, self.worth = self._told(probe.full_coef(), probe.intercept_)
        self.promise[self.chosen] = -np.inf
        self.worth[self.promise > -np.inf] = 0.0

    def _told(
        self, W: NDArray[np.floating], b: NDArray[np.floating]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """What each column promises if it has no weight, and is worth by the weights that it has."""
        scores = self.Z @ W.T + b
        scores -= scores.max(axis=1, keepdims=True)
        P = np.exp(scores)
        P /= P.sum(axis=1, keepdims=True)
        curvature = (P * (1 - P)).T.astype(np.float32) @ self.squares / len(P) + 2 * self.l2
        P[np.arange(len(P)), self.gold] -= 1
        gradient = P.T.astype(np.float32) @ self.Z / len(P)
        promise = (gradient**2 / curvature).sum(axis=0) / 2
        worth = (curvature * W**2).sum(axis=0) / 2
        return promise.astype(np.float64), worth.astype(np.float64)


def _objective(probe: FittedProbe) -> float:
    return float(probe.objective_ or 0.0)
