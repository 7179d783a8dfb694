"""Give rubbish to every reader, and see that each input is read or refused in a line.

    python benchmarks/fuzz.py --seconds 60
    python benchmarks/fuzz.py --seconds 2400 --engine atheris --seeds FOLDER --json fuzz.json --keep faults

Each reader (`fuzz_readers.py`) has a process of its own, a fork. `mutate` changes well-formed inputs by bytes, lines, fields,
numbers and, in JSON, values; `atheris` (where it is installed) also keeps what reaches code that no input reached before. An
input is a fault if anything but a `NeurosieveError` with one line of text comes out of it, if it takes more than five seconds of
the processor, or if memory grows beyond the bound. A line a reader sums up; faults are told once a place, and the exit code is
then 1.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import multiprocessing
import os
import random
import resource
import shutil
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(name, "1")
os.environ["HF_HUB_OFFLINE"] = "1"
HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

LONGEST = 5.0
"""Seconds of the processor that one input may take."""
MOST_MEMORY = 1 << 30
"""Bytes by which a reader's process may grow while it reads."""
LARGEST = 1 << 16
"""Bytes of an input."""
TOLD = 400
"""Characters of a fault that are told."""
NUMBERS = (b"0", b"-1", b"1e309", b"NaN", b"Infinity", b"99999999999999999999", b"2147483648", b"0.5", b"-0", b"1e-320")
PIECES = (
    b"\t",
    b" ",
    b"\n",
    b"\n\n",
    b"\r",
    b"(",
    b")",
    b"|",
    b"#",
    b"_",
    b"=",
    b"\x00",
    b"\xff",
    b"\xc2\xa0",
    b"\xe2\x80\x8b",
)
VALUES: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    10**30,
    1e308,
    "",
    "x",
    "\x1b[31m\n",
    [],
    [[]],
    {},
    {"a": 1},
    ["x", 1],
    0.5,
)


class Watched:
    """A reader whose inputs are counted, timed and judged."""

    def __init__(self, read: Callable[[bytes], object], expected: type[Exception]) -> None:
        self.read, self.expected = read, expected
        self.counts = {"inputs": 0, "accepted": 0, "refused": 0}
        self.slowest = 0.0
        self.faults: dict[str, tuple[str, bytes]] = {}
        self.memory = _memory()

    def __call__(self, data: bytes) -> None:
        started = time.process_time()
        self.counts["inputs"] += 1
        try:
            self.read(data)
            self.counts["accepted"] += 1
        except self.expected as error:
            self.counts["refused"] += 1
            if "\n" in str(error) or not str(error):
                self._fault(error, "more than one line", data)
        except Exception as error:
            self._fault(error, "escaped", data)
        spent = time.process_time() - started
        if spent > LONGEST:
            self.faults.setdefault("slow", (f"{spent:.1f} s", data))
        if self.counts["inputs"] % 256 == 0 and _memory() > self.memory + MOST_MEMORY:
            self.faults.setdefault("memory", (f"grew to {_memory() / 1e9:.1f} GB", data))
        self.slowest = max(self.slowest, spent)

    def _fault(self, error: Exception, what: str, data: bytes) -> None:
        frames = [f for f in traceback.extract_tb(error.__traceback__) if "neurosieve" in f.filename] or [None]
        last = frames[-1]
        place = "?" if last is None else f"{Path(last.filename).name}:{last.lineno}"
        self.faults.setdefault(
            f"{type(error).__name__} at {place}", (f"{what}: {type(error).__name__}: {error}"[:TOLD], data)
        )

    def figures(self, seconds: float) -> dict[str, Any]:
        grown = max(0, _memory() - self.memory)
        told = {place: text for place, (text, _) in self.faults.items()}
        return {
            **self.counts,
            "seconds": round(seconds, 1),
            "slowest_s": round(self.slowest, 3),
            "grown_mb": round(grown / 1e6),
            "faults": told,
        }


def _memory() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def mutated(data: bytes, rng: random.Random, seeds: tuple[bytes, ...], *, is_json: bool) -> bytes:
    """The input with one to five changes."""
    if is_json and rng.random() < 0.8:
        try:
            content = json.loads(data)
        except (ValueError, RecursionError):
            content = None
        if content is not None:
            for _ in range(rng.randint(1, 3)):
                content = _exchanged(content, rng)
            return json.dumps(content).encode()[:LARGEST]
    for _ in range(rng.randint(1, 5)):
        data = rng.choice(CHANGES)(data, rng, seeds)
    return data[:LARGEST]


