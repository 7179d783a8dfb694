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
import pandas as pd

import neurosieve as ns
from neurosieve.activations.store import is_complete
from neurosieve.experiments.interventions.changes import Change, Editor
from neurosieve.experiments.interventions.completeness import Checker
from neurosieve.experiments.interventions.effects import Bootstrap
from neurosieve.experiments.interventions.pairs import ask_about, log_odds
from neurosieve.experiments.interventions.statistics import neuron_statistics

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
CURVE = (1, 2, 3, 5, 7, 10, 20, 50, 100, 200, 500)
"""Sizes at which top sets alone are edited, to find the smallest that breaks what the model says."""
DOSED = {"number": ("NN", "NNS"), "gender": ("Masc", "Fem"), "tense": (), "polarity": ()}
"""Labels between which is translated, where pairs call for one of them."""
DOSES, DOSED_SIZES = (0.25, 0.5, 1.0, 1.5, 2.0), (10, 50)
GENDERED = {"himself": "Masc", "herself": "Fem"}
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
    """A third each of sentences with gender, negation and nouns (0: all); three fifths for train, one each dev and test."""
    found = ns.load_corpus(path, properties=COLUMNS)
    split = ("train", "train", "train", "dev", "test")
    if not most:
        everything = [replace(s, labels=labels(s), split=split[i % 5]) for i, s in enumerate(found.sentences)]
        return ns.Corpus(everything, name="ewt", properties=tuple(TASKS))
    known = [replace(s, labels=labels(s)) for s in found.sentences if 5 <= len(s.words) <= 30]
    chosen: dict[int, ns.Sentence] = {}
    for prop, wanted in (("gender", GENDERS), ("polarity", ("negative",)), ("number", NOUNS)):
        fitting = [i for i, s in enumerate(known) if i not in chosen and set(s.labels[prop]) & set(wanted)]
        chosen |= {i: known[i] for i in fitting[: most // 3]}
    generator = np.random.default_rng(0)
    order = generator.permutation(sorted(chosen))
    sentences = [replace(chosen[i], split=split[place % 5]) for place, i in enumerate(order.tolist())]
    return ns.Corpus(sentences, name="ewt", properties=tuple(TASKS))


def pairs_of(name: str, blimp: Path, *, most: int) -> list[ns.MinimalPair]:
    """Pairs of one set, labelled by the number or gender that the good sentence's deciding word has."""
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


def rankings(splits: ns.Splits, *, probes: list[str]) -> dict[str, ns.NeuronRanking]:
    """Rankings that are compared: by weight mass of probes, by means, by effect size, and at random."""
    known = splits.train
    made = {"effect size": effect_size(splits), "probeless": ns.rank("probeless", split=splits)}
    specs = [ns.ProbeSpec(known.y, l1=1e-3, l2=1e-3, random_state=0)]
    for name, solver, options in (("Adam", "adam", {}), ("exact", "exact", {"tol": 0.05})):
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
    parser.add_argument("--checked", type=int, default=80, help="sentences by which completeness is told")
    parser.add_argument("--texts", type=int, default=20)
    parser.add_argument("--doses", action="store_true", help="translate with all controls, by effect size")
    parser.add_argument("--curves-only", action="store_true", help="top sets alone, without controls and verdicts")
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
    test = [s.words for s in text.sentences if s.split == "test" and 5 <= len(s.words) <= 25][: given.texts]
    for prop in given.only:
        splits = ns.Splits.from_store(store, prop)
        found = rankings(splits, probes=given.probes)
        found = {name: found[name] for name in given.rankings or found if name in found}
        checker: bool | Checker = False
        if not given.curves_only:
            others = {name: ns.Splits.from_store(store, name) for name in TASKS if name != prop}
            layers = np.repeat(np.arange(model.n_layers), [layer.width for layer in model.layers])
            checker = Checker(model, splits, others=others, layers=layers, n_sentences=given.checked)
        for task in TASKS[prop]:
            if given.tasks and task not in given.tasks:
                continue
            pairs = pairs_of(task, given.blimp, most=given.pairs)
            for name, ranking in found.items():
                curves(given, model, ranking, splits, prop=prop, task=task, name=name, pairs=pairs)
                for edit, options in [] if given.curves_only else edits(prop, pairs, doses=given.doses):
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
    combine(given.out, given.model.name)


def combine(out: Path, model: str) -> None:
    """All effects so far in one table, and all curves in another."""
    parts = [pd.read_csv(file) for file in sorted(out.glob("*-curves.csv"))]
    if parts:
        pd.concat(parts).round(4).assign(model=model).to_csv(out / "used_curves.csv", index=False)
    effects = []
    keys = ["set", "k", "dose", "edit", "layers"]
    for file in sorted(out.glob("*.effects.csv")):
        stem = file.name.removesuffix(".effects.csv")
        said = json.loads((out / f"{stem}.json").read_text(encoding="utf-8"))
        values = pd.read_csv(out / f"{stem}.csv")
        right = values[values["outcome"] == "accuracy"].groupby(keys)[["value", "intact"]].mean()
        right.columns = ["accuracy", "intact_accuracy"]
        about = {"model": model, **{name: said[name] for name in ("intact", "pairs", "completeness", "verdict")}}
        effects.append(pd.read_csv(file).merge(right.reset_index(), on=keys).assign(**about))
    if effects:
        pd.concat(effects).round(4).to_csv(out / "used.csv", index=False)


def curves(
    given: argparse.Namespace,
    model: ns.LanguageModel,
    ranking: ns.NeuronRanking,
    splits: ns.Splits,
    *,
    prop: str,
    task: str,
    name: str,
    pairs: list[ns.MinimalPair],
) -> None:
    """Top sets alone, without controls: set to means by size, and translated by dose; one row a version."""
    stem = f"{given.site}-{prop}-{task}-{name}-curves".replace(" ", "-").replace(",", "")
    file = given.out / f"{stem}.csv"
    if file.exists():
        return
    editor = Editor(model.layers, neuron_statistics(splits.train), splits.train)
    asked = ask_about(model, pairs, reading=READING.get(task))
    sizes = [k for k in CURVE if k <= splits.n_neurons // 10]
    about = [("mean", k, 1.0, Change("mean")) for k in sizes]
    if len(DOSED[prop]) == 2 and any(pair.label == DOSED[prop][0] for pair in asked.pairs):
        of, to = DOSED[prop]
        about += [("translate", k, dose, Change("translate", of, to, dose=dose)) for k in DOSED_SIZES for dose in DOSES]
    intact, *found = log_odds(model, asked.asked, [editor.edits(ranking.top(k), change) for _, k, _, change in about])
    rows = []
    for (edit, k, dose, _), values in zip(about, found, strict=True):
        here = [i for i, pair in enumerate(asked.pairs) if edit == "mean" or pair.label == DOSED[prop][0]]
        low, high = Bootstrap(len(here)).mean(values[here])
        numbers = {"accuracy": (values[here] > 0).mean(), "value": values[here].mean(), "low": low, "high": high}
        before = {"intact_accuracy": (intact[here] > 0).mean(), "intact": intact[here].mean(), "pairs": len(here)}
        where = {
            "property": prop,
            "site": given.site,
            "task": task,
            "ranking": name,
            "edit": edit,
            "k": k,
            "dose": dose,
        }
        rows.append({**where, **numbers, **before})
    pd.DataFrame(rows).to_csv(file, index=False)
    broken = [row["k"] for row in rows if row["edit"] == "mean" and row["accuracy"] <= 0.5]
    print(stem, "at chance from", min(broken, default=None), flush=True)


def edits(prop: str, pairs: list[ns.MinimalPair], *, doses: bool) -> list[tuple[str, dict[str, object]]]:
    """Means for all; of number also the translation from singular to plural, with doses."""
    made: list[tuple[str, dict[str, object]]] = [("mean", {})]
    if doses and prop == "number" and any(pair.label == "NN" for pair in pairs):
        made.append(("translate", {"of": "NN", "to": "NNS", "doses": (1.0, 0.0, 0.5, 1.5, 2.0)}))
    return made


if __name__ == "__main__":
    main()
