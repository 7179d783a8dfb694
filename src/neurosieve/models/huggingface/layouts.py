"""Texts laid out for one forward pass: rows with padding, or a tree in which beginnings that texts share stand once.

In a tree every sub-word of all texts is one position of a single row, sees its own text's earlier ones only (a mask says
which) and counts its place from its text's beginning. A causal model gives the same there as in a row of its own, so
that texts with the same beginning are computed together, without padding.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from neurosieve.models.asked import Asked
from neurosieve.models.batching import length_sorted_batches
from neurosieve.models.huggingface.inputs import InputBuilder

if TYPE_CHECKING:
    import torch
    from torch import Tensor

Bound = tuple[int, ...]
"""Words to which an edit is bound; -1 is the last."""

TREE_POSITIONS = 160
"""Positions of a tree: attention costs their square, and a tree's edge cuts what texts share. Between 96 and 256 nothing
was gained or lost (SmolLM2, sentences of BLiMP)."""


@dataclass(frozen=True, eq=False)
class Layout:
    """Texts of one forward pass.

    Attributes
    ----------
    inputs : dict of str to Tensor
        Of the model's ``forward``, first the rows (n_rows, n_positions).
    text : Tensor of shape (n_rows, n_positions), bool
        Where there is text.
    bound : dict of tuple of int to Tensor of shape (n_rows, n_positions), bool
        Where the words are to which edits are bound.
    rows, columns, tokens : Tensor of shape (n_asked,), int64
        What is asked, text by text.
    members : list of int
        Numbers of the texts.
    paired : Tensor of shape (n_rows, n_positions), int64, or None
        Sub-words of the paired texts.
    """

    inputs: dict[str, Tensor]
    text: Tensor
    bound: dict[Bound, Tensor]
    rows: Tensor
    columns: Tensor
    tokens: Tensor
    members: list[int]
    paired: Tensor | None = None


def at_words(asked: Asked, bound: Bound) -> NDArray[np.bool_]:
    """Positions of the words to which an edit is bound."""
    wanted = [asked.n_words + word if word < 0 else word for word in bound]
    return np.isin(asked.words, [word for word in wanted if word >= 0])


def row_layouts(
    texts: Sequence[Asked], builder: InputBuilder, *, bounds: Sequence[Bound], batch_tokens: int
) -> Iterator[Layout]:
    """One row a text, of similar lengths together."""
    import torch

    for members in length_sorted_batches([len(text.ids) for text in texts], batch_tokens):
        part = [texts[i] for i in members]
        inputs, starts = builder.whole([text.ids for text in part])
        shape = inputs["input_ids"].shape
        device = inputs["input_ids"].device

        def spread(
            values: Sequence[NDArray[np.generic]], starts: NDArray[np.int64] = starts, shape: torch.Size = shape
        ) -> NDArray[np.generic]:
            padded = np.zeros(shape, dtype=values[0].dtype)
            for row, (value, start) in enumerate(zip(values, starts, strict=True)):
                padded[row, start : start + len(value)] = value
            return padded

        paired = [text.paired for text in part if text.paired is not None]
        yield Layout(
            inputs,
            text=inputs["attention_mask"].bool(),
            bound={b: torch.from_numpy(spread([at_words(t, b) for t in part])).to(device) for b in bounds},
            rows=_tensor([np.full(len(t.places), row) for row, t in enumerate(part)], device),
            columns=_tensor([t.places + start for t, start in zip(part, starts, strict=True)], device),
            tokens=_tensor([t.tokens for t in part], device),
            members=members,
            paired=torch.from_numpy(spread(paired)).to(device) if len(paired) == len(part) else None,
        )


def tree_layouts(
    texts: Sequence[Asked], *, bounds: Sequence[Bound], device: torch.device, dtype: torch.dtype
) -> Iterator[Layout]:
    """Trees of texts with the same beginnings."""
    paths = []
    for text in texts:
        flags = [at_words(text, bound) for bound in bounds]
        donors = text.paired if text.paired is not None else np.full(len(text.ids), -1)
        paths.append(list(zip(text.ids.tolist(), donors.tolist(), *(f.tolist() for f in flags), strict=True)))
    order = sorted(range(len(texts)), key=lambda i: paths[i])
    tree = _Tree(bounds)
    for number in order:
        if tree.members and len(tree.keys) + len(paths[number]) > TREE_POSITIONS:
            yield tree.layout(texts, device=device, dtype=dtype)
            tree = _Tree(bounds)
        tree.add(number, paths[number])
    if tree.members:
        yield tree.layout(texts, device=device, dtype=dtype)


class _Tree:
    """Positions that texts share."""

    def __init__(self, bounds: Sequence[Bound]) -> None:
        self.bounds = bounds
        self.members: list[int] = []
        self.keys: list[tuple[int, ...]] = []
        self.parents: list[int] = []
        self.depths: list[int] = []
        self.nodes: list[list[int]] = []
        self._known: dict[tuple[int, tuple[int, ...]], int] = {}

    def add(self, number: int, path: Sequence[tuple[int, ...]]) -> None:
        parent = -1
        nodes = []
        for depth, key in enumerate(path):
            node = self._known.get((parent, key))
            if node is None:
                node = self._known[(parent, key)] = len(self.keys)
                self.keys.append(key)
                self.parents.append(parent)
                self.depths.append(depth)
            nodes.append(node)
            parent = node
        self.members.append(number)
        self.nodes.append(nodes)

    def layout(self, texts: Sequence[Asked], *, device: torch.device, dtype: torch.dtype) -> Layout:
        import torch

        n = len(self.keys)
        seen = np.eye(n, dtype=bool)
        for node, parent in enumerate(self.parents):  # parents come before their children
            if parent >= 0:
                seen[node] |= seen[parent]
        keys = np.array(self.keys, dtype=np.int64).T
        mask = torch.zeros((1, 1, n, n), dtype=dtype)
        mask.masked_fill_(torch.from_numpy(~seen), torch.finfo(dtype).min)
        columns = [np.array(nodes)[texts[i].places] for i, nodes in zip(self.members, self.nodes, strict=True)]
        asked = _tensor(columns, device)
        ids = torch.from_numpy(keys[0].copy())[None].to(device)
        return Layout(
            {
                "input_ids": ids,
                "attention_mask": mask.to(device),
                "position_ids": torch.tensor(self.depths, device=device)[None],
            },
            text=torch.ones((1, n), dtype=torch.bool, device=device),
            bound={b: torch.from_numpy(keys[2 + i].astype(bool))[None].to(device) for i, b in enumerate(self.bounds)},
            rows=torch.zeros_like(asked),
            columns=asked,
            tokens=_tensor([texts[i].tokens for i in self.members], device),
            members=self.members,
            paired=torch.from_numpy(keys[1].copy())[None].to(device) if (keys[1] >= 0).all() else None,
        )


def _tensor(parts: Sequence[NDArray[np.generic]], device: torch.device) -> Tensor:
    import torch

    return torch.from_numpy(np.concatenate(parts).astype(np.int64)).to(device)
