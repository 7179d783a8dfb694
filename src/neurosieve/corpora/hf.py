"""Hugging Face datasets with labels of words or sentences (extra ``hf``)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from neurosieve.corpora.annotated import Label, Sentence
from neurosieve.corpora.sentences import SENTENCE_NAMES
from neurosieve.corpora.splits import split_name
from neurosieve.corpora.tsv import WORD_NAMES
from neurosieve.errors import CorpusError

PREFIX = "hf:"
"""``load_corpus("hf:NAME")`` and ``"hf:NAME:CONFIGURATION"`` load by name; a folder may stand for the name."""

_IDENTIFIERS = frozenset(("id", "idx", "guid", "index"))
_TEXT_TYPES = frozenset(("string", "large_string", "string_view"))
"""Arrow's kinds of text; pandas 3 and polars make the second."""


class _Dataset(Protocol):
    """What is used of ``datasets.Dataset``."""

    features: Mapping[str, object]

    def __iter__(self) -> Iterator[Mapping[str, Any]]: ...


def is_dataset(thing: object) -> bool:
    """Say whether `thing` is a ``Dataset`` or ``DatasetDict``, without importing the package for it."""
    return type(thing).__module__.partition(".")[0] == "datasets"


def read_dataset(dataset: object) -> tuple[list[Sentence], bool, list[str]]:
    """Read a dataset that has a column of words, or of texts.

    Columns of lists that are as long as the words label words; columns of single values label the sentence. Names of
    classes are resolved, other integers become text, and -1 of a class means no label. What becomes no property is named in
    the notes, with the reason: identifiers, a second column of words or texts, and columns of anything else.

    Parameters
    ----------
    dataset : datasets.Dataset, datasets.DatasetDict or str
        A string is ``hf:`` and a name on the hub or a folder that ``save_to_disk`` wrote.

    Returns
    -------
    sentences : list of Sentence
    named : bool
        Whether the dataset says the splits.
    notes : list of str
        Which columns become no property, and why.

    Raises
    ------
    CorpusError
        If it cannot be loaded, has no column of words or texts, or a row has not one label a word.
    """
    if isinstance(dataset, str):
        dataset = _load(dataset.removeprefix(PREFIX))
    if isinstance(dataset, Mapping):
        groups = {split_name(str(word)): group for word, group in dataset.items()}
    else:
        groups = {"train": dataset}
    whole = {split: _with_features(group) for split, group in groups.items()}
    sentences = [s for split, group in whole.items() for s in _sentences(group, split)]
    if not sentences:
        raise CorpusError("the dataset has no rows; give one with labelled words")
    notes = dict.fromkeys(note for group in whole.values() for note in _Columns.of(group.features).notes())
    return sentences, len(groups) > 1, list(notes)


def dataset_name(dataset: object) -> str:
    """Return a name for the corpus: the one asked for, else the one that the dataset knows, else ``dataset``."""
    if isinstance(dataset, str):
        return dataset.removeprefix(PREFIX).rstrip("/").replace(":", "-").rpartition("/")[2]
    first = next(iter(dataset.values()), None) if isinstance(dataset, Mapping) else dataset
    return getattr(getattr(first, "info", None), "dataset_name", None) or "dataset"


def _load(name: str) -> object:
    try:
        import datasets
    except ImportError as error:
        raise CorpusError("reading datasets needs the extra 'hf': pip install 'neurosieve[hf]'") from error
    path, _, configuration = name.partition(":")
    try:
        if Path(name).is_dir():
            return datasets.load_from_disk(name)
        return datasets.load_dataset(path, configuration or None)  # data; its digest is kept  # nosec B615
    except Exception as error:  # the package raises many kinds, for network, name and configuration alike
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        if "scripts are no longer supported" in reason:
            advice = (
                "such a data set is a script, which the package no longer runs: give a copy of it without one (on the hub often "
                "its branch refs/convert/parquet), or its files themselves"
            )
        elif Path(name).is_dir():
            advice = "give a folder that `save_to_disk` wrote, or the files themselves"
        else:
            advice = "check name, configuration and network"
        raise CorpusError(f"dataset '{name}' cannot be loaded: {reason}; {advice}") from error


def _with_features(dataset: Any) -> _Dataset:  # noqa: ANN401 (a data set of the package, or a stream)
    """The data set; of a stream that does not know its columns, all rows, which tell them."""
    if getattr(dataset, "features", None) is not None:
        return dataset  # type: ignore[no-any-return]
    import datasets

    rows = list(dataset)
    if not rows:
        raise CorpusError("the stream has no rows, and does not know its columns; give one with labelled words")
    try:
        return datasets.Dataset.from_list(rows)  # type: ignore[no-any-return]
    except Exception as error:  # pyarrow has a kind of its own for each type
        raise CorpusError(
            f"the stream does not know its columns, and its rows do not tell them ({str(error).splitlines()[0]}); cast it: "
            "dataset.cast(features)"
        ) from error


