"""The smooth half of the objective for one probe: cross-entropy as a function of logits, its intercept always optimal."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from neurosieve.probes.exact.pieces import in_pieces

_ROUNDED = 100.0
"""Rounding units by which a label may miss its frequency once a step does not halve them: that is the rounding of logits then."""


def negligible(dtype: torch.dtype) -> float:
    """A probability below which it is zero, 1e-31 in float32: its product with a rounding unit is no normal number.

    Processors multiply subnormal numbers up to a hundred times more slowly, and well separated labels are full of them.
    """
    return torch.finfo(dtype).tiny / torch.finfo(dtype).eps


class Likelihood:
    """Weighted mean cross-entropy of one probe's words.

    Only labels that occur with positive weight take part: the best intercept of any other is minus infinity.

    Attributes
    ----------
    live : Tensor of shape (n_live,), int64
        Labels that occur.
    codes : Tensor of shape (n_words,), int64
        Positions in `live`; 0 where a word has no weight.
    omega : Tensor of shape (n_words,), float64
        Word weights that sum to 1.
    target : Tensor of shape (n_live,), float64
        Weighted frequency of each label.
    """

    def __init__(self, codes: Tensor, weights: Tensor | None, n_labels: int) -> None:
        taking = codes >= 0 if weights is None else (codes >= 0) & (weights > 0)
        omega = taking.double() if weights is None else weights.double() * taking
        self.omega = omega / omega.sum()
        frequency = torch.zeros(n_labels, dtype=torch.float64, device=codes.device)
        frequency.scatter_add_(0, codes.clamp(min=0), self.omega)
        self.live = frequency.nonzero()[:, 0]
        position = torch.zeros(n_labels, dtype=torch.int64, device=codes.device)
        position[self.live] = torch.arange(len(self.live), device=codes.device)
        self.codes = torch.where(taking, position[codes.clamp(min=0)], 0)
        self.target = frequency[self.live]
        self._omega32 = self.omega.float()

    def weights_as(self, like: Tensor) -> Tensor:
        """`omega` in the precision of `like`."""
        return self._omega32 if like.dtype == torch.float32 else self.omega

    def fit_intercept(self, logits: Tensor, b: Tensor, *, max_steps: int = 30) -> tuple[Tensor, Tensor]:
        """The intercepts at which every label's mean probability is its frequency; see `match_labels`."""
        return match_labels(logits, b, weight=self.weights_as(logits), target=self.target, max_steps=max_steps)

    def loss(self, probabilities: Tensor) -> float:
        """Mean cross-entropy in nats, summed in float64."""
        own = probabilities.gather(0, self.codes[None])[0]
        return -float(own.clamp_min(torch.finfo(own.dtype).tiny).log().double() @ self.omega)

    def residuals(self, probabilities: Tensor) -> Tensor:
        """``omega (p - Y)``, the gradient by the logits, (n_live, n_words)."""
        R = probabilities.scatter(0, self.codes[None], 0.0)
        R.scatter_(0, self.codes[None], -R.sum(dim=0, keepdim=True))  # p - 1 itself would lose its digits near 0
        return R.mul_(self.weights_as(R))


