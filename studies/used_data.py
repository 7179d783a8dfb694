"""What studies/used.py reads: labels of English EWT, pairs of BLiMP, and pairs of tense made from EWT by templates."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

import neurosieve as ns

NOUNS, FINITE = ("NN", "NNS"), ("VBD", "VBZ", "VBP")
GENDERS = ("Masc", "Fem")
NEGATORS = ("PART", "ADV", "DET")
"""Parts of speech among which are negators: the others of these are what negation is told from."""
COLUMNS = ["xpos", "upos", "Gender", "Tense", "Polarity"]
PROPERTIES = ("number", "gender", "tense", "polarity")
GENDERED = {"himself": "Masc", "herself": "Fem"}
PLURAL = ("have", "haven't", "are", "aren't", "were", "weren't", "do", "don't", "themselves")
SINGULAR = ("has", "hasn't", "is", "isn't", "was", "wasn't", "does", "doesn't", "himself", "herself", "itself")
TEMPLATES = {
    "tense after a clause": {
        "Past": ["When the man arrived , she {} .", "After the teacher spoke , the boy {} ."],
        "Pres": ["When the man arrives , she {} .", "After the teacher speaks , the boy {} ."],
    }
}
"""Sentences in which a verb of the one tense is right; nothing but an earlier verb says so."""


def labels(sentence: ns.Sentence) -> dict[str, tuple[str | None, ...]]:
    """The four properties of a sentence of EWT, from its XPOS and FEATS."""
    xpos, upos, gender, tense, polarity = (sentence.labels[name] for name in COLUMNS)
    return {
        "number": tuple(str(tag) if tag in NOUNS else None for tag in xpos),
        "tense": tuple(str(value) if tag in FINITE and value else None for tag, value in zip(xpos, tense, strict=True)),
        "gender": tuple(str(value) if value in GENDERS else None for value in gender),
        "polarity": tuple(
            "negative" if value == "Neg" else "other" if tag in NEGATORS else None
            for tag, value in zip(upos, polarity, strict=True)
        ),
    }


def corpus(path: Path, *, most: int) -> ns.Corpus:
    """A third each of sentences with gender, negation and nouns (0: all); three fifths for train, one each dev and test."""
    found = ns.load_corpus(path, properties=COLUMNS)
    split = ("train", "train", "train", "dev", "test")
    if not most:
        everything = [replace(s, labels=labels(s), split=split[i % 5]) for i, s in enumerate(found.sentences)]
        return ns.Corpus(everything, name="ewt", properties=PROPERTIES)
    known = [replace(s, labels=labels(s)) for s in found.sentences if 5 <= len(s.words) <= 30]
    chosen: dict[int, ns.Sentence] = {}
    for prop, wanted in (("gender", GENDERS), ("polarity", ("negative",)), ("number", NOUNS)):
        fitting = [i for i, s in enumerate(known) if i not in chosen and set(s.labels[prop]) & set(wanted)]
        chosen |= {i: known[i] for i in fitting[: most // 3]}
    generator = np.random.default_rng(0)
    order = generator.permutation(sorted(chosen))
    sentences = [replace(chosen[i], split=split[place % 5]) for place, i in enumerate(order.tolist())]
    return ns.Corpus(sentences, name="ewt", properties=PROPERTIES)


def pairs_of(name: str, blimp: Path, *, ewt: Path, most: int) -> list[ns.MinimalPair]:
    """Pairs of one set, labelled by the number, gender or tense that the good sentence's deciding word has."""
    if name in TEMPLATES:
        return tense_pairs(name, ewt.with_name(ewt.name.replace("-train", "-dev")), most=most)
    found = ns.read_pairs(blimp / f"{name}.jsonl")[:most]
    labelled = []
    for pair in found:
        word = next((a for a, b in zip(pair.good, pair.bad, strict=False) if a != b), "").strip(".").lower()
        if word in GENDERED and name.startswith("anaphor_gender"):
            labelled.append(replace(pair, label=GENDERED[word]))
            continue
        number = "NNS" if word in PLURAL else "NN" if word in SINGULAR else None
        if name == "regular_plural_subject_verb_agreement_1" and number is None:
            number = "NN" if word.endswith("s") else "NNS"
        labelled.append(replace(pair, label=number))
    return labelled


def tense_pairs(name: str, ewt: Path, *, most: int) -> list[ns.MinimalPair]:
    """Templates filled with verbs of a part of EWT that is not ranked: VBD where past is right, VBZ where present is."""
    found = ns.load_corpus(ewt, properties=["lemma", "xpos", "upos"])
    tenses = {"VBD": "Past", "VBZ": "Pres"}
    sentences = [
        replace(
            s,
            labels={
                "lemma": s.labels["lemma"],
                "tense": tuple(
                    tenses.get(str(tag)) if upos == "VERB" else None
                    for tag, upos in zip(s.labels["xpos"], s.labels["upos"], strict=True)
                ),
            },
        )
        for s in found.sentences
    ]
    return ns.pairs_from_templates(ns.Corpus(sentences, name="ewt"), TEMPLATES[name], prop="tense")[:most]
