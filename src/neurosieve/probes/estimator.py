"""`ElasticNetProbe`: the scikit-learn face of the engine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, check_random_state, validate_data

from neurosieve.probes.engine import fit_probes
from neurosieve.probes.spec import FittedProbe, ProbeSpec

if TYPE_CHECKING:
    from typing_extensions import Self


class ElasticNetProbe(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn ships no types
    """Softmax classifier with an elastic-net penalty.

    Minimises the objective of `neurosieve.probes.objective`:
    ``mean cross-entropy + l1 * sum |W| + l2 * sum W^2``, intercept free.

    Like `neurosieve.fit_probes`, it solves exactly by default, to a relative duality gap of 1e-3. The default penalties
    are positive because without any no finite optimum exists where labels can be separated.

    Parameters
    ----------
    l1, l2 : float
        Weights of the penalties, on the scale of the mean cross-entropy.
    solver : {"auto", "exact", "adam", "neurox"}
        As in `neurosieve.fit_probes`.
    standardize : bool
        Fit on z-scores; `coef_` applies to raw activations all the same.
    random_state : int, RandomState or None
        Seed of the initial weights and the batches; the exact solver has neither.
    solver_options : mapping, optional
        Settings of the solver, such as ``{"tol": 1e-6}`` (``{"tol": 1e-14}`` for all that float64 can resolve), or
        ``{"epochs": 10, "batch_size": 512, "learning_rate": 1e-3}`` for Adam.

    Attributes
    ----------
    coef_ : ndarray of shape (n_labels, n_neurons)
        One row a label, also where there are two labels.
    intercept_ : ndarray of shape (n_labels,)
    classes_ : ndarray of shape (n_labels,)
    probe_ : FittedProbe
        With the duality gap, among others.
    n_iter_ : int
        Passes over the words.
    n_features_in_ : int

    Examples
    --------
    >>> from neurosieve import ElasticNetProbe, make_planted
    >>> planted = make_planted(n_words=500, n_neurons=40, n_labels=3, n_informative=4, random_state=0)
    >>> probe = ElasticNetProbe(l1=1e-2).fit(planted.X, planted.y)
    >>> probe.coef_.shape
    (3, 40)
    """

    def __init__(
        self,
        l1: float = 1e-3,
        l2: float = 1e-3,
        *,
        solver: str = "auto",
        standardize: bool = False,
        random_state: int | np.random.RandomState | None = 0,
        solver_options: Mapping[str, Any] | None = None,
    ) -> None:
        self.l1 = l1
        self.l2 = l2
        self.solver = solver
        self.standardize = standardize
        self.random_state = random_state
        self.solver_options = solver_options

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Fit the probe.

        Parameters
        ----------
        X : array_like of shape (n_words, n_neurons)
        y : array_like of shape (n_words,)
        sample_weight : array_like of shape (n_words,), optional

        Returns
        -------
        self
        """
        # float32 first: scikit-learn converts float16 to the first entry, and float64 would quadruple the activations.
        X, y = validate_data(self, X, y, dtype=[np.float32, np.float64])
        check_classification_targets(y)
        weights = None if sample_weight is None else _check_sample_weight(sample_weight, X, dtype=np.float64)
        seed = self.random_state
        if not isinstance(seed, (int, np.integer)):
            seed = int(check_random_state(seed).randint(np.iinfo(np.int32).max))
        spec = ProbeSpec(y, l1=self.l1, l2=self.l2, word_weights=weights, random_state=int(seed))
        options = dict(self.solver_options or {})
        self.probe_: FittedProbe = fit_probes(X, [spec], self.solver, standardize=self.standardize, **options)[0]
        self.coef_, self.intercept_ = self.probe_.coef_, self.probe_.intercept_
        self.classes_ = self.probe_.classes_
        self.n_iter_ = max(1, int(self.probe_.n_passes_))
        return self

    def decision_function(self, X: ArrayLike) -> NDArray[np.floating]:
        """Scores of each word and label, shape (n_words, n_labels); with two labels their difference, (n_words,)."""
        scores = self._scores(X)
        margin: NDArray[np.floating] = scores[:, 1] - scores[:, 0] if len(self.classes_) == 2 else scores
        return margin

    def predict(self, X: ArrayLike) -> NDArray[np.generic]:
        """Predicted labels, shape (n_words,)."""
        scores = self._scores(X)  # first, since it refuses an estimator that is not fitted
        labels: NDArray[np.generic] = self.classes_[np.argmax(scores, axis=1)]
        return labels

    def predict_proba(self, X: ArrayLike) -> NDArray[np.floating]:
        """Probabilities of the labels, shape (n_words, n_labels)."""
        scores = self._scores(X)
        shares: NDArray[np.floating] = np.exp(scores - scores.max(axis=1, keepdims=True))
        shares /= shares.sum(axis=1, keepdims=True)
        return shares

    def _scores(self, X: ArrayLike) -> NDArray[np.float64]:
        check_is_fitted(self)
        words = validate_data(self, X, dtype=[np.float32, np.float64], reset=False)
        # In float64, so that a word's scores do not depend on the words beside it; in blocks, to copy little.
        weights, blocks = self.coef_.T.astype(np.float64), range(0, len(words), 4096)
        scores: NDArray[np.float64] = np.concatenate([words[i : i + 4096].astype(np.float64) @ weights for i in blocks])
        return scores + self.intercept_