def _exchanged(value: Any, rng: random.Random) -> Any:
    """JSON in which one value is another, or gone."""
    if isinstance(value, dict) and value and rng.random() < 0.93:
        key = rng.choice(list(value))
        if rng.random() < 0.1:
            return {k: v for k, v in value.items() if k != key}
        return {**value, key: _exchanged(value[key], rng)}
    if isinstance(value, list) and value and rng.random() < 0.93:
        at = rng.randrange(len(value))
        if rng.random() < 0.1:
            return value[:at] + value[at + 1 :]
        return [*value[:at], _exchanged(value[at], rng), *value[at + 1 :]]
    return rng.choice(VALUES)


def _flip(data: bytes, rng: random.Random, _: tuple[bytes, ...]) -> bytes:
    at = rng.randrange(len(data) + 1)
    return data[:at] + bytes([rng.randrange(256)]) + data[at + 1 :]


def _insert(data: bytes, rng: random.Random, _: tuple[bytes, ...]) -> bytes:
    at = rng.randrange(len(data) + 1)
    return data[:at] + rng.choice((*PIECES, *NUMBERS)) * rng.choice((1, 1, 1, 2, 50)) + data[at:]


def _cut(data: bytes, rng: random.Random, _: tuple[bytes, ...]) -> bytes:
    a, b = sorted(rng.randrange(len(data) + 1) for _ in range(2))
    return data[:a] + data[min(b, a + rng.choice((1, 8, 1000))) :] if rng.random() < 0.9 else data[:a]


def _double(data: bytes, rng: random.Random, _: tuple[bytes, ...]) -> bytes:
    a, b = sorted(rng.randrange(len(data) + 1) for _ in range(2))
    return data[:b] + data[a:b][:2000] * rng.choice((1, 3)) + data[b:]


def _lines(data: bytes, rng: random.Random, _: tuple[bytes, ...]) -> bytes:
    lines = data.split(b"\n")
    a, b = rng.randrange(len(lines)), rng.randrange(len(lines))
    lines[a], lines[b] = lines[b], lines[a]
    return b"\n".join(lines)


def _field(data: bytes, rng: random.Random, _: tuple[bytes, ...]) -> bytes:
    by = rng.choice((b"\t", b" ", b",", b"|", b":", b"="))
    parts = data.split(by)
    at = rng.randrange(len(parts))
    parts[at] = rng.choice((b"", rng.choice(NUMBERS), rng.choice(PIECES), rng.choice(parts)))
    return by.join(parts)


def _splice(data: bytes, rng: random.Random, seeds: tuple[bytes, ...]) -> bytes:
    other = rng.choice(seeds)
    return data[: rng.randrange(len(data) + 1)] + other[rng.randrange(len(other) + 1) :]


CHANGES = (_flip, _insert, _cut, _double, _lines, _field, _splice)


def child(args: argparse.Namespace, name: str, reader: Any, folder: Path, seconds: float) -> None:
    """Fuzz one reader and write its figures; also from time to time, as atheris ends the process."""
    from neurosieve.errors import NeurosieveError

    watched, started, answer = Watched(reader.read, NeurosieveError), time.monotonic(), folder / "answer.json"
    noted = [0.0]

    def note() -> None:
        noted[0] = time.monotonic()
        answer.write_text(json.dumps(watched.figures(noted[0] - started)), encoding="utf-8")
        for number, (_, data) in enumerate(watched.faults.values()):
            if args.keep:
                Path(args.keep).mkdir(parents=True, exist_ok=True)
                Path(args.keep, f"{name}-{number}").write_bytes(data)

    def once(data: bytes) -> None:
        watched(data)
        if time.monotonic() - noted[0] > 1:
            note()

    rng = random.Random(f"{name} {args.seed}")
    for seed in reader.seeds:
        once(seed)
    begun = time.monotonic()  # the first input loads what the reader needs
    if args.engine == "mutate":
        while time.monotonic() < begun + seconds:
            once(mutated(rng.choice(reader.seeds), rng, reader.seeds, is_json=reader.json))
        note()
        return

    def custom(data: bytes, most: int, seed: int) -> bytes:
        own = random.Random(seed)
        if own.random() < 0.5:
            return atheris.Mutate(data, most)
        return mutated(data, own, reader.seeds, is_json=reader.json)[:most]

    import atheris

    corpus = folder / "corpus"
    corpus.mkdir()
    for number, seed in enumerate(reader.seeds):
        (corpus / str(number)).write_bytes(seed)
    options = [
        f"-max_total_time={max(1, round(seconds))}",
        f"-max_len={LARGEST}",
        "-rss_limit_mb=0",
        f"-seed={args.seed + 1}",
    ]
    atheris.Setup([sys.argv[0], *options, "-verbosity=0", str(corpus)], once, custom_mutator=custom)
    atheris.Fuzz()


