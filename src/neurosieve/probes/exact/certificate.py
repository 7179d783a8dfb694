"""The certificate: how far an elastic-net probe can be from its optimum, from duality, for any weights whatever.

With word weights ``omega`` that sum to 1, one-hot labels ``Y`` and any distributions ``q`` over the labels, one a word,
whose label frequencies match the data's (``sum_i omega_i (q_i - Y_i) = 0``, the condition that the unpenalised
intercept puts on the dual), weak duality bounds the optimum from below for every ``s`` in [0, 1]:

    D(s) = sum_i omega_i H(Y_i + s (q_i - Y_i))  -  sum (s |G| - l1)_+^2 / (4 l2),     G = sum_i omega_i (q_i - Y_i) x_i'

where H is the entropy. At the optimum ``q`` are the probe's own probabilities, ``s`` = 1 and the bound is tight. Away
from it, `match_frequencies` makes any probabilities feasible exactly, and `dual_bound` picks ``s``: with l2 = 0 the
second term is a constraint, ``s |G| <= l1``, which a small enough ``s`` always meets. ``docs/solver.md`` derives this.
"""

from __future__ import annotations

import torch
from torch import Tensor

from neurosieve.probes.exact.pieces import in_pieces


def match_frequencies(probabilities: Tensor, omega: Tensor, target: Tensor) -> Tensor:
    """Distributions close to the given ones whose label frequencies are exactly `target`.

    Labels that are too frequent are scaled down; what this frees in each word is handed to the labels that are too
    rare, in proportion to what they lack. Nothing becomes negative and every word's probabilities keep their sum.

    Parameters
    ----------
    probabilities : Tensor of shape (n_labels, n_words)
        Columns that sum to 1.
    omega : Tensor of shape (n_words,)
        Word weights that sum to 1.
    target : Tensor of shape (n_labels,)
        Frequencies wanted; they sum to 1.

    Returns
    -------
    Tensor of shape (n_labels, n_words)
    """
    frequency = (probabilities * omega).sum(dim=1, dtype=torch.float64)  # a product's float32 sums lose the rare labels
    keep = torch.where(frequency > target, target / frequency.clamp_min(torch.finfo(frequency.dtype).tiny), 1.0)
    lacking = (target - frequency).clamp_min(0.0)
    freed = (1.0 - keep).to(probabilities.dtype) @ probabilities
    given = (lacking / lacking.sum().clamp_min(torch.finfo(lacking.dtype).tiny)).to(probabilities.dtype)
    return probabilities * keep[:, None].to(probabilities.dtype) + torch.outer(given, freed)


def dual_scale(G: Tensor, entropy: float, *, l1: float, l2: float) -> float:
    """The ``s`` in [0, 1] that maximises ``s * entropy - sum (s |G| - l1)_+^2 / (4 l2)``, a lower bound of ``D(s)``.

    Its slope falls along ``s``, ever faster and in straight pieces, so Newton's steps from 1 down never pass the zero of the
    slope and reach it after as many as they cross pieces.

    Parameters
    ----------
    G : Tensor of any shape
        Gradient at the dual point; zero in columns that the probe does not use.
    entropy : float
        Entropy at the dual point.
    l1, l2 : float
    """
    size = G.abs().flatten().double()
    largest = float(size.max()) if len(size) else 0.0
    feasible = 1.0 if largest <= l1 else l1 / largest
    if l2 == 0.0 or feasible == 1.0:
        return feasible
    s = 1.0
    while True:
        size = size[s * size > l1]
        if not len(size):  # by rounding: nothing is left that limits it
            return s
        following = (2.0 * l2 * entropy + l1 * float(size.sum())) / float(size.square().sum())
        if not following < s:
            return s
        s = max(feasible, following)


def conjugate_penalty(G: Tensor, l1: float, l2: float) -> float:
    """``sum (|G| - l1)_+^2 / (4 l2)``, the conjugate of the penalty at a `G` that is feasible where `l2` is 0."""
    if l2 == 0.0:
        return 0.0
    return float((G.abs().double() - l1).clamp_min_(0.0).square_().sum()) / (4.0 * l2)


def mean_entropy(q: Tensor, omega: Tensor) -> float:
    """Weighted mean entropy in nats of distributions `q` (n_labels, n_words); ``omega`` sums to 1."""
    smallest, total = torch.finfo(q.dtype).tiny, 0.0
    for words in in_pieces(q):
        some = q[:, words]
        total -= float(some.clamp_min(smallest).log_().mul_(some).sum(dim=0).double() @ omega[words].double())
    return total


def dual_bound(q: Tensor, G: Tensor, *, omega: Tensor, codes: Tensor, l1: float, l2: float) -> float:
    """Lower bound of the optimum from feasible distributions.

    Parameters
    ----------
    q : Tensor of shape (n_labels, n_words)
        Distributions whose label frequencies match the data's (`match_frequencies`).
    G : Tensor of shape (n_labels, n_columns)
        ``sum_i omega_i (q_i - Y_i) x_i'``; zero in columns that the probe does not use.
    omega : Tensor of shape (n_words,)
        Word weights that sum to 1.
    codes : Tensor of shape (n_words,), int64
        Label numbers; anything in range where the weight is 0.
    l1, l2 : float

    Returns
    -------
    float
        At least 0, as all parts of the objective are.
    """
    entropy = mean_entropy(q, omega)
    s = dual_scale(G, entropy, l1=l1, l2=l2)
    if s < 1.0:
        mixed = s * q
        mixed.scatter_add_(0, codes[None], mixed.new_full((1, len(codes)), 1.0 - s))
        entropy = mean_entropy(mixed, omega)
    return max(0.0, entropy - conjugate_penalty(s * G, l1, l2))
