"""Study a million words under a limit of the address space, and see that memory and rate are steady and no file stays open.

    python benchmarks/soak.py --model MODEL --text train.conllu --words 1000000 --limit-gb 6 --json soak.json

Sentences of the text are drawn again and again until there are enough words. Extraction, search (on a small grid), minimal sets and
all that follows run in a process of their own, which may map no more than the limit; once a second it notes its memory, its open
files, its processor time and how far it is. A line a stage sums up. The exit code is 1 if memory grows from the middle of a stage
to its end by more than a tenth of the limit, if extraction needs a third more time for the second half, or if a file stays open.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(name, "1")
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"
SHARES = {"train": 0.9, "dev": 0.05, "test": 0.05}
SLOWER = 1.34


def write_text(source: Path, folder: Path, n_words: int, seed: int) -> list[str]:
    """Draw sentences of a CoNLL-U file until there are `n_words`; words with their UPOS, a file a split."""
    sentences = []
    for block in source.read_text(encoding="utf-8").split("\n\n"):
        rows = [line.split("\t") for line in block.splitlines() if line[:1].isdigit()]
        words = [f"{row[1]}\t{row[3]}" for row in rows if row[0].isdigit()]
        if words:
            sentences.append(words)
    rng, files = random.Random(seed), []
    for split, share in SHARES.items():
        files.append(str(folder / f"{split}.tsv"))
        left = round(share * n_words)
        with Path(files[-1]).open("w", encoding="utf-8") as file:
            file.write("word\tupos\n")
            while left > 0:
                words = rng.choice(sentences)
                left -= len(words)
                file.write("\n".join([*words, "", ""]))
    return files


def status(key: str) -> int:
    """Bytes that the system tells of this process."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(key + ":"):
            return 1024 * int(line.split()[1])
    return 0


def open_files() -> list[str]:
    """Files that the process has open, but for pipes, devices and what belongs to the system."""
    found = []
    for entry in Path("/proc/self/fd").iterdir():
        try:
            target = str(entry.readlink())
        except OSError:
            continue
        if target.startswith("/") and not target.startswith(("/dev", "/proc", "/sys")):
            found.append(target)
    return sorted(found)


def work(job: dict[str, Any]) -> None:
    """Run the study under the limit, and note memory, files and progress."""
    limit = int(job["limit"])
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    import neurosieve as ns
    from neurosieve.study.settings import StudySettings

    now: dict[str, Any] = {"title": "start", "done": 0.0, "total": 0.0}
    series: list[list[Any]] = []
    stop = threading.Event()

    def report(title: str) -> Any:
        now.update(title=title, done=0.0, total=0.0)

        def advance(done: float, total: float) -> None:
            now.update(done=done, total=total)

        return advance

    def watch() -> None:
        while not stop.wait(1.0):
            state = (now["title"], now["done"], now["total"])
            series.append(
                [round(time.process_time(), 2), *state, status("RssAnon"), status("VmSize"), len(open_files())]
            )

    watcher = threading.Thread(target=watch, daemon=True)
    before = open_files()
    watcher.start()
    started = time.monotonic()
    ns.run_study(StudySettings.checked(job["settings"]), job["out"], report=report)
    seconds = time.monotonic() - started
    stop.set()
    watcher.join()
    left = sorted(set(open_files()) - set(before))
    own = [path for path in left if path.startswith(job["base"])]
    answer = {
        "seconds": seconds,
        "series": series,
        "left_open": own,
        "peak_as": status("VmPeak"),
        "peak_rss": status("VmHWM"),
    }
    Path(job["answer"]).write_text(json.dumps(answer), encoding="utf-8")


def summed(series: list[list[Any]]) -> list[dict[str, Any]]:
    """A row a stage: how long, memory, most open files, and what was done in a second of the processor in both halves."""
    rows = []
    for title in dict.fromkeys(row[1] for row in series):
        own = [row for row in series if row[1] == title]
        half = len(own) // 2
        rates = []
        moving = [row for row in own if row[2] > 0]
        for part in (moving[: len(moving) // 2], moving[len(moving) // 2 :]):
            if len(part) > 2 and part[-1][0] > part[0][0]:
                rates.append((part[-1][2] - part[0][2]) / (part[-1][0] - part[0][0]))
        rows.append(
            {
                "stage": title,
                "seconds": len(own),
                "rss_mb_middle": round(own[half][4] / 1e6),
                "rss_mb_end": round(own[-1][4] / 1e6),
                "rss_mb_most": round(max(row[4] for row in own) / 1e6),
                "open_files_most": max(row[6] for row in own),
                "per_cpu_s_first_half": round(rates[0], 1) if len(rates) == 2 else None,
                "per_cpu_s_second_half": round(rates[1], 1) if len(rates) == 2 else None,
            }
        )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--text", type=Path, help="A CoNLL-U file.")
    parser.add_argument("--words", type=int, default=1_000_000)
    parser.add_argument("--limit-gb", type=float, default=6.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--job", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.job:
        work(json.loads(Path(args.job).read_text(encoding="utf-8")))
        return
    if args.model is None or args.text is None:
        parser.error("give --model and --text")
    with tempfile.TemporaryDirectory(prefix="neurosieve-soak-") as base:
        files = write_text(args.text, Path(base), args.words, args.seed)
        probes = {"solver": "adam", "grid": "quick", "seeds": 1, "epochs": 1, "step": 0.25, "deltas": [0.02]}
        limits = {"memory_limit": f"{args.limit_gb / 4:g}GB", "neuron_pages": 5}
        job = {
            "limit": int(args.limit_gb * 1e9),
            "base": base,
            "out": str(Path(base, "run")),
            "answer": str(Path(base, "answer.json")),
            "settings": {
                "models": [{"path": str(args.model), "device": "cpu"}],
                "corpora": [{"files": files, "properties": ["upos"]}],
                "probes": {**probes, **limits},
            },
        }
        request = Path(base, "job.json")
        request.write_text(json.dumps(job), encoding="utf-8")
        done = subprocess.run([sys.executable, __file__, "--job", str(request)], check=False)
        if done.returncode:
            print(f"ended with {done.returncode}")
            sys.exit(1)
        found = json.loads(Path(job["answer"]).read_text(encoding="utf-8"))
    rows = summed(found.pop("series"))
    for row in rows:
        print(", ".join(f"{key} {value}" for key, value in row.items() if value is not None))
    grown = [row["stage"] for row in rows if row["rss_mb_end"] - row["rss_mb_middle"] > 100 * args.limit_gb]
    first, second = "per_cpu_s_first_half", "per_cpu_s_second_half"
    slower = [
        row["stage"]
        for row in rows
        if "activations" in row["stage"] and row[second] and row[first] > SLOWER * row[second]
    ]
    print(
        f"all: {args.words:,} words in {found['seconds']:.0f} s under {args.limit_gb:g} GB: at most "
        f"{found['peak_rss'] / 1e9:.2f} GB resident and {found['peak_as'] / 1e9:.2f} GB mapped, "
        f"{len(found['left_open'])} files left open; grown: {grown or 'no stage'}; slower: {slower or 'no'}"
    )
    if args.json:
        args.json.write_text(
            json.dumps(
                {"words": args.words, "limit_gb": args.limit_gb, "model": args.model.name, **found, "stages": rows},
                indent=1,
            )
            + "\n",
            encoding="utf-8",
        )
    sys.exit(1 if grown or slower or found["left_open"] else 0)


if __name__ == "__main__":
    main()
