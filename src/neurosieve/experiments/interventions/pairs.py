"""Minimal pairs: a sentence that is right and one that is wrong, and by how much the model prefers the former."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neurosieve.errors import NeurosieveError

if TYPE_CHECKING:
    from neurosieve.models.asked import Asked, AskedPair
    from neurosieve.models.edits import Edit
    from neurosieve.models.language_model import LanguageModel

FIELDS = {
    "good": ("sentence_good", "good"),
    "bad": ("sentence_bad", "bad"),
    "label": ("label",),
    "paired": ("paired", "sentence_paired"),
}
"""Names that a file may have for the parts of a pair; BLiMP's come first."""


@dataclass(frozen=True)
class MinimalPair:
    """Two sentences that differ in what decides.

    Attributes
    ----------
    good, bad : tuple of str
        Their words.
    label : str or None
        Label of the property that the good sentence calls for, such as ``"NNS"``; needed to translate labels.
    paired : tuple of str or None
        A sentence from which values are taken (interchange).
    where : str
        File and line, or number.
    """

    good: tuple[str, ...]
    bad: tuple[str, ...]
    label: str | None = None
    paired: tuple[str, ...] | None = None
    where: str = ""


@dataclass(frozen=True)
class AskedPairs:
    """Pairs that a model can be asked about.

    Attributes
    ----------
    pairs : list of MinimalPair
    asked : list of AskedPair
    excluded : list of (str, str)
        Where each of the others stands, and why it is left out.
    reading : str
        How they are read (see `LanguageModel.ask_pairs`).
    """

    pairs: list[MinimalPair]
    asked: list[AskedPair]
    excluded: list[tuple[str, str]]
    reading: str


def read_pairs(path: str | Path) -> list[MinimalPair]:
    """Read pairs from a file.

    Parameters
    ----------
    path : str or Path
        ``.jsonl`` with an object a line, as BLiMP has it (``sentence_good``, ``sentence_bad``), or ``.csv`` with the columns
        ``good`` and ``bad``; both may have ``label`` and ``paired``.

    Raises
    ------
    NeurosieveError
        If the file cannot be read, lacks a part, or holds no pair; the message names the line.
    """
    file = Path(path)
    try:
        text = file.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise NeurosieveError(f"{file}: cannot be read ({error.strerror or error}); check the path") from error
    except UnicodeDecodeError as error:
        raise NeurosieveError(f"{file}: is not UTF-8 ({error}); save it as UTF-8") from error
    rows: list[tuple[int, Any]] = []
    if file.suffix == ".csv":
        table = csv.DictReader(StringIO(text, newline=""))  # by which a quoted text keeps its line breaks
        try:
            rows = [(table.line_num, row) for row in table]
        except csv.Error as error:
            raise NeurosieveError(
                f"{file}:{table.reader.line_num}: cannot be read as CSV ({error}); expected the columns good,bad"
            ) from error
    else:
        for number, line in enumerate(text.split("\n"), start=1):
            if line.strip():
                try:
                    rows.append((number, json.loads(line)))
                except ValueError as error:
                    raise NeurosieveError(
                        f"{file}:{number}: not a JSON object ({error}); expected one a line, or a .csv with good,bad"
                    ) from error
    if not rows:
        raise NeurosieveError(
            f"{file}: holds no pair; expected a JSON object a line, or a .csv with the columns good,bad"
        )
    return [_pair(row, f"{file.name}:{number}", file=file) for number, row in rows]


def _pair(row: Any, where: str, *, file: Path) -> MinimalPair:  # noqa: ANN401 (what a file holds)
    parts: dict[str, str | None] = {}
    for part, names in FIELDS.items():
        found = [row[name] for name in names if isinstance(row, dict) and row.get(name) not in (None, "")]
        if found and not isinstance(found[0], str):
            raise NeurosieveError(f"{file.parent / where}: {part} is {found[0]!r}; expected a text")
        parts[part] = found[0] if found else None
    for part in ("good", "bad"):
        if parts[part] is None:
            there = ", ".join(map(str, row)) if isinstance(row, dict) else repr(row)
            raise NeurosieveError(
                f"{file.parent / where}: has no {part} sentence; expected {' or '.join(FIELDS[part])}, found {there}"
            )
    paired = parts["paired"]
    return MinimalPair(
        tuple(str(parts["good"]).split()),
        tuple(str(parts["bad"]).split()),
        label=parts["label"],
        paired=None if paired is None else tuple(paired.split()),
        where=where,
    )


