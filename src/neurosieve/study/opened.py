"""`open_run`: a run's folder, finished or not, given back as objects to look at and go on with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from html import escape
from pathlib import Path
from typing import Any, overload

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from neurosieve.activations.splits import Splits
from neurosieve.activations.store import ActivationStore, is_complete, open_store
from neurosieve.errors import StudyError
from neurosieve.probes.spec import FittedProbe
from neurosieve.rankings.ranking import NeuronRanking
from neurosieve.rankings.weight_mass import weight_mass_ranking
from neurosieve.study.cell import read_stage
from neurosieve.study.folder import RunFolder
from neurosieve.study.settings import StudySettings
from neurosieve.study.stages import OPTIONAL, STAGES
from neurosieve.study.steps import report_run, settings_of

TABLES = ("results", "rankings", "layers", "labels", "architectures")
"""Tables that lie beside those of ``tables/``."""


@dataclass(frozen=True)
class CellMinimalSet:
    """The minimal set of one seed and delta, as a run holds it.

    Attributes
    ----------
    delta : float
        Allowed loss on dev, a fraction.
    seed : int
    neurons : ndarray of shape (n_selected,), int
        Columns of the activations, most salient first.
    names : tuple of str, length n_selected
        The same neurons by name, such as ``L3N251``.
    dev, test, oracle_dev, oracle_test : float
        Scores of the probe retrained on the set, and of the one on all neurons (accuracy, or R² of real values).
    """

    delta: float
    seed: int
    neurons: NDArray[np.intp]
    names: tuple[str, ...]
    dev: float
    test: float
    oracle_dev: float
    oracle_test: float

    def __repr__(self) -> str:
        return (
            f"CellMinimalSet: {len(self.neurons)} neurons within {100 * self.delta:g} points on dev, {100 * self.test:.2f} % "
            f"on test (all neurons {100 * self.oracle_test:.2f} %); {', '.join(self.names[:5])}, ..."
        )


@dataclass(frozen=True)
class OpenCell:
    """One model and one property of an opened run. Reads what the stages left, when it is asked for.

    Attributes
    ----------
    model, corpus, prop : str
        Names as the run's tables have them.
    folder : Path
        Where the stages' results lie.
    store_path : Path
        Folder of the activations.
    """

    model: str
    corpus: str
    prop: str
    folder: Path
    store_path: Path

    @property
    def finished(self) -> tuple[str, ...]:
        """Names of the stages that are finished, in their order."""
        return tuple(name for name in STAGES if (self.folder / f"{name}.json").is_file())

    @property
    def missing(self) -> tuple[str, ...]:
        """Stages that a report needs and the cell lacks."""
        return tuple(name for name in STAGES if name not in OPTIONAL and name not in self.finished)

    @cached_property
    def store(self) -> ActivationStore:
        """The activations.

        Raises
        ------
        StoreError
            If they are gone or unfinished.
        """
        return open_store(self.store_path)

    def result(self, stage: str) -> dict[str, Any]:
        """What a stage left.

        Raises
        ------
        StudyError
            If there is no such stage, or it is not finished.
        """
        if stage not in STAGES:
            raise StudyError(f"{self.folder.name}: no stage '{stage}'; the stages are {', '.join(STAGES)}")
        if stage not in self.finished:
            raise StudyError(
                f"{self.folder.name}: the stage '{stage}' is not finished (there are {', '.join(self.finished) or 'none'}); "
                "repeat the run's command to go on"
            )
        return dict(read_stage(self.folder / f"{stage}.json")["result"])

    def made_with(self, stage: str) -> dict[str, Any]:
        """The settings and digests that a finished stage was made with."""
        self.result(stage)
        return dict(read_stage(self.folder / f"{stage}.json")["made_with"])

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """The finished stages' results as tables: search, oracles, ablation, minimal, curves, control."""
        found: dict[str, pd.DataFrame] = {}
        for stage in self.finished:
            result = self.result(stage)
            rows = result.get("table", result.get("rows"))
            if rows is not None:
                found[stage] = pd.DataFrame(rows)
            if "curves" in result:
                found["curves"] = pd.concat([pd.DataFrame(curve) for curve in result["curves"]], ignore_index=True)
        return found

    @property
    def seeds(self) -> tuple[int, ...]:
        """Seeds whose probes lie in the folder."""
        numbers = [path.stem.removeprefix("oracle-") for path in self.folder.glob("oracle-*.safetensors")]
        return tuple(sorted(int(number) for number in numbers if number.isdigit()))

    def probe(self, seed: int = 0) -> FittedProbe:
        """The probe on all neurons of one seed.

        Raises
        ------
        StudyError
            If the run has no probe of that seed.
        """
        if seed not in self.seeds:
            there = ", ".join(map(str, self.seeds)) or "none yet"
            raise StudyError(f"{self.folder.name}: no probe of the seed {seed!r}; there are the seeds {there}")
        return FittedProbe.load(self.folder / f"oracle-{seed}.safetensors")

    def ranking(self, seed: int = 0) -> NeuronRanking:
        """The ranking of all neurons by one seed's probe."""
        return weight_mass_ranking(self.probe(seed))

    def minimal(self, delta: float | None = None, *, seed: int = 0) -> CellMinimalSet:
        """The minimal set of `delta` (by default the smallest) and `seed`.

        Raises
        ------
        StudyError
            If the run has no such set; the message names those that it has.
        """
        result = self.result("minimal")
        rows = result["rows"]
        wanted = min(row["delta"] for row in rows) if delta is None else delta
        row = next((row for row in rows if row["delta"] == wanted and row["seed"] == seed), None)
        if row is None:
            deltas, seeds = (sorted({row[key] for row in rows}) for key in ("delta", "seed"))
            raise StudyError(
                f"{self.folder.name}: no minimal set of delta {wanted!r} and seed {seed!r}; there are the deltas "
                f"{', '.join(map(str, deltas))} and the seeds {', '.join(map(str, seeds))}"
            )
        neurons = np.asarray(result["sets"][f"{seed}/{wanted}"], dtype=np.intp)
        names = tuple(self.store.neurons["neuron"].to_numpy()[neurons].tolist())
        scores = {key: float(row[key]) for key in ("dev", "test", "oracle_dev", "oracle_test")}
        return CellMinimalSet(wanted, seed, neurons, names, **scores)

    @cached_property
    def splits(self) -> Splits:
        """Labelled splits of the property, with rare labels as the run treated them."""
        return Splits.from_store(self.store, self.prop, rare_labels=self.made_with("search")["rare_labels"])

    def __repr__(self) -> str:
        state = "finished" if not self.missing else f"lacks {', '.join(self.missing)}"
        return f"OpenCell {self.model} / {self.prop} of {self.corpus}: {state}"


