"""The corpus that comes with the package: a TSV file a genre, with ``pos``, ``chunk`` and ``sem`` for every word."""

from __future__ import annotations

from dataclasses import replace
from importlib.resources import files
from typing import TYPE_CHECKING

from neurosieve.corpora import tsv
from neurosieve.corpora.source import TextFile
from neurosieve.errors import CorpusError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.resources.abc import Traversable

    from neurosieve.corpora.annotated import Sentence

SAMPLE = "sample"
GENRE = "genre"

_CYCLE = 20
_DEV = frozenset((4, 11, 17))
_TEST = frozenset((7, 14, 19))


def read_sample(folder: Traversable | None = None) -> Iterator[Sentence]:
    """Read every ``*.tsv`` of the sample in order of name.

    Of each twenty sentences of a genre, in file order, three go to dev and three to test (70/15/15), so that all
    genres are in all splits and the division never changes. The genre (the file's name) is a sentence label.

    Parameters
    ----------
    folder : path, optional
        Another folder than the package's.

    Raises
    ------
    CorpusError
        If the folder holds no TSV file, or one of them is damaged.
    """
    folder = files("neurosieve.corpora").joinpath(SAMPLE) if folder is None else folder
    genres = sorted(p.name for p in folder.iterdir() if p.name.endswith(".tsv")) if folder.is_dir() else []
    if not genres:
        raise CorpusError(f"{folder}: the built-in corpus is not there; install neurosieve again")
    for name in genres:
        text = folder.joinpath(name).read_text(encoding="utf-8")
        file = TextFile(f"{SAMPLE}/{name}", text.split("\n"))
        for at, sentence in enumerate(tsv.read(file)):
            yield replace(sentence, split=_split(at), sentence_labels={GENRE: name.removesuffix(".tsv")})


def _split(at: int) -> str:
    place = at % _CYCLE
    return "dev" if place in _DEV else "test" if place in _TEST else "train"
