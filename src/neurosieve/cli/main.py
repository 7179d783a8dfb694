"""``neurosieve``: the command line. Each command is a thin door to a function of the library."""

from __future__ import annotations

import os
import signal
import sys
from typing import NoReturn

# Threads that wait for each other by spinning slow a run down as soon as another process uses the cores (measured: twice
# to nine times), and threads that sleep at once slow it down on a quiet machine (by a quarter). A short spin avoids both.
# It must be set before torch starts its threads; a choice of the user's own stays.
if "OMP_WAIT_POLICY" not in os.environ:
    os.environ.setdefault("GOMP_SPINCOUNT", "10000")

import typer

from neurosieve.cli import (
    compare_command,
    inspect_commands,
    intervene_command,
    neuron_commands,
    rankings_command,
    run_commands,
    stability_command,
    stage_commands,
)
from neurosieve.cli.interrupt import Terminated, ended_by, interruptible
from neurosieve.cli.output import UsageError, say
from neurosieve.errors import NeurosieveError

INTERRUPTED = 130  # what typer makes of Ctrl-C

app = typer.Typer(
    name="neurosieve",
    rich_markup_mode=None,  # plain help: it is as wide as it needs to be, and can be copied
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for module in (
    run_commands,
    stage_commands,
    rankings_command,
    stability_command,
    intervene_command,
    compare_command,
    neuron_commands,
    inspect_commands,
):
    module.register(app)


@app.callback(
    invoke_without_command=True,
    epilog="\b\nExample:\n  neurosieve run --model bert-base-cased --corpus sample --property pos --out runs/bert\n\n"
    "The single steps work on the folder that `extract` made, in this order: extract, search, rank, ablate, minimal, "
    "control, rankings, stability, intervene, layers, labels, report. Each has its own help: neurosieve help search\n\n"
    "`neurosieve --install-completion` teaches your shell (bash, zsh, fish) to complete verbs and options.",
)
def _root(
    context: typer.Context,
    version: bool = typer.Option(False, "--version", help="Print the version.", is_eager=True),
) -> None:
    """Which neurons of a language model carry a property, how few suffice, where they sit, and how sure we are.

    Data is printed on stdout (JSON; --csv or --table), progress and errors on stderr. Exit codes: 0 done, 1 a stated
    failure, 2 wrong usage, 130 and 143 interrupted.
    """
    if version:
        from neurosieve._version import __version__

        print(__version__)
        raise typer.Exit
    if context.invoked_subcommand is None:
        print(context.get_help(), file=sys.stderr)
        raise typer.Exit(2)


def main() -> None:
    """Run the command line: exit 0, 1 (a stated failure), 2 (wrong usage), 130 (Ctrl-C) or 143 (SIGTERM)."""
    try:
        with interruptible():
            code = app(_arguments(), prog_name="neurosieve", standalone_mode=False)
    except NeurosieveError as error:
        _fail(str(error))
    except UsageError as error:
        context = getattr(error, "ctx", None)
        command = context.command_path if context else "neurosieve"
        said = error.format_message()  # type: ignore[attr-defined]  # of a class without a public name
        _fail(f"{said.rstrip('.')} (see `{command} -h`)", code=2)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        _fail(f"{where}{error.strerror or error}; check the path, its permissions and the free space")
    except Terminated:
        said, code = ended_by(signal.SIGTERM)
        _fail(said, code=code)
    except (KeyboardInterrupt, typer.Abort):
        code = INTERRUPTED
    if code == INTERRUPTED:
        said, code = ended_by(signal.SIGINT)
        _fail(said, code=code)
    sys.exit(code or 0)


def _arguments() -> list[str]:
    """The command line, with ``help VERB`` as another way to write ``VERB --help``."""
    given = sys.argv[1:]
    return [*given[1:], "--help"] if given[:1] == ["help"] else given


def _fail(message: str, *, code: int = 1) -> NoReturn:
    say(f"error: {' '.join(message.split())}")
    sys.exit(code)


if __name__ == "__main__":
    main()
