"""Kill a study at random moments, again and again, and see that what it leaves in the end is what an undisturbed one leaves.

    python benchmarks/kill_campaign.py --of extract run report --kills 500 300 200 --seed 0 --json kills.json
    python benchmarks/kill_campaign.py --model MODEL --text train.conllu dev.conllu test.conllu

Without a model and text, a random BERT and drawn words are used, so that nothing but the package is needed.

Each child is a fork, so that loading the libraries is paid once; it gets SIGKILL after a random part of the time that an
undisturbed one takes, and is started again until it ends by itself. Then every file must be byte for byte that of the undisturbed
folder, but for wall times, and no file may be left over or be damaged. A line a kind sums up; the exit code is 1 if one differs.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import logging
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS"):
    os.environ[name] = "1"  # a fork has no other threads
os.environ["TOKENIZERS_PARALLELISM"] = "false"

WORDS = {
    "DT": ["the", "a", "some"],
    "NN": ["cat", "dog", "town", "week"],
    "VB": ["sat", "ran", "saw"],
    "JJ": ["old", "red"],
}
PATTERNS = (("DT", "NN", "VB"), ("DT", "JJ", "NN", "VB", "DT", "NN"), ("NN", "VB", "JJ"))
SENTENCES = (60, 15, 15)
"""How many sentences of given text are taken for train, dev and test."""
WALL_TIMES = ("seconds",)
NOT_COMPARED = ("manifest.json", "report.html", "runtime.csv", "runtime.md", "runtime.tex")
"""Of a run's own: they hold wall times. `info --verify` looks at them all the same."""


def make_inputs(folder: Path) -> tuple[Path, list[str]]:
    """A random BERT and three files of text."""
    import torch
    import transformers
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    transformers.utils.logging.disable_progress_bar()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    vocabulary = [*special, *sorted({word for words in WORDS.values() for word in words})]
    rules = Tokenizer(models.WordPiece({word: i for i, word in enumerate(vocabulary)}, unk_token="[UNK]"))
    rules.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    rules.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    names = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    model = folder / "tiny"
    transformers.PreTrainedTokenizerFast(tokenizer_object=rules, model_max_length=64, **names).save_pretrained(model)
    torch.manual_seed(0)
    size = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 24}
    config = transformers.BertConfig(vocab_size=len(vocabulary), max_position_embeddings=64, **size)
    transformers.BertModel(config).save_pretrained(model)
    generator = random.Random(0)
    files = []
    for split, n in (("train", 240), ("dev", 40), ("test", 40)):
        lines = ["word\tpos"]
        for _ in range(n):
            lines += [f"{generator.choice(WORDS[tag])}\t{tag}" for tag in generator.choice(PATTERNS)] + [""]
        path = folder / f"{split}.tsv"
        path.write_text("\n".join(lines), encoding="utf-8")
        files.append(str(path))
    return model, files


def slices(texts: list[Path], folder: Path) -> list[str]:
    """The beginnings of CoNLL-U files: a study of them takes seconds, not hours."""
    files = []
    for path, n in zip(texts, SENTENCES, strict=True):
        sentences = path.read_text(encoding="utf-8").split("\n\n")[:n]
        files.append(str(folder / path.name))
        Path(files[-1]).write_text("\n\n".join([*sentences, ""]), encoding="utf-8")
    return files


