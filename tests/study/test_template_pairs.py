"""Pairs made from an annotated corpus: the right forms, in a known order, and errors in a line."""

from __future__ import annotations

import pytest

import neurosieve as ns
from neurosieve.errors import NeurosieveError

TENSES = {"Past": ["yesterday she {} .", "last year {} then"], "Pres": ["these days she {} ."]}


def corpus(*words: tuple[str, str, str | None]) -> ns.Corpus:
    forms, lemmas, tenses = zip(*words, strict=True)
    return ns.Corpus([ns.Sentence(forms, {"lemma": lemmas, "tense": tenses}), ns.Sentence(("so",), {})], name="few")


WALK = (("Walked", "walk", "Past"), ("walked", "walk", "Past"), ("walks", "walk", "Pres"), ("walk", "walk", None))
SAY = (*[("said", "say", "Past")] * 3, *[("says", "say", "Pres")] * 2, ("sayeth", "say", "Pres"))
OTHER = (
    ("put", "put", "Past"),
    ("put", "put", "Pres"),
    ("ran", "run", "Past"),
    ("'s", "go", "Pres"),
    ("went", "go", "Past"),
)


def test_a_lemma_gives_each_template_both_forms_and_the_commonest_comes_first() -> None:
    pairs = ns.pairs_from_templates(corpus(*WALK, *OTHER, *SAY), TENSES, prop="tense")
    assert [(" ".join(p.good), " ".join(p.bad), p.label) for p in pairs] == [
        ("yesterday she said .", "yesterday she says .", "Past"),
        ("these days she says .", "these days she said .", "Pres"),
        ("last year said then", "last year says then", "Past"),
        ("yesterday she walked .", "yesterday she walks .", "Past"),
        ("these days she walks .", "these days she walked .", "Pres"),
        ("last year walked then", "last year walks then", "Past"),
    ]
    assert pairs[2].where == "say, Past, template 2"


def refused(message: str, templates: dict[str, list[str]], prop: str = "tense", *words: tuple[str, str, str]) -> None:
    with pytest.raises(NeurosieveError, match=message) as error:
        ns.pairs_from_templates(corpus(*(words or WALK)), templates, prop=prop)
    assert "\n" not in str(error.value)


def test_what_makes_no_pair_is_said() -> None:
    refused("templates are given for Past; expected two labels", {"Past": ["she {}"]})
    refused("expected two labels, each with a sentence", {"Past": ["she {}"], "Pres": []})
    refused("'she' has not one word {}", {"Past": ["she {}"], "Pres": ["she"]})
    refused("corpus 'few' has no property 'time'; it has lemma, tense", TENSES, "time")
    refused("no 'lemma' of corpus 'few' has different forms with 'tense' Past and Pres", TENSES, "tense", *OTHER)
