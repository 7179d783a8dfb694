"""One step: lower the model of the objective, label by label first, then all labels together.

1. *Nets*: every label's elastic net on its own matrix (`blocks`) says which weights are zero. Where labels compete for
   the same words, or a step changes what a label is in doubt about, its matrix is too weak by a factor that the model
   shows; then that label steps again with a larger multiple.
2. *Face*: with zeros and signs as the nets have them the model is smooth, and conjugate gradients with the labels'
   factors as preconditioner couple the labels. Weights that change their sign become zero.

The better of the two is taken, as the model judges them; while the zeros still change a lot only the first is tried. What all
labels' weights share is set apart from both (`level`).
"""

from __future__ import annotations

import math
from dataclasses import replace

import torch
from torch import Tensor

from neurosieve.probes.exact.blocks import MINOR, Blocks
from neurosieve.probes.exact.level import levelled
from neurosieve.probes.exact.model import LocalModel, Place

_TRIES = 3
"""Times that nets and face are done on one model, and that labels step again in one of them."""

SOME = 0.2
"""Share that counts: of all rounds' gain so far, for a round's to have another one; of the used weights, for so many to change that
the face is not worth solving on; of the face, for so many to change sign that a step goes no farther than a few of them, as along
columns that depend on each other nothing else ends it; and of what is worth another round, for a conjugate gradient's gain to have
another one."""

_WEAK, _FAR_TOO_STRONG = 1.5, 0.1
"""Of a label's curvature along its step, as a multiple of what its matrix says: above the first it steps again; below its inverse
its multiple shrinks by that, below the second by the second."""


def descend(model: LocalModel, blocks: Blocks, multiples: Tensor, *, enough: float) -> Place:
    """Lower the model until it gains little more.

    Parameters
    ----------
    model : LocalModel
    blocks : Blocks
        Of this or an earlier point.
    multiples : Tensor of shape (n_live,), float64
        Of the labels' matrices, from step to step; changed in place.
    enough : float
        Gain below which another round is not worth its time.
    """
    place = model.start
    for _ in range(_TRIES):
        before = place
        place, coupled = _round(model, blocks, multiples, before, enough=enough)
        place = _level(model, place)
        gain, total = before.value - place.value, model.start.value - place.value
        if coupled or not gain > max(enough, SOME * total if before is not model.start else 0.0):
            break
    return place


def _level(model: LocalModel, place: Place) -> Place:
    """The place with its weights `levelled`: no probability changes, and what the model looks at is the same."""
    problem = model.problem
    V = levelled(place.V, l1=problem.l1, l2=problem.l2)
    if V is place.V:
        return place
    return replace(place, V=V, value=place.value - problem.penalty(place.V) + problem.penalty(V))


def _round(model: LocalModel, blocks: Blocks, multiples: Tensor, start: Place, *, enough: float) -> tuple[Place, bool]:
    """Nets, then the face if it has settled; also whether the latter was the better."""
    may_move = blocks.working | (start.V != 0.0) if model.problem.l1 else None
    g = model.gradient(start, may_move)
    apart = _nets(model, blocks, multiples, start=start, g=g)
    changed = int(((apart.V != 0.0) != (start.V != 0.0)).sum())
    best, coupled, unit = apart, False, torch.finfo(torch.float64).eps  # of a model's value, all sums being in float64
    if changed <= SOME * int((apart.V != 0.0).sum()) or model.problem.l1 == 0.0:
        together = _face(model, blocks, g, start=start, apart=apart, enough=enough)
        coupled = together.value <= apart.value + unit * abs(apart.value)
        best = together if coupled else apart
    tries, least = 0, start.value + unit * abs(start.value)
    while not best.value <= least and tries < _TRIES:
        tries += 1
        best = model.between(start, best, 0.5)
    return (best, coupled) if best.value <= least else (start, True)