class Cells(Sequence[OpenCell]):
    """The cells of a run, by position, by property, or by (model, corpus, property).

    Parameters
    ----------
    cells : sequence of OpenCell
    """

    def __init__(self, cells: Sequence[OpenCell]) -> None:
        self._cells = tuple(cells)

    def __len__(self) -> int:
        return len(self._cells)

    def __iter__(self) -> Iterator[OpenCell]:
        return iter(self._cells)

    @overload
    def __getitem__(self, key: int | str | tuple[str, str, str]) -> OpenCell: ...
    @overload
    def __getitem__(self, key: slice) -> Cells: ...
    def __getitem__(self, key: int | slice | str | tuple[str, str, str]) -> OpenCell | Cells:
        if isinstance(key, slice):
            return Cells(self._cells[key])
        if isinstance(key, int):
            return self._cells[key]
        model, corpus, prop = (None, None, key) if isinstance(key, str) else key
        found = self.select(model=model, corpus=corpus, prop=prop)
        if len(found) != 1:
            are = "; ".join(f"{c.model}, {c.corpus}, {c.prop}" for c in (found if len(found) else self)) or "none"
            many = "several cells are" if len(found) else "no cell is"
            raise StudyError(f"{many} {key!r}; choose one as cells[model, corpus, property]: {are}")
        return found._cells[0]

    def select(self, *, model: str | None = None, corpus: str | None = None, prop: str | None = None) -> Cells:
        """The cells of a model, a corpus or a property."""
        asked = {"model": model, "corpus": corpus, "prop": prop}
        return Cells([c for c in self._cells if all(v is None or getattr(c, name) == v for name, v in asked.items())])

    def to_frame(self) -> pd.DataFrame:
        """One row a cell: model, corpus, property, finished stages, missing stages."""
        columns = ["model", "corpus", "property", "finished", "missing"]
        rows = [(c.model, c.corpus, c.prop, ", ".join(c.finished), ", ".join(c.missing)) for c in self._cells]
        return pd.DataFrame(rows, columns=columns)

    def __repr__(self) -> str:
        return "\n".join(map(repr, self._cells)) or "no cells yet"

    def _repr_html_(self) -> str:
        return str(self.to_frame().to_html(index=False, border=0))


