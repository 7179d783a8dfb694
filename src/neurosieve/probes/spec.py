"""What to fit (`ProbeSpec`) and what was fitted (`FittedProbe`)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neurosieve.activations.labels import Loss, is_labelled
from neurosieve.errors import NeurosieveError
from neurosieve.files import whole_file
from neurosieve.json_shape import misfit
from neurosieve.notebook import card, listed, short_repr


@dataclass(frozen=True, slots=True, repr=False)
class ProbeSpec:
    """One probe to fit.

    Attributes
    ----------
    y : array_like of shape (n_words,)
        Labels (strings or integers) for the softmax loss, real values for the squared one. A word whose label is
        ``None`` or NaN does not take part. Specs that share one `y` object share its encoding.
    l1, l2 : float
        Weights of the penalties, on the scale of the mean cross-entropy (see `neurosieve.probes.objective`).
    neurons : array_like of int, optional
        Columns that the probe may use; all by default.
    word_weights : array_like of shape (n_words,), optional
        Non-negative weight of each word in the mean; all equal by default.
    random_state : int
        Seed of the initial weights and of the order of the batches.
    loss : {"softmax", "squared"}
        What is fitted: labels, or real values.
    start : FittedProbe, optional
        Of the same labels: where the exact solver begins, which changes how soon it is done and not where it ends. Weights of
        other neurons are left out; solvers that begin at random, and real values, make no use of it.
    """

    __repr__ = short_repr

    y: ArrayLike
    l1: float = 0.0
    l2: float = 0.0
    neurons: ArrayLike | None = None
    word_weights: ArrayLike | None = None
    random_state: int = 0
    loss: Loss = "softmax"
    start: FittedProbe | None = None


def neuron_numbers(neurons: ArrayLike, n_neurons: int) -> NDArray[np.intp]:
    """Distinct neuron numbers in ascending order.

    Raises
    ------
    NeurosieveError
        If something is not a whole number from 0 to `n_neurons` - 1 (a mask of booleans is not a list of numbers).
    """
    given = np.asarray(neurons)
    if given.size and (given.dtype.kind not in "iu" or given.min() < 0 or given.max() >= n_neurons):
        raise NeurosieveError(
            f"neurons must be numbers from 0 to {n_neurons - 1}, not {given.dtype} {given.ravel()[:3]} ..."
        )
    return np.unique(given).astype(np.intp)


@dataclass(frozen=True, repr=False)
class FittedProbe:
    """A linear probe: one row of weights and one intercept for each label.

    Attributes
    ----------
    coef_ : ndarray of shape (n_labels, n_used), float32 (float64 if the activations were)
        Weights on the raw activations of the neurons in `neurons`.
    intercept_ : ndarray of shape (n_labels,), of the same type
    classes_ : ndarray of shape (n_labels,)
        The labels, in sorted order; ``["value"]`` for a probe of real values.
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
    loss : {"softmax", "squared"}
    info : mapping
        Solver settings and whatever else is needed to make the same probe again.
    """

    coef_: NDArray[np.floating]
    intercept_: NDArray[np.floating]
    classes_: NDArray[np.generic]
    n_neurons: int
    neurons: NDArray[np.intp] | None = None
    l1: float = 0.0
    l2: float = 0.0
    scale_: NDArray[np.floating] | None = None
    objective_: float | None = None
    gap_: float | None = None
    n_passes_: float = 0.0
    loss: Loss = "softmax"
    info: Mapping[str, object] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"FittedProbe: {'; '.join(f'{name} {value}' for name, value in self._facts().items())}"

    def _facts(self) -> dict[str, str]:
        n_used = self.n_neurons if self.neurons is None else len(self.neurons)
        one = self.loss == "squared"
        labels = "real values" if one else f"{len(self.classes_)} ({listed(self.classes_.tolist())})"
        facts = {
            "labels": labels,
            "neurons": f"{n_used} of {self.n_neurons}",
            "l1": f"{self.l1:g}",
            "l2": f"{self.l2:g}",
        }
        facts["weights that are not 0"] = f"{np.count_nonzero(self.coef_)} of {self.coef_.size}"
        if self.gap_ is not None and self.objective_ is not None:
            facts["certified"] = f"objective {self.objective_:.6g}, at most {self.gap_:.2g} above the lowest"
        return facts

    def _repr_html_(self) -> str:
        return card("FittedProbe", self._facts())

    @property
    def columns(self) -> NDArray[np.intp]:
        """Columns of the activations that the probe reads, shape (n_used,)."""
        return np.arange(self.n_neurons) if self.neurons is None else self.neurons

    def full_coef(self, *, standardized: bool = False) -> NDArray[np.floating]:
        """Weights of all neurons, zero where unused, shape (n_labels, n_neurons); per standard deviation if asked."""
        coef = self.coef_ if self.scale_ is None or not standardized else self.coef_ * self.scale_
        if self.neurons is None:
            return coef
        full = np.zeros((len(self.classes_), self.n_neurons), dtype=coef.dtype)
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
        keep[neuron_numbers(neurons, self.n_neurons)] = True
        kept = keep[self.columns]
        intercept = self.intercept_
        if fill is not None:
            if np.shape(fill) != (self.n_neurons,):
                raise NeurosieveError(
                    f"fill has shape {np.shape(fill)}; expected one value a neuron, ({self.n_neurons},)"
                )
            gone = self.columns[~kept]
            moved = self.coef_[:, ~kept].astype(np.float64) @ np.asarray(fill, dtype=np.float64)[gone]
            intercept = (intercept + moved).astype(self.intercept_.dtype)
        return replace(
            self,
            coef_=np.ascontiguousarray(self.coef_[:, kept]),
            intercept_=intercept,
            neurons=self.columns[kept],
            scale_=None if self.scale_ is None else self.scale_[kept],
            objective_=None,
            gap_=None,
        )

    def decision_function(self, X: NDArray[np.floating]) -> NDArray[np.floating]:
        """Scores (logits), shape (n_words, n_labels), for activations `X` of shape (n_words, n_neurons)."""
        if X.ndim != 2 or X.shape[1] != self.n_neurons:
            raise NeurosieveError(
                f"activations have shape {X.shape}; this probe was fitted on {self.n_neurons} neurons: pass "
                f"(n_words, {self.n_neurons})"
            )
        used = X if self.neurons is None else X[:, self.neurons]
        scores: NDArray[np.floating] = used.astype(self.coef_.dtype) @ self.coef_.T + self.intercept_
        return scores

    def predict(self, X: NDArray[np.floating]) -> NDArray[np.generic]:
        """Predicted labels or values, shape (n_words,), for activations `X` of shape (n_words, n_neurons)."""
        if self.loss == "squared":
            return self.decision_function(X)[:, 0]
        labels: NDArray[np.generic] = self.classes_[np.argmax(self.decision_function(X), axis=1)]
        return labels

    def score(self, X: NDArray[np.floating], y: ArrayLike) -> float:
        """Accuracy (R² for real values) on words that have a label; a label unknown to the probe is an error."""
        y = np.asarray(y, dtype=object)
        known = is_labelled(y)
        predicted = self.predict(X)[known]
        if self.loss == "squared":
            return r_squared(predicted, y[known].astype(np.float64))
        return float(np.mean(predicted.astype(object) == y[known]))

    def save(self, path: str | Path) -> None:
        """Write the probe to one safetensors file (arrays) with its settings as JSON metadata; no pickle.

        The file has its name only when it is whole, and is as readable as any new file of the folder.
        """
        from safetensors.numpy import save_file

        arrays: dict[str, NDArray[np.generic]] = {"coef": self.coef_, "intercept": self.intercept_}
        if self.neurons is not None:
            arrays["neurons"] = self.neurons.astype(np.int64)
        if self.scale_ is not None:
            arrays["scale"] = self.scale_
        settings = {
            "classes": self.classes_.tolist(),
            "n_neurons": self.n_neurons,
            "l1": self.l1,
            "l2": self.l2,
            "objective": self.objective_,
            "gap": self.gap_,
            "n_passes": self.n_passes_,
            "loss": self.loss,
            "info": dict(self.info),
        }
        contiguous = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
        with whole_file(Path(path), suffix="~tmp") as temporary:
            save_file(contiguous, str(temporary), metadata={"neurosieve_probe": json.dumps(settings)})

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
            _require_whole(settings, arrays)
        except (OSError, SafetensorError, KeyError, TypeError, ValueError, RecursionError) as error:
            raise NeurosieveError(
                f"{path} is not a saved probe ({error}); pass a file that FittedProbe.save wrote"
            ) from error
        return cls(
            coef_=arrays["coef"],
            intercept_=arrays["intercept"],
            classes_=np.asarray(settings["classes"]),
            n_neurons=settings["n_neurons"],
            neurons=arrays.get("neurons"),
            l1=settings["l1"],
            l2=settings["l2"],
            scale_=arrays.get("scale"),
            objective_=settings.get("objective"),
            gap_=settings.get("gap"),
            n_passes_=settings["n_passes"],
            loss=settings["loss"],
            info=settings["info"],
        )


_SETTINGS = {
    "classes": list,
    "n_neurons": int,
    "l1": float,
    "l2": float,
    "objective?": float,
    "gap?": float,
    "n_passes": float,
    "loss": str,
    "info": dict,
}
"""What `FittedProbe.save` writes beside the arrays (see `neurosieve.json_shape`)."""


def _require_whole(settings: object, arrays: Mapping[str, NDArray[np.generic]]) -> None:
    """Raise a ValueError unless the parts of a saved probe are there and belong together."""
    wrong = misfit(settings, _SETTINGS)
    if wrong or not isinstance(settings, dict):
        raise ValueError(wrong)
    shapes = {name: array.shape for name, array in arrays.items()}
    n_rows = 1 if settings["loss"] == "squared" else len(settings["classes"])
    used = shapes["neurons"][0] if shapes.get("neurons") else settings["n_neurons"]
    if shapes.get("coef") != (n_rows, used) or shapes.get("intercept") != (n_rows,):
        raise ValueError(f"its arrays are {shapes}, where {n_rows} x {used} weights are expected")
    if "scale" in shapes and shapes["scale"] != (used,):
        raise ValueError(f"it has {shapes['scale']} scales, where {used} are expected")
    neurons: Any = arrays.get("neurons")
    if neurons is not None and (
        neurons.dtype.kind != "i" or ((neurons < 0) | (neurons >= settings["n_neurons"])).any()
    ):
        raise ValueError(f"it reads neurons outside the {settings['n_neurons']} that there are")


def r_squared(predicted: NDArray[np.generic], gold: NDArray[np.floating]) -> float:
    """Share of the variance of `gold` (n_words,) that `predicted` explains: 1 at best, below 0 if worse than the mean."""
    spread = float(np.sum((gold - gold.mean()) ** 2))
    if spread == 0:
        raise NeurosieveError(
            "all values are the same, so there is no variance to explain; check the property and the split"
        )
    return 1.0 - float(np.sum((np.asarray(predicted, dtype=np.float64) - gold) ** 2)) / spread
