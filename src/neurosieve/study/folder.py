"""A run's folder: where the activations, the cells and the results lie, and which study it belongs to.

::

    RUN/manifest.json            settings, versions, digests, wall times
    RUN/results.csv              every score, one row a seed
    RUN/rankings.csv             every neuron with its ranks
    RUN/layers.csv, labels.csv, architectures.csv    each seed's minimal set, by layer and label, and how labels share it
    RUN/tables/*.csv|md|tex      the paper's tables
    RUN/figures/*.png|svg|csv    every figure with its data, those across models as PDF too
    RUN/report.html              what was found, in words
    RUN/activations/<model>--<corpus>/            activation stores
    RUN/cells/<model>--<corpus>--<property>/      what each stage left
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from neurosieve.activations.format import write_json
from neurosieve.errors import StudyError
from neurosieve.probes.solvers import current_name
from neurosieve.study.settings import slug

FORMAT = "neurosieve run"
FORMAT_VERSION = 2
"""2: the manifest names every input file. A run of version 1 is read as it is."""


class RunFolder:
    """The folder of one run.

    Parameters
    ----------
    path : str or Path
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

    @property
    def manifest_path(self) -> Path:
        """File with the settings and whatever made the results."""
        return self.path / "manifest.json"

    def store_path(self, model: str, corpus: str) -> Path:
        """Folder of the activations of one model over one corpus."""
        return self.path / "activations" / f"{slug(model)}--{slug(corpus)}"

    def cell_path(self, model: str, corpus: str, prop: str) -> Path:
        """Folder of one cell."""
        return self.path / "cells" / f"{slug(model)}--{slug(corpus)}--{slug(prop)}"

    def stores(self) -> list[Path]:
        """Folders of all activation stores, finished or not."""
        return sorted(path for path in (self.path / "activations").glob("*") if path.is_dir())

    def manifest(self) -> dict[str, Any]:
        """The manifest, empty if the run is new.

        Raises
        ------
        StudyError
            If the manifest is not one of ours.
        """
        if not self.manifest_path.is_file():
            return {}
        try:
            content = json.loads(self.manifest_path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise StudyError(f"{self.manifest_path}: not readable ({error}); choose another output folder") from error
        if not isinstance(content, dict) or content.get("format") != FORMAT:
            raise StudyError(f"{self.manifest_path}: not the manifest of a run; choose another output folder")
        version = content.get("format_version", 1)
        if not isinstance(version, int) or not 1 <= version <= FORMAT_VERSION:
            raise StudyError(
                f"{self.manifest_path}: format version {version!r}, this neurosieve reads versions 1 to {FORMAT_VERSION}; "
                "read the run with the version that wrote it (neurosieve_version in the manifest), or update"
            )
        probes = content.get("settings", {}).get("probes", {})
        if "solver" in probes:
            probes["solver"] = current_name(probes["solver"])
        return content

    def claim(self, settings: dict[str, Any]) -> dict[str, Any]:
        """Make the folder this study's own, or check that it is; return the manifest so far.

        Settings on which nothing in the folder depends yet may change: all while it holds no activations (a first try
        with a wrong property), the properties and how they are probed while it holds no cell.

        Raises
        ------
        StudyError
            If the folder holds another run, or files that are not a run's. Nothing is changed then.
        """
        found = self.manifest()
        if found:
            before, now = found.get("settings", {}), settings
            if before == now:
                return found
            if not any((self.path / "cells").glob("*")):
                before, now = of_activations(before), of_activations(now)
            if before != now and self.stores():
                raise StudyError(
                    f"{self.path}: holds another run ({_first_difference(before, now)}); "
                    "choose another output folder, or repeat the same settings to resume"
                )
        elif self.path.exists() and (not self.path.is_dir() or any(self.path.iterdir())):
            raise StudyError(f"{self.path}: is not empty and holds no run; choose another output folder")
        self.path.mkdir(parents=True, exist_ok=True)
        content = {"format": FORMAT, "format_version": FORMAT_VERSION, "settings": settings, "finished": False}
        if found and self.stores():  # the activations stay, and with them what is known of the files they came from
            kept = ("format_version", "files", "seconds")
            content |= {key: found[key] for key in kept if key in found}
        write_json(self.manifest_path, content)
        return content


def of_activations(settings: dict[str, Any]) -> dict[str, Any]:
    """The settings that activations depend on."""
    return {
        "models": settings.get("models"),
        "corpora": [{k: v for k, v in corpus.items() if k != "properties"} for corpus in settings.get("corpora", ())],
    }


def _first_difference(before: Any, now: Any, where: str = "") -> str:  # noqa: ANN401 (any JSON)
    """Say in words where two JSON values differ first."""
    if isinstance(before, dict) and isinstance(now, dict):
        for key in {**before, **now}:
            if before.get(key) != now.get(key):
                return _first_difference(before.get(key), now.get(key), f"{where}.{key}" if where else str(key))
    if isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        for number, (a, b) in enumerate(zip(before, now, strict=True)):
            if a != b:
                return _first_difference(a, b, f"{where}[{number}]")
    return f"{where} is {before!r} there and {now!r} here"
