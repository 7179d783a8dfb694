"""Does a language model use the neurons that a ranking finds? Tables behind docs/used.md.

    python studies/used.py --model FOLDER --ewt en_ewt-ud-train.conllu --blimp FOLDER --site mlp --out OUT [--only number]

Neurons are ranked on labels of English EWT; what the model then prefers is measured on minimal pairs of BLiMP, and for tense
on pairs made from EWT by templates. Sentences are chosen so that the rarer labels (gender of pronouns, negation) occur
often enough to be probed.
"""

from __future__ import annotations

import argparse
import json
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
from used_data import PROPERTIES, corpus, pairs_of
from used_rankings import RANKERS, ranked

TASKS = {
    "number": ("distractor_agreement_relational_noun", "regular_plural_subject_verb_agreement_1"),
    "gender": ("anaphor_gender_agreement",),
    "tense": ("tense after a clause", "distractor_agreement_relational_noun"),
    "polarity": ("sentential_negation_npi_licensor_present",),
}
"""For each property the sets of pairs; tense decides nothing in the last of its own, which shows what is not used."""
SIZES = (1, 10, 50, 200)
READING = {"sentential_negation_npi_licensor_present": "rest"}
CURVE = (1, 2, 3, 5, 7, 10, 20, 50, 100, 200, 500)
"""Sizes at which top sets alone are edited, to find the smallest that breaks what the model says."""
DOSED = {"number": ("NN", "NNS"), "gender": ("Masc", "Fem"), "tense": ("Past", "Pres"), "polarity": ()}
"""Labels between which is translated, where pairs call for one of them."""
TWIN = 300
"""Sentences of which the untrained twin's activations are ranked."""
DOSES, DOSED_SIZES = (0.25, 0.5, 1.0, 1.5, 2.0), (10, 50)


