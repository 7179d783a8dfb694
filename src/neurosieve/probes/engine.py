"""The one engine: `fit_probes` takes a list of probes to fit and returns them fitted, in order.

It encodes labels once, plans groups, streams the activations once a pass for each group, and hands each group to a
solver. Nothing else in the package trains anything.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray

from neurosieve.activations.labels import EncodedLabels, EncodedValues, encode_labels, encode_values
from neurosieve.activations.source import ActivationSource, RowSource, as_source
from neurosieve.bars import with_bar
from neurosieve.errors import NeurosieveError
from neurosieve.probes.checks import usable_device
from neurosieve.probes.memory import available_bytes
from neurosieve.probes.moments import column_moments
from neurosieve.probes.plan import MAX_GROUP_WEIGHTS, Group, plan_groups
from neurosieve.probes.problem import GroupProblem, GroupSolution
from neurosieve.probes.solvers import AUTO, Solver, resolve
from neurosieve.probes.spec import FittedProbe, ProbeSpec, neuron_numbers
from neurosieve.probes.starts import check_start, start_weights
from neurosieve.probes.state import WEIGHT_BYTES, group_bytes, solver_bytes
from neurosieve.probes.stream import ActivationStream, shared_stream

Encoded: TypeAlias = EncodedLabels | EncodedValues


@with_bar("probes (fits x passes)")
def fit_probes(
    activations: object,
    specs: Sequence[ProbeSpec],
    solver: str = AUTO,
    *,
    standardize: bool = False,
    device: str | torch.device | None = None,
    memory_limit: int | None = None,
    progress: Callable[[float, float], None] | None = None,
    **settings: Any,  # noqa: ANN401 (passed to the solver)
) -> list[FittedProbe]:
    """Fit many probes that read the same activations.

    Parameters
    ----------
    activations : ndarray of shape (n_words, n_neurons), or ActivationStore
        Training activations; read, never copied whole unless they fit the memory limit, and never changed.
    specs : sequence of ProbeSpec
        The probes to fit.
    solver : {"auto", "exact", "adam", "neurox"}
        ``"exact"``: the optimum with a duality gap. ``"adam"``: the paper's recipe. ``"neurox"``: the released tool kit's,
        for comparison. ``"auto"`` is the exact one.
    standardize : bool
        Fit on z-scores by the training words' mean and standard deviation (every word counts once, labelled or not and
        whatever its weight); the result is folded into the weights, so that it applies to raw activations.
    device : str or torch.device, optional
        ``"cpu"`` or ``"cuda"``; by default a GPU where there is one.
    memory_limit : int, optional
        Bytes that fitting may take (see `neurosieve.probes.memory`); by default half of what is free. Activations that
        do not fit are streamed from the store in a block-shuffled order.
    progress : callable, optional
        Called as ``progress(done, total)`` in passes over the activations weighted by the probes they serve.
    **settings
        Settings of the solver: ``tol=1e-3, max_passes=10000, enough=0`` for the exact one, ``epochs=10,
        batch_size=512, learning_rate=1e-3`` for Adam.

    Returns
    -------
    list of FittedProbe
        One for each spec, in order.

    Raises
    ------
    NeurosieveError
        If labels, weights or neurons do not match the activations, or a setting is unknown.

    Warns
    -----
    ConvergenceWarning
        Scikit-learn's, once, if the exact solver left probes above their tolerance.
    """
    source = as_source(activations)
    members: dict[str, list[int]] = defaultdict(list)
    solvers: dict[str, Solver] = {}
    for loss in dict.fromkeys(spec.loss for spec in specs):
        chosen = resolve(solver, loss)
        solvers[chosen.name] = chosen
        members[chosen.name] += [i for i, spec in enumerate(specs) if spec.loss == loss]
    fitted: dict[int, FittedProbe] = {}
    for name, numbers in members.items():
        advance = progress if len(solvers) == 1 else _share(progress, len(fitted), len(numbers), total=len(specs))
        where: dict[str, Any] = {"device": device, "memory_limit": memory_limit, "progress": advance}
        chosen, some = solvers[name], [specs[i] for i in sorted(numbers)]
        probes = _fit(source, some, chosen, standardize=standardize, **where, **settings)
        fitted.update(zip(sorted(numbers), chosen.finish(probes), strict=True))
    return [fitted[i] for i in range(len(specs))]


def _fit(
    source: ActivationSource,
    specs: Sequence[ProbeSpec],
    solver: Solver,
    *,
    standardize: bool,
    device: str | torch.device | None,
    memory_limit: int | None,
    progress: Callable[[float, float], None] | None,
    **settings: Any,  # noqa: ANN401 (passed to the solver)
) -> list[FittedProbe]:
    """`fit_probes`, silently."""
    options = solver.settings(settings)
    encoded = _encode(specs)
    subsets = [_check_spec(spec, labels, source) for spec, labels in zip(specs, encoded, strict=True)]
    if not all(labels.known.all() for labels in encoded):
        again = {"standardize": standardize, "device": device, "memory_limit": memory_limit, **settings}
        return _fit_labelled_words(source, specs, encoded, solver=solver, progress=progress, **again)
    limit = available_bytes(memory_limit)
    mean, scale = column_moments(source, memory_limit=limit) if standardize else (None, None)
    target = usable_device(device)

    jobs = [
        (group, [specs[i] for i in group.members])
        for together in _joinable(specs, encoded, solver)
        for group in _groups_of(together, subsets, encoded, source.n_neurons, limit=limit)
    ]
    state = solver_bytes([group for group, _ in jobs], encoded, source, solver=solver, options=options, limit=limit)
    limit -= state + max((group_bytes(group, encoded, source, options=options) for group, _ in jobs), default=0)
    total = float(sum(options.units * len(group.members) for group, _ in jobs))
    fitted: dict[int, FittedProbe] = {}
    stream: ActivationStream | None = None
    done = 0.0
    for group, members in sorted(jobs, key=lambda job: job[0].columns is None):
        columns = group.columns
        if stream is None or columns is not None or stream.columns is not None:
            stream = None  # let go of the last one's activations before the next are read
            if columns is None:
                stream = shared_stream(source, device=target, memory_limit=limit, mean=mean, scale=scale)
            else:
                means, scales = _take(mean, columns), _take(scale, columns)
                stream = ActivationStream(
                    source, columns=columns, device=target, memory_limit=limit, mean=means, scale=scales
                )
        chosen = [encoded[i] for i in group.members]
        problem = _problem(members, [subsets[i] for i in group.members], chosen, stream, columns)
        advance = _advance(progress, done, len(members), total)
        solution: GroupSolution = solver.solve(stream, problem, options, advance, state_bytes=state)
        done += options.units * len(members)
        for place, number in enumerate(group.members):
            fitted[number] = _unpack(
                solution,
                place,
                specs[number],
                neurons=subsets[number],
                columns=columns,
                labels=encoded[number],
                mean=mean,
                scale=scale,
                n_neurons=source.n_neurons,
                info={
                    "solver": solver.name,
                    **asdict(options),
                    "standardize": standardize,
                    "random_state": int(specs[number].random_state),
                    "order": stream.order if solution.shuffled else "stored order",
                    "products": solution.precisions[place],
                    **({} if solution.slight is None else {"slight": solution.slight[place]}),
                },
            )
    return [fitted[i] for i in range(len(specs))]


def _advance(
    progress: Callable[[float, float], None] | None, base: float, size: int, total: float
) -> Callable[[float], None] | None:
    """Turn the passes that a solver reports for one group into the progress of the whole call."""
    return None if progress is None else lambda passes: progress(base + passes * size, total)


def _take(values: NDArray[np.float64] | None, columns: NDArray[np.intp] | None) -> NDArray[np.float64] | None:
    return values if values is None or columns is None else values[columns]


def _encode(specs: Sequence[ProbeSpec]) -> list[Encoded]:
    """Encode the labels of all specs; specs that share their `y` share its encoding."""
    known: dict[tuple[int, str], Encoded] = {}
    for spec in specs:
        if (id(spec.y), spec.loss) not in known:
            known[id(spec.y), spec.loss] = encode_values(spec.y) if spec.loss == "squared" else encode_labels(spec.y)
    return [known[id(spec.y), spec.loss] for spec in specs]


def _share(
    progress: Callable[[float, float], None] | None, base: int, size: int, *, total: int
) -> Callable[[float, float], None] | None:
    """Turn the progress of `size` of `total` probes, after `base` that are done, into that of all."""
    return None if progress is None else lambda done, of: progress(base + size * done / max(of, 1e-9), total)


def _fit_labelled_words(
    source: ActivationSource,
    specs: Sequence[ProbeSpec],
    encoded: list[Encoded],
    *,
    solver: Solver,
    progress: Callable[[float, float], None] | None,
    **options: Any,  # noqa: ANN401 (passed back to _fit)
) -> list[FittedProbe]:
    """Fit probes of which some lack labels, each on the words that have one, together with those of the same words.

    Batches then hold labelled words only, and a probe depends on its own words, not on those of its neighbours.
    """
    alike: dict[bytes, list[int]] = defaultdict(list)
    for number, labels in enumerate(encoded):
        alike[labels.known.tobytes()].append(number)
    fitted: dict[int, FittedProbe] = {}
    for members in alike.values():
        rows = np.flatnonzero(encoded[members[0]].known)
        kept: dict[int, NDArray[np.generic]] = {}  # specs that share their labels go on sharing them
        chosen = []
        for spec in (specs[i] for i in members):
            y = kept.setdefault(id(spec.y), np.asarray(spec.y, dtype=object)[rows])
            weights = None if spec.word_weights is None else np.asarray(spec.word_weights)[rows]
            chosen.append(replace(spec, y=y, word_weights=weights))
        advance = _share(progress, len(fitted), len(members), total=len(specs))
        probes = _fit(RowSource(source, rows), chosen, solver, progress=advance, **options)
        fitted.update(zip(members, probes, strict=True))
    return [fitted[i] for i in range(len(specs))]


def _check_spec(spec: ProbeSpec, labels: Encoded, source: ActivationSource) -> NDArray[np.intp] | None:
    if len(labels.known) != source.n_words:
        raise NeurosieveError(
            f"there are {len(labels.known)} labels for {source.n_words} words; pass one label a word (None where it has none)"
        )
    if not source.n_neurons:
        raise NeurosieveError(f"the activations have no neurons (shape ({source.n_words}, 0)); select at least one")
    if spec.random_state < 0:
        raise NeurosieveError(f"random_state is {spec.random_state}; expected a whole number from 0 up")
    if spec.l1 < 0 or spec.l2 < 0 or not np.isfinite([spec.l1, spec.l2]).all():
        raise NeurosieveError(f"l1={spec.l1}, l2={spec.l2}: both must be finite and not negative")
    if spec.word_weights is not None:
        weights = np.asarray(spec.word_weights, dtype=np.float64)
        if weights.shape != (source.n_words,) or not np.isfinite(weights).all() or (weights < 0).any():
            raise NeurosieveError(
                f"word_weights has shape {weights.shape}; expected ({source.n_words},) finite values, none negative"
            )
        if not (weights * labels.known).any():
            raise NeurosieveError("word_weights leaves no labelled word; at least one weight must be positive")
    check_start(spec, source.n_neurons, labels.classes)
    if spec.neurons is None:
        return None
    neurons = neuron_numbers(spec.neurons, source.n_neurons)
    if not len(neurons):
        raise NeurosieveError(
            f"a probe has no neurons to read; pass at least one number from 0 to {source.n_neurons - 1}"
        )
    return neurons


def _joinable(specs: Sequence[ProbeSpec], encoded: Sequence[Encoded], solver: Solver) -> list[list[int]]:
    """Positions of probes that can run in one group: same loss and batches, as many labels, weighted or not.

    Members are ordered by l2, so that Adam's parameter groups (one an l2) are few and contiguous. An exact solver has no
    batches and no random start, so seeds do not divide its probes.
    """
    together: dict[tuple[object, ...], list[int]] = defaultdict(list)
    for i, (spec, labels) in enumerate(zip(specs, encoded, strict=True)):
        weighted = spec.word_weights is not None or not labels.known.all()
        seed = None if solver.deterministic else spec.random_state
        together[spec.loss, seed, len(labels.classes), weighted].append(i)
    return [sorted(members, key=lambda i: (specs[i].l2, i)) for members in together.values()]


def _groups_of(
    members: list[int],
    subsets: Sequence[NDArray[np.intp] | None],
    encoded: Sequence[Encoded],
    n_neurons: int,
    *,
    limit: int,
) -> list[Group]:
    rows = [len(encoded[i].classes) for i in members]
    most = min(MAX_GROUP_WEIGHTS, limit // 2 // WEIGHT_BYTES)  # the other half is for activations
    plan = plan_groups([subsets[i] for i in members], rows, n_neurons=n_neurons, max_weights=most)
    return [Group(tuple(members[j] for j in sorted(group.members)), group.columns) for group in plan]


def _problem(
    specs: list[ProbeSpec],
    subsets: list[NDArray[np.intp] | None],
    labels: list[Encoded],
    stream: ActivationStream,
    columns: NDArray[np.intp] | None,
) -> GroupProblem:
    distinct = labels[:1] if all(item is labels[0] for item in labels) else labels
    targets = torch.from_numpy(np.stack([e.values if isinstance(e, EncodedValues) else e.codes for e in distinct]))
    codes = targets.to(stream.dtype) if targets.is_floating_point() else targets
    weights = None
    if any(spec.word_weights is not None for spec in specs) or not all(item.known.all() for item in distinct):
        rows = []
        for spec, item in zip(specs, labels, strict=True):
            given = (
                np.ones(stream.n_words)
                if spec.word_weights is None
                else np.asarray(spec.word_weights, dtype=np.float64)
            )
            row = given * item.known
            rows.append(row / row.mean())
        weights = torch.from_numpy(np.stack(rows)).to(stream.device, stream.dtype)
    mask = None
    if any(subset is not None and len(subset) < stream.width for subset in subsets):
        where = np.arange(stream.width) if columns is None else columns
        mask = torch.from_numpy(
            np.stack(
                [np.ones(stream.width, dtype=bool) if subset is None else np.isin(where, subset) for subset in subsets]
            )
        ).to(stream.device)
    return GroupProblem(
        codes=codes.to(stream.device),
        weights=weights,
        n_labels=len(labels[0].classes),
        l1=np.array([spec.l1 for spec in specs], dtype=np.float64),
        l2=np.array([spec.l2 for spec in specs], dtype=np.float64),
        mask=mask,
        random_state=specs[0].random_state,
        loss=specs[0].loss,
        starts=[
            start_weights(spec, stream, subset=subset, columns=columns)
            for spec, subset in zip(specs, subsets, strict=True)
        ],
    )


def _unpack(
    solution: GroupSolution,
    place: int,
    spec: ProbeSpec,
    *,
    neurons: NDArray[np.intp] | None,
    columns: NDArray[np.intp] | None,
    labels: Encoded,
    mean: NDArray[np.float64] | None,
    scale: NDArray[np.float64] | None,
    n_neurons: int,
    info: dict[str, object],
) -> FittedProbe:
    W = solution.W[place].cpu().numpy()
    b = solution.b[place].cpu().numpy().copy()
    if neurons is not None and W.shape[1] != len(neurons):
        W = W[:, np.searchsorted(np.arange(n_neurons) if columns is None else columns, neurons)]
    W = W.copy()
    if not (np.isfinite(W).all() and np.isfinite(b).all()):
        raise NeurosieveError(
            f"the probe with l1={spec.l1}, l2={spec.l2} diverged: its weights are not finite; check the activations for "
            "infinite values, or lower the learning rate"
        )
    if isinstance(labels, EncodedValues):  # W predicts standardised values: give them back their scale
        W *= labels.scale
        b = b * W.dtype.type(labels.scale) + W.dtype.type(labels.center)
    used_scale = None
    if mean is not None and scale is not None:  # W applies to (x - mean) / scale: fold both into weights and intercept
        used_mean, deviation = (mean, scale) if neurons is None else (mean[neurons], scale[neurons])
        raw = W.astype(np.float64) / deviation
        b = (b - raw @ used_mean).astype(W.dtype)
        W = raw.astype(W.dtype)
        used_scale = deviation.astype(W.dtype)
    return FittedProbe(
        coef_=W,
        intercept_=b,
        classes_=labels.classes,
        n_neurons=n_neurons,
        neurons=neurons,
        l1=float(spec.l1),
        l2=float(spec.l2),
        scale_=used_scale,
        objective_=float(solution.objective[place]),
        gap_=None if solution.gap is None else float(solution.gap[place]),
        n_passes_=float(solution.n_passes[place]),
        loss=spec.loss,
        info=info,
    )
