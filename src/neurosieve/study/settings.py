"""What a study does: models, corpora with properties, and how to probe them; from a TOML file or from flags."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Callable, Sequence
from glob import has_magic
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, Field, ValidationError, field_validator, model_validator

from neurosieve.errors import StudyError
from neurosieve.files import is_there
from neurosieve.study.cluster_settings import ClusterSettings
from neurosieve.study.intervention_settings import InterventionSettings
from neurosieve.study.part import Part
from neurosieve.study.probe_settings import ProbeSettings
from neurosieve.study.study_file import expanded_models, resolved_paths, suffix, with_recipe

if sys.version_info >= (3, 11):
    import tomllib
else:  # pragma: no cover (tomli is tomllib's backport)
    import tomli as tomllib


OPTIONS = {
    "path": "model",
    "files": "corpus",
    "properties": "property",
    "deltas": "delta",
    "discovery_rate": "rate",
}
"""Entries of a study whose option on the command line has another name."""


LONGEST = 80
"""Most bytes of a name within a folder's name, of which there are three, and file systems allow 255."""


def slug(name: str) -> str:
    """`name` as a folder name; a long one is cut, and a digest keeps it apart from others that begin alike."""
    whole = "".join(c if c.isalnum() or c in "-_." else "-" for c in name).strip("-.") or "unnamed"
    return whole if len(whole.encode()) <= LONGEST else told_apart(whole, name)


def told_apart(shown: str, name: str) -> str:
    """`shown`, cut if it is long, with the beginning of the digest of `name`, so that no other name has the same folder."""
    cut = shown.encode()[: LONGEST - 9].decode(errors="ignore").rstrip("-.")
    return f"{cut}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


class ModelSettings(Part):
    """One model of a study.

    Attributes
    ----------
    path : str
        Hub name, folder or archive (see `load_model`), or ``package:NAME`` for a model that an installed package carries.
    name : str or None
        Name in tables and folders; made from `path` by default.
    pooling : {"last", "first", "mean"}
    sentence_vector : {"mean", "first", "last", "special"} or None
        What the vector of a sentence is made of (see `extract`), for corpora whose unit is the sentence; None is the mean.
    site : str
    layers : tuple of int or str, or None
        All by default.
    untrained : int or None
        Seed of fresh weights for the untrained twin; None loads the trained weights.
    revision, device, dtype, trust_remote_code
        As in `load_model`.
    """

    path: str
    name: str | None = None
    pooling: Literal["last", "first", "mean"] = "last"
    sentence_vector: Literal["mean", "first", "last", "special"] | None = None
    site: str = "residual"
    layers: tuple[int | str, ...] | None = None
    untrained: int | None = None
    revision: str | None = None
    device: str | None = None
    dtype: str = "float32"
    trust_remote_code: bool = False

    @property
    def label(self) -> str:
        """Name in tables and folders."""
        if self.name:
            return self.name
        folder = Path(self.path.removeprefix("package:"))
        # A folder called "model" says nothing; the folder above it usually does.
        parts = [part for part in folder.parts if part not in ("/", "model", "snapshot")]
        base = "/".join(parts[-2:]) if not is_there(folder) else (parts[-1] if parts else "model")
        return base + suffix(self.site, self.untrained)


