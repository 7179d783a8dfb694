"""Ctrl-C and SIGTERM end soon, say how to go on, and with the exit codes that shells know."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has other signals")

PROGRAM = """
import sys, time
import neurosieve.cli.main as cli

def app(*_, **__):
    print("ready", flush=True)
    {work}

cli.app = app
cli.main()
"""
WORK = {
    "python": "time.sleep(60)",
    "compiled": "import re; re.match('(a*)*b', 'a' * 40)",  # holds the interpreter's lock, or nearly
    "swallowed": "\n    while True:\n        try:\n            time.sleep(60)\n        except BaseException:\n            pass",
    "matrix": "import numpy as np; a = np.ones((9000, 9000)); a @ a @ a @ a @ a @ a",
}


@pytest.mark.parametrize("work", ["python", "swallowed", "matrix"])
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_within_two_seconds(work: str, number: int, code: int) -> None:
    command = [sys.executable, "-c", PROGRAM.format(work=WORK[work])]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    time.sleep(0.2)
    started = time.monotonic()
    process.send_signal(number)
    _, err = process.communicate(timeout=30)
    assert process.returncode == code, err
    assert time.monotonic() - started < 4  # 2 s on a machine that does nothing else
    assert err.splitlines()[-1] == (
        f"error: {'interrupted' if code == 130 else 'terminated'}; what is finished is kept, and the same command continues "
        "from there"
    )
    assert "Traceback" not in err
