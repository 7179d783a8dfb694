"""`load_corpus`: annotated text in, a `Corpus` with splits out."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

from neurosieve.corpora import hf
from neurosieve.corpora.alike import tidied, unlabelled
from neurosieve.corpora.annotated import Sentence
from neurosieve.corpora.builtin import SAMPLE, read_sample
from neurosieve.corpora.corpus import Corpus
from neurosieve.corpora.derived import READY_MADE, derive, property_name
from neurosieve.corpora.divide import Division, divide
from neurosieve.corpora.formats import Format, named_format, recognise
from neurosieve.corpora.numeric import parse_numbers
from neurosieve.corpora.source import PathLike, TextFile, expand, read_text
from neurosieve.corpora.splits import split_in_name, split_name
from neurosieve.errors import CorpusError

Paths: TypeAlias = PathLike | Iterable[PathLike]


def load_corpus(
    paths: Paths | None = None,
    *,
    format: str | None = None,  # noqa: A002 - the word that users and the command line have for it
    columns: Sequence[str | None] | None = None,
    splits: Mapping[str, Paths] | str | None = None,
    properties: Sequence[str] | None = None,
    numeric: Sequence[str] = (),
    dev_fraction: float | None = None,
    test_fraction: float | None = None,
    random_state: int = 0,
    name: str | None = None,
) -> Corpus:
    """Read annotated text.

    Parameters
    ----------
    paths : path, iterable of paths, or dataset
        Files, folders or glob patterns; ``"sample"`` is the built-in corpus, ``"hf:NAME"`` a Hugging Face dataset, and
        a ``Dataset`` or ``DatasetDict`` may stand here itself. Leave it out if `splits` names files.
    format : str, optional
        A key of `neurosieve.corpora.formats.FORMATS`. By default it is recognised from what the files hold.
    columns : sequence of str or None, optional
        Names of the columns of a file without a header, ``"word"`` (or ``"sentence"``) among them; ``None`` leaves a
        column out.
    splits : mapping of str to paths, or str, optional
        Files of each split (``{"train": ..., "test": ...}``), or how sections of the Wall Street Journal are divided:
        ``"tagging"``, ``"parsing"`` or ``"ccgbank"``. By default file names say it, else known sections, else the
        sentences are divided at random.
    properties : sequence of str, optional
        Keep only these; by default all. What the corpus does not have may be made from the text (``"casing"``,
        ``"regex:ing$"``, see `neurosieve.corpora.derived`).
    numeric : sequence of str, optional
        Properties whose labels are numbers.
    dev_fraction, test_fraction : float, optional
        Share of the sentences for a split that the files do not give, 0.1 by default; 0 leaves the split out. Where
        files give train, the share is the end of train.
    random_state : int
        Of the random division.
    name : str, optional
        By default that of the file, or of the folder of several.

    Returns
    -------
    Corpus
        Its ``notes`` say how it was divided, which files and columns were left out and why, and which labels look alike.

    Raises
    ------
    CorpusError
        If a file is missing, empty, not UTF-8, ragged or of unknown format, a split has no words, or a property does
        not exist.

    Examples
    --------
    >>> corpus = load_corpus("sample", properties=["pos"])
    >>> corpus.splits
    ('train', 'dev', 'test')
    """
    if isinstance(paths, (list, tuple)) and len(paths) == 1:
        paths = paths[0]
    scheme = splits if isinstance(splits, str) else None
    division = Division(scheme, dev_fraction, test_fraction, random_state)
    if paths == SAMPLE:
        _refuse(SAMPLE, format=format, columns=columns, splits=splits, fractions=division.asked)
        corpus = Corpus(read_sample(), name=name or SAMPLE)  # whose labels are known to be tidy
    elif hf.is_dataset(paths) or (isinstance(paths, str) and paths.startswith(hf.PREFIX)):
        _refuse("dataset", format=format, columns=columns, splits=splits)
        sentences, named, columns_out = hf.read_dataset(paths)
        sentences, alike = tidied(sentences)
        sentences, notes = divide(sentences, division, named=named)
        corpus = Corpus(sentences, name=name or hf.dataset_name(paths), notes=[*notes, *columns_out, *alike])
    else:
        files, notes = _find(paths, splits)
        sentences, fmt, columns_out = _read(files, format=format, columns=columns)
        sentences, alike = tidied(sentences)
        named = files[0].split is not None
        sentences, more = divide(sentences, division, named=named, usual_scheme=fmt.scheme)
        corpus = Corpus(
            sentences, name=name or _name([file.path for file in files]), notes=[*notes, *more, *columns_out, *alike]
        )
    return _with_properties(corpus, properties, numeric)


def _refuse(what: str, **options: object) -> None:
    """Refuse options that only files have."""
    given = [option for option, value in options.items() if value]
    if given:
        hint = " (a folder of that name is './sample')" if what == SAMPLE else ""
        raise CorpusError(f"'{what}' has its own {' and '.join(given)}; leave them out{hint}")


def _with_properties(corpus: Corpus, properties: Sequence[str] | None, numeric: Sequence[str]) -> Corpus:
    if numeric:
        corpus = parse_numbers(corpus, numeric)
    if properties is None:
        return corpus
    names: list[str] = []
    for given in properties:
        if given in corpus.properties or given in corpus.sentence_properties:
            names.append(given)
            continue
        made = property_name(given)
        if made is None:
            known = ", ".join((*corpus.properties, *corpus.sentence_properties))
            raise CorpusError(
                f"corpus '{corpus.name}' has no property '{given}'; it has {known or 'none'}, and from the text can be "
                f"made {', '.join(READY_MADE)}, regex:PATTERN, list:FILE"
            )
        corpus = derive(corpus, given)
        names.append(made)
    return corpus.select(names)


@dataclass(frozen=True)
class _File:
    """A file and the split that the user or its name says; ``None`` if nothing says one."""

    path: Path
    split: str | None = None


def _find(paths: Paths | None, splits: Mapping[str, Paths] | str | None) -> tuple[list[_File], list[str]]:
    """Return the files, and a note on those left out."""
    if isinstance(splits, Mapping):
        if paths is not None:
            raise CorpusError("both paths and splits name files; give one of the two")
        if not splits:
            raise CorpusError("splits name no file; give splits={'train': ..., 'dev': ..., 'test': ...}")
        found = [(split_name(word), expand(given)) for word, given in splits.items()]
        files = [_File(path, split) for split, (taken, _) in found for path in taken]
        left_out = [path for _, (_, rest) in found for path in rest]
    elif paths is None:
        raise CorpusError("no path is given; name files or a folder, or 'sample' for the built-in corpus")
    else:
        taken, left_out = expand(paths)
        files = [_File(path) for path in taken] if isinstance(splits, str) else _with_split(taken)
    for path, n in Counter(file.path.resolve() for file in files).items():
        if n > 1:
            raise CorpusError(f"{path}: the file is there {n} times; what is tested on must not be trained on")
    names = ", ".join(dict.fromkeys(path.name for path in left_out))
    return files, [f"files left out, hardly annotated text: {names}"] if left_out else []


def _with_split(paths: Sequence[Path]) -> list[_File]:
    """Take splits from the names of files, or of their folders, if they name at least two.

    One name alone says nothing about the rest.
    """
    by_file = [_File(path, split_in_name(path.name)) for path in paths]
    by_folder = [_File(path, split_in_name(path.parent.name)) for path in paths]
    for files in (by_file, by_folder):
        said = {file.split for file in files}
        if len(said) > 1 and None not in said:
            return files
    said = {file.split for file in by_file} - {None}
    if len(said) < 2:
        return [_File(path) for path in paths]
    unnamed = next(file.path for file in by_file if file.split is None)
    raise CorpusError(
        f"{unnamed}: the name says none of train, dev and test, but the names of {len(said)} other splits are there; "
        "give the files of each split: splits={'train': ..., 'test': ...}"
    )


def _read(
    files: Sequence[_File],
    *,
    format: str | None,  # noqa: A002
    columns: Sequence[str | None] | None,
) -> tuple[list[Sentence], Format, list[str]]:
    """Return the sentences, the format, and notes on columns that become no property."""
    fmt = None if format is None else named_format(format)
    if fmt is not None and columns is not None and not fmt.takes_columns:
        raise CorpusError(f"format '{fmt.name}' has columns of its own; leave out columns, or format")
    sentences: list[Sentence] = []
    names: dict[str | None, None] = {}
    for source in files:
        file = read_text(source.path)
        if fmt is None:
            fmt = recognise(file, column_names=columns)
        elif format is None and columns is None:
            _check_same(file, fmt)
        sentences += [replace(s, split=source.split or "train") for s in _read_file(file, fmt, columns)]
        names.update(dict.fromkeys(fmt.columns_of(file, columns)))
    if fmt is None:
        raise CorpusError("no file is given; name files or a folder, or 'sample' for the built-in corpus")
    found = {
        prop for s in sentences for part in (s.labels, s.sentence_labels) for prop, v in part.items() if v is not None
    }
    left_out = [f"columns left out: {fmt.left_out}"] if fmt.left_out else []
    return sentences, fmt, left_out + unlabelled([name for name in names if name], found)


def _check_same(file: TextFile, before: Format) -> None:
    if not before.recognise(file.head()):
        raise CorpusError(
            f"{file.path}: the file is in format '{recognise(file).name}', those before it in '{before.name}'; "
            "load one format at a time, or say which it is: format=..."
        )


def _read_file(file: TextFile, fmt: Format, columns: Sequence[str | None] | None) -> list[Sentence]:
    sentences = list(fmt.read(file, columns))
    if not sentences:
        raise CorpusError(
            f"{file.path}: no sentence is in the file, read as format '{fmt.name}'; check it, or format=..."
        )
    if all(word == "_" for sentence in sentences for word in sentence.words):
        raise CorpusError(f"{file.path}: every word is '_': the text was taken out; restore it as its owner describes")
    return sentences


def _name(paths: Sequence[Path]) -> str:
    if len(paths) == 1:
        return paths[0].name.removesuffix(".gz").rpartition(".")[0] or paths[0].name
    folder = Path(os.path.commonpath([path.resolve().parent for path in paths]))
    return folder.name or "corpus"
