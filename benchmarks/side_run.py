"""One side of `bench_default_run.py`: a whole run on a store, and the seconds of each stage, by the clock and of the processor.

Run with the sources of the version to be measured first on the path.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path


def main() -> None:
    job = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    import neurosieve.study.cells  # noqa: F401 (declares all stages)
    from neurosieve.cli.main import app
    from neurosieve.study.stage import STAGES

    spent: dict[str, tuple[float, float]] = {}

    def timed(name, make):
        def call(cell, units):
            clock, processor = time.perf_counter(), time.process_time()
            tables = make(cell, units)
            before = spent.get(name, (0.0, 0.0))
            spent[name] = (
                before[0] + time.perf_counter() - clock,
                before[1] + time.process_time() - processor,
            )
            return tables

        return call

    for name, stage in STAGES.items():
        object.__setattr__(stage, "make", timed(name, stage.make))
    try:
        app(job["arguments"], standalone_mode=False)
    finally:
        Path(sys.argv[2]).write_text(json.dumps(spent), encoding="utf-8")


if __name__ == "__main__":
    main()
