"""Makes the stores that `studies/rankings.py` compares rankings on: slices of three corpora under one model.

    .venv/bin/python studies/ranking_stores.py MODEL OUT [--layers 0,5,10] [--words 10000]

OUT gets a store each of EWT (xpos), CoNLL-2000 (chunk) and PMB (sem, ccg), from ../shared/data beside the repository. Of each
corpus the first sentences of train are taken, as many as hold WORDS words, as many of test, and a third of that for dev
(CoNLL-2000 has none: its dev is the end of train).
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import neurosieve as ns

DATA = Path(__file__).parent.parent.parent / "shared" / "data"


def first(sentences: Sequence[ns.Sentence], n_words: int, split: str) -> list[ns.Sentence]:
    """The first sentences that hold `n_words` words, as a split."""
    taken, total = [], 0
    for sentence in sentences:
        if total >= n_words:
            break
        taken.append(replace(sentence, split=split))
        total += len(sentence)
    return taken


def corpora(n_words: int) -> dict[str, ns.Corpus]:
    """The slices, by name."""
    ewt = {s: DATA / "ud_english_ewt" / f"en_ewt-ud-{s}.conllu" for s in ("train", "dev", "test")}
    pmb = {s: DATA / "pmb_english_4.0.0" / f"{s}.conll" for s in ("train", "dev", "test")}
    files = {"ewt": (ewt, ["xpos"]), "pmb": (pmb, ["sem", "ccg"])}
    read = {
        name: {s: list(ns.load_corpus(path, properties=props).sentences) for s, path in paths.items()}
        for name, (paths, props) in files.items()
    }
    chunks = {
        s: list(ns.load_corpus(DATA / "conll2000" / f"{s}.txt", properties=["chunk"]).sentences)
        for s in ("train", "test")
    }
    read["conll2000"] = {**chunks, "dev": chunks["train"][::-1][: len(chunks["train"]) // 10]}
    sizes = {"train": n_words, "dev": n_words // 3, "test": n_words}
    return {
        name: ns.Corpus([s for split, n in sizes.items() for s in first(parts[split], n, split)], name=name)
        for name, parts in read.items()
    }


def main() -> None:
    """Extract the three stores."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("out", type=Path)
    parser.add_argument("--layers", type=lambda given: [int(x) for x in given.split(",")], default=None)
    parser.add_argument("--words", type=int, default=10_000)
    args = parser.parse_args()
    model = ns.load_model(args.model, layers=args.layers)
    for name, corpus in corpora(args.words).items():
        print(ns.extract(corpus, model, args.out / name), flush=True)


if __name__ == "__main__":
    main()
