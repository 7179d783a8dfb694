"""Progress bars of long functions: one at a time, where a person is looking, and none where the caller has a callback.

Every long function has a parameter ``progress`` and is marked with `with_bar`, through which all bars come. A function that
another one calls shows nothing of its own, and the command line, which has its own display, takes the place for itself.
"""

from __future__ import annotations

import functools
import multiprocessing
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import copy_context
from html import escape
from typing import TYPE_CHECKING, Any, ParamSpec, Protocol, TypeVar, cast

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress

P = ParamSpec("P")
R = TypeVar("R")
Progress = Callable[[float, float], None]
"""Called as ``progress(done, total)``."""
Reporter = Callable[[str], Progress | None]
"""Given a stage's title, returns where the stage reports ``(done, total)``; or None."""

SETTING = "NEUROSIEVE_PROGRESS"
"""Environment variable: 0 turns bars off."""
DELAY = 0.5
"""Seconds after which a bar appears: what takes less leaves no trace."""
REDRAWN = 0.2
"""Seconds from one look of a bar to the next."""
_setting = {"on": os.environ.get(SETTING, "1").strip().lower() not in ("0", "false", "no", "off")}
_place = threading.Lock()
"""Held by whoever shows progress, in any thread: a terminal has room for one."""


def progress(on: bool) -> None:  # noqa: FBT001 (it says itself what it means)
    """Turn the progress bars of long functions off or on again.

    They appear by themselves in a notebook, and where stderr is a terminal; nowhere else, so that logs stay clean. A function
    that is given ``progress=`` calls that and shows no bar. The environment variable ``NEUROSIEVE_PROGRESS=0`` turns them off
    from the start.

    Parameters
    ----------
    on : bool

    Examples
    --------
    >>> import neurosieve as ns
    >>> ns.progress(False)
    >>> ns.progress(True)
    """
    _setting["on"] = bool(on)


