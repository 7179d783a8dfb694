"""The machine: what it is, what it can do at best, how quiet it is while something is timed, and where figures go.

Timings of a shared machine mean little alone. Every timed run therefore carries the processor time that others burnt
meanwhile, ratios come from interleaved runs, and every speed is set against a ceiling measured in the same run.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import re
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import psutil

RESULTS = Path(__file__).parent / "results"
CEILINGS = "BENCH_CEILINGS"
"""Environment variable: a JSON file with ceilings that were measured a moment ago, so that a run measures them once."""

LOCK = "BENCH_LOCK"
"""Environment variable: a file to lock while something is timed, for machines that several people share."""

QUIET_SHARE = 0.05
"""A run is quiet if others used less than this share of the machine's processor time."""


# What the machine is ------------------------------------------------------------------------------------------------


def describe() -> dict[str, Any]:
    """Processor, memory, versions and threads."""
    import numpy as np
    import torch
    import transformers

    device = torch.cuda.get_device_name(0) if torch.cuda.is_available() else None
    return {
        "cpu": cpu_name(),
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "instructions": [f for f in ("avx2", "avx512f", "avx512_bf16", "amx_bf16", "asimd", "bf16") if f in _flags()],
        "gpu": device,
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "transformers": transformers.__version__,
        "threads": torch.get_num_threads(),
        "spin_count": os.environ.get("GOMP_SPINCOUNT", "unset"),
    }


def cpu_name() -> str:
    """Model name of the processor, with family and model number where the name says little."""
    info = _cpuinfo()
    name = info.get("model name") or platform.processor() or platform.machine()
    number = f" (family {info['cpu family']} model {info['model']})" if "model" in info else ""
    return re.sub(r"\((R|TM)\)", "", name).strip() + number


def _cpuinfo() -> dict[str, str]:
    path = Path("/proc/cpuinfo")
    if not path.is_file():
        return {}
    lines = path.read_text(encoding="utf-8").split("\n\n")[0].splitlines()
    return {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}


def _flags() -> set[str]:
    info = _cpuinfo()
    return set((info.get("flags") or info.get("Features") or "").split())


# How quiet it is ----------------------------------------------------------------------------------------------------


@dataclass
class Timing:
    """One timed run: wall-clock seconds, our processor seconds, and those that everybody else burnt meanwhile."""

    wall: float = 0.0
    own_cpu: float = 0.0
    others_cpu: float = 0.0

    @property
    def others_share(self) -> float:
        """Others' part of all the processor time that the machine had."""
        return self.others_cpu / max(1e-9, self.wall * (os.cpu_count() or 1))


@dataclass
class Log:
    """All timed runs of a bench, to say in the end how quiet the machine was."""

    timings: list[Timing] = field(default_factory=list)

    def others_share(self) -> float:
        """Others' share of the processor time, over all timed runs."""
        wall = sum(t.wall for t in self.timings)
        return sum(t.others_cpu for t in self.timings) / max(1e-9, wall * (os.cpu_count() or 1))


LOG = Log()


def _busy() -> float:
    times = psutil.cpu_times()  # stolen time counts as others': it was not there for us either
    not_busy = ("idle", "iowait", "guest", "guest_nice")  # guests are counted as user too
    return sum(times) - sum(getattr(times, name, 0.0) for name in not_busy)


def _own() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


@contextlib.contextmanager
def timed() -> Iterator[Timing]:
    """Time a block, under the lock if `LOCK` names one; processes started inside must have ended at its end."""
    timing = Timing()
    with _lock():
        busy, own, start = _busy(), _own(), time.perf_counter()
        yield timing
        timing.wall = time.perf_counter() - start
        timing.own_cpu = _own() - own
        timing.others_cpu = max(0.0, _busy() - busy - timing.own_cpu)
    LOG.timings.append(timing)


