"""A process that is killed at any moment leaves what the next one finishes, byte for byte (see benchmarks/kill_campaign.py)."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import neurosieve

CAMPAIGN = Path(__file__).parents[2] / "benchmarks" / "kill_campaign.py"


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="the campaign forks")
@pytest.mark.parametrize("kind", ["extract", "run"])
def test_what_killed_processes_leave_is_finished_as_if_nothing_had_been(kind: str) -> None:
    done = subprocess.run(
        [sys.executable, str(CAMPAIGN), "--kills", "25", "--of", kind],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(Path(neurosieve.__file__).parents[1])},
    )
    assert done.returncode == 0, done.stderr
    assert f"{kind}: 25 kills in" in done.stdout
    assert "0 folders differ" in done.stdout