@dataclass(frozen=True)
class _Columns:
    """What each column of a dataset is taken for."""

    words: str
    listed: bool
    of_words: tuple[str, ...]
    of_sentence: tuple[str, ...]
    left_out: Mapping[str, str]

    @classmethod
    def of(cls, features: Mapping[str, object]) -> _Columns:
        """Sort the columns.

        Raises
        ------
        CorpusError
            If there is none of words or texts.
        """
        words = _word_column(features)
        listed = _inner(features[words]) is not None
        of_words: list[str] = []
        of_sentence: list[str] = []
        left_out: dict[str, str] = {}
        for name, feature in features.items():
            inner = _inner(feature)
            if name == words:
                continue
            if name.lower() in _IDENTIFIERS:
                left_out[name] = "an identifier"
            elif name.lower() in (*WORD_NAMES, *SENTENCE_NAMES) and _is_text(inner or feature):
                left_out[name] = f"the text again, whose words are in '{words}'"
            elif listed and inner is not None and _is_label(inner):
                of_words.append(name)
            elif inner is None and _is_label(feature):
                of_sentence.append(name)
            else:
                left_out[name] = f"of type {_type_name(feature)}, no label of a word or a sentence"
        return cls(words, listed, tuple(of_words), tuple(of_sentence), left_out)

    def notes(self) -> list[str]:
        """The columns that are left out, each with the reason."""
        return [f"column '{name}' left out: {why}" for name, why in self.left_out.items()]


def _sentences(dataset: _Dataset, split: str) -> Iterator[Sentence]:
    features = dataset.features
    columns = _Columns.of(features)
    for at, row in enumerate(dataset):
        where = f"dataset[{split}] row {at}"
        forms = _forms(row[columns.words], columns, where)
        labels = {name: _named(_inner(features[name]), row[name] or (), name) for name in columns.of_words}
        yield Sentence(
            words=forms,
            labels=_checked(labels, forms, where),
            split=split,
            source=where,
            sentence_labels={name: _named(features[name], [row[name]], name)[0] for name in columns.of_sentence},
        )


def _forms(given: Any, columns: _Columns, where: str) -> tuple[str, ...]:  # noqa: ANN401 (a cell of a data set)
    forms = tuple((given or ()) if columns.listed else (given or "").split())
    if not forms or any(form is None or not form.strip() for form in forms):
        what = "there are no words" if not forms else "a word is empty"
        raise CorpusError(f"{where}: {what} in column '{columns.words}'; filter such rows out")
    return forms


def _inner(feature: object) -> object:
    """Return the feature of the items of a list, ``None`` if it is no list."""
    if isinstance(feature, list):  # an older way to write one
        return feature[0] if len(feature) == 1 else None
    return getattr(feature, "feature", None)


def _is_text(feature: object) -> bool:
    return getattr(feature, "dtype", None) in _TEXT_TYPES


def _type_name(feature: object) -> str:
    inner = _inner(feature)
    if inner is not None:
        return f"list of {_type_name(inner)}"
    dtype = getattr(feature, "dtype", None)
    return dtype if isinstance(dtype, str) else type(feature).__name__


def _word_column(features: Mapping[str, object]) -> str:
    for name, feature in features.items():
        if name.lower() in WORD_NAMES and _is_text(_inner(feature)):
            return name
    for name, feature in features.items():
        if name.lower() in SENTENCE_NAMES and _is_text(feature):
            return name
    raise CorpusError(
        f"the dataset has columns {', '.join(features)}, none of words ({', '.join(WORD_NAMES)}: lists of strings) or "
        f"texts ({', '.join(SENTENCE_NAMES)}); rename one: dataset.rename_column(..., 'words')"
    )


def _is_label(feature: object) -> bool:
    """Say whether a feature holds single values: a class, a string or a number."""
    dtype = getattr(feature, "dtype", None)
    return isinstance(dtype, str) and (
        dtype in _TEXT_TYPES or dtype == "bool" or dtype.startswith(("int", "uint", "float"))
    )


def _named(feature: object, values: Sequence[Any], column: str) -> tuple[Label, ...]:
    classes: Sequence[str] | None = getattr(feature, "names", None)
    if classes is not None:
        for value in values:
            if value is not None and value >= len(classes):
                raise CorpusError(
                    f"dataset: column '{column}' has the class {value}, of {len(classes)} classes; mend its features"
                )
        return tuple(None if value is None or value < 0 else classes[value] for value in values)
    return tuple(value if value is None or isinstance(value, float) else str(value) for value in values)


def _checked(labels: dict[str, tuple[Label, ...]], words: Sequence[str], where: str) -> dict[str, tuple[Label, ...]]:
    for name, values in labels.items():
        if len(values) != len(words):
            raise CorpusError(
                f"{where}: column '{name}' has {len(values)} labels for {len(words)} words; every word needs one: mend "
                "the row, or take the column out: dataset.remove_columns(...)"
            )
    return labels