def main() -> None:
    """Run what is asked for; each result is written when it is there, and not made again."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("model", "ewt", "blimp", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--site", default="mlp")
    parser.add_argument("--only", nargs="*", default=list(PROPERTIES))
    parser.add_argument("--pairs", type=int, default=200)
    parser.add_argument("--rankings", nargs="*", default=list(RANKERS), help="those that are compared (all)")
    parser.add_argument("--tasks", nargs="*", default=None, help="sets of pairs; by default all of each property")
    parser.add_argument("--sizes", type=int, nargs="*", default=list(SIZES))
    parser.add_argument("--sentences", type=int, default=1200)
    parser.add_argument("--checked", type=int, default=80, help="sentences by which completeness is told")
    parser.add_argument("--others", nargs="*", default=[], help="properties of which selectivity is told")
    parser.add_argument("--texts", type=int, default=20)
    parser.add_argument("--curve", type=int, nargs="*", default=list(CURVE), help="sizes of top sets alone")
    parser.add_argument("--dosed", type=int, nargs="*", default=list(DOSED_SIZES), help="sizes that are translated")
    parser.add_argument("--doses", type=float, nargs="*", default=list(DOSES))
    parser.add_argument("--edits", nargs="*", default=["mean"], help="edits (mean, translate) with all controls")
    parser.add_argument("--curves-only", action="store_true", help="top sets alone, without controls and verdicts")
    parser.add_argument(
        "--no-controls", action="store_true", help="leave out the sets of control task and untrained twin"
    )
    parser.add_argument("--extract-only", action="store_true")
    parser.add_argument("--dtype", default="float32")
    given = parser.parse_args()
    text = corpus(given.ewt, most=given.sentences)
    model = ns.load_model(given.model, site=given.site, head=True, dtype=given.dtype)
    store_path, twin_path = (given.out / f"store-{given.site}{which}" for which in ("", "-untrained"))
    if not is_complete(store_path):
        ns.extract(text, model, store_path)
    if not given.no_controls and not is_complete(twin_path):
        twin = ns.load_model(given.model, site=given.site, dtype=given.dtype, untrained=0)
        ns.extract(ns.Corpus(text.sentences[:TWIN], name=text.name, properties=PROPERTIES), twin, twin_path)
    if given.extract_only:
        return
    store = ns.open_store(store_path)
    test = [s.words for s in text.sentences if s.split == "test" and 5 <= len(s.words) <= 25][: given.texts]
    for prop in given.only:
        splits = ns.Splits.from_store(store, prop)
        checker: bool | Checker = False
        if not given.curves_only:
            others = {name: ns.Splits.from_store(store, name) for name in given.others if name != prop}
            layers = np.repeat(np.arange(model.n_layers), [layer.width for layer in model.layers])
            checker = Checker(model, splits, others=others, layers=layers, n_sentences=given.checked)
        labelled = {"": splits.train}
        if not (given.no_controls or given.curves_only):
            labelled["control"] = ns.ControlTask().apply(splits).train
            labelled["untrained"] = ns.Splits.from_store(ns.open_store(twin_path), prop).train
        editor = Editor(model.layers, neuron_statistics(splits.train), splits.train)
        for name in given.rankings:
            orders = {}
            for which, split in labelled.items():
                orders[which] = ranked(name, split, given.out / f"{stem_of(given.site, prop, name, which)}.npy")
            for task in given.tasks or TASKS[prop]:
                pairs = pairs_of(task, given.blimp, ewt=given.ewt, most=given.pairs)
                curves(given, model, orders[""], editor, prop=prop, task=task, name=name, pairs=pairs)
                for edit, options in [] if given.curves_only else edits(prop, pairs, given.edits):
                    file = given.out / f"{stem_of(given.site, prop, task, name, edit)}.json"
                    if file.exists():
                        continue
                    result = ns.intervene(
                        model,
                        orders[""],
                        splits,
                        pairs=pairs,
                        edit=edit,
                        sizes=[k for k in given.sizes if k <= splits.n_neurons // 10],
                        reading=READING.get(task),
                        directions=3,
                        control=orders.get("control") if name != "random" else None,
                        untrained=orders.get("untrained") if name != "random" else None,
                        completeness=checker,
                        texts=test if edit == "mean" and name == "effect size" else (),
                        **options,
                    )
                    result.table.assign(task=task).to_csv(file.with_suffix(".csv"), index=False)
                    result.checks.assign(task=task).to_csv(file.with_suffix(".checks.csv"), index=False)
                    result.effects.assign(task=task).to_csv(file.with_suffix(".effects.csv"), index=False)
                    about = {
                        "property": prop,
                        "site": given.site,
                        "task": task,
                        "ranking": name,
                        "edit": edit,
                        "dtype": given.dtype,
                    }
                    verdict = vars(result.verdict) | vars(result.verdict.effect) | {"pairs": result.n_pairs}
                    del verdict["effect"], verdict["refuted_by"]
                    verdict["effect"] = verdict.pop("value")
                    file.write_text(json.dumps(about | verdict, indent=1), encoding="utf-8")
                    print(file.stem, result.verdict.verdict, "|", result.verdict.why, flush=True)
                combine(given.out, given.model.name)


def stem_of(*parts: str) -> str:
    """What files about something are called."""
    return "-".join(part for part in parts if part).replace(" ", "-").replace(",", "")


def combine(out: Path, model: str) -> None:
    """All effects so far in one table, all curves in another, all verdicts in a third."""
    parts = [pd.read_csv(file) for file in sorted(out.glob("*-curves.csv"))]
    if parts:
        pd.concat(parts).round(4).assign(model=model).to_csv(out / "used_curves.csv", index=False)
    effects, verdicts = [], []
    keys = ["set", "k", "dose", "edit", "layers"]
    for file in sorted(out.glob("*.effects.csv")):
        stem = file.name.removesuffix(".effects.csv")
        said = json.loads((out / f"{stem}.json").read_text(encoding="utf-8"))
        values = pd.read_csv(out / f"{stem}.csv")
        right = values[values["outcome"] == "accuracy"].groupby(keys)[["value", "intact"]].mean()
        right.columns = ["accuracy", "intact_accuracy"]
        about = {name: said[name] for name in ("intact", "pairs", "completeness", "dtype")}
        found = pd.read_csv(file).merge(right.reset_index(), on=keys).assign(model=model, **about)
        effects.append(found.drop(columns="layers"))
        verdicts.append({"model": model, **said})
    if effects:
        pd.concat(effects).round(4).to_csv(out / "used.csv", index=False)
        pd.DataFrame(verdicts).drop(columns="why").round(4).to_csv(out / "used_verdicts.csv", index=False)


def curves(
    given: argparse.Namespace,
    model: ns.LanguageModel,
    ranking: ns.NeuronRanking,
    editor: Editor,
    *,
    prop: str,
    task: str,
    name: str,
    pairs: list[ns.MinimalPair],
) -> None:
    """Top sets alone, without controls: set to means by size, and translated by dose; one row a version."""
    file = given.out / f"{stem_of(given.site, prop, task, name, 'curves')}.csv"
    if file.exists():
        return
    asked = ask_about(model, pairs, reading=READING.get(task))
    sizes = [k for k in given.curve if k <= len(ranking.order) // 10]
    about = [("mean", k, 1.0, Change("mean")) for k in sizes]
    if len(DOSED[prop]) == 2 and any(pair.label == DOSED[prop][0] for pair in asked.pairs):
        of, to = DOSED[prop]
        about += [
            ("translate", k, dose, Change("translate", of, to, dose=dose)) for k in given.dosed for dose in given.doses
        ]
    if not about:
        return
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
            "dtype": given.dtype,
            "task": task,
            "ranking": name,
            "edit": edit,
            "k": k,
            "dose": dose,
        }
        rows.append({**where, **numbers, **before})
    pd.DataFrame(rows).to_csv(file, index=False)
    broken = [row["k"] for row in rows if row["edit"] == "mean" and row["accuracy"] <= 0.5]
    print(file.stem, "at chance from", min(broken, default=None), flush=True)


def edits(prop: str, pairs: list[ns.MinimalPair], wanted: list[str]) -> list[tuple[str, dict[str, str]]]:
    """Means for all; the translation of the labels in `DOSED` where pairs call for the first of them."""
    made: list[tuple[str, dict[str, str]]] = [("mean", {})] if "mean" in wanted else []
    if "translate" in wanted and DOSED[prop] and any(pair.label == DOSED[prop][0] for pair in pairs):
        made.append(("translate", {"of": DOSED[prop][0], "to": DOSED[prop][1]}))
    return made


if __name__ == "__main__":
    main()
