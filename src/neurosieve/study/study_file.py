"""What a study file may say in short: several sites and untrained twins in one entry, paths from the file's own folder."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from importlib.util import find_spec
from itertools import product
from os.path import normpath
from pathlib import Path
from typing import Any

from neurosieve.errors import ModelError, StudyError
from neurosieve.files import is_there
from neurosieve.probes.solvers import AUTO, SOLVERS, current_name, names, resolve, settings_of_others, solver_named

PACKAGE = "package:"
"""Before the name of an installed package that carries a model's folder."""
RECIPES = {"paper": "adam", "neurox": "neurox"}
"""Solver of each recipe."""


def resolved_paths(content: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Take relative paths of a study from `folder`, where the study file lies.

    A model's path stays as it is where it is no path: ``package:NAME``, or a name on the hub (neither begins with a dot
    nor lies in `folder`). So do ``sample`` and ``hf:NAME`` among a corpus' files.
    """

    def model(entry: Any) -> Any:  # noqa: ANN401 (what a user wrote is checked later)
        if not isinstance(entry, Mapping) or not isinstance(entry.get("path"), str):
            return entry
        path = entry["path"]
        local = not path.startswith((PACKAGE, "~")) and (path.startswith(".") or is_there(folder / path))
        return {**entry, "path": _from(folder, path) if local else path}

    def store(entry: Any) -> Any:  # noqa: ANN401
        if not isinstance(entry, Mapping) or not isinstance(entry.get("path"), str) or entry["path"].startswith("~"):
            return entry
        return {**entry, "path": _from(folder, entry["path"])}

    def files(value: Any) -> Any:  # noqa: ANN401
        if isinstance(value, str):
            return value if value == "sample" or value.startswith(("hf:", "~")) else _from(folder, value)
        return [files(part) for part in value] if isinstance(value, list) else value

    def corpus(entry: Any) -> Any:  # noqa: ANN401
        if not isinstance(entry, Mapping):
            return entry
        found = {**entry}
        if "files" in found:
            found["files"] = files(found["files"])
        if isinstance(found.get("splits"), Mapping):
            found["splits"] = {split: files(value) for split, value in found["splits"].items()}
        return found

    interventions = content.get("interventions")
    if isinstance(interventions, Mapping) and "pairs" in interventions:
        content = {**content, "interventions": {**interventions, "pairs": files(interventions["pairs"])}}
    return {
        **content,
        **{
            key: [change(entry) for entry in content[key]]
            for key, change in (("models", model), ("corpora", corpus), ("stores", store))
            if isinstance(content.get(key), list)
        },
    }


def _from(folder: Path, path: str) -> str:
    return normpath(folder / path)  # which leaves absolute paths alone


def expanded_models(models: Any) -> tuple[Any, list[int]]:  # noqa: ANN401
    """Write out entries with ``sites`` (several in place of one) and ``twins`` (seeds of untrained twins beside the model).

    Returns
    -------
    models : list
        One entry a variant. Where the entry has a name, the variant's name says what it is.
    origins : list of int
        Position of the entry that each comes from.

    Raises
    ------
    StudyError
        If an entry has both ``site`` and ``sites``, both ``untrained`` and ``twins``, or one of the lists is none.
    """
    if not isinstance(models, list):
        return models, []
    found: list[Any] = []
    origins: list[int] = []
    for number, entry in enumerate(models):
        variants = _variants(entry, f"models[{number}]") if isinstance(entry, Mapping) else [entry]
        found += variants
        origins += [number] * len(variants)
    return found, origins


def _variants(entry: Mapping[str, Any], where: str) -> list[dict[str, Any]]:
    for several, one in (("sites", "site"), ("twins", "untrained")):
        if several in entry and one in entry:
            raise StudyError(f"{where}: has both {one} and {several}; give one of them")
    sites = _listed(entry, "sites", str, where) or [entry.get("site")]
    seeds = [entry.get("untrained"), *_listed(entry, "twins", int, where)]
    rest = {key: value for key, value in entry.items() if key not in ("sites", "twins", "site", "untrained")}
    found = []
    for site, seed in product(sites, seeds):
        variant = {**rest, **({} if site is None else {"site": site}), **({} if seed is None else {"untrained": seed})}
        if entry.get("name") and ("sites" in entry or "twins" in entry):
            variant["name"] = str(entry["name"]) + suffix(site or "residual", seed)
        found.append(variant)
    return found


def _listed(entry: Mapping[str, Any], key: str, kind: type, where: str) -> list[Any]:
    value = entry.get(key, [])
    if not isinstance(value, Sequence) or isinstance(value, str) or not all(type(part) is kind for part in value):
        names = {"sites": 'names such as ["residual", "mlp"]', "twins": "seeds such as [0, 1]"}
        raise StudyError(f"{where}.{key}: expected a list of {names[key]}, found {value!r}")
    return list(value)


def suffix(site: str, untrained: int | None) -> str:
    """What a variant's name ends with."""
    return ("" if site == "residual" else f"-{site}") + ("" if untrained is None else f"-untrained{untrained}")


def model_place(path: str) -> str:
    """The path or hub name to load: `path`, or the model's folder in an installed package for ``package:NAME``.

    Raises
    ------
    ModelError
        If there is no such package, or it holds no model.
    """
    if not path.startswith(PACKAGE):
        return path
    name = path.removeprefix(PACKAGE)
    found = find_spec(name) if name.isidentifier() else None  # finds it without running its code
    if found is None or not found.submodule_search_locations:
        raise ModelError(f"'{path}': the package '{name}' is not installed; pip install {name.replace('_', '-')}")
    folders = sorted(Path(found.submodule_search_locations[0]).rglob("config.json"), key=lambda file: len(file.parts))
    if not folders:
        raise ModelError(
            f"'{path}': the package holds no model's folder (with a config.json); give the model's own path"
        )
    return str(folders[0].parent)


def known_solver(solver: str) -> str:
    """The name that a solver has now, with a warning where an old one was given; an unknown one as it is."""
    return solver_named(solver).name if current_name(solver) in SOLVERS else solver


def idle_settings(solver: str, given: Collection[str]) -> list[str]:
    """Those of the `given` settings that other solvers have and this one (as for labels) has not; none if it is unknown."""
    if solver not in names():
        return []  # the check of the settings will say so
    return settings_of_others(resolve(AUTO, "softmax") if solver == AUTO else SOLVERS[solver], given)


def with_recipe(content: Mapping[str, Any], recipe: str) -> dict[str, Any]:
    """Set the solver of a study to that of a recipe: ``"paper"``, or ``"neurox"``, which replays the released tool kit.

    Raises
    ------
    StudyError
        If there is no such recipe.
    """
    if recipe not in RECIPES:
        raise StudyError(f"--recipe: expected {' or '.join(RECIPES)}, found {recipe!r}")
    return {**content, "probes": {**content.get("probes", {}), "solver": RECIPES[recipe]}}