class CorpusSettings(Part):
    """One corpus of a study.

    Attributes
    ----------
    files : tuple of str
        Files, folders or patterns, or ``("sample",)`` for the built-in corpus (see `load_corpus`). Empty if `splits`
        names files.
    properties : tuple of str
        Properties to study; a run needs at least one.
    format, columns, splits
        As in `load_corpus`.
    numeric : tuple of str
        Properties whose labels are numbers.
    unit : {"word", "sentence"}
        What the properties label, and what a row of the activations stands for.
    name : str or None
        Name in tables and folders; made from the files' names by default.
    dev_fraction, test_fraction, random_state
        How a corpus without these splits is divided (see `load_corpus`).
    """

    files: tuple[str, ...] = ()
    properties: tuple[str, ...] = ()
    format: str | None = None
    columns: tuple[str, ...] | None = None
    splits: dict[str, str | tuple[str, ...]] | str | None = None
    numeric: tuple[str, ...] = ()
    unit: Literal["word", "sentence"] = "word"
    name: str | None = None
    dev_fraction: float | None = None
    test_fraction: float | None = None
    random_state: int = 0

    @field_validator("properties")
    @classmethod
    def _each_once(cls, properties: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(properties))

    @model_validator(mode="after")
    def _named_once(self) -> CorpusSettings:
        if bool(self.files) == isinstance(self.splits, dict):
            raise ValueError("give either files, or splits that name the files of train, dev and test")
        return self

    @property
    def label(self) -> str:
        """Name in tables and folders."""
        if self.name:
            return self.name
        return self._from_files() + ("-sentences" if self.unit == "sentence" else "")

    def _from_files(self) -> str:
        given = list(self.files)
        if isinstance(self.splits, dict):
            given = [f for part in self.splits.values() for f in ([part] if isinstance(part, str) else part)]
        if len(given) == 1 and not has_magic(given[0]):
            path = Path(given[0].removeprefix("hf:"))
            return path.stem if path.suffix != ".gz" else Path(path.stem).stem
        return Path(os.path.commonpath([Path(f).absolute().parent for f in given])).name or "corpus"


class StoreSettings(Part):
    """Activations that are there already: a store of another run, or one made from arrays (`store_from_arrays`).

    Attributes
    ----------
    path : str
        The store's folder.
    properties : tuple of str
        Properties to study.
    model, corpus : str or None
        Names in tables and folders; the store's own by default.
    """

    path: str
    properties: tuple[str, ...] = ()
    model: str | None = None
    corpus: str | None = None

    @property
    def label(self) -> str:
        """Beginning of the names of its cells' folders."""
        return f"{slug(self.model or self.path)}--{slug(self.corpus or '')}"


