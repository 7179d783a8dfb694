"""What to fit (`ProbeSpec`) and what was fitted (`FittedProbe`)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neurosieve.errors import NeurosieveError


@dataclass(frozen=True, slots=True)
class ProbeSpec:
    """One probe to fit.

    Attributes
    ----------
    y : array_like of shape (n_words,)
        Labels, strings or integers. A word whose label is ``None`` does not take part. Specs that share one `y`
        object share its encoding.
    l1, l2 : float
        Weights of the penalties, on the scale of the mean cross-entropy (see `neurosieve.probes.objective`).
    neurons : array_like of int, optional
        Columns that the probe may use; all by default.
    word_weights : array_like of shape (n_words,), optional
        Non-negative weight of each word in the mean; all equal by default.
    random_state : int
        Seed of the initial weights and of the order of the batches.
    """

    y: ArrayLike
    l1: float = 0.0
    l2: float = 0.0
    neurons: ArrayLike | None = None
    word_weights: ArrayLike | None = None
    random_state: int = 0


@dataclass(frozen=True)
class FittedProbe:
    """A linear probe: one row of weights and one intercept for each label.

    Attributes
    ----------
    coef_ : ndarray of shape (n_labels, n_used), float32
        Weights on the raw activations of the neurons in `neurons`.
    intercept_ : ndarray of shape (n_labels,), float32
    classes_ : ndarray of shape (n_labels,)
        The labels, in sorted order.
    neurons : ndarray of shape (n_used,), int, or None
        Columns of the activations that `coef_` belongs to; None means all, in order.
    n_neurons : int
        Number of columns of the activations that the probe was fitted on.
    l1, l2 : float
    scale_ : ndarray of shape (n_used,), float32, or None
        Standard deviations of the neurons where the probe was fitted on standardised activations. The penalty and the
        ranking then apply to ``coef_ * scale_``, the weights per standard deviation.
    objective_ : float or None
        Mean cross-entropy plus penalty: at the returned weights for exact solvers, averaged over the batches of the
        last epoch for stochastic ones.
    gap_ : float or None
        Duality gap, an upper bound on how far `objective_` is above the optimum; None where the solver gives none.
    n_passes_ : float
        Passes over the training words.
    info : mapping
        Solver settings and whatever else is needed to make the same probe again.
    """

    coef_: NDArray[np.float32]
    intercept_: NDArray[np.float32]
    classes_: NDArray[np.generic]
    n_neurons: int
    neurons: NDArray[np.intp] | None = None
    l1: float = 0.0
    l2: float = 0.0
    scale_: NDArray[np.float32] | None = None
    objective_: float | None = None
    gap_: float | None = None
    n_passes_: float = 0.0
    info: Mapping[str, object] = field(default_factory=dict)

    @property
    def columns(self) -> NDArray[np.intp]:
        """Columns of the activations that the probe reads, shape (n_used,)."""
        return np.arange(self.n_neurons) if self.neurons is None else self.neurons

    def full_coef(self, *, standardized: bool = False) -> NDArray[np.float32]:
        """Weights of all neurons, zero where unused, shape (n_labels, n_neurons); per standard deviation if asked."""
        coef = self.coef_ if self.scale_ is None or not standardized else self.coef_ * self.scale_
        if self.neurons is None:
            return coef
        full = np.zeros((len(self.classes_), self.n_neurons), dtype=np.float32)
        full[:, self.neurons] = coef
        return full

    def keep(self, neurons: ArrayLike, *, fill: NDArray[np.floating] | None = None) -> FittedProbe:
        """The same probe reading only some neurons, without retraining: ablation of all others.

        Parameters
        ----------
        neurons : array_like of int
            Columns to keep.
        fill : ndarray of shape (n_neurons,), optional
            Constant to which each ablated neuron is set (its training mean, say); zero by default. Setting a neuron to
            a constant only moves the intercept, so no activation is ever copied or changed.

        Returns
        -------
        FittedProbe
        """
        keep = np.zeros(self.n_neurons, dtype=bool)
        keep[np.asarray(neurons, dtype=np.intp)] = True
        kept = keep[self.columns]
        intercept = self.intercept_
        if fill is not None:
            gone = self.columns[~kept]
            moved = self.coef_[:, ~kept].astype(np.float64) @ np.asarray(fill, dtype=np.float64)[gone]
            intercept = (intercept + moved).astype(np.float32)
        return replace(
            self,
            coef_=np.ascontiguousarray(self.coef_[:, kept]),
            intercept_=intercept,
            neurons=self.columns[kept],
            scale_=None if self.scale_ is None else self.scale_[kept],
            objective_=None,
            gap_=None,
        )

    def decision_function(self, X: NDArray[np.floating]) -> NDArray[np.float32]:
        """Scores (logits), shape (n_words, n_labels), for activations `X` of shape (n_words, n_neurons)."""
        if X.ndim != 2 or X.shape[1] != self.n_neurons:
            raise NeurosieveError(
                f"activations have shape {X.shape}; this probe was fitted on {self.n_neurons} neurons: pass "
                f"(n_words, {self.n_neurons})"
            )
        used = X if self.neurons is None else X[:, self.neurons]
        scores: NDArray[np.float32] = used.astype(np.float32) @ self.coef_.T + self.intercept_
        return scores

    def predict(self, X: NDArray[np.floating]) -> NDArray[np.generic]:
        """Predicted labels, shape (n_words,), for activations `X` of shape (n_words, n_neurons)."""
        labels: NDArray[np.generic] = self.classes_[np.argmax(self.decision_function(X), axis=1)]
        return labels

    def score(self, X: NDArray[np.floating], y: ArrayLike) -> float:
        """Accuracy on words that have a label; a label that the probe does not know counts as an error."""
        y = np.asarray(y, dtype=object)
        known = np.array([label is not None for label in y], dtype=bool)
        return float(np.mean(self.predict(X)[known].astype(object) == y[known]))

    def save(self, path: str | Path) -> None:
        """Write the probe to one safetensors file (arrays) with its settings as JSON metadata; no pickle."""
        from safetensors.numpy import save_file

        arrays: dict[str, NDArray[np.generic]] = {"coef": self.coef_, "intercept": self.intercept_}
        if self.neurons is not None:
            arrays["neurons"] = self.neurons.astype(np.int64)
        if self.scale_ is not None:
            arrays["scale"] = self.scale_
        settings = {
            "classes": self.classes_.tolist(), "n_neurons": self.n_neurons, "l1": self.l1, "l2": self.l2,
            "objective": self.objective_, "gap": self.gap_, "n_passes": self.n_passes_, "info": dict(self.info),
        }
        contiguous = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
        save_file(contiguous, str(path), metadata={"neurosieve_probe": json.dumps(settings)})

    @classmethod
    def load(cls, path: str | Path) -> FittedProbe:
        """Read a probe that `save` wrote.

        Raises
        ------
        NeurosieveError
            If the file is missing or is not a probe.
        """
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(str(path), framework="numpy") as file:
                settings = json.loads((file.metadata() or {})["neurosieve_probe"])
                arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
        except (OSError, SafetensorError, KeyError, json.JSONDecodeError) as error:
            raise NeurosieveError(f"{path} is not a saved probe ({error}); pass a file that FittedProbe.save wrote") from error
        return cls(
            coef_=arrays["coef"], intercept_=arrays["intercept"], classes_=np.asarray(settings["classes"]),
            n_neurons=settings["n_neurons"], neurons=arrays.get("neurons"), l1=settings["l1"], l2=settings["l2"],
            scale_=arrays.get("scale"), objective_=settings["objective"], gap_=settings["gap"],
            n_passes_=settings["n_passes"], info=settings["info"],
        )
