"""The rules of ARCHITECTURE.md: who may import whom, short files, few positional arguments, no prints."""

from __future__ import annotations

import ast
import re
from graphlib import CycleError, TopologicalSorter
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
    "experiments": {"models", "activations", "probes", "rankings"},
    "analysis": {"activations", "rankings"},
    "study": {"corpora", "models", "activations", "probes", "rankings", "experiments", "analysis"},
    "figures": {"study", "experiments"},
    "report": {"study", "figures", "analysis"},
    "runs": {"activations", "analysis", "study", "report"},
    "compact": {"models", "activations", "probes", "rankings", "experiments", "study", "runs"},
    "cli": {"study", "runs"},
    "bars": set(),
    "errors": set(),
    "extensions": set(),
    "files": set(),
    "csv_files": set(),
    "json_shape": set(),
    "intervals": set(),
    "notebook": set(),
    "_version": set(),
    "planted": set(),
    "__main__": {"cli"},
    "__init__": set(),
}
"""Folders and single files; the public names of ``__init__.pyi`` are for users, nothing of ours imports them."""
SINGLE_FILES = {name for name in MAY_IMPORT if (PACKAGE / f"{name}.py").is_file()}
EVERYBODY = {"bars", "errors", "extensions", "files", "csv_files", "json_shape", "intervals", "notebook", "_version"}
ONLY_IN = {
    "torch": {"models", "probes", "study"},
    "matplotlib": {"figures"},
    "jinja2": {"report"},
    "transformers": {"models"},
    "ray": {"runs"},
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
    assert folder in MAY_IMPORT, f"{folder} is not in the table of ARCHITECTURE.md; give it a row there and here"
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
    assert documented == {folder: MAY_IMPORT[folder] for folder in MAY_IMPORT if folder not in SINGLE_FILES}
    for file in SINGLE_FILES - {"__init__"}:
        assert f"`{file}.py`" in text


def test_every_folder_is_documented() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for folder in set(MAY_IMPORT) - SINGLE_FILES:
        assert f"`{folder}/`" in readme


def module_of(file: Path) -> str:
    parts = ("neurosieve", *file.relative_to(PACKAGE).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_of(file): file for file in FILES}


def used_by(file: Path) -> set[str]:
    """Modules of ours that a file imports at its head, inside functions or for type checkers alone."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                found.add(full if full in MODULES else node.module)
    return found & set(MODULES)


def circle_in(imported: dict[str, set[str]]) -> list[str]:
    try:
        TopologicalSorter(imported).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_no_file_imports_itself_through_others() -> None:
    imported = {module: used_by(file) - {module} for module, file in MODULES.items()}
    assert circle_in(imported) == []


def test_a_circle_would_be_found() -> None:
    assert circle_in({"a": {"b"}, "b": {"c"}, "c": {"a"}})
    assert not circle_in({"a": {"b", "c"}, "b": {"c"}, "c": set()})