def contents(folder: Path) -> dict[str, str]:
    """Digest of every file that must be the same, wall times taken out."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if not path.is_file() or (path.name in NOT_COMPARED and "activations" not in name):
            continue
        data = path.read_bytes()
        if name.startswith("cells") and path.suffix == ".json":
            content = json.loads(data)
            data = json.dumps({k: v for k, v in content.items() if k not in (*WALL_TIMES, "sha256")}).encode()
        found[name] = hashlib.sha256(data).hexdigest()
    return found


def child(work: Callable[[], object], delay: float | None) -> bool:
    """Do the work in a fork, which is killed after `delay` seconds; whether it ended by itself before that."""
    number = os.fork()
    if number == 0:
        code = 1
        try:
            logging.disable(logging.CRITICAL)
            work()
            code = 0
        except Exception as error:  # the parent sees the code
            print(f"  {type(error).__name__}: {error}", file=sys.stderr, flush=True)
        finally:
            os._exit(code)
    deadline = None if delay is None else time.monotonic() + delay
    while True:
        ended, status = os.waitpid(number, os.WNOHANG)
        if ended:
            if status:
                raise RuntimeError(f"a process ended with {status}")
            return True
        if deadline is not None and time.monotonic() >= deadline:
            os.kill(number, signal.SIGKILL)
            os.waitpid(number, 0)
            return False
        time.sleep(0.001)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--kills", nargs="+", type=int, default=[1000], help="Kills of each kind: one number, or one a kind."
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--of", nargs="+", choices=["extract", "run", "report"], default=["extract", "run", "report"])
    parser.add_argument("--model", type=Path, help="A model's folder in place of a random BERT.")
    parser.add_argument("--text", nargs=3, type=Path, help="CoNLL-U files of train, dev and test; slices are studied.")
    parser.add_argument("--json", type=Path, help="Write the figures to this file.")
    args = parser.parse_args()
    if bool(args.model) != bool(args.text):
        parser.error("--model and --text go together")
    shares = args.kills if len(args.kills) > 1 else args.kills * len(args.of)
    if len(shares) != len(args.of):
        parser.error("--kills takes one number, or one for each kind of --of")
    base = Path(tempfile.mkdtemp(prefix="neurosieve-kills-"))
    found: list[dict[str, object]] = []
    try:
        for kind, kills in zip(args.of, shares, strict=True):
            found.append(campaign(kind, base, kills, args.seed, given=(args.model, args.text)))
            if args.json:
                note = {"model": args.model.name if args.model else "random BERT", "seed": args.seed, "kinds": found}
                args.json.write_text(json.dumps(note, indent=1) + "\n", encoding="utf-8")
    finally:
        shutil.rmtree(base, ignore_errors=True)
    print(f"all: {sum(f['kills'] for f in found)} kills, {sum(f['differ'] for f in found)} folders differ", flush=True)
    sys.exit(any(f["differ"] for f in found))


def campaign(
    kind: str, base: Path, kills: int, seed: int, *, given: tuple[Path | None, list[Path]]
) -> dict[str, object]:
    """Kill so many times, print the summary, and return its figures."""
    import matplotlib.pyplot  # noqa: F401 (what forks would load again and again)
    import transformers.models.llama.modeling_llama  # noqa: F401

    import neurosieve as ns
    from neurosieve.activations import extract as extraction
    from neurosieve.runs.verify import verify
    from neurosieve.study.settings import StudySettings
    from neurosieve.study.steps import extract_into

    folder = Path(tempfile.mkdtemp(dir=base))
    model, prop = given[0], "upos"
    if model is not None:
        files = slices(given[1], folder)
    else:
        (model, files), prop = make_inputs(folder), "pos"
    extraction.SHARD_BYTES = 1  # several shards
    quick = {
        "solver": "adam",
        "grid": "quick",
        "seeds": 2,
        "step": 0.25,
        "epochs": 2,
        "rare_labels": "keep",
        "neuron_pages": 3,
    }
    settings = StudySettings.checked(
        {
            "models": [{"path": str(model), "device": "cpu"}],
            "corpora": [{"files": files, "properties": [prop]}],
            "probes": quick,
        }
    )

    def whole(out: Path) -> None:
        ns.run_study(settings, out)

    steps: dict[str, Callable[[Path], object]] = {
        "extract": lambda out: extract_into(settings, out),
        "run": whole,
        "report": lambda out: ns.open_run(out).report(),
    }
    undisturbed = folder / "undisturbed"
    if kind == "report":
        child(lambda: whole(undisturbed), None)
    started = time.monotonic()
    child(lambda: steps[kind](undisturbed), None)
    lasts = time.monotonic() - started
    expected = contents(undisturbed)
    generator = random.Random(f"{kind} {seed}")
    done = rounds = differ = 0
    started = time.monotonic()
    while done < kills:
        out = folder / f"round-{rounds}"
        if kind == "report":
            shutil.copytree(undisturbed, out)
        while done < kills and not child(lambda out=out: steps[kind](out), generator.uniform(0, 1.05 * lasts)):
            done += 1
        child(lambda out=out: (whole if kind == "report" else steps[kind])(out), None)
        found = contents(out)
        changed = sorted(name for name in {*expected, *found} if expected.get(name) != found.get(name))
        problems = [] if kind == "extract" else verify(out)[0]["file"].tolist()
        if changed or problems:
            differ += 1
            print(f"  round {rounds}: {', '.join([*changed, *problems])}", file=sys.stderr)
        rounds += 1
        shutil.rmtree(out)
    print(
        f"{kind}: {done} kills in {rounds} folders, {differ} folders differ (seed {seed}, {lasts:.1f} s undisturbed)",
        flush=True,
    )
    figures = {"kind": kind, "kills": done, "folders": rounds, "differ": differ}
    return {**figures, "undisturbed_s": round(lasts, 2), "campaign_s": round(time.monotonic() - started)}


if __name__ == "__main__":
    main()
