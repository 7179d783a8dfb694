"""How far the tasks on other machines are: workers note it, the head shows it; the work itself does not depend on it."""

from __future__ import annotations

import logging

from neurosieve.bars import Progress, Reporter

log = logging.getLogger(__name__)

POLL_SECONDS = 0.5
"""How often the head looks at the tasks, and a worker tells how far it is."""


class Board:
    """An actor on which workers note how far they are."""

    def __init__(self) -> None:
        self.begun: dict[int, int] = {}
        self.moved: dict[int, tuple[str, float, float]] = {}

    def begin(self, number: int) -> None:
        """Note that a task is begun, the first time or again."""
        self.begun[number] = self.begun.get(number, 0) + 1

    def move(self, number: int, title: str, *, done: float, total: float) -> None:
        """Note how far a task is."""
        self.moved[number] = (title, done, total)

    def end(self, number: int) -> None:
        """Note that a task is done."""
        self.begun.pop(number, None)
        self.moved.pop(number, None)

    def read(self) -> tuple[dict[int, int], dict[int, tuple[str, float, float]]]:
        """How often each task that is under way was begun, and how far it is."""
        return self.begun, self.moved


class Bars:
    """One bar for each task that is under way, beside that of all tasks.

    Parameters
    ----------
    report : Reporter
        One that can show several has a method ``beside``, which takes no other bar's place.
    """

    def __init__(self, report: Reporter) -> None:
        self.names: dict[int, str] = {}
        self._report: Reporter = getattr(report, "beside", report)
        self._shown: dict[int, Progress | None] = {}
        self._begun: dict[int, int] = {}

    def show(self, noted: tuple[dict[int, int], dict[int, tuple[str, float, float]]]) -> None:
        """Show what the board says."""
        begun, moved = noted
        for number, times in begun.items():
            if times > 1 and times != self._begun.get(number):
                log.warning("%s: its worker was lost, and it is begun again", self.names[number])
            self._begun[number] = times
            if number not in self._shown:
                self._shown[number] = self._report(self.names[number])
        for number, (_, done, total) in moved.items():
            advance = self._shown.get(number)
            if advance is not None:
                advance(done, total)
        for number in [number for number in self._shown if number not in begun]:
            advance = self._shown.pop(number)
            if advance is not None:
                advance(1, 1)
