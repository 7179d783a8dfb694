"""Ablation in the probe: keep some neurons, set all others to zero or to their mean, do not retrain."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from neurosieve.activations.labelled_split import LabelledSplit
from neurosieve.errors import NeurosieveError
from neurosieve.notebook import short_repr
from neurosieve.probes.predict import score_probes
from neurosieve.probes.spec import FittedProbe
from neurosieve.rankings.ranking import NeuronRanking

if TYPE_CHECKING:
    import pandas as pd

Fill = Literal["zero", "mean"]
SUBSETS = ("all", "top", "random", "bottom")


@dataclass(frozen=True, repr=False)
class AblationResult:
    """Accuracy of one probe with all, and with the kept neurons only.

    Attributes
    ----------
    accuracy : mapping of str to float
        For ``"all"``, ``"top"``, ``"random"`` and ``"bottom"``, as fractions.
    keep : float
        Share of the neurons kept.
    n_kept : int
    fill : {"zero", "mean"}
        What ablated neurons are set to.
    """

    __repr__ = short_repr

    accuracy: Mapping[str, float]
    keep: float
    n_kept: int
    fill: Fill

    def to_frame(self) -> pd.DataFrame:
        """One row a subset: subset, n_neurons, fraction, fill, accuracy."""
        import pandas as pd

        return pd.DataFrame(
            [
                {"subset": name, "n_neurons": self.n_kept, "fraction": self.keep, "fill": self.fill, "accuracy": value}
                if name != "all"
                else {"subset": name, "n_neurons": None, "fraction": 1.0, "fill": None, "accuracy": value}
                for name, value in self.accuracy.items()
            ]
        )


def ablated_probes(
    probe: FittedProbe,
    ranking: NeuronRanking,
    *,
    keep: float = 0.2,
    fill: NDArray[np.floating] | None = None,
    random_state: int = 0,
) -> dict[str, FittedProbe]:
    """The probe with all, top, random and bottom neurons, as four probes.

    Parameters
    ----------
    probe : FittedProbe
    ranking : NeuronRanking
    keep : float
        Share of the neurons to keep.
    fill : ndarray of shape (n_neurons,), optional
        Constants for the ablated neurons; zero by default.
    random_state : int
        Seed of the random subset.
    """
    return {
        "all": probe,
        "top": probe.keep(ranking.top(keep), fill=fill),
        "random": probe.keep(ranking.random(keep, random_state), fill=fill),
        "bottom": probe.keep(ranking.bottom(keep), fill=fill),
    }


def ablate(
    probe: FittedProbe,
    ranking: NeuronRanking,
    split: LabelledSplit,
    *,
    keep: float = 0.2,
    fill: Fill = "zero",
    means: NDArray[np.floating] | None = None,
    random_state: int = 0,
) -> AblationResult:
    """Accuracy of a probe that keeps the top, random or bottom share of the neurons.

    Parameters
    ----------
    probe : FittedProbe
    ranking : NeuronRanking
    split : LabelledSplit
    keep : float
        Share of the neurons to keep (the paper's M = 20 %).
    fill : {"zero", "mean"}
        Set ablated neurons to zero, as in the paper, or to their training mean, which removes their information without
        shifting the scores.
    means : ndarray of shape (n_neurons,), optional
        Training means, needed for ``fill="mean"``.
    random_state : int
        Seed of the random subset.

    Returns
    -------
    AblationResult
    """
    if fill not in ("zero", "mean"):
        raise NeurosieveError(f"fill is {fill!r}; expected 'zero' or 'mean'")
    if fill == "mean" and means is None:
        raise NeurosieveError("fill='mean' needs means, the training means of all neurons (column_moments gives them)")
    probes = ablated_probes(
        probe, ranking, keep=keep, fill=means if fill == "mean" else None, random_state=random_state
    )
    scores = score_probes(split.activations, list(probes.values()), split.y)
    return AblationResult(
        dict(zip(probes, scores.tolist(), strict=True)), keep=keep, n_kept=ranking.count(keep), fill=fill
    )