@contextlib.contextmanager
def _lock() -> Iterator[None]:
    name = os.environ.pop(LOCK, None)  # popped, so that what runs inside does not wait for itself
    if name is None:
        yield
        return
    import fcntl

    try:
        with open(name, "a") as file:  # noqa: PTH123 (any file will do)
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
    finally:
        os.environ[LOCK] = name


def time_of(run: Callable[[], object], *, repeats: int = 1) -> float:
    """Median wall-clock seconds of `run`."""
    walls = []
    for _ in range(repeats):
        with timed() as timing:
            run()
        walls.append(timing.wall)
    return statistics.median(walls)


def interleaved(runs: dict[str, Callable[[], object]], *, repeats: int = 3) -> dict[str, list[float]]:
    """Wall-clock seconds of several runs, taken in turns, so that a busy spell hits all of them."""
    walls: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(repeats):
        for name, run in runs.items():
            with timed() as timing:
                run()
            walls[name].append(timing.wall)
    return walls


def ratio(walls: dict[str, list[float]], above: str, below: str) -> float:
    """Median of the ratios of paired runs."""
    return statistics.median(a / b for a, b in zip(walls[above], walls[below], strict=True))


# What it can do at best ---------------------------------------------------------------------------------------------


def product_rate(*, rows: int, columns: int, batch: int, dtype: str = "float32", repeats: int = 4) -> float:
    """FLOP/s of the engine's two products: logits (rows x columns)(columns x batch), gradient (rows x batch)(batch x columns)."""
    import torch

    kind = getattr(torch, dtype)
    W, X = torch.randn(rows, columns).to(kind), torch.randn(batch, columns).to(kind)
    scores, gradient = torch.empty(rows, batch, dtype=kind), torch.empty(rows, columns, dtype=kind)

    def both() -> None:
        torch.mm(W, X.T, out=scores)
        torch.mm(scores, X, out=gradient)

    both()  # the first call prepares the kernels
    return 4.0 * rows * columns * batch / time_of(both, repeats=repeats)


