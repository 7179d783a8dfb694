"""Ctrl-C and SIGTERM: end soon, after a clean point, and say how to go on."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

PATIENCE = 1.5
"""Seconds for a clean end, after which the process is ended as it stands: every file is whole at any moment."""
RESUME = "what is finished is kept, and the same command continues from there"


class Terminated(BaseException):
    """SIGTERM came; no `except Exception` takes it for a failure of what was going on."""


def ended_by(number: int) -> tuple[str, int]:
    """What to say of an end by a signal, and the exit code that shells know it by: 130 or 143."""
    return f"{'terminated' if number == signal.SIGTERM else 'interrupted'}; {RESUME}", 128 + number


@contextmanager
def interruptible() -> Iterator[None]:
    """Raise `Terminated` at SIGTERM, and end the process if it has not ended soon after that or Ctrl-C.

    A handler in Python waits until a call of compiled code returns, which may take long. So a thread is told of the signal as
    well, by a pipe that is written to at once, and ends the process when the time is up.
    """
    if threading.current_thread() is not threading.main_thread() or sys.platform == "win32":
        yield  # signals are the main thread's; Windows has no such pipe
        return

    def terminate(_number: int, _frame: FrameType | None) -> None:
        raise Terminated

    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    done = threading.Event()
    thread = threading.Thread(target=_watch, args=(reading, done), daemon=True)
    before = signal.signal(signal.SIGTERM, terminate)
    waking = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    thread.start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(waking)
        signal.signal(signal.SIGTERM, before)
        done.set()
        os.write(writing, b"\0")
        thread.join()
        os.close(writing)
        os.close(reading)


def _watch(reading: int, done: threading.Event) -> None:
    while not done.is_set():
        for number in os.read(reading, 64):
            if number in (signal.SIGINT, signal.SIGTERM) and not done.wait(PATIENCE):
                said, code = ended_by(number)
                os.write(2, f"error: {said}\n".encode())
                os._exit(code)
