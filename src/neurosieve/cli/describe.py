"""Turns the docstring of a command into its help: what it does, its options, and last an example to copy."""

from __future__ import annotations

import inspect
from collections.abc import Callable

import typer

KEEP_LINES = "\b\n"  # the mark by which the help keeps a paragraph's lines as they are


def add(app: typer.Typer, *commands: Callable[..., None]) -> None:
    """Add `commands`, whose docstrings end with ``Example:``."""
    for command in commands:
        text, _, example = (inspect.getdoc(command) or "").partition("Example:\n")
        lines = "\n".join(
            f"  {line.strip()}" if i == 0 else f"    {line.strip()}"
            for i, line in enumerate(example.strip().splitlines())
        )
        short = text.strip().splitlines()[0]
        app.command(help=text.strip(), short_help=short, epilog=f"{KEEP_LINES}Example:\n{lines}")(command)
