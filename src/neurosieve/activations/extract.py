"""Extraction: Corpus x LanguageModel -> ActivationStore on disk, resumable, with the size told before it starts."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosieve.activations import format as fmt
from neurosieve.activations.first_words import said, sinks
from neurosieve.activations.store import ActivationStore
from neurosieve.activations.writer import SHARD_BYTES, begun, finish_store, intact_shards, make_store, shard_rows
from neurosieve.bars import with_bar
from neurosieve.corpora.corpus import SPLITS, UNITS, Corpus
from neurosieve.errors import StoreError
from neurosieve.files import file_digest
from neurosieve.models.language_model import LanguageModel
from neurosieve.models.precision import in_precision
from neurosieve.models.vectors import VectorBatch, WordVectors

log = logging.getLogger(__name__)

UNKNOWN_WARN_SHARE = 0.05


@with_bar("activations (words)")
def extract(
    corpus: Corpus,
    model: LanguageModel,
    out: str | Path,
    *,
    dtype: str = "float16",
    unit: str = "word",
    sentence_vector: str = "mean",
    progress: Callable[[float, float], None] | None = None,
) -> ActivationStore:
    """Embed a corpus and write the activations.

    The same call after an interruption continues where it stopped and gives the same bytes; after completion it opens
    the store.

    Parameters
    ----------
    corpus : Corpus
    model : LanguageModel
    out : str or Path
        Folder of the store; made if it does not exist.
    dtype : {"float16", "float32"}
        Precision on disk. A layer whose values float16 cannot hold is stored as float32 all the same.
    unit : {"word", "sentence"}
        What a row of the store stands for; with sentences it holds the properties that label sentences.
    sentence_vector : {"mean", "first", "last", "special"}
        What the vector of a sentence is made of (see `LanguageModel.embed_sentences`); without effect on words.
    progress : callable, optional
        Called as ``progress(words_done, words_in_all)``, whatever the unit.

    Returns
    -------
    ActivationStore

    Raises
    ------
    StoreError
        If `out` holds something else, another process is extracting into it, the disk is too small, or the model gives
        values that are not finite.
    ModelError
        If the model has no special token and that was asked for.
    """
    return Extraction.of(corpus, model, out, dtype=dtype, unit=unit, sentence_vector=sentence_vector).store(
        progress=progress
    )


@dataclass(frozen=True)
class Extraction:
    """What `extract` does, in steps that several processes may share: `begin`, `make` for each part of the shards, `store`.

    A shard depends on its own sentences alone, so it has the same bytes whoever makes it.

    Attributes
    ----------
    corpus : Corpus
    model : LanguageModel
    folder : Path
    plan : dict
        What identifies the store (see `neurosieve.activations.format`).
    """

    corpus: Corpus
    model: LanguageModel
    folder: Path
    plan: dict[str, Any]

    @classmethod
    def of(
        cls, corpus: Corpus, model: LanguageModel, out: str | Path, *, dtype: str, unit: str, sentence_vector: str
    ) -> Extraction:
        """The extraction that `extract` with these arguments is.

        Raises
        ------
        StoreError, ModelError
            If there is no such precision or unit, or the model has no such sentence vector.
        """
        if dtype not in ("float16", "float32"):
            raise StoreError(f"dtype is {dtype!r}; expected 'float16' or 'float32'")
        if unit not in UNITS:
            raise StoreError(f"unit is {unit!r}; expected 'word' or 'sentence'")
        if unit == "sentence":
            model.require_sentence_vector(sentence_vector)
        plan = _plan(corpus, model, dtype, sentence_vector=sentence_vector if unit == "sentence" else None)
        return cls(corpus, model, Path(out), plan)

    @cached_property
    def shards(self) -> list[list[int]]:
        """Numbers of the sentences of each shard."""
        return _shard_sentences(self.corpus, _split_order(self.corpus), self.plan["shard_words"])

    @property
    def n_rows(self) -> int:
        """Rows of the whole store."""
        return len(self.corpus) if self.plan["unit"] == "sentence" else self.corpus.n_words

    def begin(self) -> list[int]:
        """Make the folder ready; gives the numbers of the shards that it lacks, none if the store is finished."""
        with begun(self.folder, self.plan, self.n_rows) as unfinished:
            return self._missing() if unfinished else []

    def make(
        self, numbers: Sequence[int], *, progress: Callable[[float, float], None] | None = None, done: int = 0
    ) -> dict[int, str]:
        """Write some shards of a folder that `begin` made ready; gives their digests.

        Parameters
        ----------
        numbers : sequence of int
        progress : callable, optional
            Called as ``progress(words_done, words_in_all)``.
        done : int
            Words that are done already.
        """
        sizes = {number: sum(len(self.corpus.sentences[i]) for i in self.shards[number]) for number in numbers}
        total = done + sum(sizes.values())
        how, digests = self.plan["sentence_vector"], dict[int, str]()
        # The last shard is converted, written and digested while the network works on this one. Preparing the next one
        # beside it gains nothing: that is Python, and so is what drives the network.
        with ThreadPoolExecutor(max_workers=1) as writer:
            written: Future[None] | None = None
            for number in numbers:
                members = self.shards[number]
                words = [self.corpus.sentences[i].words for i in members]
                batch = _as_batch(
                    self.model.embed(words) if how is None else self.model.embed_sentences(words, how=how)
                )
                if written is not None:
                    written.result()
                written = writer.submit(
                    _write, self.folder, number, self.corpus, members, batch, self.model, self.plan, digests
                )
                done += sizes[number]
                if progress is not None:
                    progress(done, total)
            if written is not None:
                written.result()
        return digests

    def store(
        self, digests: Mapping[int, str] | None = None, *, progress: Callable[[float, float], None] | None = None
    ) -> ActivationStore:
        """The whole store, after whatever it lacks is made.

        Parameters
        ----------
        digests : mapping of int to str, optional
            Shards that were made a moment ago, which are not read again to see whether they are whole.
        progress : callable, optional
        """

        def rest() -> None:
            known = dict(digests or {})
            todo = self._missing(known)
            whole = sum(len(sentence) for sentence in self.corpus.sentences)
            words = sum(len(self.corpus.sentences[i]) for number in todo for i in self.shards[number])
            known |= self.make(todo, progress=progress, done=whole - words)
            _finish(self.folder, self.plan, self.corpus, self.shards, known)

        return make_store(self.folder, self.plan, self.n_rows, make=rest)

    def _missing(self, known: Collection[int] = ()) -> list[int]:
        """Numbers of the shards that are not there or damaged; of those `known` it is looked only whether they are there."""
        there = {number for number in known if fmt.shard_path(self.folder, number).is_file()}
        there |= intact_shards(self.folder, [n for n in range(len(self.shards)) if n not in there])
        return [number for number in range(len(self.shards)) if number not in there]


def _as_batch(vectors: VectorBatch | Sequence[WordVectors]) -> VectorBatch:
    """What a model gave as a batch; models of other packages may still give a list with one entry a sentence."""
    return vectors if isinstance(vectors, VectorBatch) else VectorBatch.of(vectors)


def _split_order(corpus: Corpus) -> list[int]:
    """Sentence numbers grouped by split, so that each split is one range of rows."""
    places = {name: i for i, name in enumerate([*SPLITS, *(s for s in corpus.splits if s not in SPLITS)])}
    return sorted(range(len(corpus)), key=lambda i: (places[corpus.sentences[i].split], i))


def _plan(corpus: Corpus, model: LanguageModel, dtype: str, *, sentence_vector: str | None) -> dict[str, Any]:
    properties = corpus.properties if sentence_vector is None else corpus.sentence_properties
    plan = {
        "format": fmt.FORMAT,
        "format_version": fmt.FORMAT_VERSION,
        "model": {**asdict(model.info), "settings": dict(model.info.settings)},
        "corpus": {
            "name": corpus.name,
            "digest": corpus.digest,
            "n_sentences": len(corpus),
            "n_words": corpus.n_words,
            "properties": list(properties),
        },
        "unit": "word" if sentence_vector is None else "sentence",
        "sentence_vector": sentence_vector,
        "special_token": model.special_token if sentence_vector == "special" else None,
        "layers": [asdict(layer) for layer in model.layers],
        "dtype": dtype,
        "shard_words": shard_rows(model.n_neurons, SHARD_BYTES),
    }
    return dict(json.loads(json.dumps(plan, default=str)))  # as it reads back, so that plans can be compared


def _shard_sentences(corpus: Corpus, order: list[int], shard_words: int) -> list[list[int]]:
    """Consecutive sentences of `order` in shards of about `shard_words` words."""
    shards: list[list[int]] = [[]]
    filled = 0
    for i in order:
        if filled and filled + len(corpus.sentences[i]) > shard_words:
            shards.append([])
            filled = 0
        shards[-1].append(i)
        filled += len(corpus.sentences[i])
    return shards


def _write(
    folder: Path,
    number: int,
    corpus: Corpus,
    members: list[int],
    batch: VectorBatch,
    model: LanguageModel,
    plan: dict[str, Any],
    digests: dict[int, str],
) -> None:
    """Write a shard and note its digest."""
    path = fmt.shard_path(folder, number)
    layers: dict[str, NDArray[np.floating]] = {}
    for layer, values in zip(model.layers, batch.layers, strict=True):
        stored = in_precision(values, plan["dtype"])
        if stored is None:
            raise StoreError(
                f"{path}: layer {layer.name} of {model.info.name} gives values that are not finite; load the model in "
                "float32, or leave that layer out"
            )
        layers[layer.name] = stored
    gone = np.flatnonzero(~batch.kept)
    owners = np.searchsorted(batch.offsets, gone, side="right") - 1
    places = zip(owners.tolist(), (gone - batch.offsets[owners]).tolist(), strict=True)
    details = {
        "n_words": int(batch.kept.sum()),
        "left_out": [[members[k], p, _text(corpus, members[k], p, plan["unit"])] for k, p in places],
        "windowed": [[members[k], int(batch.n_windows[k])] for k in np.flatnonzero(batch.n_windows > 1)],
        "n_subwords": int(batch.n_subwords.sum()),
        "n_unknown": int(batch.n_unknown.sum()),
    }
    fmt.write_shard(path, layers, details)
    digests[number] = file_digest(path)


def _text(corpus: Corpus, sentence: int, position: int, unit: str) -> str:
    words = corpus.sentences[sentence].words
    return words[position] if unit == "word" else " ".join(words)


def _finish(
    folder: Path,
    plan: dict[str, Any],
    corpus: Corpus,
    shards: list[list[int]],
    digests: dict[int, str],
) -> None:
    """Write the table of words and, last, the manifest; shards of an earlier start are not in `digests`."""
    details = [fmt.read_shard_details(fmt.shard_path(folder, n)) for n in range(len(shards))]
    left_out = [tuple(entry) for d in details for entry in d["left_out"]]
    gone = {(i, position) for i, position, _ in left_out}
    frame = corpus.to_frame(unit=plan["unit"])
    lengths = [len(s) if plan["unit"] == "word" else 1 for s in corpus.sentences]
    by_sentence = np.concatenate([[0], np.cumsum(lengths)])
    rows = [
        int(by_sentence[i]) + position
        for members in shards
        for i in members
        for position in range(lengths[i])
        if (i, position) not in gone
    ]
    n_subwords, n_unknown = (sum(d[key] for d in details) for key in ("n_subwords", "n_unknown"))
    unknown_share = n_unknown / max(1, n_subwords)
    if unknown_share > UNKNOWN_WARN_SHARE:
        log.warning(
            "%.1f %% of the sub-words are the unknown token: does the tokenizer belong to this model and language?",
            100 * unknown_share,
        )
    if left_out:
        log.warning(
            "%d %ss yield no sub-word and are left out with their labels; manifest.json lists them",
            len(left_out),
            plan["unit"],
        )
    results: dict[str, object] = {
        "left_out": [{"sentence": i, "position": position, "word": word} for i, position, word in left_out],
        "windowed": [{"sentence": i, "n_windows": n} for d in details for i, n in d["windowed"]],
        "n_subwords": n_subwords,
        "unknown_share": unknown_share,
    }
    words = frame.iloc[rows].reset_index(drop=True)
    if plan["unit"] == "word":
        names = [str(layer["name"]) for layer in plan["layers"]]
        found = sinks(folder, words, rows=[int(d["n_words"]) for d in details], layers=names)
        if found is not None:
            results["first_words"] = found
            log.warning("%s: %s", plan["model"]["name"], said(found))
    finish_store(folder, plan, words, details=details, digests=digests, results=results)
