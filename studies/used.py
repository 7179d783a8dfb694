"""Does a language model use the neurons that a ranking finds? Tables behind docs/used.md.

    python studies/used.py --model FOLDER --ewt en_ewt-ud-dev.conllu --blimp FOLDER --site mlp --out OUT [--only number]

Neurons are ranked on labels of English EWT; what the model then prefers is measured on minimal pairs of BLiMP.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

import numpy as np

import neurosieve as ns
from neurosieve.activations.store import is_complete

NOUNS, FINITE = {"NN": "NN", "NNS": "NNS"}, {"VBD": "past", "VBZ": "present", "VBP": "present"}
TASKS = {
    "number": ("distractor_agreement_relational_noun", "regular_plural_subject_verb_agreement_1"),
    "gender": ("anaphor_gender_agreement",),
    "tense": ("distractor_agreement_relational_noun",),
    "polarity": ("sentential_negation_npi_licensor_present",),
}
"""For each property the sets of BLiMP; tense decides nothing in its set, which is there to show what is not used."""
SIZES = (1, 10, 50, 200)
READING = {"sentential_negation_npi_licensor_present": "rest"}
PLURAL = ("have", "haven't", "are", "aren't", "were", "weren't", "do", "don't", "themselves")
SINGULAR = ("has", "hasn't", "is", "isn't", "was", "wasn't", "does", "doesn't", "himself", "herself", "itself")


def labels(sentence: ns.Sentence) -> dict[str, tuple[str | None, ...]]:
    """The four properties of a sentence of EWT."""
    tags, words = sentence.labels["xpos"], [word.lower() for word in sentence.words]
    none = ("not", "n't", "never", "no", "none", "nothing", "nobody")
    he, she = ("he", "him", "his", "himself"), ("she", "her", "hers", "herself")
    return {
        "number": tuple(NOUNS.get(str(tag)) for tag in tags),
        "tense": tuple(FINITE.get(str(tag)) for tag in tags),
        "gender": tuple("he" if w in he else "she" if w in she else None for w in words),
        "polarity": tuple("negative" if w in none else "other" for w in words),
    }


def corpus(path: Path) -> ns.Corpus:
    """Three fifths of the sentences for train, one for dev, one for test."""
    found = ns.load_corpus(path, properties=["xpos"])
    split = ("train", "train", "train", "dev", "test")
    sentences = [replace(s, labels=labels(s), split=split[i % 5]) for i, s in enumerate(found.sentences)]
    return ns.Corpus(sentences, name="ewt", properties=tuple(TASKS))


def pairs_of(name: str, blimp: Path, *, most: int) -> list[ns.MinimalPair]:
    """Pairs of one set, labelled by the number that the good sentence's deciding word has."""
    found = ns.read_pairs(blimp / f"{name}.jsonl")[:most]
    labelled = []
    for pair in found:
        word = next((a for a, b in zip(pair.good, pair.bad, strict=False) if a != b), "").strip(".").lower()
        number = "NNS" if word in PLURAL else "NN" if word in SINGULAR else None
        if name == "regular_plural_subject_verb_agreement_1" and number is None:
            number = "NN" if word.endswith("s") else "NNS"
        labelled.append(replace(pair, label=number))
    return labelled


def rankings(splits: ns.Splits, *, probes: list[str]) -> dict[str, ns.NeuronRanking]:
    """Rankings that are compared: by weight mass of probes, by means, by effect size, and at random."""
    known = splits.train
    made = {"effect size": effect_size(splits), "probeless": ns.rank("probeless", split=splits)}
    specs = [ns.ProbeSpec(known.y, l1=1e-3, l2=1e-3, random_state=0)]
    for name, solver, options in (("Adam", "adam", {}), ("exact", "exact", {"tol": 0.01})):
        if name in probes:
            fitted = ns.fit_probes(known.activations, specs, solver, **options)
            made[f"weight mass, {name}"] = ns.rank(probe=fitted[0])
    order = np.random.default_rng(0).permutation(splits.n_neurons)
    made["random"] = ns.NeuronRanking(
        order, None, None, None, np.array(["any"]), method="random", score=-np.argsort(order).astype(float)
    )
    return {name: replace(ranking, method=name) for name, ranking in made.items()}