def ask_about(
    model: LanguageModel, pairs: Sequence[MinimalPair], *, reading: str | None = None, interchange: bool = False
) -> AskedPairs:
    """Find how a model is asked about pairs, and which it cannot be asked about.

    Raises
    ------
    NeurosieveError
        If none is left, or the model has no head.
    """
    excluded: list[tuple[str, str]] = []
    chosen = list(pairs)
    if interchange:
        excluded += [(p.where, "it has no paired sentence to take values from") for p in chosen if p.paired is None]
        chosen = [pair for pair in chosen if pair.paired is not None]
    paired = [pair.paired or () for pair in chosen] if interchange else None
    found = model.ask_pairs([(pair.good, pair.bad) for pair in chosen], reading=reading, paired=paired)
    asked = []
    kept = []
    for pair, one in zip(chosen, found, strict=True):
        if isinstance(one, str):
            excluded.append((pair.where, one))
        else:
            kept.append(pair)
            asked.append(one)
    if not asked:
        why = f": {excluded[0][0]}: {excluded[0][1]}" if excluded else ""
        raise NeurosieveError(f"none of {len(pairs)} pairs can be asked about{why}")
    return AskedPairs(kept, asked, excluded, reading or ("masked" if model.head == "masked" else "next"))


@dataclass(frozen=True)
class PairOdds:
    """What is asked of edited versions: by how much they prefer the good sentence of each pair.

    Attributes
    ----------
    model : LanguageModel
    pairs : AskedPairs
    """

    model: LanguageModel
    pairs: AskedPairs

    def __len__(self) -> int:
        return len(self.pairs.asked)

    def __call__(
        self, variants: Sequence[Sequence[Edit]], *, progress: Callable[[float, float], None] | None = None
    ) -> NDArray[np.float64]:
        """Log-odds in nats, the model as it is first: (n_variants + 1, n_pairs)."""
        return log_odds(self.model, self.pairs.asked, variants, progress=progress)


def log_odds(
    model: LanguageModel,
    asked: Sequence[AskedPair],
    variants: Sequence[Sequence[Edit]] = (),
    *,
    progress: Callable[[float, float], None] | None = None,
) -> NDArray[np.float64]:
    """By how much a model, and edited versions of it, prefer the good sentence of each pair.

    Parameters
    ----------
    model : LanguageModel
    asked : sequence of AskedPair
    variants : sequence of sequence of Edit
    progress : callable, optional

    Returns
    -------
    ndarray of shape (n_variants + 1, n_pairs), float64
        Log-odds in nats, the model as it is first: above 0 where the good sentence is preferred.
    """
    texts: dict[int, Asked] = {
        id(text): text for pair in asked for text in (pair.good, pair.bad, *pair.more_good, *pair.more_bad)
    }
    places = {key: number for number, key in enumerate(texts)}
    measure = "log_probability" if any(pair.normalised for pair in asked) else "logit"
    answers = model.answers(list(texts.values()), variants, measure=measure, progress=progress)
    found = np.empty((len(variants) + 1, len(asked)))
    for number, pair in enumerate(asked):
        good = answers[places[id(pair.good)]][:, pair.of_good].sum(axis=1, dtype=np.float64)
        bad = answers[places[id(pair.bad)]][:, pair.of_bad].sum(axis=1, dtype=np.float64)
        for more, total in ((pair.more_good, good), (pair.more_bad, bad)):
            for text in more:
                total += answers[places[id(text)]].sum(axis=1, dtype=np.float64)
        found[:, number] = good - bad
    return found
