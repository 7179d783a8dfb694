"""What every bench begins with: options, settings that must precede torch, and sides that run in processes of their own."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from itertools import product
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ENVIRONMENT = {
    "GOMP_SPINCOUNT": "10000",  # as the command line sets it: waiting threads spin briefly, then sleep
    "HF_HUB_OFFLINE": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "TRANSFORMERS_VERBOSITY": "error",
    "TOKENIZERS_PARALLELISM": "true",
    "PYTHONHASHSEED": "0",  # NeuroX numbers labels in the order of a set
}
GRID = tuple(product((0.0, *(10.0**-k for k in range(1, 9))), repeat=2))
"""81 pairs (l1, l2): {0, 1e-1, ..., 1e-8}^2."""

for _name, _value in ENVIRONMENT.items():
    os.environ.setdefault(_name, _value)


def options(description: str, **more: dict[str, Any]) -> argparse.Namespace:
    """Options that all benches take: ``--quick``, ``--out FILE``, ``--neurox FOLDER``; and those in `more`."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--quick", action="store_true", help="small sizes, to see that everything works")
    parser.add_argument("--out", type=Path, help="write the figures to this JSON file")
    parser.add_argument("--neurox", type=Path, default=HERE / ".neurox-venv", help="environment with NeuroX")
    for name, settings in more.items():
        parser.add_argument(f"--{name}", **settings)
    return parser.parse_args()


def neurox_python(folder: Path) -> Path | None:
    """The Python of the environment with NeuroX, or None, with a line that says how to make it."""
    python = folder / "bin" / "python"
    if python.is_file():
        return python
    print(f"no NeuroX in {folder}: its side is left out; make it with benchmarks/make_neurox_env.sh", flush=True)
    return None


class SideError(RuntimeError):
    """A side stopped with an error; the message ends with what it said last."""


def run_side(name: str, job: dict[str, Any], *, python: Path | None = None) -> dict[str, Any]:
    """Run ``side_<name>.py`` in a process of its own and return what it reports (times, sizes, peak memory)."""
    with tempfile.TemporaryDirectory() as folder:
        request, answer = Path(folder, "job.json"), Path(folder, "answer.json")
        request.write_text(json.dumps(job), encoding="utf-8")
        command = [
            str(python or sys.executable),
            "-W",
            "ignore",
            str(HERE / f"side_{name}.py"),
            str(request),
            str(answer),
        ]
        done = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", check=False
        )
        if done.returncode or not answer.is_file():
            raise SideError(f"side_{name}.py ended with {done.returncode}: {done.stdout[-2000:]}")
        found: dict[str, Any] = json.loads(answer.read_text(encoding="utf-8"))
        return found
