"""Extraction against a bare forward pass of the same model on the same batches.

The batches are recorded while neurosieve extracts, and replayed through the network with nothing else done: no
tokenisation, no pooling, no conversion, nothing written. Both give all layers.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import common  # its settings must precede torch

# isort: split
import numpy as np
import torch

import data
import floors
import machine
import neurosieve as ns


def main() -> None:
    args = common.options(__doc__ or "")
    report = machine.Report("extraction")
    ceilings = machine.ceilings(quick=args.quick)
    folder = data.model_folder()
    if folder is None:
        raise SystemExit(f"the package {data.MODEL_PACKAGE} is not installed; run `make setup`")
    words = data.corpus(quick=args.quick).split("train")
    try:
        _measure(report, "MiniLM 7 x 384", ns.load_model(folder), words, ceilings, target=0.85, repeats=3)
        _loading(report, folder, words)
        few = ns.Corpus(words.sentences[:: 40 if args.quick else 10], name="few")
        wide = ns.load_model(data.bert_base_folder(), untrained=0)
        _measure(report, "BERT-base shape 13 x 768", wide, few, ceilings, target=0.85, repeats=2)
    finally:
        report.extra["ceilings"] = ceilings
        report.write(args.out)


def _network(model: Any) -> torch.nn.Module:
    """The network behind a model of the Hugging Face family."""
    network: torch.nn.Module = model._reader._model
    return network


def _extraction(words: ns.Corpus, model: ns.LanguageModel, out: Path) -> Callable[[], object]:
    def run() -> None:
        shutil.rmtree(out, ignore_errors=True)
        ns.extract(words, model, out)

    return run


def _record(network: torch.nn.Module, run: Callable[[], object]) -> list[dict[str, Any]]:
    """Arguments of every forward pass that `run` makes."""
    calls: list[dict[str, Any]] = []
    hook = network.register_forward_pre_hook(lambda _m, _args, options: calls.append(dict(options)), with_kwargs=True)
    try:
        run()
    finally:
        hook.remove()
    return calls


def _measure(
    report: machine.Report,
    name: str,
    model: ns.LanguageModel,
    words: ns.Corpus,
    ceilings: dict[str, float],
    *,
    target: float,
    repeats: int,
) -> None:
    out = data.WORK / "extraction"
    network = _network(model)
    extract = _extraction(words, model, out)
    calls = _record(network, extract)  # which also warms up

    def forward() -> None:
        with torch.inference_mode():
            for call in calls:
                network(**call)

    walls = machine.interleaved({"extract": extract, "forward": forward}, repeats=repeats)
    shutil.rmtree(out, ignore_errors=True)
    rate = words.n_words / float(np.median(walls["extract"]))
    tokens = sum(
        int(call["attention_mask"].sum()) if "attention_mask" in call else call["input_ids"].numel() for call in calls
    )
    padded = sum(call["input_ids"].numel() for call in calls)
    note = f"{words.n_words:,} words, {tokens:,} sub-words, {100 * (1 - tokens / padded):.1f} % padding"
    report.add(f"{name}: extraction", rate, "words/s", note=note)
    report.add(f"{name}: bare forward, same batches", words.n_words / float(np.median(walls["forward"])), "words/s")
    shares = [f / e for e, f in zip(walls["extract"], walls["forward"], strict=True)]
    note = ", ".join(f"{share:.2f}" for share in shares)
    report.add(
        f"{name}: extraction against the bare forward", float(np.median(shares)), "of it", target=target, note=note
    )
    config: Any = network.config
    squared = sum(int((call["attention_mask"].sum(1) ** 2).sum()) for call in calls if "attention_mask" in call)
    cost = floors.transformer(
        tokens=tokens,
        lengths_squared=squared,
        layers=config.num_hidden_layers,
        width=config.hidden_size,
        inner=config.intermediate_size,
        words=words.n_words,
    )
    floor = cost.floor(ceilings)
    seconds = float(np.median(walls["extract"]))
    report.add(
        f"{name}: achieved / floor", seconds / floor, "x", better="lower", note=f"{seconds:.2f} s, floor {floor:.2f} s"
    )


def _loading(report: machine.Report, folder: Path, words: ns.Corpus) -> None:
    seconds = machine.time_of(lambda: ns.load_model(folder), repeats=3)
    report.add("loading the model, self-test included", seconds, "s", better="lower")
    out = data.WORK / "extraction"
    half = ns.Corpus(words.sentences[: len(words) // 2], name="half")
    ns.extract(half, ns.load_model(folder), out)
    model = ns.load_model(folder)
    seconds = machine.time_of(lambda: ns.extract(half, model, out), repeats=3)
    report.add("asking again for what is there", seconds, "s", better="lower", note=f"{half.n_words:,} words")
    shutil.rmtree(out, ignore_errors=True)


if __name__ == "__main__":
    main()