def _nets(model: LocalModel, blocks: Blocks, multiples: Tensor, *, start: Place, g: Tensor) -> Place:
    V, change = start.V.clone(), torch.zeros_like(start.change)
    labels, pulled = list(range(len(V))), torch.zeros_like(multiples)
    for retry in range(_TRIES + 1):
        pulled += blocks.nets(start.V, g, multiples, labels=labels, out=V)
        change[labels] = model.logits(V - start.V, labels)[labels]
        end = model.at(V, start.change + change, start.b)
        bent, expected = model.bent(start, end), multiples * pulled
        weak = bent > (_WEAK if end.value < start.value else 1.0) * expected
        weak &= bent > 1e-3 * expected.sum()  # the others cannot matter
        if not bool(weak.any()) or retry == _TRIES:
            break
        if end.value < start.value and retry > 0:
            break
        multiples[weak] = (bent / pulled.clamp_min(1e-300))[weak]
        labels = weak.nonzero()[:, 0].tolist()
        pulled[weak] = 0.0
    ease = torch.where(bent < _FAR_TOO_STRONG * expected, _FAR_TOO_STRONG, 1.0 / _WEAK)
    multiples.copy_(torch.where(bent < expected / _WEAK, (ease * multiples).clamp_min(1.0), multiples))
    return end


def _face(model: LocalModel, blocks: Blocks, g: Tensor, *, start: Place, apart: Place, enough: float) -> Place:
    """Conjugate gradients from `apart` on its non-zero weights (all weights without l1), those that change sign left out."""
    l1, l2 = model.problem.l1, model.problem.l2
    face = apart.V != 0.0 if l1 else _usable(model)
    signs = apart.V.sign() if l1 else torch.zeros_like(apart.V)
    bend = model.curvature(start)
    V, change = apart.V.clone(), apart.change - start.change
    gained, going, every = max(0.0, start.value - apart.value), True, list(range(len(V)))
    while going:
        r = -(g + l1 * signs + 2.0 * l2 * V)
        if bool(change.any()):
            r -= bend(change, every, face)
        r.masked_fill_(~face, 0.0)
        many, flipped = MINOR * int(face.sum()), torch.zeros_like(face)
        z = blocks.solve(r, face, every)
        labels = every if model.whole else _that_matter(r * z)
        r, z = _only(r, labels), _only(z, labels)
        p, rz = z, _dot(r, z)
        while True:
            along = model.logits(p, labels)
            bent = (bend(along, labels, face) + 2.0 * l2 * p).masked_fill_(~face, 0.0)
            curved = _dot(p, bent)
            length = rz / curved if curved > 0.0 else math.inf
            if l1 and (
                math.isinf(length) or int(((V + length * p).sign() != signs)[face].sum()) > SOME * int(face.sum())
            ):
                length = min(length, _reach(V, p, face & (V.sign() == signs), count=1 + int(many)))
            going = math.isfinite(length * rz)
            if not going:
                break
            V += length * p
            change += length * along
            r -= length * bent
            gain = length * (rz - 0.5 * length * max(curved, 0.0))
            gained += gain
            if l1:
                flipped = (V * signs <= 0.0) & face
            if int(flipped.sum()) > many:
                break
            going = gain >= max(MINOR * gained, SOME * enough) and gain > 0.0
            if not going:
                break
            z = blocks.solve(r, face, labels)
            rz, before = _dot(r, z), rz
            p = z + (rz / before) * p
        if bool(flipped.any()):
            V.masked_fill_(flipped, 0.0)
            face &= ~flipped
            change = model.logits(V - start.V, every)
    return model.at(V, start.change + change, start.b)


def _reach(V: Tensor, p: Tensor, able: Tensor, *, count: int) -> float:
    """Length along `p` at which so many of the weights that are `able` have come to zero; infinite if there are not so many."""
    lengths = torch.where(able & (V * p < 0.0), -V / p, math.inf).flatten()
    return float(lengths.kthvalue(min(count, len(lengths))).values)


def _that_matter(shares: Tensor) -> list[int]:
    """Labels that hold nearly all of a sum over labels and columns."""
    of_labels, order = shares.sum(dim=1, dtype=torch.float64).sort(descending=True)
    held = of_labels.cumsum(0) / of_labels.sum()
    return sorted(order[: 1 + int((held < 1.0 - MINOR).sum())].tolist())


def _only(values: Tensor, labels: list[int]) -> Tensor:
    kept = torch.zeros_like(values)
    kept[labels] = values[labels]
    return kept


def _usable(model: LocalModel) -> Tensor:
    mask = model.problem.mask
    every = torch.ones_like(model.point.W, dtype=torch.bool)
    return every if mask is None else every & mask


def _dot(a: Tensor, b: Tensor) -> float:
    return float((a * b).sum(dtype=torch.float64))
