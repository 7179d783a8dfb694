"""Hugging Face datasets with labels of words or sentences (extra ``hf``)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from neurosieve.corpora.corpus import Label, Sentence
from neurosieve.corpora.sentences import SENTENCE_NAMES
from neurosieve.corpora.splits import split_name
from neurosieve.corpora.tsv import WORD_NAMES
from neurosieve.errors import CorpusError

PREFIX = "hf:"
"""``load_corpus("hf:NAME")`` and ``"hf:NAME:CONFIGURATION"`` load by name; a folder may stand for the name."""

_IDENTIFIERS = frozenset(("id", "idx", "guid", "index"))


class _Dataset(Protocol):
    """What is used of ``datasets.Dataset``."""

    features: Mapping[str, object]

    def __iter__(self) -> Iterator[Mapping[str, Any]]: ...


def is_dataset(thing: object) -> bool:
    """Say whether `thing` is a ``Dataset`` or ``DatasetDict``, without importing the package for it."""
    return type(thing).__module__.partition(".")[0] == "datasets"


def read_dataset(dataset: object) -> tuple[list[Sentence], bool]:
    """Read a dataset that has a column of words, or of texts.

    Columns of lists that are as long as the words label words; columns of single values label the sentence. Names of
    classes are resolved, other integers become text, and -1 of a class means no label. Identifiers are left out.

    Parameters
    ----------
    dataset : datasets.Dataset, datasets.DatasetDict or str
        A string is ``hf:`` and a name on the hub or a folder that ``save_to_disk`` wrote.

    Returns
    -------
    sentences : list of Sentence
    named : bool
        Whether the dataset says the splits.

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
    sentences = [s for split, group in groups.items() for s in _sentences(group, split)]
    if not sentences:
        raise CorpusError("the dataset has no rows; give one with labelled words")
    return sentences, len(groups) > 1


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
    if Path(name).is_dir():
        return datasets.load_from_disk(name)
    path, _, configuration = name.partition(":")
    try:
        return datasets.load_dataset(path, configuration or None)
    except Exception as error:  # the package raises many kinds, for network, name and configuration alike
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise CorpusError(
            f"dataset '{name}' cannot be loaded: {reason}; check name, configuration and network"
        ) from error


def _sentences(dataset: _Dataset, split: str) -> Iterator[Sentence]:
    features = dataset.features
    words = _word_column(features)
    listed = _inner(features[words]) is not None
    others = [name for name in features if name != words and name.lower() not in _IDENTIFIERS]
    of_words = [name for name in others if listed and _is_label(_inner(features[name]))]
    of_sentence = [name for name in others if _is_label(features[name])]
    for at, row in enumerate(dataset):
        where = f"dataset[{split}] row {at}"
        forms = tuple(row[words]) if listed else tuple(row[words].split())
        if not forms:
            raise CorpusError(f"{where}: there are no words in column '{words}'; filter such rows out")
        yield Sentence(
            words=forms,
            labels=_checked({name: _named(_inner(features[name]), row[name]) for name in of_words}, forms, where),
            split=split,
            source=where,
            sentence_labels={name: _named(features[name], [row[name]])[0] for name in of_sentence},
        )


def _inner(feature: object) -> object:
    """Return the feature of the items of a list, ``None`` if it is no list."""
    return getattr(feature, "feature", None)


def _word_column(features: Mapping[str, object]) -> str:
    for name, feature in features.items():
        if name.lower() in WORD_NAMES and getattr(_inner(feature), "dtype", None) == "string":
            return name
    for name, feature in features.items():
        if name.lower() in SENTENCE_NAMES and getattr(feature, "dtype", None) == "string":
            return name
    raise CorpusError(
        f"the dataset has columns {', '.join(features)}, none of words ({', '.join(WORD_NAMES)}: lists of strings) or "
        f"texts ({', '.join(SENTENCE_NAMES)}); rename one: dataset.rename_column(..., 'words')"
    )


def _is_label(feature: object) -> bool:
    """Say whether a feature holds single values: a class, a string or a number."""
    dtype = getattr(feature, "dtype", None)
    return isinstance(dtype, str) and (dtype in ("string", "bool") or dtype.startswith(("int", "uint", "float")))


def _named(feature: object, values: Sequence[Any]) -> tuple[Label, ...]:
    classes: Sequence[str] | None = getattr(feature, "names", None)
    if classes is not None:
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
