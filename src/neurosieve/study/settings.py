"""What a study does: models, corpora with properties, and how to probe them; from a TOML file or from flags."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from neurosieve.errors import StudyError

if sys.version_info >= (3, 11):
    import tomllib
else:  # pragma: no cover (tomli is tomllib's backport)
    import tomli as tomllib


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ModelSettings(_Part):
    """One model of a study.

    Attributes
    ----------
    path : str
        Hub name, folder or archive (see `load_model`).
    name : str or None
        Name in tables and folders; made from `path` by default.
    pooling : {"last", "first", "mean"}
    site : str
    layers : tuple of int or str, or None
        All by default.
    untrained : int or None
        Seed of fresh weights for the untrained twin; None loads the trained weights.
    """

    path: str
    name: str | None = None
    pooling: Literal["last", "first", "mean"] = "last"
    site: str = "residual"
    layers: tuple[int | str, ...] | None = None
    untrained: int | None = None

    @property
    def label(self) -> str:
        """Name in tables and folders."""
        if self.name:
            return self.name
        folder = Path(self.path)
        # A folder called "model" says nothing; the folder above it usually does.
        parts = [part for part in folder.parts if part not in ("/", "model", "snapshot")]
        base = "/".join(parts[-2:]) if not folder.exists() else (parts[-1] if parts else "model")
        twin = "" if self.untrained is None else f"-untrained{self.untrained}"
        site = "" if self.site == "residual" else f"-{self.site}"
        return f"{base}{site}{twin}"


class CorpusSettings(_Part):
    """One corpus of a study.

    Attributes
    ----------
    files : tuple of str
        Files, folders or patterns, or ``("sample",)`` for the built-in corpus (see `load_corpus`).
    properties : tuple of str
        Properties to study; a run needs at least one.
    format, columns, splits, name
        As in `load_corpus`.
    """

    files: tuple[str, ...] = Field(min_length=1)
    properties: tuple[str, ...] = ()
    format: str | None = None
    columns: tuple[str, ...] | None = None
    splits: dict[str, str] | None = None
    name: str | None = None


class ProbeSettings(_Part):
    """How each model and property is probed; the defaults are the paper's.

    Attributes
    ----------
    seeds : int
        Number of runs that are averaged; they use the seeds 0, 1, ...
    grid : {"paper", "quick"}
        Lambdas that are searched, with seed 0.
    keep : float
        Share of the neurons that ablation keeps (the paper's M).
    alpha, beta : float
        Weights of the score of the search.
    deltas : tuple of float
        Allowed losses of the minimal sets, as fractions.
    step : float
        Growth of the minimal set, a share of all neurons.
    regularize : bool
        Whether retrained subsets use the lambdas of the oracle.
    control : bool
        Whether control tasks are run.
    standardize : bool
        Fit on z-scores.
    rare_labels : {"refuse", "keep", "drop"}
        What to do with labels that occur once in train (see `Splits.from_store`).
    solver : str
        As in `fit_probes`.
    epochs, batch_size, learning_rate
        Settings of the stochastic solver.
    """

    seeds: int = Field(default=3, ge=1)
    grid: Literal["paper", "quick"] = "paper"
    keep: float = Field(default=0.2, gt=0, lt=1)
    alpha: float = 0.5
    beta: float = 0.5
    deltas: tuple[float, ...] = Field(default=(0.005, 0.02), min_length=1)
    step: float = Field(default=0.01, gt=0, le=1)
    regularize: bool = True
    control: bool = True
    standardize: bool = False
    rare_labels: Literal["refuse", "keep", "drop"] = "refuse"
    solver: str = "adam"
    epochs: int = Field(default=10, ge=1)
    batch_size: int = Field(default=512, ge=1)
    learning_rate: float = Field(default=1e-3, gt=0)

    @field_validator("deltas")
    @classmethod
    def _ordered(cls, deltas: tuple[float, ...]) -> tuple[float, ...]:
        if any(not 0 <= delta < 1 for delta in deltas):
            raise ValueError("deltas are fractions: 0.005 is half a point")
        return tuple(sorted(set(deltas)))

    @property
    def solver_settings(self) -> dict[str, Any]:
        """Keywords for `fit_probes`."""
        return {
            "epochs": self.epochs, "batch_size": self.batch_size, "learning_rate": self.learning_rate,
            "standardize": self.standardize,
        }


class StudySettings(_Part):
    """A study: every model with every property of every corpus."""

    models: tuple[ModelSettings, ...] = Field(min_length=1)
    corpora: tuple[CorpusSettings, ...] = Field(min_length=1)
    probes: ProbeSettings = ProbeSettings()

    @classmethod
    def from_toml(cls, path: str | Path) -> StudySettings:
        """Read a study file with the tables ``[[models]]``, ``[[corpora]]`` and ``[probes]``.

        Raises
        ------
        StudyError
            If the file is missing, not TOML, or has unknown or wrong entries; the message names the entry.
        """
        file = Path(path)
        try:
            content = tomllib.loads(file.read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise StudyError(f"{file}: no such study file") from error
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise StudyError(f"{file}: not a TOML file ({error})") from error
        return cls.checked(content, where=str(file))

    @classmethod
    def checked(cls, content: dict[str, Any], *, where: str) -> StudySettings:
        """Validate `content`; the error says which entry is wrong and what was expected."""
        try:
            return cls.model_validate(content)
        except ValidationError as error:
            first = error.errors()[0]
            entry = ".".join(str(part) for part in first["loc"])
            raise StudyError(f"{where}: {entry}: {first['msg']} (found {first['input']!r})") from error
