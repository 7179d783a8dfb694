"""Many edited versions of one network at once: what its head says at the places that are asked.

One pass serves many versions: each has its own copy of the rows, and its edits change that copy only. Texts with the same
beginnings are laid out as a tree where the network takes one, blocks below the lowest edit are not computed again, and
the head is computed where it is asked alone. All three are proven on the first texts against plain rows and whole
passes; what does not give the same is left out.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neurosieve.bars import Progress
from neurosieve.errors import ModelError
from neurosieve.models.asked import MEASURES, Asked
from neurosieve.models.edits import Edit, FromPaired
from neurosieve.models.huggingface.editing import Editing, Editor, carry_out
from neurosieve.models.huggingface.head import Head
from neurosieve.models.huggingface.inputs import InputBuilder
from neurosieve.models.huggingface.layouts import Bound, Layout, row_layouts, tree_layouts
from neurosieve.models.huggingface.readers import without_caches
from neurosieve.models.huggingface.sites import SITES
from neurosieve.models.huggingface.skipping import Blocks, shared_passes
from neurosieve.models.huggingface.taps import Touch

if TYPE_CHECKING:
    from torch import Tensor

Variant = Sequence[Edit]

BATCH_POSITIONS = 4096
"""Positions of a pass, all versions together; on two cores 2,048 is as fast, and 8,192 5 % slower (SmolLM2)."""
LOGITS = 1 << 26
"""Most logits of a pass (256 MiB in float32)."""
PROVEN_ON = 12
"""Texts on which shortcuts are proven."""
AGREEMENT = 1e-4
"""How far log-probabilities may differ between a shortcut and the plain way, as a share of the largest: rounding in
float32, eight units of the last place in other precisions."""


@dataclass(frozen=True)
class _Way:
    """Which shortcuts are taken."""

    tree: bool
    skip: bool


class Answerer:
    """Asks one network, intact and edited.

    Parameters
    ----------
    head : Head
    editor : Editor
    inputs : InputBuilder
    """

    def __init__(self, head: Head, editor: Editor, inputs: InputBuilder) -> None:
        self._head = head
        self._editor = editor
        self._inputs = inputs
        self._blocks = _blocks(editor)
        self._way: _Way | None = None

    def __call__(
        self,
        texts: Sequence[Asked],
        variants: Sequence[Variant],
        *,
        measure: str | Sequence[str],
        progress: Progress | None = None,
    ) -> list[NDArray[np.float32]]:
        """See `neurosieve.models.language_model.LanguageModel.answers`."""
        measures = (measure,) if isinstance(measure, str) else tuple(measure)
        for one in measures:
            if one not in MEASURES:
                raise ModelError(f"measure is {one!r}; expected one of {', '.join(MEASURES)}")
        checked = [self._editor.editing(variant, highest=None) for variant in variants]
        bounds = sorted({tuple(edit.words) for variant in variants for edit in variant if edit.words is not None})
        if self._way is None and texts:
            self._way = self._proven(texts[:PROVEN_ON])
        found = self._run(texts, checked, bounds, way=self._way, measures=measures, progress=progress)
        return [answer[0] for answer in found] if isinstance(measure, str) else found

    def _run(
        self,
        texts: Sequence[Asked],
        variants: Sequence[Editing],
        bounds: Sequence[Bound],
        *,
        way: _Way | None,
        measures: Sequence[str],
        progress: Progress | None = None,
    ) -> list[NDArray[np.float32]]:
        """For each text (n_measures, n_variants + 1, n_asked)."""
        import torch

        shape = (len(measures), len(variants) + 1)
        answers = [np.empty((*shape, len(text.places)), dtype=np.float32) for text in texts]
        if way is None:
            return answers
        done = 0
        with torch.inference_mode():
            for layout in self._layouts(texts, bounds, tree=way.tree):
                found = self._of_layout(layout, variants, skip=way.skip, measures=measures)
                stop = 0
                for member in layout.members:
                    start, stop = stop, stop + len(texts[member].places)
                    answers[member][:] = found[..., start:stop]
                done += len(layout.members)
                if progress is not None:
                    progress(done, len(texts))
        return answers

    def _layouts(self, texts: Sequence[Asked], bounds: Sequence[Bound], *, tree: bool) -> Iterator[Layout]:
        if not tree:
            return row_layouts(texts, self._inputs, bounds=bounds, batch_tokens=BATCH_POSITIONS // 8)
        network = self._head.network
        return tree_layouts(texts, bounds=bounds, device=network.device, dtype=network.dtype)

    def _of_layout(
        self, layout: Layout, variants: Sequence[Editing], *, skip: bool, measures: Sequence[str]
    ) -> NDArray[np.float32]:
        """What one layout's texts answer: (n_measures, n_variants + 1, n_asked), the intact network first."""
        with self._blocks.kept() if skip and self._blocks is not None else nullcontext() as kept:
            intact = self._pass(layout, [])[0]
        donors = self._donors(layout, variants)
        found = np.empty((len(measures), len(variants) + 1, len(layout.tokens)), dtype=np.float32)
        before = intact.log_softmax(dim=-1) if "divergence" in measures else None

        def measured(logits: Tensor) -> NDArray[np.float32]:
            return np.stack([_measured(logits, layout, measure, before=before) for measure in measures])

        found[:, 0] = measured(intact[None])[:, 0]
        starts = [self._start(v) if kept is not None and kept.plain else 0 for v in variants]
        n_rows, n_positions = layout.text.shape
        most = max(
            1, min(BATCH_POSITIONS // (n_rows * n_positions), LOGITS // (len(layout.tokens) * intact.shape[-1] + 1))
        )
        for group in shared_passes(starts, 0 if self._blocks is None else len(self._blocks), most=most):
            start = starts[group[0]]
            above = kept.from_block(start, times=len(group)) if kept is not None and start else nullcontext()
            with above:
                logits = self._pass(layout, [variants[v] for v in group], donors, start=start)
            found[:, [v + 1 for v in group]] = measured(logits)
        if not np.isfinite(found).all():
            broken = np.flatnonzero(~np.isfinite(found).all(axis=(0, 2)))[0] - 1
            if broken < 0:
                raise ModelError("the network's own logits are not finite; load it with dtype float32")
            layers = sorted({e.layer for _, at in variants[broken].sites for edits in at.values() for e in edits})
            raise ModelError(
                f"the edit of {', '.join(layers[:4])} gives logits that are not finite; take a smaller dose or value, or "
                "load the model with dtype float32"
            )
        return found

    def _pass(
        self,
        layout: Layout,
        variants: Sequence[Editing],
        donors: Mapping[tuple[str, str, int], Tensor] | None = None,
        *,
        start: int = 0,
    ) -> Tensor:
        """Logits of one pass at what is asked: (n_variants, n_asked, n_vocabulary); without variants of the intact network."""
        times = max(1, len(variants))
        inputs = {name: tensor.repeat(times, *[1] * (tensor.dim() - 1)) for name, tensor in layout.inputs.items()}
        with ExitStack() as stack:
            for taps, touch in self._touches(layout, variants, donors or {}):
                # Places are counted as they run, and those inside blocks that are left out do not.
                left_out = 0 if taps.site == "residual" else start
                stack.enter_context(replace(taps, first=taps.first + left_out).open(inputs, touch))
            return self._asked_logits(layout, inputs, times)

    def _asked_logits(self, layout: Layout, inputs: Mapping[str, Tensor], times: int) -> Tensor:
        network: Any = self._head.network
        last = network.get_output_embeddings()
        shape = (times, *layout.text.shape)
        taken: list[bool] = []

        def pick(values: Tensor) -> Tensor:
            return values.reshape(*shape, values.shape[-1])[:, layout.rows, layout.columns]

        def before(_: object, args: tuple[Any, ...]) -> tuple[Any, ...]:
            taken.append(True)
            return (pick(args[0]), *args[1:])

        remove = last.register_forward_pre_hook(before).remove if last is not None else None
        try:
            logits: Tensor = network(**inputs, **without_caches(network)).logits
        finally:
            if remove is not None:
                remove()
        return (logits if taken else pick(logits)).float()

    def _touches(
        self, layout: Layout, variants: Sequence[Editing], donors: Mapping[tuple[str, str, int], Tensor]
    ) -> Iterator[tuple[Any, Touch]]:
        """For each site its places, and what changes there."""
        n_rows = len(layout.text)
        gathered: dict[str, tuple[Any, dict[tuple[str, int], list[tuple[int, Sequence[Edit]]]]]] = {}
        for number, variant in enumerate(variants):
            for taps, at in variant.sites:
                _, here = gathered.setdefault(taps.site, (taps, {}))
                for place, edits in at.items():
                    here.setdefault(place, []).append((number, edits))
        for site, (taps, everything) in gathered.items():

            def touch(value: Tensor, side: str, depth: int, *, at: Any = everything, site: str = site) -> Tensor | None:  # noqa: ANN401
                here = at.get((side, depth))
                if here is None:
                    return None
                changed = value.clone()
                for number, edits in here:
                    rows = changed[number * n_rows : (number + 1) * n_rows]
                    for edit in edits:
                        where = layout.text if edit.words is None else layout.text & layout.bound[tuple(edit.words)]
                        if isinstance(edit.change, FromPaired):
                            neurons = slice(None) if edit.neurons is None else list(edit.neurons)
                            donor = donors[(site, side, depth)]
                            mixed = rows[..., neurons].where(~where[..., None], donor[..., neurons])
                            rows[..., neurons] = mixed
                        else:
                            carry_out(edit, rows, where)
                return changed

            yield taps, touch

    def _donors(self, layout: Layout, variants: Sequence[Editing]) -> dict[tuple[str, str, int], Tensor]:
        """Values of the paired texts where edits take them."""
        wanted: dict[str, tuple[Any, set[tuple[str, int]]]] = {}
        for variant in variants:
            for taps, at in variant.sites:
                places = {p for p, edits in at.items() if any(isinstance(e.change, FromPaired) for e in edits)}
                if places:
                    wanted.setdefault(taps.site, (taps, set()))[1].update(places)
        donors: dict[tuple[str, str, int], Tensor] = {}
        if not wanted:
            return donors
        if layout.paired is None:
            raise ModelError("values are taken from paired texts, and some texts have none; pair each, or leave it out")
        inputs = {**layout.inputs, "input_ids": layout.paired}
        with ExitStack() as stack:
            for site, (taps, places) in wanted.items():

                def note(value: Tensor, side: str, depth: int, *, site: str = site, places: Any = places) -> None:  # noqa: ANN401
                    if (side, depth) in places:
                        donors[(site, side, depth)] = value

                stack.enter_context(taps.open(inputs, note))
            self._asked_logits(layout, inputs, 1)
        return donors

    def _start(self, variant: Editing) -> int:
        """The first block that an edited version computes differently."""
        n_blocks = 0 if self._blocks is None else len(self._blocks)
        starts = [n_blocks - 1]
        for taps, at in variant.sites:
            for _, depth in at:
                known = taps.site in SITES and (taps.site == "residual" or len(taps.places) == n_blocks)
                starts.append(depth - (taps.site != "residual") if known else 0)
        return max(0, min(starts))

    def _proven(self, texts: Sequence[Asked]) -> _Way:
        """The shortcuts that give what plain rows and whole passes do."""
        plain = self._trial(texts, _Way(tree=False, skip=False))
        takes_places = "position_ids" in inspect.signature(self._head.network.forward).parameters
        tree = self._head.kind == "causal" and takes_places and self._agrees(texts, _Way(tree=True, skip=False), plain)
        skip = self._blocks is not None and len(self._blocks) > 1 and self._agrees(texts, _Way(tree, skip=True), plain)
        return _Way(tree, skip)

    def _trial(self, texts: Sequence[Asked], way: _Way) -> NDArray[np.float32]:
        """Log-probabilities of the intact network and, where blocks are left out, of a pass that begins at the last one."""
        idle = [Editing(())] if way.skip else []
        found = self._run(texts, idle, [], way=way, measures=("log_probability",))
        return np.concatenate([answer[0, -1] for answer in found])

    def _agrees(self, texts: Sequence[Asked], way: _Way, plain: NDArray[np.float32]) -> bool:
        try:
            found = self._trial(texts, way)
        except (ModelError, RuntimeError, TypeError, ValueError, IndexError):  # a network that takes no such inputs
            return False
        return bool(np.abs(found - plain).max() <= self._allowed() * np.abs(plain).max())

    def _allowed(self) -> float:
        import torch

        return max(AGREEMENT, 8 * float(torch.finfo(self._head.network.dtype).eps))


def _measured(logits: Tensor, layout: Layout, measure: str, *, before: Tensor | None) -> NDArray[np.float32]:
    """Reduce (n_variants, n_asked, n_vocabulary) to (n_variants, n_asked)."""
    if measure == "divergence" and before is not None:
        after = logits.log_softmax(dim=-1)
        return np.stack([(before.exp() * (before - one)).sum(dim=-1).cpu().numpy() for one in after])
    if measure == "log_probability":
        logits = logits - logits.logsumexp(dim=-1, keepdim=True)
    tokens = layout.tokens[None, :, None].expand(len(logits), -1, 1)
    found: NDArray[np.float32] = logits.gather(2, tokens)[..., 0].cpu().numpy()
    return found


def _blocks(editor: Editor) -> Blocks | None:
    """The network's blocks, where they are known and each runs once."""
    try:
        taps, layers = editor.places("residual")
    except ModelError:
        return None
    modules = [tap.module for tap in taps.places if tap.end == "in"]
    one_sided = all(tap.side == "" and not tap.transposed for tap in taps.places)
    each_once = len(modules) == len(layers) - 1 == len({id(module) for module in modules})
    return Blocks(modules) if one_sided and each_once else None
