"""Which words to look at: a small sample that carries what the probe is in doubt about."""

from __future__ import annotations

from torch import Tensor

from neurosieve.probes.exact.likelihood import negligible


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
    smallest = negligible(share.dtype)
    rate, n_certain, before = size / max(float(share.sum()), smallest), 0, -1
    while n_certain > before:  # words that are certain to be taken leave the others more; rises to the solution
        certain = share * rate >= 1.0
        before, n_certain = n_certain, int(certain.sum())
        rate = (size - n_certain) / max(float(share[~certain].sum()), smallest)
    chance = (share * rate).clamp(max=1.0)
    steps = (chance.double().cumsum(0) + 0.5).floor()
    rows = (steps.diff(prepend=steps.new_zeros(1)) > 0.0).nonzero()[:, 0]
    return rows, chance[rows]


def doubtful_words(P: Tensor, omega: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """A sample of words: a third by their doubt ``omega sum_k p_k (1 - p_k)``, a third by each label's, a third evenly.

    Rare labels count as much as frequent ones in the second, words that are certain now, but may not stay so, are in the third.

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
    smallest = negligible(doubt.dtype)
    share = doubt.sum(dim=0) / of_labels.sum().clamp_min(smallest)
    share += (doubt / of_labels.clamp_min(smallest)).mean(dim=0)
    return sample(share + omega, size)
