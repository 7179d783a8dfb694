"""Where a probe begins that is given another one to start from."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from neurosieve.errors import NeurosieveError
from neurosieve.probes.spec import ProbeSpec
from neurosieve.probes.stream import ActivationStream


def check_start(spec: ProbeSpec, n_neurons: int, classes: NDArray[np.generic]) -> None:
    """Refuse a start that tells other labels, or was fitted on another number of neurons.

    Raises
    ------
    NeurosieveError
    """
    start = spec.start
    if start is not None and not (start.n_neurons == n_neurons and np.array_equal(start.classes_, classes)):
        raise NeurosieveError(
            f"the probe to start from reads {start.n_neurons} neurons and tells {len(start.classes_)} labels, the one to be "
            f"fitted {n_neurons} and {len(classes)}; start from a probe of the same labels"
        )


def start_weights(
    spec: ProbeSpec, stream: ActivationStream, *, subset: NDArray[np.intp] | None, columns: NDArray[np.intp] | None
) -> torch.Tensor | None:
    """The weights that a probe begins from, in the coordinates of the stream; zero in columns that it may not use."""
    if spec.start is None or spec.loss != "softmax":
        return None
    W = spec.start.full_coef(standardized=True)
    if subset is not None:
        kept = np.zeros_like(W)
        kept[:, subset] = W[:, subset]
        W = kept
    W = W if columns is None else W[:, columns]
    return torch.from_numpy(np.ascontiguousarray(W)).to(stream.device, stream.dtype)