def match_labels(
    logits: Tensor, b: Tensor, *, weight: Tensor, target: Tensor, max_steps: int = 30
) -> tuple[Tensor, Tensor]:
    """Monotone steps on the intercept until every label's mean probability is `target`.

    That is to a rounding unit of it, or to what rounding of logits leaves. Labels that are well separated need it so small: at 1e-5
    their intercepts were off by a hundredth of a nat and the bound by 0.6 % of the objective.

    Parameters
    ----------
    logits : Tensor of shape (n_live, n_words)
        Without intercept.
    b : Tensor of shape (n_live,), float64
        Where to start.
    weight : Tensor of shape (n_words,)
    target : Tensor of shape (n_live,), float64
        Weighted sums of the probabilities wanted; their sum is that of `weight`.
    max_steps : int

    Returns
    -------
    b : Tensor of shape (n_live,), float64
    probabilities : Tensor of shape (n_live, n_words)
        At the intercept returned.
    """
    total, error = target.sum(), math.inf
    unit, tiny = torch.finfo(logits.dtype).eps, torch.finfo(target.dtype).tiny
    for step in range(max_steps + 1):
        b = b - b.mean()  # what all intercepts share changes nothing but the digits that float32 has left
        P, mean = _probabilities(logits + b.to(logits.dtype)[:, None], weight=weight)
        mean *= total / mean.sum()  # rounded probabilities do not quite sum to 1, which no intercept can mend
        before, error = error, float(((mean - target).abs() / target.clamp_min(tiny)).max())
        if step == max_steps or error <= (unit if error < 0.5 * before else _ROUNDED * unit):
            break
        b = b + _intercept_step(mean, _moment(P, weight), target, noise=unit)
    return b, P


def _probabilities(logits: Tensor, *, weight: Tensor) -> tuple[Tensor, Tensor]:
    """Probabilities (n_live, n_words), and their weighted sums (n_live,) in float64.

    The sums of a few words are of positive values and each label's own, so float32 has eight digits of them; a product's would
    lose the rare labels, as 1e-5 of a frequent label is a rare one's whole frequency.
    """
    P = torch.empty_like(logits)
    mean = torch.zeros(len(logits), dtype=torch.float64, device=logits.device)
    for words in in_pieces(logits):
        P[:, words] = torch.threshold_(torch.softmax(logits[:, words], dim=0), negligible(P.dtype), 0.0)
        mean += (P[:, words] * weight[words]).sum(dim=1)
    return P, mean


def _moment(P: Tensor, weight: Tensor) -> Tensor:
    """Weighted sum of ``p p'`` over words, (n_live, n_live), float64."""
    moment = torch.zeros((len(P), len(P)), dtype=torch.float64, device=P.device)
    for words in in_pieces(P):
        moment += (P[:, words] * weight[words]) @ P[:, words].T
    return moment


def _intercept_step(mean: Tensor, moment: Tensor, target: Tensor, *, noise: float) -> Tensor:
    """The better, by what it is sure to gain, of two steps that never raise the loss; shape (n_live,), float64.

    - *Newton*, shortened. Along a step that changes the intercepts by at most r nats against each other, the third
      derivative is at most r times the second; the share log(1 + r) / r of the step then maximises the gain that is
      sure. Steps that are sure to gain even so, up to 1.79 nats, are taken whole, for their quadratic convergence.
    - *Scaling*: the logarithm of wanted over present frequency is sure to gain their Kullback-Leibler divergence. It
      brings back labels whose probability has vanished, where the curvature is zero and Newton is blind.

    Parameters
    ----------
    mean : Tensor of shape (n_live,), float64
        Present frequencies.
    moment : Tensor of shape (n_live, n_live), float64
        Mean of ``p p'``.
    target : Tensor of shape (n_live,), float64
        Wanted frequencies.
    noise : float
        Relative rounding error of `moment`.
    """
    scaling: Tensor = (target / mean.clamp_min(torch.finfo(torch.float32).tiny)).log()
    # Adding a constant to all intercepts changes nothing: the ones fill that null space.
    curvature = torch.diag(mean * (1.0 + noise) + noise**2) - moment + 1.0 / len(mean)
    newton: Tensor
    newton, singular = torch.linalg.solve_ex(curvature, target - mean)
    reach = float(newton.max() - newton.min())
    slope = float((target - mean) @ newton)
    if bool(singular) or not math.isfinite(reach) or slope <= 0.0:
        return scaling
    if reach < 2.0 and math.exp(reach) <= 1.0 + reach + reach**2:
        return newton
    share = math.log1p(reach) / reach
    sure = slope * (share * (1.0 + 1.0 / reach) - 1.0 / reach)
    return share * newton if sure >= float(target @ scaling) else scaling
