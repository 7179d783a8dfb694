"""Does a language model use the neurons that a ranking finds? Tables behind docs/used.md.

    python studies/used.py --model FOLDER --ewt en_ewt-ud-train.conllu --blimp FOLDER --site mlp --out OUT [--only number]

Neurons are ranked on labels of English EWT; what the model then prefers is measured on minimal pairs of BLiMP. Sentences
are chosen so that the rarer labels (gender of pronouns, negation) occur often enough to be probed.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

import numpy as np

import neurosieve as ns
from neurosieve.activations.store import is_complete
from neurosieve.experiments.interventions.completeness import Checker

NOUNS, FINITE = ("NN", "NNS"), ("VBD", "VBZ", "VBP")
GENDERS = ("Masc", "Fem")
NEGATORS = ("PART", "ADV", "DET")
"""Parts of speech among which are negators: the others of these are what negation is told from."""
COLUMNS = ["xpos", "upos", "Gender", "Tense", "Polarity"]
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
    """A third each of sentences with gender, negation and nouns; three fifths for train, one each for dev and test."""
    found = ns.load_corpus(path, properties=COLUMNS)
    known = [replace(s, labels=labels(s)) for s in found.sentences if 5 <= len(s.words) <= 30]
    chosen: dict[int, ns.Sentence] = {}
    for prop, wanted in (("gender", GENDERS), ("polarity", ("negative",)), ("number", NOUNS)):
        fitting = [i for i, s in enumerate(known) if i not in chosen and set(s.labels[prop]) & set(wanted)]
        chosen |= {i: known[i] for i in fitting[: most // 3]}
    split = ("train", "train", "train", "dev", "test")
    generator = np.random.default_rng(0)
    order = generator.permutation(sorted(chosen))
    sentences = [replace(chosen[i], split=split[place % 5]) for place, i in enumerate(order.tolist())]
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
    parser.add_argument("--rankings", nargs="*", default=None, help="those that are compared; by default all")
    parser.add_argument("--tasks", nargs="*", default=None, help="sets of BLiMP; by default all of each property")
    parser.add_argument("--sizes", type=int, nargs="*", default=list(SIZES))
    parser.add_argument("--sentences", type=int, default=1200)
    parser.add_argument("--extract-only", action="store_true")
    parser.add_argument("--dtype", default="float32")
    given = parser.parse_args()
    store_path = given.out / f"store-{given.site}"
    text = corpus(given.ewt, most=given.sentences)
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
        found = {name: found[name] for name in given.rankings or found if name in found}
        others = {name: ns.Splits.from_store(store, name) for name in TASKS if name != prop}
        layers = np.repeat(np.arange(model.n_layers), [layer.width for layer in model.layers])
        checker = Checker(model, splits, others=others, layers=layers)
        for task in TASKS[prop]:
            if given.tasks and task not in given.tasks:
                continue
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
                        sizes=[k for k in given.sizes if k <= splits.n_neurons // 10],
                        reading=READING.get(task),
                        directions=3,
                        completeness=checker if edit == "mean" else False,
                        texts=test if edit == "mean" and name == "effect size" else (),
                        **options,
                    )
                    result.table.assign(task=task).to_csv(file.with_suffix(".csv"), index=False)
                    result.checks.assign(task=task).to_csv(file.with_suffix(".checks.csv"), index=False)
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