class StudySettings(Part):
    """A study: every model with every property of every corpus, and every property of stores that are there already.

    What a task takes of a cluster's machines is no part of what is studied, and is left out where the study is written down.
    """

    models: tuple[ModelSettings, ...] = ()
    corpora: tuple[CorpusSettings, ...] = ()
    stores: tuple[StoreSettings, ...] = ()
    probes: ProbeSettings = ProbeSettings()
    cluster: ClusterSettings = Field(default=ClusterSettings(), exclude=True)

    @model_validator(mode="before")
    @classmethod
    def _interventions(cls, content: Any) -> Any:  # noqa: ANN401 (what a user wrote)
        """Take the table ``[interventions]`` among the settings that the stages of a cell read."""
        if not isinstance(content, dict) or "interventions" not in content:
            return content
        rest = {key: value for key, value in content.items() if key != "interventions"}
        probes = rest.get("probes", {})
        probes = probes.model_dump() if isinstance(probes, ProbeSettings) else probes
        return {**rest, "probes": {**probes, "interventions": content["interventions"]}}

    @model_validator(mode="after")
    def _something_to_study(self) -> StudySettings:
        if bool(self.models) != bool(self.corpora) or not (self.models or self.stores):
            raise ValueError("give models and corpora, or stores of activations")
        return self

    @model_validator(mode="after")
    def _distinct(self) -> StudySettings:
        parts: dict[str, Sequence[ModelSettings | CorpusSettings]] = {"models": self.models, "corpora": self.corpora}
        for kind, members in parts.items():
            folders = [slug(part.label) for part in members]
            for folder in folders:
                if folders.count(folder) > 1:  # they would share a folder
                    raise ValueError(
                        f"{kind}: {folders.count(folder)} of them are called '{folder}'; give each a name of its own"
                    )
        if any(m.sentence_vector for m in self.models) and all(c.unit == "word" for c in self.corpora):
            raise ValueError(
                "a sentence vector is for corpora whose unit is the sentence; add that unit, or leave it out"
            )
        return self

    @classmethod
    def from_toml(cls, path: str | Path, *, recipe: str | None = None) -> StudySettings:
        """Read a study file with the tables ``[[models]]``, ``[[corpora]]`` and ``[probes]``.

        Relative paths in it start at the file's own folder. A model's entry may name several ``sites`` in place of one,
        and ``twins``, seeds of untrained twins that are studied beside it.

        Parameters
        ----------
        path : str or Path
        recipe : {"paper", "neurox"}, optional
            Solver in place of the file's: the paper's recipe, or the released tool kit's.

        Raises
        ------
        StudyError
            If the file is missing, not TOML, or has unknown or wrong entries; the message names the entry.
        """
        file = Path(path)
        try:
            content = tomllib.loads(file.read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise StudyError(f"{file}: there is no such study file; check the path (from {Path.cwd()})") from error
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise StudyError(f"{file}: not a TOML file ({error})") from error
        content = resolved_paths(content, file.parent)
        return cls.checked(content if recipe is None else with_recipe(content, recipe), where=str(file))

    @classmethod
    def checked(cls, content: dict[str, Any], *, where: str = "") -> StudySettings:
        """Validate the content of the file `where`, or, without it, what options of the command line say.

        Raises
        ------
        StudyError
            If an entry is unknown or wrong; the message names the entry or the option.
        """
        try:
            models, origins = expanded_models(content.get("models"))
        except StudyError as error:
            raise StudyError(f"{where}: {error}" if where else str(error)) from error

        def entry(place: Sequence[int | str]) -> str:
            """The entry as the user wrote it, before models were written out."""
            if len(place) > 1 and place[0] == "models" and isinstance(place[1], int):
                place = ["models", origins[place[1]], *place[2:]]
            return _dotted(place)

        try:
            return cls.model_validate({**content, "models": models} if "models" in content else content)
        except ValidationError as error:
            said = explained(error, name=entry if where else option_name)
            raise StudyError(f"{where}: {said}" if where else said) from error


def explained(error: ValidationError, *, name: Callable[[Sequence[int | str]], str] | None = None) -> str:
    """The first wrong entry, what was expected there and what was found, in one sentence."""
    first = error.errors()[0]
    place, kind = first["loc"], first["type"]
    if place[:2] == ("probes", "interventions"):  # which a study file has in a table of its own
        place = place[1:]
    entry = (name or _dotted)(place)
    if kind == "extra_forbidden":
        known = _known_entries(place)
        return f"{entry}: unknown entry; there are {', '.join(known)}"
    if kind == "missing":
        return f"{entry}: is missing"
    if kind == "value_error":
        return ": ".join(filter(None, [entry, str(first["ctx"]["error"])]))
    return f"{entry}: {first['msg'].replace('Input should be', 'expected', 1)}, found {first['input']!r}"


def option_name(place: Sequence[int | str]) -> str:
    """The option of the command line that gives the entry at `place`, such as ``--rare-labels``; empty at the top."""
    named = [part for part in place if isinstance(part, str)]
    return f"--{OPTIONS.get(named[-1], named[-1]).replace('_', '-')}" if named else ""


def _dotted(place: Sequence[int | str]) -> str:
    """The entry at `place` as a study file has it: ``models[0].pooling``."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place).lstrip(".")


def _known_entries(place: Sequence[int | str]) -> list[str]:
    parts: dict[int | str, type[BaseModel]] = {
        "models": ModelSettings,
        "corpora": CorpusSettings,
        "stores": StoreSettings,
        "probes": ProbeSettings,
        "interventions": InterventionSettings,
        "cluster": ClusterSettings,
    }
    short = ["sites", "twins"] if len(place) > 1 and place[0] == "models" else []
    if len(place) == 1:
        return [*StudySettings.model_fields, "interventions"]
    return [*parts[place[0]].model_fields, *short]
