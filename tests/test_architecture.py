"""The rules of ARCHITECTURE.md: who may import whom, short files, few positional arguments, no prints."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src" / "neurosieve"
FILES = sorted(PACKAGE.rglob("*.py"))

MAY_IMPORT = {
    "corpora": set(),
    "models": set(),
    "activations": {"corpora", "models"},
    "probes": {"activations"},
    "rankings": {"activations", "probes"},
    "experiments": {"activations", "probes", "rankings"},
    "analysis": {"rankings"},
    "study": {"corpora", "models", "activations", "probes", "rankings", "experiments", "analysis", "figures", "report"},
    "figures": {"study", "rankings", "analysis", "experiments"},
    "report": {"study", "figures", "rankings", "analysis"},
    "cli": {"study"},
}
EVERYBODY = {"errors", "_version"}
ONLY_IN = {
    "torch": {"models", "probes", "study"},
    "matplotlib": {"figures"},
    "jinja2": {"report"},
    "transformers": {"models"},
}


def folder_of(file: Path) -> str:
    return file.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(file: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            if node.module == "neurosieve":
                names |= {f"neurosieve.{alias.name}" for alias in node.names}
            else:
                names.add(node.module)
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    return names


def name(file: Path) -> str:
    return str(file.relative_to(PACKAGE))


@pytest.mark.parametrize("file", FILES, ids=name)
def test_imports_follow_the_table(file: Path) -> None:
    folder = folder_of(file)
    if folder not in MAY_IMPORT:
        return
    ours = {module.split(".")[1] for module in imports(file) if module.startswith("neurosieve.")}
    assert ours - EVERYBODY - {folder} <= MAY_IMPORT[folder]


@pytest.mark.parametrize("file", FILES, ids=name)
def test_heavy_packages_stay_in_their_folders(file: Path) -> None:
    used = {module.split(".")[0] for module in imports(file)}
    for package, homes in ONLY_IN.items():
        if package in used:
            assert folder_of(file) in homes, f"{package} is imported in {name(file)}"


@pytest.mark.parametrize("file", FILES, ids=name)
def test_files_are_short_and_say_what_they_are(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 400
    assert ast.get_docstring(ast.parse(text))


@pytest.mark.parametrize("file", FILES, ids=name)
def test_nothing_prints_outside_the_command_line(file: Path) -> None:
    if folder_of(file) == "cli":
        return
    calls = [node for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
    assert not [call for call in calls if isinstance(call.func, ast.Name) and call.func.id == "print"]


@pytest.mark.parametrize("file", FILES, ids=name)
def test_public_functions_have_at_most_three_positional_arguments(file: Path) -> None:
    if folder_of(file) == "cli":  # typer turns parameters into options, which are named anyway
        return
    tree = ast.parse(file.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            positional = [a.arg for a in node.args.posonlyargs + node.args.args if a.arg not in ("self", "cls")]
            limit = 5 if node.name == "solve" else 3  # solvers are called by the engine alone
            assert len(positional) <= limit, f"{node.name}({positional})"


def test_the_table_in_the_documentation_is_the_one_tested() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)/` \|.*\| ([^|]*) \|$", text, flags=re.MULTILINE)
    documented = {folder: set(re.findall(r"`(\w+)`", allowed)) for folder, allowed in rows}
    assert set(documented) == set(MAY_IMPORT)
    for folder in ("corpora", "models", "activations", "probes", "rankings", "experiments", "analysis"):
        assert documented[folder] == MAY_IMPORT[folder]


def test_every_folder_is_documented() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for folder in MAY_IMPORT:
        assert f"`{folder}/`" in readme
