"""The public names: all there, all documented, and instant to import."""

from __future__ import annotations

import inspect
import subprocess
import sys

import pytest

import neurosieve

HEAVY = ("torch", "transformers", "sklearn", "pandas", "numpy", "matplotlib", "jinja2", "pydantic", "safetensors")


@pytest.mark.parametrize("name", neurosieve.__all__)
def test_public_names_exist_and_are_documented(name: str) -> None:
    item = getattr(neurosieve, name)
    if inspect.isclass(item) or inspect.isfunction(item):
        assert inspect.getdoc(item)


@pytest.mark.parametrize("name", [n for n in neurosieve.__all__ if inspect.isfunction(getattr(neurosieve, n))])
def test_public_functions_document_every_parameter(name: str) -> None:
    function = getattr(neurosieve, name)
    doc = inspect.getdoc(function)
    assert doc is not None
    for parameter in inspect.signature(function).parameters:
        if len(inspect.signature(function).parameters) > 2:
            assert parameter in doc, f"{name}: {parameter}"


def test_unknown_names_are_refused() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = neurosieve.nonsense


def test_importing_the_package_loads_nothing_heavy() -> None:
    script = f"import sys, neurosieve; print([m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