class Run:
    """A run's folder; `open_run` makes it. Nothing is loaded before it is asked for.

    Attributes
    ----------
    path : Path
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._folder = RunFolder(path)
        self.settings: StudySettings = settings_of(self._folder)

    @property
    def manifest(self) -> dict[str, Any]:
        """Settings, versions, digests of inputs, wall times."""
        return self._folder.manifest()

    @property
    def finished(self) -> bool:
        """Whether every cell that the study names is done and its results are written."""
        return bool(self.manifest.get("finished"))

    @property
    def cells(self) -> Cells:
        """Cells with at least one finished stage, in the study's order."""
        found = []
        for corpus in self.settings.corpora:
            for model in self.settings.models:
                store = self._folder.store_path(model.label, corpus.label)
                if not is_complete(store):
                    continue
                for prop in open_store(store).properties:
                    folder = self._folder.cell_path(model.label, corpus.label, prop)
                    if any(folder.glob("*.json")):
                        found.append(OpenCell(model.label, corpus.label, prop, folder, store))
        return Cells(found)

    @property
    def results(self) -> pd.DataFrame:
        """The tidy table of every score, one row a seed.

        Raises
        ------
        StudyError
            If the run has not got as far.
        """
        path = self.path / "results.csv"
        if not path.is_file():
            raise StudyError(
                f"{path}: not written yet; repeat the run's command to finish it, or call report() for the cells that are"
            )
        return pd.read_csv(path, keep_default_na=False, na_values=[""])

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """Every table that the run wrote, by name; none while it is unfinished."""
        files = [self.path / f"{name}.csv" for name in TABLES] + sorted((self.path / "tables").glob("*.csv"))
        return {f.stem: pd.read_csv(f, keep_default_na=False, na_values=[""]) for f in files if f.is_file()}

    def report(self) -> Path:
        """Write tables, figures and the page of all cells that have what a page needs, and return its path."""
        return report_run(self.path)

    def __repr__(self) -> str:
        state = "finished" if self.finished else "unfinished"
        return f"Run {self.path} ({state})\n{self.cells!r}"

    def _repr_html_(self) -> str:
        state = "finished" if self.finished else "unfinished"
        return f"<p><b>Run</b> {escape(str(self.path))} ({state})</p>{self.cells._repr_html_()}"


def open_run(path: str | Path) -> Run:
    """Open the folder of a finished or unfinished run.

    Parameters
    ----------
    path : str or Path
        A folder that ``neurosieve run``, ``neurosieve extract`` or `run_study` wrote.

    Returns
    -------
    Run
        Its ``cells``, ``results``, ``tables`` and ``report()``.

    Raises
    ------
    StudyError
        If the folder is missing or holds no run.

    Examples
    --------
    >>> import neurosieve as ns
    >>> ns.open_run("nowhere")
    Traceback (most recent call last):
    ...
    neurosieve.errors.StudyError: nowhere: holds no run; make one with `neurosieve extract` or `neurosieve run`
    """
    return Run(path)
