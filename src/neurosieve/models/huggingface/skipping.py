"""Blocks that need not be computed again: what entered them is kept, and a later pass begins above them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor, nn

PASS_BLOCKS = 8
"""What a pass is taken to cost beside its versions, in blocks of one version: Python's share, and products with fewer rows."""


def shared_passes(starts: Sequence[int], n_blocks: int, *, most: int) -> list[list[int]]:
    """Which versions share a pass, so that few blocks are computed in vain: a pass begins at the lowest start of its versions.

    Parameters
    ----------
    starts : sequence of int
        The first block that each version computes differently.
    n_blocks : int
    most : int
        Versions of a pass, at most.

    Returns
    -------
    list of list of int
        Numbers of the versions of each pass, by ascending start: the division that costs least.
    """
    order = sorted(range(len(starts)), key=lambda version: starts[version])
    costs, first = [0.0], [0]
    for stop in range(1, len(order) + 1):
        choices = range(max(0, stop - most), stop)
        found = [costs[i] + PASS_BLOCKS + (stop - i) * (n_blocks - starts[order[i]]) for i in choices]
        costs.append(min(found))
        first.append(choices[found.index(costs[-1])])
    passes: list[list[int]] = []
    stop = len(order)
    while stop:
        passes.insert(0, order[first[stop] : stop])
        stop = first[stop]
    return passes


class Blocks:
    """A network's blocks in the order in which they run, each once.

    Parameters
    ----------
    modules : sequence of torch.nn.Module
    """

    def __init__(self, modules: Sequence[nn.Module]) -> None:
        self._modules = list(modules)

    def __len__(self) -> int:
        return len(self._modules)

    @contextmanager
    def kept(self) -> Iterator[Kept]:
        """Keep what enters and leaves the blocks of one forward pass."""
        kept = Kept(self._modules)

        def _note(_: nn.Module, args: tuple[Any, ...], options: dict[str, Any], out: Any) -> None:  # noqa: ANN401
            kept.entered.append(args[0] if args else next(iter(options.values())))
            kept.shapes.append(type(out) if isinstance(out, tuple) else None)
            rest = out[1:] if isinstance(out, tuple) else ()
            kept.plain = kept.plain and all(part is None for part in rest) and (not rest or type(out) is tuple)
            kept.n_rest.append(len(rest))

        with ExitStack() as stack:
            for module in self._modules:
                stack.callback(module.register_forward_hook(_note, with_kwargs=True).remove)
            yield kept


class Kept:
    """What one pass left.

    Attributes
    ----------
    entered : list of Tensor of shape (n_rows, n_positions, width)
        What entered each block.
    plain : bool
        Whether blocks hand on nothing but that; if not, none can be left out.
    """

    def __init__(self, modules: Sequence[nn.Module]) -> None:
        self._modules = modules
        self.entered: list[Tensor] = []
        self.shapes: list[type | None] = []
        self.n_rest: list[int] = []
        self.plain = True

    @contextmanager
    def from_block(self, start: int, *, times: int) -> Iterator[None]:
        """Let a pass over the same rows, repeated, begin at block `start`; blocks below return what they get."""

        def stub(number: int) -> Callable[..., Any]:
            def forward(*args: Any, **options: Any) -> Any:  # noqa: ANN401
                value = args[0] if args else next(iter(options.values()))
                return value if self.shapes[number] is None else (value, *[None] * self.n_rest[number])

            return forward

        def enter(_: nn.Module, args: tuple[Any, ...], options: dict[str, Any]) -> tuple[Any, Any]:
            value = self.entered[start].repeat(times, 1, 1)
            if args:
                return (value, *args[1:]), options
            return args, {**options, next(iter(options)): value}

        with ExitStack() as stack:
            for number, module in enumerate(self._modules[:start]):
                module.forward = stub(number)
                stack.callback(vars(module).pop, "forward")
            stack.callback(self._modules[start].register_forward_pre_hook(enter, with_kwargs=True).remove)
            yield
