"""The public names: all there, all documented, and instant to import."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path

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
    with pytest.raises(AttributeError, match="No neurosieve attribute nonsense"):
        _ = neurosieve.nonsense


def test_importing_the_package_loads_nothing_heavy() -> None:
    script = f"import sys, neurosieve; print([m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


USER_SCRIPT = """\
import neurosieve as ns

corpus = ns.load_corpus("sample")
store = ns.extract(corpus, ns.load_model("m"), "out")
splits = ns.Splits.from_store(store, "pos")
search = ns.search_lambdas(splits)
"""


@pytest.mark.slow
def test_a_type_checker_sees_the_type_of_every_public_name(tmp_path: Path) -> None:
    asked = "\n".join(f"reveal_type(ns.{name})" for name in neurosieve.__all__)
    values = "\n".join(f"reveal_type({name})" for name in ("corpus", "store", "splits", "search"))
    script = tmp_path / "user.py"
    script.write_text(f"{USER_SCRIPT}{asked}\n{values}\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--config-file=", "--ignore-missing-imports", str(script)],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    revealed = [line.split("Revealed type is ")[1] for line in done.stdout.splitlines() if "Revealed" in line]
    assert len(revealed) == len(neurosieve.__all__) + 4
    assert not [line for line in revealed if line.strip('"') in ("object", "builtins.object", "Any")]
    assert [line.strip('"').rpartition(".")[2] for line in revealed[-4:]] == [
        "Corpus",
        "ActivationStore",
        "Splits",
        "SearchResult",
    ]