def copy_rate(*, size: int = 1 << 30, repeats: int = 5) -> float:
    """Bytes a second, read and written, of a copy that no cache holds."""
    import torch

    source = torch.ones(size // 4)
    target = torch.empty_like(source)
    target.copy_(source)
    return 2.0 * size / time_of(lambda: target.copy_(source), repeats=repeats)


def sort_rate(*, rows: int, columns: int, repeats: int = 5) -> float:
    """Values a second that `np.sort` sorts, in rows of float32."""
    import numpy as np

    values = np.random.default_rng(0).standard_normal((rows, columns), dtype=np.float32)
    return rows * columns / time_of(lambda: np.sort(values, axis=1), repeats=repeats)


def ceilings(*, quick: bool = False) -> dict[str, float]:
    """The ceilings that floors are computed from.

    ``product_*``: FLOP/s at the shapes of the 81-probe grid on 7 x 384 neurons and 49 labels. ``square_*``: FLOP/s of a
    large square product. ``copy``: bytes/s. ``sort``: values/s.
    """
    if CEILINGS in os.environ:
        known: dict[str, float] = json.loads(Path(os.environ[CEILINGS]).read_text(encoding="utf-8"))
        return known
    found = {"copy": copy_rate(size=1 << 28 if quick else 1 << 30), "sort": sort_rate(rows=44, columns=9984)}
    for dtype in ("float32", "bfloat16"):
        found[f"product_{dtype}"] = product_rate(rows=81 * 49, columns=2688, batch=512, dtype=dtype)
        side = 2048 if quick else 4096
        found[f"square_{dtype}"] = product_rate(rows=side, columns=side, batch=side, dtype=dtype, repeats=2)
    return found


# Where figures go ---------------------------------------------------------------------------------------------------


@dataclass
class Figure:
    """One line of the results.

    Attributes
    ----------
    name : str
    value : float or None
        None if it could not be measured; `note` then says why.
    unit : str
    target : float, optional
    better : {"higher", "lower"}
    note : str
        How it was measured, where the name does not say it.
    """

    name: str
    value: float | None
    unit: str
    target: float | None = None
    better: str = "higher"
    note: str = ""

    @property
    def met(self) -> str:
        """``"yes"``, ``"no"``, or nothing where there is no target."""
        if self.target is None or self.value is None:
            return ""
        return "yes" if (self.value >= self.target) == (self.better == "higher") or self.value == self.target else "no"


@dataclass
class Report:
    """The figures of one bench."""

    bench: str
    figures: list[Figure] = field(default_factory=list)
    extra: dict[str, Any] = field(default_factory=dict)

    def add(self, name: str, value: float | None, unit: str, **rest: Any) -> None:
        """Add a figure and print it, so that a bench that is stopped has said something."""
        figure = Figure(name, value, unit, **rest)
        self.figures.append(figure)
        print(_row(figure), flush=True)

    def write(self, path: Path | None) -> None:
        """Write the figures, with how quiet the machine was while they were taken."""
        share = LOG.others_share()
        print(f"others used {100 * share:.1f} % of the processor time while this was measured", flush=True)
        if path is not None:
            content = {
                "bench": self.bench,
                "others_share": share,
                "figures": [asdict(f) for f in self.figures],
                **self.extra,
            }
            path.write_text(json.dumps(content, indent=1), encoding="utf-8")


def shown(value: float | None) -> str:
    """Three significant digits, without an exponent."""
    if value is None:
        return "not measured"
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{float(f'{value:.3g}'):g}"


def _row(figure: Figure) -> str:
    sign = ">=" if figure.better == "higher" else "<="
    target = "" if figure.target is None else f"{sign} {figure.target:g}"
    return f"| {figure.name} | {shown(figure.value)} | {figure.unit} | {target} | {figure.met} | {figure.note} |"


def markdown(content: dict[str, Any]) -> str:
    """The results as Markdown."""
    machine, best = content["machine"], content["ceilings"]
    lines = [
        f"# {content['date']}, {machine['cpu']}",
        "",
        f"{machine['cores']} cores, {machine['threads']} threads, {machine['memory_gb']} GB, {', '.join(machine['instructions'])}; "
        f"Python {machine['python']}, torch {machine['torch']}, transformers {machine['transformers']}, "
        f"GOMP_SPINCOUNT={machine['spin_count']}; GPU: {machine['gpu'] or 'none'}.",
        f"neurosieve {content['neurosieve']}{', quick run' if content['quick'] else ''}, {content['minutes']:.1f} minutes. "
        + quietness(content),
        "",
        "Ceilings: " + "; ".join(_ceiling(name, value) for name, value in best.items()) + ".",
        "",
    ]
    for bench in content["benches"]:
        lines += [f"## {bench['bench']}", ""]
        if "failed" in bench:
            lines += [f"**not finished**: {bench['failed']}", ""]
        if bench["figures"]:
            lines += ["| figure | value | unit | target | met | how |", "|---|---|---|---|---|---|"]
            lines += [*(_row(Figure(**figure)) for figure in bench["figures"]), ""]
        lines += [f"![{Path(name).stem}]({name})\n" for name in bench.get("pictures", [])]
    return "\n".join(lines)


def _ceiling(name: str, value: float) -> str:
    unit = {"copy": "GB/s", "sort": "G values/s"}.get(name, "GFLOP/s")
    return f"{name} {shown(value / 1e9)} {unit}"


def quietness(content: dict[str, Any]) -> str:
    """Whether the machine was quiet while each bench ran, in a sentence."""
    shares = {b["bench"]: b["others_share"] for b in content["benches"] if "others_share" in b}
    loud = {name: share for name, share in shares.items() if share > QUIET_SHARE}
    if not loud:
        return f"The machine was quiet: others used less than {100 * QUIET_SHARE:.0f} % of it in every bench."
    return (
        "**The machine was not quiet**; others used "
        + ", ".join(f"{100 * s:.0f} % in {n}" for n, s in loud.items())
        + "."
    )
