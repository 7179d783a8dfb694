"""The two passes over the words that real values take: their moments, and the certificate of weights found from these."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from neurosieve.probes.exact.net import Vector, dual_bound
from neurosieve.probes.exact.pieces import in_strips
from neurosieve.probes.stream import ActivationStream

BATCH = 4096
"""Words whose products are summed in the stream's precision before they are added up in float64."""


@dataclass(frozen=True)
class Moments:
    """Of the words as one set of word weights counts them.

    Attributes
    ----------
    mean : ndarray of shape (width,)
    gram : ndarray of shape (width, width)
    cross : ndarray of shape (n_targets, width)
    means, squares : ndarray of shape (n_targets,)
        Of each target: its mean, and the mean square of what is left without that.
    """

    mean: Vector
    gram: Vector
    cross: Vector
    means: Vector
    squares: Vector


def moments_of(stream: ActivationStream, values: Tensor, weights: Tensor | None) -> Moments:
    """One pass over the words, for the moments of all columns and of values (n_targets, n_words).

    Both are shifted by the first batch's mean, so that little is lost where means are large.
    """
    width, n_targets = stream.width, len(values)
    wide: dict[str, Any] = {"dtype": torch.float64, "device": stream.device}
    gram, total = torch.zeros((width, width), **wide), torch.zeros(width, **wide)
    cross, weight = torch.zeros((n_targets, width), **wide), 0.0
    sums, squares = torch.zeros(n_targets, **wide), torch.zeros(n_targets, **wide)
    strips = in_strips(width)
    for numbers, X in stream.batches(BATCH):
        y = values[:, numbers].double()
        if weight == 0.0:
            shift, level = X.mean(dim=0), y.mean(dim=1)
        X.sub_(shift)
        y -= level[:, None]
        v = None if weights is None else weights[numbers]
        Xv = X if v is None else X * v.to(X.dtype)[:, None]
        for strip in strips:
            gram[strip, strip.start :] += Xv[:, strip].T @ X[:, strip.start :]
        total += Xv.sum(dim=0)
        yv = y if v is None else y * v.double()
        cross += yv.to(X.dtype) @ X
        sums += yv.sum(dim=1)
        squares += (yv * y).sum(dim=1)
        weight += float(len(X)) if v is None else float(v.double().sum())
    for strip in strips:  # in place, as it is what takes memory here
        gram[strip.stop :, strip] = gram[strip, strip.stop :].T
    mean, means = total / weight, sums / weight
    gram.div_(weight).addr_(mean, mean, alpha=-1.0)
    cross = cross / weight - torch.outer(means, mean)
    squares = squares / weight - means.square()
    parts = [mean + shift.double(), gram, cross, means + level, squares]
    return Moments(*(part.cpu().numpy() for part in parts))


@dataclass(frozen=True)
class Certified:
    """What one pass says of a probe.

    Attributes
    ----------
    intercept, objective, bound : float
        Of its weights; the bound is that of its dual weights.
    q : ndarray of shape (width,)
        ``sum v r x`` with the residuals r of the dual weights, 0 in columns that the probe does not use.
    """

    intercept: float
    objective: float
    bound: float
    q: Vector


@dataclass(frozen=True)
class Claim:
    """A probe to be certified: weights and, where their own residuals would give a poor bound, dual weights (both (width,))."""

    w: Vector
    dual: Vector | None
    usable: Vector | None
    l1: float
    l2: float
    target: int


def certify(
    stream: ActivationStream,
    claims: Sequence[Claim],
    *,
    values: Tensor,
    weights: Tensor | None,
    moments: Moments,
    precision: torch.dtype,
) -> list[Certified]:
    """One pass over the words: of each probe its intercept, objective, dual bound and ``q``, from products in a `precision`.

    Weights must be rounded to the stream's precision beforehand: what is returned is what counts.
    """
    wide: dict[str, Any] = {"dtype": torch.float64, "device": stream.device}
    own = [(claim.w, claim.target) for claim in claims]
    apart = [k for k, claim in enumerate(claims) if claim.dual is not None]
    rows = own + [(dual, claim.target) for claim in claims if (dual := claim.dual) is not None]
    told = {k: len(own) + place for place, k in enumerate(apart)}  # the row whose residuals give the bound
    duals = [told.get(k, k) for k in range(len(claims))]
    W = torch.stack([torch.from_numpy(w) for w, _ in rows]).to(stream.device, precision)
    # About the columns' means, where products keep their digits however far these are from zero.
    middle = torch.from_numpy(moments.mean).to(stream.device, precision)
    targets = [target for _, target in rows]
    means = torch.tensor(moments.means[targets], **wide)
    q, sums = torch.zeros((len(claims), stream.width), **wide), torch.zeros((3, len(rows)), **wide)
    total, weight = torch.zeros((1, stream.width), **wide), 0.0
    for numbers, batch in stream.batches(BATCH):
        X = batch.to(precision).sub_(middle)
        y = values[:, numbers].double()[targets]
        r = y - (X @ W.T).T.double() - means[:, None]
        v = None if weights is None else weights[numbers].double()
        rv = r if v is None else r * v
        q += rv[duals].to(X.dtype) @ X
        sums += torch.stack([rv.sum(dim=1), (rv * y).sum(dim=1), (rv * r).sum(dim=1)])
        total += (X.sum(dim=0) if v is None else v.to(X.dtype) @ X)[None]
        weight += float(len(X)) if v is None else float(v.sum())
    q, sums = q / weight, sums / weight
    off = sums[0]  # the mean residual, which moves into the intercept
    q -= off[duals][:, None] * (total / weight)
    agreement, square = sums[1] - off * means, sums[2] - off.square()
    intercepts = means + off - W.double() @ middle.double()
    found = []
    for k, claim in enumerate(claims):
        w, told_by = claim.w, duals[k]
        gradient = q[k].cpu().numpy() if claim.usable is None else q[k].cpu().numpy() * claim.usable
        value = 0.5 * float(square[k]) + claim.l1 * float(abs(w).sum()) + claim.l2 * float(w @ w)
        bound = dual_bound(
            gradient,
            agreement=float(agreement[told_by]),
            square=float(square[told_by]),
            l1=claim.l1,
            l2=claim.l2,
        )
        found.append(Certified(float(intercepts[k]), value, bound, gradient))
    return found
