"""Products of which few entries count: a probe uses few neurons, and its steps change no others.

On a processor, products that pass over nothing but these are several times faster, if the words of a column lie together.
Elsewhere the whole product is faster.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from functools import cached_property

import torch
from torch import Tensor
from torch.nn.functional import embedding_bag

_FEW = {torch.float32: 0.1, torch.float64: 0.1, torch.bfloat16: 0.05}
"""Share of all entries below which those that count are taken one by one: fewer where whole products are faster."""


class Factor:
    """``V`` of a product ``V @ X``, of which the entries that are not zero are counted once.

    Parameters
    ----------
    V : Tensor of shape (n_labels, n_columns)
    """

    def __init__(self, V: Tensor) -> None:
        self.V = V

    @cached_property
    def _used(self) -> tuple[Tensor, Tensor, Tensor] | None:
        """Columns and values that are not zero, label by label, and where each label's begin; None where they are not few."""
        if not _are_few(self.V, self.V.dtype):
            return None
        labels, columns = self.V.nonzero(as_tuple=True)
        counts = labels.bincount(minlength=len(self.V))
        return columns, self.V[labels, columns], counts.cumsum(0) - counts

    def times(self, X: Tensor) -> Tensor:
        """``V @ X``, (n_labels, n_words); `X` is (n_columns, n_words)."""
        if not _able(X) or self._used is None:
            return self.V @ X
        columns, values, starts = self._used
        return embedding_bag(columns, X, starts, mode="sum", per_sample_weights=values)


def entries(U: Tensor, pieces: Sequence[Tensor], wanted: Tensor | None) -> Tensor:
    """``U @ X.T``; where few are wanted, these alone and 0 elsewhere.

    Parameters
    ----------
    U : Tensor of shape (n_labels, n_words)
    pieces : sequence of Tensor of shape (n_columns, n_piece)
        X (n_columns, n_words), cut by words.
    wanted : Tensor of shape (n_labels, n_columns), bool, or None
        None for all.

    Returns
    -------
    Tensor of shape (n_labels, n_columns)
        In float32 where the factors are rounded, as is then each piece's product.
    """
    parts = list(zip(torch.split(U, [X.shape[1] for X in pieces], dim=1), pieces, strict=True))
    total = U.new_zeros((len(U), len(pieces[0])), dtype=torch.promote_types(U.dtype, torch.float32))
    if wanted is None or not all(map(_able, pieces)) or not _are_few(wanted, U.dtype):
        for u, X in parts:
            total += u @ X.T
        return total
    if U.dtype == torch.bfloat16:  # of which torch has no sparse products
        labels, columns = wanted.nonzero(as_tuple=True)
        for u, X in parts:
            total[labels, columns] += _dots(u.contiguous(), X, labels, columns)
        return total
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Sparse CSR tensor support is in beta", category=UserWarning)
        found = 0.0 * wanted.to(U.dtype).to_sparse_csr()
        for u, X in parts:
            found = torch.sparse.sampled_addmm(found, u, X.T)
        return found.to_dense()


def _dots(U: Tensor, X: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Products of rows of `U` with rows of `X`, one for each pair: what the weights of `embedding_bag` get as their gradient.

    Torch has that product under no public name: asking autograd for the gradient would take the logits as well.
    """
    bags = torch.arange(len(columns))  # which it looks at only where `rows` are not given
    found: Tensor = torch.ops.aten._embedding_bag_per_sample_weights_backward(U, X, columns, bags, rows, mode=0)
    return found


def _able(X: Tensor) -> bool:
    """Whether products with these activations may go over few entries."""
    return X.device.type == "cpu" and X.dtype in _FEW and X.is_contiguous()


def _are_few(entries: Tensor, dtype: torch.dtype) -> bool:
    return int(entries.count_nonzero()) < _FEW[dtype] * entries.numel()
