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
    RUN/cells/<model>--<corpus>--<property>/      what each stage left (see `neurosieve.study.columns`), and the probes
"""

from __future__ import annotations

import glob
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import Any

from neurosieve.activations.format import LOCK
from neurosieve.activations.lock import extraction_lock, moment
from neurosieve.corpora.derived import property_name
from neurosieve.errors import StudyError
from neurosieve.files import DamagedFileError, file_digest, read_sealed_json, sweep, why_unreadable, write_sealed_json
from neurosieve.json_shape import ANY, misfit
from neurosieve.probes.solvers import current_name
from neurosieve.study.cell_folder import PARTS
from neurosieve.study.probe_settings import ProbeSettings
from neurosieve.study.result import is_intact, read_result
from neurosieve.study.settings import CorpusSettings, ModelSettings, StoreSettings, slug, told_apart
from neurosieve.study.stage import WEIGHT_MASS, file_name

FORMAT = "neurosieve run"
FORMAT_VERSION = 2
"""2: the manifest names every input file. A run of version 1 is read as it is."""
TABLES, PAGE_FILES = "table_files", "page_files"
"""Entries of the manifest with the digest of each table, and of the page and each file that is written with it."""


KINDS: dict[str, type[ModelSettings] | type[CorpusSettings] | type[StoreSettings]] = {
    "models": ModelSettings,
    "corpora": CorpusSettings,
    "stores": StoreSettings,
}
MANIFEST_SHAPE = {
    "settings?": {"models?": [dict], "corpora?": [dict], "stores?": [dict], "probes?": {"solver?": str}},
    "files?": {ANY: str},
    "seconds?": {ANY: float},
    "failures?": [{ANY: str}],
    "activations?": [{"folder": str}],
    "cells?": [{"model": str, "corpus": str, "property": str}],
    f"{TABLES}?": {ANY: str},
    f"{PAGE_FILES}?": {ANY: str},
}
"""What is read of a manifest before anything else (see `neurosieve.json_shape`); its settings are looked at as a study file is."""
_ADDRESS = re.compile(r"([a-z][a-z0-9+.-]+):/")
"""How ``s3://bucket/run`` begins, also after it was taken for a path; a drive has one letter."""
ADDED_TO = ("seconds",)
"""Entries of the manifest that are added to, not replaced."""


