"""Python, study files and the command line have the same defaults."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pytest
import typer

import neurosieve as ns
from neurosieve.cli.main import app
from neurosieve.study.probe_settings import ProbeSettings
from neurosieve.study.settings import ModelSettings

MODEL = ModelSettings(path="x")
PROBES = ProbeSettings()
OTHER_NAMES = {"delta": "deltas", "no_control": "control", "certified": "solver"}
OPEN = {"grid": "auto", "solver": "auto"}
"""What a command leaves to the settings where it is not given."""


def options(command: str) -> dict[str, Any]:
    group: Any = typer.main.get_command(app)
    return {str(option.name): option.default for option in group.commands[command].params}


def said(name: str, value: Any) -> Any:
    """A setting as a command's option has it."""
    return not value if name == "no_control" else list(value) if isinstance(value, tuple) else value


@pytest.mark.parametrize("settings", [PROBES, MODEL], ids=["probes", "model"])
def test_options_of_run_have_the_defaults_of_study_files(settings: ProbeSettings | ModelSettings) -> None:
    given = options("run")
    checked = 0
    for name, default in given.items():
        field = OTHER_NAMES.get(name, name.rstrip("_"))
        if field not in type(settings).model_fields or name == "certified":
            continue
        own = said(name, getattr(settings, field))
        if default is None or default == []:
            assert own in (None, [], OPEN.get(field)) or name in ("delta",), name
        else:
            assert (list(default) if isinstance(default, tuple) else default) == (own if name != "site" else [own]), (
                name
            )
        checked += 1
    assert checked >= (12 if settings is PROBES else 6)


@pytest.mark.parametrize("function", [ns.search_lambdas, ns.minimal_neurons, ns.load_model, ns.ablate])
def test_functions_have_the_defaults_of_study_files(function: Callable[..., Any]) -> None:
    checked = 0
    for name, parameter in inspect.signature(function).parameters.items():
        for settings in (PROBES, MODEL):
            if name in type(settings).model_fields and parameter.default is not parameter.empty and name != "layers":
                assert parameter.default == getattr(settings, name), f"{function.__name__}: {name}"
                checked += 1
    assert checked
