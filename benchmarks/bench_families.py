"""Extraction with every family of models against the bare network on the same batches.

Random models of about one shape (see `families`). While neurosieve extracts, the calls of the network are recorded; they
are replayed with nothing else done, in turns with the extraction. Everything gives all layers.
"""

from __future__ import annotations

import functools
import shutil
import statistics
import time
from collections.abc import Callable
from typing import Any

import common  # its settings must precede torch

# isort: split
import torch

import data
import families
import machine
import neurosieve as ns

N_WORDS = 3_000
Call = Callable[[], object]


def main() -> None:
    args = common.options(__doc__ or "", only={"nargs": "+", "help": "some families, by name"})
    report = machine.Report("families")
    words = _first(data.corpus(quick=args.quick).split("train"), 300 if args.quick else N_WORDS)
    print(f"{words.n_words:,} words", flush=True)
    try:
        for name in args.only or (*families.FAMILIES, *families.ELMOS):
            _measure(report, name, families.load(name), words, repeats=1 if args.quick else 3)
    finally:
        shutil.rmtree(data.WORK / "families", ignore_errors=True)
        report.write(args.out)


def _first(words: ns.Corpus, n_words: int) -> ns.Corpus:
    """Sentences from all over the corpus, about `n_words` words in all."""
    step = max(1, words.n_words // n_words)
    return ns.Corpus(words.sentences[::step], name="few")


def _measure(report: machine.Report, name: str, model: ns.LanguageModel, words: ns.Corpus, *, repeats: int) -> None:
    out = data.WORK / "families" / "store"

    def extract() -> None:
        shutil.rmtree(out, ignore_errors=True)
        ns.extract(words, model, out)

    count = int(model.embed([sentence.words for sentence in words.sentences]).n_subwords.sum())
    calls = _record(model, extract)  # which also warms up

    def forward() -> None:
        with torch.inference_mode():
            for call in calls:
                call()

    began = time.perf_counter()
    walls = machine.interleaved({"extract": extract, "forward": forward}, repeats=repeats)
    rates = {side: words.n_words / statistics.median(walls[side]) for side in walls}
    share = statistics.median(walls["forward"]) / statistics.median(walls["extract"])
    note = ", ".join(f"{f / e:.2f}" for e, f in zip(walls["extract"], walls["forward"], strict=True))
    note += f"; {words.n_words:,} words, {count:,} sub-words, {time.perf_counter() - began:.1f} s"
    report.add(f"{name}: extraction", rates["extract"], "words/s")
    report.add(f"{name}: bare forward, same batches", rates["forward"], "words/s")
    report.add(f"{name}: extraction against the bare forward", share, "of it", note=note)


def _record(model: Any, run: Call) -> list[Call]:
    """The network's calls while `run` runs, to be made again.

    Of an ELMo these are two: the character network for the different words, and the language models for each batch.
    """
    calls: list[Call] = []
    if not hasattr(model, "_reader"):
        network = model._network
        places = ((network.characters, "vectors"), (network, "contextualise"))
    else:
        places = ((model._reader._model, "forward"),)
    originals = [getattr(owner, name) for owner, name in places]
    for (owner, name), original in zip(places, originals, strict=True):

        @functools.wraps(original)  # whose parameters are looked at
        def recorded(*given: Any, original: Call = original, **named: Any) -> object:
            calls.append(functools.partial(original, *given, **named))
            return original(*given, **named)

        setattr(owner, name, recorded)
    try:
        run()
    finally:
        for owner, name in places:
            delattr(owner, name)  # the class's own is there again
    return calls


if __name__ == "__main__":
    main()
