"""Which words to look at: a small sample that carries what the probe is in doubt about."""

from __future__ import annotations

from torch import Tensor

_SMALLEST = 1e-30
_RATE_STEPS = 5

_EVENLY = 0.2
"""Share of a sample that is spread over all words: those that are certain now may not stay so."""


def sample(share: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """About `size` words by systematic sampling, in proportion to `share`, those that exceed a place being certain.

    Parameters
    ----------
    share : Tensor of shape (n_words,)
        Not negative.
    size : int

    Returns
    -------
    rows : Tensor of shape (n_rows,), int64
        Ascending.
    chance : Tensor of shape (n_rows,)
        That each had of being taken, at most 1: sums over the sample divided by it are unbiased.
    """
    if size >= len(share):
        rows = share.nonzero()[:, 0]
        return rows, share.new_ones(len(rows))
    rate = size / max(float(share.sum()), _SMALLEST)
    for _ in range(_RATE_STEPS):  # words that are certain to be taken leave the others more; rises to the solution
        certain = share * rate >= 1.0
        rate = (size - int(certain.sum())) / max(float(share[~certain].sum()), _SMALLEST)
    chance = (share * rate).clamp(max=1.0)
    steps = (chance.double().cumsum(0) + 0.5).floor()
    rows = (steps.diff(prepend=steps.new_zeros(1)) > 0.0).nonzero()[:, 0]
    return rows, chance[rows]


def doubtful_words(P: Tensor, omega: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """A sample of words in proportion to their doubt ``omega sum_k p_k (1 - p_k)``, in all labels and in each.

    Parameters
    ----------
    P : Tensor of shape (n_labels, n_words)
        Probabilities.
    omega : Tensor of shape (n_words,)
        Word weights that sum to 1.
    size : int

    Returns
    -------
    rows, chance
        As of `sample`.
    """
    if size >= len(omega):
        return sample(omega, size)
    doubt = P * (1.0 - P) * omega
    of_labels = doubt.sum(dim=1, keepdim=True)
    share = doubt.sum(dim=0) / of_labels.sum().clamp_min(_SMALLEST)
    share += (doubt / of_labels.clamp_min(_SMALLEST)).mean(dim=0)  # rare labels count as much as frequent ones
    return sample((1.0 - _EVENLY) * share / share.sum().clamp_min(_SMALLEST) + _EVENLY * omega, size)
