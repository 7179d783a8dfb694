"""Peak memory of the running process; standard library only, so that any environment can import it."""

from __future__ import annotations

import resource
import sys
import threading
from pathlib import Path

STATUS = Path("/proc/self/status")


def _status(key: str) -> int | None:
    if not STATUS.is_file():
        return None
    for line in STATUS.read_text(encoding="ascii").splitlines():
        if line.startswith(key + ":"):
            return 1024 * int(line.split()[1])
    return None


def peak() -> int:
    """Most bytes that the process has had in memory, pages of mapped files included.

    The kernel's own count of this process image; `getrusage` would count that of the parent too.
    """
    found = _status("VmHWM")
    if found is not None:
        return found
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


class AnonymousPeak:
    """Most bytes that the process holds for itself while a block runs, without pages of mapped files.

    Pages of a mapped file are the system's cache: it takes them back when anybody needs memory. Sampled every few
    milliseconds; where the system does not tell, `bytes` is None.
    """

    def __init__(self, *, interval: float = 0.005) -> None:
        self.interval = interval
        self.bytes: int | None = None
        self.start: int | None = None

    def __enter__(self) -> AnonymousPeak:
        self.start = self.bytes = _status("RssAnon")
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(self.interval):
            found = _status("RssAnon")
            if found is not None and self.bytes is not None:
                self.bytes = max(self.bytes, found)

    @property
    def added(self) -> int | None:
        """Bytes above what was held at the start of the block."""
        return None if self.bytes is None or self.start is None else self.bytes - self.start
