"""``neurosieve``: the command line. Each command is a thin door to a function of the library."""

from __future__ import annotations

import os
import sys

# Threads that wait for each other by spinning make a run several times slower as soon as another process uses the cores
# (measured: five to nine times). It must be set before torch starts its threads; a value of the user's own stays.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import typer

from neurosieve.cli import inspect_commands, run_commands, stage_commands
from neurosieve.errors import NeurosieveError

app = typer.Typer(
    name="neurosieve",
    help="Which neurons of a language model carry a property, how few suffice, where they sit, and how sure we are.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for module in (run_commands, stage_commands, inspect_commands):
    module.register(app)


def version_callback(*, value: bool) -> None:
    """Print the version and stop."""
    if value:
        from neurosieve._version import __version__

        print(__version__)
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(
        False, "--version", help="Print the version.", is_eager=True, callback=lambda v: version_callback(value=v)
    ),
) -> None:
    pass


def main() -> None:
    """Run the command line: exit 0, 1 (a stated failure) or 2 (wrong usage)."""
    try:
        app()
    except NeurosieveError as error:
        _fail(str(error))
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        _fail(f"{where}{error.strerror or error}; check the path, its permissions and the free space")
    except KeyboardInterrupt:
        _fail("interrupted; what is finished is kept, and the same command continues from there")


def _fail(message: str) -> None:
    print(f"error: {' '.join(message.split())}", file=sys.stderr)
    sys.exit(1)


if __name__ == "__main__":
    main()
