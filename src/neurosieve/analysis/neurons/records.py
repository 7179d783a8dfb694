"""What neurons do over a text, in one pass over the store: distributions, words in context, types, and what else they follow."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neurosieve.activations.source import ActivationSource, as_source
from neurosieve.analysis.neurons.contexts import chosen_rows, windows_of
from neurosieve.analysis.neurons.names import EVERYTHING_PLACE, NONE_PLACE, OTHERS_PLACE, Named
from neurosieve.analysis.neurons.reading import held_values
from neurosieve.analysis.neurons.tables import Tables
from neurosieve.analysis.neurons.text import Text
from neurosieve.analysis.neurons.values import (
    Columns,
    by_group,
    edges_of,
    explained,
    histogram,
    quantiles,
    sd_by_group,
    sd_of,
)
from neurosieve.bars import Progress, with_bar
from neurosieve.errors import NeurosieveError
from neurosieve.notebook import short_repr

if TYPE_CHECKING:
    import pandas as pd
    from threadpoolctl import ThreadpoolController

N_CONTEXTS = 8
WINDOW = 8
N_TYPES = 10
FEWEST = 5
"""Occurrences below which a word type is not listed: the mean of fewer says little."""
N_BINS = 40
N_DRAWN = 6
"""Labels that have a line of their own in the distribution; the others share one."""
N_TWINS = 5
BLOCK = 8
"""Neurons that are looked at together, by one worker."""
_WORKERS = min(4, os.cpu_count() or 1)
HELD_BYTES = 1 << 28
"""Values that are held at once; with more neurons or words than that the store is read again for each part of the neurons."""
QUANTILES = {"min": 0.0, "q01": 0.01, "q25": 0.25, "median": 0.5, "q75": 0.75, "q99": 0.99, "max": 1.0}


@dataclass(frozen=True, repr=False)
class NeuronRecords:
    """What the asked neurons do. In every table ``index`` is the neuron: a column of the activations.

    Attributes
    ----------
    summary : DataFrame
        One row a neuron: n_words, mean, sd, min, q01, q25, median, q75, q99, max; and shares of its variance:
        ``of_property`` (between labels; of real values the squared correlation), ``of_types`` (between word types),
        ``of_sentences`` (between sentences). Those between groups are less what groups drawn at random would have.
    labels : DataFrame
        One row a neuron and label: label, n, mean, sd.
    histogram : DataFrame
        One row a neuron, line and bin: label, low, high, count; the first and last bin hold what lies beyond them.
    contexts : DataFrame
        One row a word of a context: kind (top, middle, bottom, random), context (its number), sentence, split, offset (0 is
        the word that is meant), position, word, label, value.
    types : DataFrame
        Word types: end, place, word, n, mean, sd. The ends: those with the highest means (top) and the lowest (bottom), and
        those that make most of the variance (frequent and far from the mean) above and below the mean.
    follows : DataFrame
        One row a neuron and feature of the text: feature, r (Pearson's correlation).
    twins : DataFrame
        The other asked neurons that it goes with most: other, r.
    """

    __repr__ = short_repr

    summary: pd.DataFrame
    labels: pd.DataFrame
    histogram: pd.DataFrame
    contexts: pd.DataFrame
    types: pd.DataFrame
    follows: pd.DataFrame
    twins: pd.DataFrame

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """All tables by name."""
        return dict(vars(self))


COLUMNS: dict[str, tuple[str, ...]] = {
    "summary": ("index", "n_words", "mean", "sd", *QUANTILES, "of_property", "of_types", "of_sentences"),
    "labels": ("index", "label", "n", "mean", "sd"),
    "histogram": ("index", "label", "low", "high", "count"),
    "contexts": (
        *("index", "kind", "context", "sentence", "split"),
        *("offset", "position", "word", "label", "value"),
    ),
    "types": ("index", "end", "place", "word", "n", "mean", "sd"),
    "follows": ("index", "feature", "r"),
    "twins": ("index", "other", "r"),
}


@with_bar("looking at neurons")
def neuron_records(
    activations: object,
    words: pd.DataFrame | Text,
    labels: ArrayLike | None = None,
    *,
    neurons: Sequence[int] | NDArray[np.intp],
    n_contexts: int = N_CONTEXTS,
    window: int = WINDOW,
    n_types: int = N_TYPES,
    random_state: int = 0,
    held_bytes: int = HELD_BYTES,
    progress: Progress | None = None,
) -> NeuronRecords:
    """Say what neurons do over a text.

    Parameters
    ----------
    activations : ndarray of shape (n_words, n_neurons), or ActivationStore
    words : DataFrame with columns word, sentence, position and split, or Text
        One row a row of the activations.
    labels : array_like of shape (n_words,), optional
        Labels or real values, None where a word has none; without effect if `words` is a `Text`, which has its own.
    neurons : sequence of int
        Columns of the activations.
    n_contexts : int
        Contexts of each kind.
    window : int
        Words before and after the one that is meant.
    n_types : int
        Word types at each end.
    random_state : int
        Seed of the contexts that are drawn.
    held_bytes : int
        Values that are held at once; what they need beyond that costs another pass.
    progress : callable, optional
        Called as ``progress(n_neurons_done, n_neurons)``.

    Returns
    -------
    NeuronRecords

    Raises
    ------
    NeurosieveError
        If a number is not that of a neuron, or there is not one word a row.
    """
    source = as_source(activations)
    text = words if isinstance(words, Text) else Text.of(words, labels)
    asked = _checked(neurons, source, text)
    n_block = max(1, min(BLOCK, held_bytes // (32 * text.n_words)))
    for each in (text.labels, text.types, text.in_sentences):
        _ = each.members  # made once, before workers share it
    _ = text.folded, text.sums_of_features
    named = Named.of(text)
    found, n_done = Tables(COLUMNS), 0
    # Products are small: threads of their own would cost more than they save, on a busy machine many times as much.
    with ThreadPoolExecutor(_WORKERS) as workers, _libraries().limit(limits=1, user_api="blas"):
        for numbers, values, correlated in held_values(source, asked, held_bytes):
            if correlated is not None:
                _add_twins(found, asked, correlated)

            def look(start: int, numbers: NDArray[np.intp] = numbers, values: NDArray[np.float32] = values) -> Tables:
                part = slice(start, start + n_block)
                made = Tables(COLUMNS)
                for number, own, seen in zip(
                    numbers[part].tolist(), values[part], _seen(values[part], text), strict=True
                ):
                    generator = np.random.default_rng((random_state, number))
                    ordered = np.sort(own)
                    _add_values(made, number, seen, text, ordered=ordered, named=named)
                    _add_types(made, number, seen, text, n=n_types, named=named)
                    rows = chosen_rows(own, text, ordered=ordered, n=n_contexts, generator=generator)
                    _add_contexts(made, number, own, text, rows=rows, window=window, named=named)
                return made

            for made in workers.map(look, range(0, len(numbers), n_block)):
                found.extend(made)
                n_done += len(made.parts["summary"]["index"])
                if progress is not None:
                    progress(n_done, len(asked))
    return NeuronRecords(**{each.name: found.frame(each.name) for each in fields(NeuronRecords)})


@cache
def _libraries() -> ThreadpoolController:
    """The libraries that multiply with threads of their own; to find them takes longer than what they do here."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


class _Part(NamedTuple):
    """One neuron's row of a `ByGroup`."""

    mean: NDArray[np.float64]
    share: float


class _Seen(NamedTuple):
    """One neuron's values (n_words,), and by group."""

    values: NDArray[np.float64]
    mean: float
    sd: float
    sd_of_labels: NDArray[np.float64]
    of_labels: _Part
    of_types: _Part
    of_sentences: _Part


def _seen(values: NDArray[np.float32], text: Text) -> Iterator[_Seen]:
    """The values of some neurons (n_neurons, n_words), one after the other; summed by group together."""
    block = values.astype(np.float64)
    columns = Columns.of(block)
    groups = [by_group(columns, each) for each in (text.labels, text.types, text.in_sentences)]
    spread = sd_by_group(columns, text.labels, groups[0])
    for row, v in enumerate(block):
        labels, types, sentences = (_Part(g.mean[row], float(g.share[row])) for g in groups)
        yield _Seen(v, float(columns.center[row]), float(columns.sd[row]), spread[row], labels, types, sentences)


def _checked(neurons: Sequence[int] | NDArray[np.intp], source: ActivationSource, text: Text) -> NDArray[np.intp]:
    if text.n_words != source.n_words or not text.n_words:
        raise NeurosieveError(
            f"there are {text.n_words} words for {source.n_words} rows of activations; pass one word a row, and at least one"
        )
    asked = np.asarray(neurons)
    if not len(asked) or asked.dtype.kind not in "iu" or asked.min() < 0 or asked.max() >= source.n_neurons:
        raise NeurosieveError(
            f"neurons are {neurons!r}; expected at least one whole number from 0 to {source.n_neurons - 1}"
        )
    return np.asarray(list(dict.fromkeys(asked.tolist())), dtype=np.intp)


def _add_values(
    found: Tables, number: int, seen: _Seen, text: Text, *, ordered: NDArray[np.float32], named: Named
) -> None:
    """Add moments, quantiles, shares of variance, means by label, the distribution and what else the neuron follows."""
    v, labelled = seen.values, seen.of_labels
    center, sd = seen.mean, seen.sd
    found.add(
        "summary",
        1,
        index=number,
        n_words=len(v),
        mean=center,
        sd=sd,
        **dict(zip(QUANTILES, quantiles(ordered, tuple(QUANTILES.values())).tolist(), strict=True)),
        of_property=labelled.share if text.values is None else explained(v, text.values),
        of_types=seen.of_types.share,
        of_sentences=seen.of_sentences.share,
    )
    n_labels, counts = len(text.labels.names), text.labels.counts
    found.add(
        "labels",
        n_labels,
        index=number,
        label=named.labels.at(range(n_labels)),
        n=counts,
        mean=labelled.mean,
        sd=seen.sd_of_labels,
    )
    r = np.array([each.inner(v, seen.of_types.mean, seen.of_sentences.mean) for each in text.sums_of_features])
    r = r / (len(v) * sd) if sd > 0 else np.zeros(len(r))
    found.add("follows", len(r), index=number, feature=named.features.at(range(len(r))), r=r)
    edges = edges_of(ordered, N_BINS)
    codes, lines = _lines(counts * (labelled.mean - center) ** 2)
    known = text.labels.known
    inside, of_line = (v, np.zeros(len(v), dtype=np.intp)) if not n_labels else (v, codes[text.labels.codes])
    if n_labels and not known.all():
        inside, of_line = v[known], codes[text.labels.codes[known]]
    rows = histogram(inside, of_line, edges=edges, n_groups=len(lines))
    found.add(
        "histogram",
        rows.size,
        index=number,
        label=named.labels.at(np.repeat(lines, N_BINS)),
        low=np.tile(edges[:-1], len(lines)),
        high=np.tile(edges[1:], len(lines)),
        count=rows.ravel(),
    )


def _lines(part: NDArray[np.float64]) -> tuple[NDArray[np.intp], list[int]]:
    """The line of each label in the distribution, and of each line its number in `Named.labels`.

    The labels that make most of the variance come first.
    """
    n = len(part)
    if not n:
        return np.zeros(0, dtype=np.intp), [n + EVERYTHING_PLACE]
    order = np.argsort(-np.nan_to_num(part), kind="stable")
    own = order if n <= N_DRAWN + 1 else order[:N_DRAWN]
    codes = np.full(n, len(own), dtype=np.intp)
    codes[own] = np.arange(len(own))
    return codes, [*own.tolist(), *([n + OTHERS_PLACE] if len(own) < n else [])]


def _add_types(found: Tables, number: int, seen: _Seen, text: Text, *, n: int, named: Named) -> None:
    """Add the word types with the highest and the lowest means, and those above and below the mean that move it most."""
    of_types, counts = seen.of_types, text.types.counts
    often = np.flatnonzero(counts >= FEWEST)
    order = often[np.argsort(of_types.mean[often], kind="stable")]
    n_ends = min(n, (len(order) + 1) // 2)  # no type stands at both ends, but one in the middle
    far = of_types.mean[often] - seen.mean
    by_part = np.argsort(-counts[often] * far**2, kind="stable")
    ends = {
        "top": order[::-1][:n_ends],
        "bottom": order[:n_ends],
        "above": often[by_part[far[by_part] > 0]][:n],
        "below": often[by_part[far[by_part] < 0]][:n],
    }
    sizes = [len(each) for each in ends.values()]
    chosen = np.concatenate(list(ends.values()))
    found.add(
        "types",
        len(chosen),
        index=number,
        end=named.ends.at(np.repeat(np.arange(len(sizes)), sizes)),
        place=np.concatenate([np.arange(size) for size in sizes]),
        word=named.types.at(chosen),
        n=counts[chosen],
        mean=of_types.mean[chosen],
        sd=sd_of(seen.values, text.types, chosen),
    )


def _add_contexts(
    found: Tables,
    number: int,
    own: NDArray[np.float32],
    text: Text,
    *,
    rows: dict[str, list[int]],
    window: int,
    named: Named,
) -> None:
    """Add the chosen words with those around them, of all kinds at once."""
    chosen = np.array([row for each in rows.values() for row in each], dtype=np.intp)
    near, of = windows_of(chosen, text, window)
    meant, codes = chosen[of], text.labels.codes[near]
    found.add(
        "contexts",
        len(near),
        index=number,
        kind=named.kinds.at(np.repeat(np.arange(len(rows)), [len(each) for each in rows.values()])[of]),
        context=np.concatenate([np.arange(len(each)) for each in rows.values()])[of],
        sentence=text.sentences[meant],
        split=named.splits.at(text.in_splits.codes[meant]),
        offset=text.place[near] - text.place[meant],
        position=text.positions[near],
        word=named.types.at(text.types.codes[near]),
        label=named.labels.at(np.where(codes < 0, len(text.labels.names) + NONE_PLACE, codes)),
        value=own[near].astype(np.float64),
    )


def _add_twins(found: Tables, asked: NDArray[np.intp], correlated: NDArray[np.float64]) -> None:
    """Add the neurons that each goes with most, in either direction."""
    for place, number in enumerate(asked.tolist()):
        order = np.argsort(-np.abs(correlated[place]), kind="stable")
        others = order[order != place][:N_TWINS]
        found.add("twins", len(others), index=number, other=asked[others], r=correlated[place, others])