def effect_size(splits: ns.Splits) -> ns.NeuronRanking:
    """By the largest difference of two labels' means in standard deviations of the neuron."""
    from neurosieve.experiments.interventions.statistics import neuron_statistics

    s = neuron_statistics(splits.train)
    means = np.stack(list(s.of_label.values()))
    score = (means.max(axis=0) - means.min(axis=0)) / np.sqrt(np.maximum(s.variance, 1e-12))
    return ns.NeuronRanking(
        np.argsort(-score, kind="stable"),
        None,
        None,
        None,
        np.array(list(s.of_label)),
        method="effect size",
        score=score,
    )


def main() -> None:
    """Run what is asked for; each result is written when it is there, and not made again."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("model", "ewt", "blimp", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--site", default="mlp")
    parser.add_argument("--only", nargs="*", default=list(TASKS))
    parser.add_argument("--pairs", type=int, default=200)
    parser.add_argument("--probes", nargs="*", default=["Adam", "exact"])
    parser.add_argument("--extract-only", action="store_true")
    parser.add_argument("--dtype", default="float32")
    given = parser.parse_args()
    store_path = given.out / f"store-{given.site}"
    text = corpus(given.ewt)
    model = ns.load_model(given.model, site=given.site, head=True, dtype=given.dtype)
    if not is_complete(store_path):
        ns.extract(text, model, store_path)
    if given.extract_only:
        return
    store = ns.open_store(store_path)
    test = [s.words for s in text.sentences if s.split == "test" and 5 <= len(s.words) <= 25][:40]
    for prop in given.only:
        splits = ns.Splits.from_store(store, prop)
        found = rankings(splits, probes=given.probes)
        for task in TASKS[prop]:
            pairs = pairs_of(task, given.blimp, most=given.pairs)
            for name, ranking in found.items():
                for edit, options in edits(prop, pairs):
                    stem = f"{given.site}-{prop}-{task}-{name}-{edit}".replace(" ", "-").replace(",", "")
                    file = given.out / f"{stem}.json"
                    if file.exists() or (edit != "mean" and name != "effect size"):
                        continue
                    result = ns.intervene(
                        model,
                        ranking,
                        splits,
                        pairs=pairs,
                        edit=edit,
                        sizes=[k for k in SIZES if k <= splits.n_neurons // 10],
                        reading=READING.get(task),
                        completeness=edit == "mean",
                        texts=test if edit == "mean" and name == "effect size" else (),
                        **options,
                    )
                    result.table.assign(task=task).to_csv(file.with_suffix(".csv"), index=False)
                    result.effects.assign(task=task).to_csv(file.with_suffix(".effects.csv"), index=False)
                    verdict = vars(result.verdict) | {"effect": vars(result.verdict.effect)}
                    file.write_text(
                        json.dumps(
                            {
                                "property": prop,
                                "task": task,
                                "ranking": name,
                                "edit": edit,
                                "pairs": result.n_pairs,
                                **verdict,
                            },
                            indent=1,
                        )
                    )
                    print(stem, result.verdict.verdict, "|", result.verdict.why, flush=True)


def edits(prop: str, pairs: list[ns.MinimalPair]) -> list[tuple[str, dict[str, object]]]:
    """Means for all; of number also the translation from singular to plural, with doses."""
    made: list[tuple[str, dict[str, object]]] = [("mean", {})]
    if prop == "number" and any(pair.label == "NN" for pair in pairs):
        made.append(("translate", {"of": "NN", "to": "NNS", "doses": (1.0, 0.0, 0.5, 1.5, 2.0)}))
    return made


if __name__ == "__main__":
    main()