def with_bar(title: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Mark a long function that has a keyword ``progress``: it gets a bar where the caller gives no callback.

    Parameters
    ----------
    title : str
        What the function does, and what it counts.
    """

    def marked(function: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            with shown(cast("Progress | None", kwargs.get("progress")), title) as advance:
                kwargs["progress"] = advance
                return function(*args, **kwargs)

        return call

    return marked


@contextmanager
def shown(given: Progress | None, title: str) -> Iterator[Progress | None]:
    """The caller's callback, or that of a bar where a person is looking, or None."""
    with alone() as free:
        surface = _surface() if free and given is None else None
        if surface is None:
            yield given
            return
        bar = Bar(surface, title)
        try:
            yield bar
        finally:
            bar.close()


@contextmanager
def shown_by_stage(given: Reporter | None, title: str) -> Iterator[Reporter]:
    """The caller's reporter, or one with a bar that passes from stage to stage where a person is looking, or a silent one."""
    with shown(None, title) if given is None else alone() as bar:
        yield given if given is not None else Stages(bar) if isinstance(bar, Bar) else silent


def silent(_title: str) -> Progress | None:
    """A reporter that reports nothing."""
    return None


@contextmanager
def alone() -> Iterator[bool]:
    """Let no other bar appear; gives whether there was none yet."""
    free = _place.acquire(blocking=False)
    try:
        yield free
    finally:
        if free:
            _place.release()


class Surface(Protocol):
    """Where a bar is drawn."""

    def draw(self, title: str, done: float, total: float | None, *, seconds: float) -> None:
        """Show how far it is; ``total`` is None where that is not known yet."""

    def close(self, line: str) -> None:
        """Take the bar away; what stays is at most this line."""


class Bar:
    """A bar that a thread of its own draws, so that telling it how far one is costs nothing.

    Parameters
    ----------
    surface : Surface
    title : str
    """

    def __init__(self, surface: Surface, title: str) -> None:
        self.surface, self.title, self.first = surface, title, title
        self.now: tuple[float, float | None] = (0.0, None)
        self.began = self.stage_began = time.monotonic()
        self.ended = threading.Event()
        # A notebook's kernel knows by the context to which cell an output belongs.
        self.thread = threading.Thread(target=copy_context().run, args=(self._redraw,), daemon=True)
        self.thread.start()

    def __call__(self, done: float, total: float) -> None:
        """Note how far it is."""
        self.now = (float(done), float(total))

    def _redraw(self) -> None:
        wait = DELAY
        while not self.ended.wait(wait):
            done, total = self.now
            self.surface.draw(self.title, done, total, seconds=time.monotonic() - self.stage_began)
            wait = REDRAWN

    def close(self) -> None:
        """Take it away."""
        self.ended.set()
        self.thread.join()
        self.surface.close(f"{self.first}: {_duration(time.monotonic() - self.began)}")


class Stages:
    """A reporter with one bar, which passes from stage to stage."""

    def __init__(self, bar: Bar) -> None:
        self.bar = bar

    def __call__(self, title: str) -> Progress | None:
        """Go on with another stage."""
        self.bar.title, self.bar.now, self.bar.stage_began = title, (0.0, None), time.monotonic()
        return self.bar

    def beside(self, _title: str) -> Progress | None:
        """Tasks that are done at the same time have no bars of their own."""
        return None


def _surface() -> Surface | None:
    """Where a person is looking: a notebook's cell or a terminal; None if nobody is, or bars are off."""
    # Workers of a pool write to the terminal of the process that began them, all at once.
    if not _setting["on"] or multiprocessing.current_process().name != "MainProcess":
        return None
    if _in_kernel():
        return NotebookCell()
    stream = sys.stderr
    if stream is not None and stream.isatty() and os.environ.get("TERM") not in ("dumb", "unknown"):
        return Terminal()
    return None


def _in_kernel() -> bool:
    """Whether this process is the kernel of a notebook; IPython is there only if it is imported already."""
    ask = getattr(sys.modules.get("IPython"), "get_ipython", None)
    return ask is not None and getattr(ask(), "kernel", None) is not None


class NotebookCell:
    """A bar below a cell, as plain HTML: it needs no widgets, and a saved notebook keeps one line of it."""

    def __init__(self) -> None:
        self.handle: Any = None

    def draw(self, title: str, done: float, total: float | None, *, seconds: float) -> None:
        """Show how far it is."""
        share = min(1.0, done / total) if total else None
        left = f", {_duration(seconds * (1 - share) / share)} left" if share else ""
        text = title if share is None else f"{title}: {share:.0%}{left}"
        value = "" if share is None else f' value="{share:.4f}"'
        self._put(text, f'<progress{value} max="1" aria-label="{escape(title)}"></progress> {escape(text)}')

    def close(self, line: str) -> None:
        """Leave one line where there was a bar."""
        if self.handle is not None:
            self._put(line, f"<small>{escape(line)}</small>")

    def _put(self, text: str, html: str) -> None:
        from IPython.display import display

        data = {"text/plain": text, "text/html": f"<div>{html}</div>"}
        if self.handle is None:
            self.handle = display(data, raw=True, display_id=True)  # type: ignore[no-untyped-call]
        else:
            self.handle.update(data, raw=True)


class Terminal:
    """A bar in the last line of a terminal, which leaves nothing behind."""

    def __init__(self) -> None:
        self.bars: RichProgress | None = None

    def draw(self, title: str, done: float, total: float | None, *, seconds: float) -> None:  # noqa: ARG002 (rich counts them)
        """Show how far it is."""
        from rich.markup import escape as plain

        if self.bars is None:
            self.bars = terminal_bars()
            self.bars.start()
        for task in self.bars.tasks:
            if task.fields["title"] != title:
                self.bars.remove_task(task.id)
        if not self.bars.tasks:
            self.bars.add_task(plain(title), total=None, title=title)
        self.bars.update(self.bars.tasks[0].id, completed=done, total=total)

    def close(self, line: str) -> None:  # noqa: ARG002
        """Leave nothing."""
        if self.bars is not None:
            self.bars.stop()


def terminal_bars(**options: Any) -> RichProgress:  # noqa: ANN401 (rich's)
    """Bars with rate and time left, on stderr; options are those of rich's ``Progress``."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        ProgressColumn,
        Task,
        TaskProgressColumn,
        TextColumn,
        TimeRemainingColumn,
    )
    from rich.text import Text

    class Rate(ProgressColumn):
        """What the title counts, a second."""

        def render(self, task: Task) -> Text:
            if not task.speed:
                return Text()
            return Text(f"{task.speed:,.0f}/s" if task.speed >= 10 else f"{task.speed:.2f}/s")

    left = TimeRemainingColumn(compact=True)
    columns = (TextColumn("{task.description}"), BarColumn(20), TaskProgressColumn(), Rate(), left, TextColumn("left"))
    # What is printed meanwhile goes above the bar, but never from a file or a pipe to the terminal.
    defaults: dict[str, Any] = {"console": Console(stderr=True), "redirect_stdout": sys.stdout.isatty()}
    return Progress(*columns, transient=True, **{**defaults, **options})


def _duration(seconds: float) -> str:
    """A duration as a person says it."""
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
