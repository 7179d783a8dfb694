"""Run all benches, each in a process of its own under a time limit, and write results/<date>-<cpu>.json and .md.

make bench                                    # everything, under 25 minutes on two cores, and as long again for the solvers
python benchmarks/run.py --quick              # three minutes, to see that everything works
python benchmarks/run.py --only engine gpu    # some; the others keep the figures of the same day
python benchmarks/run.py --lock FILE          # a machine that others use too: hold a lock while something is timed
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import common  # noqa: F401 (its settings, which all benches inherit, must precede torch)
import machine

HERE = Path(__file__).parent
LIMITS = {
    "engine": 360,
    "extraction": 240,
    "families": 300,
    "ranking": 300,
    "rankings": 300,
    "compact": 900,
    "store": 120,
    "neurons": 120,
    "neurox": 900,
    "scaling": 180,
    "solver": 1800,
    "values": 600,
    "interventions": 600,
    "gpu": 600,
}
"""Seconds that each bench may take, in the order in which they run; a quick run has a quarter, at least 60."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="small sizes, three minutes")
    parser.add_argument("--only", nargs="+", metavar="BENCH", help=f"some of: {', '.join(found())}")
    parser.add_argument("--neurox", type=Path, default=HERE / ".neurox-venv", help="environment with NeuroX")
    parser.add_argument("--lock", type=Path, help="file to lock while something is timed")
    parser.add_argument("--results", type=Path, default=machine.RESULTS, help="folder of the results")
    args = parser.parse_args()
    unknown = set(args.only or ()) - set(found())
    if unknown:
        parser.error(f"no bench {', '.join(sorted(unknown))}; there are {', '.join(found())}")
    if args.lock is not None:
        os.environ[machine.LOCK] = str(args.lock)
    args.results.mkdir(parents=True, exist_ok=True)
    now = datetime.now(timezone.utc).astimezone()
    stem = f"{now:%Y-%m-%d}-{re.sub(r'[^a-z0-9]+', '-', machine.cpu_name().lower()).strip('-')}{'-quick' if args.quick else ''}"
    content: dict[str, Any] = {
        "date": f"{now:%Y-%m-%d %H:%M}",
        "quick": args.quick,
        "neurosieve": _version(),
        "machine": machine.describe(),
        "ceilings": machine.ceilings(quick=args.quick),
        "benches": _kept(args.results / stem) if args.only else [],
    }
    with tempfile.TemporaryDirectory() as folder:
        measured = Path(folder, "ceilings.json")
        measured.write_text(json.dumps(content["ceilings"]), encoding="utf-8")
        os.environ[machine.CEILINGS] = str(measured)
        for name in args.only or found():
            result = {**_run(name, args, stem), "ceilings": content["ceilings"]}
            content["benches"] = sorted(
                [*(bench for bench in content["benches"] if bench["name"] != name), {**result, "name": name}],
                key=lambda bench: found().index(bench["name"]),
            )
            content["minutes"] = sum(bench["minutes"] for bench in content["benches"])
            _write(args.results / stem, content)  # after each bench: a run that is stopped leaves what it has
    if not args.quick and args.results == machine.RESULTS and len(content["benches"]) == len(found()):
        _fill_readme(content, stem)
    print(f"\n{machine.markdown(content)}\n{args.results / stem}.json and .md, {content['minutes']:.1f} minutes")


def found() -> list[str]:
    """Names of the benches that are there, in the order in which they run."""
    there = {path.stem.removeprefix("bench_") for path in HERE.glob("bench_*.py")}
    return [name for name in LIMITS if name in there] + sorted(there - set(LIMITS))


def _run(name: str, args: argparse.Namespace, stem: str) -> dict[str, Any]:
    limit = LIMITS.get(name, 180)
    limit = max(60, limit // 4) if args.quick else limit
    if args.lock is not None:
        limit *= 4  # which waits for others
    print(f"\n== {name} (at most {limit} s)", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "figures.json")
        command = [sys.executable, str(HERE / f"bench_{name}.py"), "--out", str(out)]
        command += ["--quick"] if args.quick else []
        command += ["--neurox", str(args.neurox)] if name in ("neurox", "ranking", "store") else []
        command += ["--picture", str(args.results / f"{stem}-scaling.png")] if name == "scaling" else []
        failed, began = None, time.perf_counter()
        try:
            done = subprocess.run(command, timeout=limit, check=False)
            failed = f"ended with {done.returncode}" if done.returncode else None
        except subprocess.TimeoutExpired:
            failed = f"stopped after {limit} s"
        result: dict[str, Any] = {"bench": name, "figures": []}
        if out.is_file():
            result = json.loads(out.read_text(encoding="utf-8"))
        if failed is not None:
            print(f"{name}: {failed}", flush=True)
            result["failed"] = failed
        return {**result, "minutes": (time.perf_counter() - began) / 60}


def _kept(path: Path) -> list[dict[str, Any]]:
    """Benches of an earlier run of the same day, which a run of some benches completes."""
    file = path.with_name(path.name + ".json")
    return list(json.loads(file.read_text(encoding="utf-8"))["benches"]) if file.is_file() else []


def _write(path: Path, content: dict[str, Any]) -> None:
    path.with_name(path.name + ".json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    path.with_name(path.name + ".md").write_text(machine.markdown(content), encoding="utf-8")


def _fill_readme(content: dict[str, Any], stem: str) -> None:
    """Put the figures that are set against a floor or ceiling into README.md."""
    quiet = machine.quietness(content)
    lines = [f"{content['machine']['cpu']}, {content['date']} ([all figures](results/{stem}.md)). {quiet}", ""]
    lines += ["| figure | value | how |", "|---|---|---|"]
    for bench in content["benches"]:
        for figure in bench["figures"]:
            if re.search("floor|ceiling|bare forward", figure["name"]):
                lines.append(
                    f"| {figure['name']} | {machine.shown(figure['value'])} {figure['unit']} | {figure['note']} |"
                )
    readme = HERE / "README.md"
    before, mark, rest = readme.read_text(encoding="utf-8").partition("<!-- floors -->\n")
    after = rest[rest.index("<!-- /floors -->") :]
    readme.write_text(before + mark + "\n".join(lines) + "\n" + after, encoding="utf-8")


def _version() -> str:
    from neurosieve import __version__

    return str(__version__)


if __name__ == "__main__":
    main()