def prepared(args: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """All readers; for atheris the package is loaded in a way that tells which of its code runs."""
    warnings.simplefilter("ignore")
    more = Path(args.seeds) if args.seeds else None
    if args.engine == "mutate":
        import fuzz_readers

        return fuzz_readers.readers(folder, more)
    import atheris

    with atheris.instrument_imports(include=["neurosieve"]):
        import fuzz_readers

        found = fuzz_readers.readers(folder, more)
        for reader in found.values():  # whose imports are late
            with contextlib.suppress(Exception):
                reader.read(reader.seeds[0])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60, help="For all readers together.")
    parser.add_argument("--engine", choices=["mutate", "atheris"], default="mutate")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seeds", help="A folder of annotated text to begin from as well.")
    parser.add_argument("--only", nargs="+", help="Names of readers.")
    parser.add_argument("--json", type=Path, help="Write the figures to this file.")
    parser.add_argument("--keep", help="Write inputs that are faults into this folder.")
    args = parser.parse_args()
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(prefix="neurosieve-fuzz-", dir=memory if memory.is_dir() else None) as base:
        folder = Path(base, "files")
        readers = prepared(args, folder)
        shutil.copytree(folder, Path(base, "whole"))
        names = args.only or list(readers)
        found = {}
        for name in names:
            found[name] = _one(args, name, readers[name], Path(base), args.seconds / len(names))
            print(_line(name, found[name]), flush=True)
            if args.json:
                args.json.write_text(json.dumps(_summed(args, found), indent=1) + "\n", encoding="utf-8")
        whole = _summed(args, found)
        print(f"all: {whole['inputs']:,} inputs, {whole['refused']:,} refused in a line, {whole['n_faults']} faults")
    sys.exit(1 if whole["n_faults"] else 0)


def _one(args: argparse.Namespace, name: str, reader: Any, base: Path, seconds: float) -> dict[str, Any]:
    """Run one reader's process; one that ends otherwise than by itself is a fault, too."""
    files, own = base / "files", base / name
    shutil.rmtree(files)
    shutil.copytree(base / "whole", files)
    own.mkdir()
    process = multiprocessing.get_context("fork").Process(target=child, args=(args, name, reader, own, seconds))
    process.start()
    process.join(seconds + 120)
    ended = None if process.exitcode == 0 else f"ended with {process.exitcode}"
    if process.is_alive():
        process.kill()
        process.join()
        ended = "does not end"
    answer = own / "answer.json"
    figures = json.loads(answer.read_text(encoding="utf-8")) if answer.is_file() else {"faults": {}}
    if ended:
        figures["faults"]["process"] = ended
    shutil.rmtree(own)
    return figures


def _line(name: str, figures: dict[str, Any]) -> str:
    told = ", ".join(f"{figures.get(key, 0):,} {key}" for key in ("inputs", "accepted", "refused"))
    faults = "".join(f"\n  {place}: {text!r}" for place, text in figures["faults"].items())
    slowest, grown = figures.get("slowest_s", 0), figures.get("grown_mb", 0)
    return f"{name}: {told}, slowest {slowest:.2f} s, grew {grown} MB, {len(figures['faults'])} faults{faults}"


def _summed(args: argparse.Namespace, found: dict[str, dict[str, Any]]) -> dict[str, Any]:
    sums = {key: sum(f.get(key, 0) for f in found.values()) for key in ("inputs", "accepted", "refused", "seconds")}
    faults = sum(len(f["faults"]) for f in found.values())
    return {"engine": args.engine, "seed": args.seed, **sums, "n_faults": faults, "readers": found}


if __name__ == "__main__":
    main()