class RunFolder:
    """The folder of one run.

    Parameters
    ----------
    path : str or Path
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        if found := _ADDRESS.match(str(path)):
            raise StudyError(
                f"{path}: is an address ({found[1]}), and a run lies in a folder; give one on this machine, or, for several "
                "machines, on a file system that they share (such as NFS or Lustre, or a bucket that is mounted)"
            )

    @property
    def manifest_path(self) -> Path:
        """File with the settings and whatever made the results."""
        return self.path / "manifest.json"

    def store_path(self, model: str, corpus: str) -> Path:
        """Folder of the activations of one model over one corpus."""
        return self.path / "activations" / f"{slug(model)}--{slug(corpus)}"

    def cell_path(self, model: str, corpus: str, prop: str) -> Path:
        """Folder of one cell.

        Two properties may differ in what a folder's name cannot hold (``regex:ing`` and ``regex:ing$``): such a name has a
        digest behind it, unless the property has the plain folder already.
        """
        begins, shown = f"{slug(model)}--{slug(corpus)}--", slug(prop)
        plain = self.path / "cells" / f"{begins}{shown}"
        if (shown == prop and "--" not in prop) or property_in(plain) == prop:
            return plain
        return self.path / "cells" / f"{begins}{told_apart(shown, prop)}"

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
            content = read_sealed_json(self.manifest_path)
        except (OSError, DamagedFileError) as error:
            again = "restore it from a copy, or choose another output folder"
            raise StudyError(f"{self.manifest_path}: {why_unreadable(error, again)}") from error
        if not isinstance(content, dict) or content.get("format") != FORMAT:
            raise StudyError(f"{self.manifest_path}: not the manifest of a run; choose another output folder")
        version = content.get("format_version", 1)
        if not isinstance(version, int) or not 1 <= version <= FORMAT_VERSION:
            raise StudyError(
                f"{self.manifest_path}: format version {version!r}, this neurosieve reads versions 1 to {FORMAT_VERSION}; "
                "read the run with the version that wrote it (neurosieve_version in the manifest), or update"
            )
        if wrong := misfit(content, MANIFEST_SHAPE):
            raise StudyError(f"{self.manifest_path}: {wrong}; restore it from a copy, or choose another output folder")
        probes = (content.get("settings") or {}).get("probes") or {}
        if "solver" in probes:
            probes["solver"] = current_name(probes["solver"])
        return content

    @contextmanager
    def working(self) -> Iterator[None]:
        """Be the one process that works in the folder; it is made if there is none.

        Raises
        ------
        StudyError
            If it is a file.
        StoreError
            If another process works in it.
        """
        if self.path.is_file():
            raise StudyError(f"{self.path}: is not empty and holds no run; choose another output folder")
        self.path.mkdir(parents=True, exist_ok=True)
        with extraction_lock(self.path, doing="working in"):
            yield

    def remember(self, **probes: Any) -> None:  # noqa: ANN401
        """Keep probe settings for whatever is computed later in the run; what is None stays as it is."""
        given = {key: value for key, value in probes.items() if value is not None}
        if given:
            settings = self.manifest()["settings"]
            whole = ProbeSettings.model_validate({**settings["probes"], **given})
            self.note(settings={**settings, "probes": whole.model_dump(mode="json")})

    def note(self, **entries: Any) -> dict[str, Any]:  # noqa: ANN401
        """Write entries into the manifest and leave the others as they are; returns it. Nothing else writes it.

        An entry that is a mapping, such as the wall times, is added to the one that is there.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        with moment(self.path):
            before = self.manifest()
            joined = {
                key: {**before[key], **value} if key in ADDED_TO and isinstance(before.get(key), dict) else value
                for key, value in entries.items()
            }
            return self._write({"format": FORMAT, "format_version": FORMAT_VERSION, **before, **joined})

    def sweep(self) -> None:
        """Delete what a killed process left half-written; only for the one that holds the folder's lock."""
        cells = [path for path in (self.path / "cells").glob("*") if path.is_dir()]
        for place in (self.path, *cells, *(path / PARTS for path in cells)):
            sweep(place)

    def written(self, part: str) -> bool:
        """Whether all files of a part of the results are there and are what was written (see `digests_of`)."""
        noted: dict[str, str] = self.manifest().get(part) or {}
        return bool(noted) and all(is_intact(self.path / name, digest) for name, digest in noted.items())

    def _write(self, content: dict[str, Any]) -> dict[str, Any]:
        write_sealed_json(self.manifest_path, content)
        return content

    def claim(self, settings: dict[str, Any]) -> dict[str, Any]:
        """Make the folder this study's own, or let the study in it grow; return the settings of the whole.

        Models, corpora and properties of which the folder holds something stay part of the study, whether they are named
        again or not; those that are new are added. All other settings are those given now: whatever was computed with
        others is refused where it is needed, not here.

        Raises
        ------
        StudyError
            If the folder holds files that are not a run's, or activations of a model or corpus of the same name that were
            made in another way. Nothing is changed then.
        """
        found = self.manifest()
        if not found:
            if self.path.exists() and (not self.path.is_dir() or any(p.name != LOCK for p in self.path.iterdir())):
                raise StudyError(f"{self.path}: is not empty and holds no run; choose another output folder")
            settings = settings | {
                part: [_named(entry, kind.model_validate(entry).label) for entry in settings.get(part, ())]
                for part, kind in KINDS.items()
            }
            self._refuse_shared_folders(settings)
            self.note(settings=settings, finished=False)
            return settings
        grown = self.grown(settings)
        self._refuse_shared_folders(grown)
        if grown != found.get("settings"):
            kept: dict[str, Any] = (
                {key: found[key] for key in ("files", "seconds") if key in found} if self.stores() else {}
            )
            version = found.get("format_version", 1) if kept else FORMAT_VERSION
            content = {"format": FORMAT, "format_version": version, "settings": grown, "finished": False, **kept}
            self._write(content)
        return grown

    def _refuse_shared_folders(self, settings: dict[str, Any]) -> None:
        """Refuse models and corpora whose names together give one folder: ``x`` over ``y--z`` and ``x--y`` over ``z``."""
        labels = {part: _labels(settings, part) for part in ("models", "corpora")}
        taken: dict[str, tuple[str, str]] = {}
        for model, corpus in product(labels["models"], labels["corpora"]):
            path = self.store_path(model, corpus)
            other = taken.setdefault(path.name, (model, corpus))
            if other != (model, corpus):
                raise StudyError(
                    f"{path}: would hold the activations of '{other[0]}' over '{other[1]}' and those of '{model}' over "
                    f"'{corpus}'; give one of the models or corpora another name (in a study file 'name'), or choose another "
                    "output folder"
                )

    def grown(self, settings: dict[str, Any]) -> dict[str, Any]:
        """These settings with what the folder already holds (see `claim`); changes nothing."""
        before = self.manifest().get("settings", {})
        whole = settings | {part: self._grown(part, before, settings) for part in KINDS}
        ranked = [m for m in before.get("probes", {}).get("ranking", (WEIGHT_MASS,)) if self._ranked_by(m)]
        probes = settings["probes"]
        return {**whole, "probes": {**probes, "ranking": _joined(ranked, probes["ranking"])}}

    def _ranked_by(self, method: str) -> bool:
        """Whether there is anything of a ranking method."""
        return any((self.path / "cells").glob(f"*/{file_name('ablation', method)}"))

    def _grown(self, part: str, before: dict[str, Any], now: dict[str, Any]) -> list[dict[str, Any]]:
        """The models or corpora of before of which something is there, and those of now."""
        kind = KINDS[part]
        earlier, given = (
            {(label := kind.model_validate(entry).label): _named(entry, label) for entry in entries.get(part, ())}
            for entries in (before, now)
        )
        used = {name: entry for name, entry in earlier.items() if self.holds(part, name)}
        for name in used.keys() & given.keys():
            old, new = ({k: v for k, v in entry.items() if k != "properties"} for entry in (used[name], given[name]))
            if old != new:
                raise StudyError(
                    f"{self.path}: holds activations of '{name}' made otherwise ({_first_difference(old, new)}); give the "
                    f"new one another name, choose another output folder, or repeat the same settings to resume"
                )
        whole = {name: {**given[name]} if name in given else entry for name, entry in {**used, **given}.items()}
        if part != "models":
            for name, entry in used.items():
                corpus = name if part == "corpora" else entry["corpus"]
                studied = [p for p in entry["properties"] if self._studied(corpus, p)]
                whole[name] = {**whole[name], "properties": _joined(studied, given.get(name, entry)["properties"])}
        return list(whole.values())

    def holds(self, part: str, name: str) -> bool:
        """Whether there are activations, finished or not, of a model or corpus; of a store, whether there is a cell."""
        if part == "stores":
            return any((self.path / "cells").glob(f"{glob.escape(name)}--*/*.json"))
        known = self.manifest().get("settings", {})
        models = [name] if part == "models" else _labels(known, "models")
        corpora = [name] if part == "corpora" else _labels(known, "corpora")
        return any(self.store_path(model, corpus).is_dir() for model, corpus in product(models, corpora))

    def _studied(self, corpus: str, prop: str) -> bool:
        name = property_name(prop) or prop
        shown = slug(name)
        ends = (f"--{slug(corpus)}--{shown}", f"--{slug(corpus)}--{told_apart(shown, name)}")
        there = [
            path for path in (self.path / "cells").glob("*") if path.name.endswith(ends) and any(path.glob("*.json"))
        ]
        return any(property_in(path) in (name, None) for path in there)


def digests_of(folder: Path, paths: Iterable[Path]) -> dict[str, str]:
    """Digest of each file, by its path from the run's folder."""
    return {path.relative_to(folder).as_posix(): file_digest(path) for path in sorted(paths)}


def property_in(cell: Path) -> str | None:
    """The property whose results lie in a cell's folder; None if there are none that can be read."""
    for path in sorted(cell.glob("*.json")) if cell.is_dir() else ():
        try:
            return str(read_result(path).made_with["property"])
        except (StudyError, KeyError):  # the one who needs it says what is wrong with it
            continue
    return None


def _labels(settings: dict[str, Any], part: str) -> list[str]:
    return [KINDS[part].model_validate(entry).label for entry in settings.get(part, ())]


def _named(entry: dict[str, Any], label: str) -> dict[str, Any]:
    """The entry with its name written down: one that is made from a path depends on what lies there now."""
    return {**entry, "name": label} if "name" in entry else entry


def _joined(first: Sequence[str], second: Sequence[str]) -> list[str]:
    return list(dict.fromkeys([*first, *second]))


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
