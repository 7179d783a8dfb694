"""Comparing files with their digests loads nothing that fits probes or runs models: to load that takes longer than to compare."""

from __future__ import annotations

import subprocess
import sys

HEAVY = ("torch", "transformers", "sklearn", "matplotlib", "jinja2")


def test_comparing_loads_nothing_heavy() -> None:
    script = f"import sys, neurosieve.runs.verify; print([m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
