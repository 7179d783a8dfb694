"""A cell as a run's folder holds it: read, never computed. The page, the tables and `neurosieve.open_run` are made from these."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, overload

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from neurosieve.activations.from_text import with_property
from neurosieve.activations.splits import Splits
from neurosieve.activations.store import ActivationStore, open_store
from neurosieve.errors import StudyError
from neurosieve.notebook import card
from neurosieve.study.cell_folder import CellFolder
from neurosieve.study.findings import Findings, from_tables
from neurosieve.study.probe_settings import ProbeSettings
from neurosieve.study.result import Result, read_result
from neurosieve.study.stage import STAGES
from neurosieve.study.stages import neurons_of


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


@dataclass(repr=False)
class OpenCell(CellFolder):
    """One model and one property of an opened run, by one ranking method. Reads what the stages left, when it is asked for.

    Attributes
    ----------
    store_path : Path
        Folder of the activations.
    asked : ProbeSettings
        What the run's study says.
    extraction : float or None
        Seconds that the extraction of the activations took.
    written : str
        How the study writes the property; a text such as ``gerund=regex:ing$`` makes it where the store lacks it.
    """

    store_path: Path
    asked: ProbeSettings
    extraction: float | None = None
    written: str = ""

    @property
    def loss(self) -> str | None:
        """What the property's probes minimise; None before the stage ``data``."""
        return str(self.result("data")["about"]["loss"].iloc[0]) if "data" in self.finished else None

    @property
    def missing(self) -> tuple[str, ...]:
        """Stages that a report cannot do without, and that are not finished."""
        finished = self.finished
        return tuple(name for name, stage in STAGES.items() if stage.needed(self) and name not in finished)

    @cached_property
    def store(self) -> ActivationStore:
        """The activations.

        Raises
        ------
        StoreError
            If they are gone or unfinished.
        """
        return with_property(open_store(self.store_path), self.written or self.prop)

    @cached_property
    def _results(self) -> dict[str, Result]:
        return {}

    def result(self, stage: str) -> Result:
        """What a stage left.

        Raises
        ------
        StudyError
            If there is no such stage, or it is not finished.
        """
        if stage not in STAGES:
            raise StudyError(f"{self.folder.name}: no stage '{stage}'; the stages are {', '.join(STAGES)}")
        if stage not in self._results:
            path = self.path_of(STAGES[stage])
            if not path.is_file():
                raise StudyError(
                    f"{self.folder.name}: the stage '{stage}' is not finished (there are "
                    f"{', '.join(self.finished) or 'none'}); repeat the run's command to go on"
                )
            self._results[stage] = read_result(path)
        return self._results[stage]

    @cached_property
    def settings(self) -> ProbeSettings:
        """How the property was probed: what the finished stages were made with, and else what the study says."""
        made: dict[str, Any] = {}
        for name in self.finished:
            made |= {
                key: value
                for key, value in self.result(name).made_with.items()
                if key in ProbeSettings.model_fields and key not in STAGES[name].remade
            }
        whole = ProbeSettings.model_validate({**self.asked.of(real_values=self.loss == "squared").model_dump(), **made})
        return whole.model_copy(update=self._covered(whole))

    def _covered(self, asked: ProbeSettings) -> dict[str, Any]:
        """Of the seeds and deltas that the study asks for, those that all of the cell's stages have."""
        if not {"oracles", "ablation", "minimal"} <= {*self.finished}:
            return {}
        ends = [set(self.result(stage).units) for stage in ("oracles", "ablation", "minimal")]
        of_seeds = set.intersection(*({seed for seed, _ in units} for units in ends))
        seeds = next((n for n in range(asked.seeds, 0, -1) if of_seeds >= set(range(n))), 1)
        of_sets = {delta for _, delta in ends[-1] if all((seed, delta) in ends[-1] for seed in range(seeds))}
        deltas = tuple(delta for delta in asked.deltas if delta in of_sets) or tuple(
            sorted(d for d in of_sets if d is not None)
        )
        return {"seeds": seeds, "deltas": deltas}

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """Every table of every finished stage (see `neurosieve.study.columns`), of the seeds and deltas that were asked for."""
        parts = [self.result(name).only(STAGES[name].units(self.settings)) for name in self.finished]
        return {name: table for part in parts for name, table in part.tables.items()}

    def findings(self) -> Findings:
        """What the cell found, for pages and figures.

        Raises
        ------
        StudyError
            If a stage that they need is missing.
        """
        if self.missing:
            self.result(self.missing[0])
        seconds = {name: self.result(name).seconds for name in self.finished}
        return from_tables(
            self.tables,
            [self.ranking(seed) for seed in range(self.settings.seeds)],
            model=self.model,
            prop=self.prop,
            settings=self.settings.model_dump(mode="json"),
            seconds=seconds if self.extraction is None else {"extraction": self.extraction, **seconds},
        )

    def minimal(self, delta: float | None = None, *, seed: int = 0) -> CellMinimalSet:
        """The minimal set of `delta` (by default the smallest that the study asks for) and `seed`.

        Raises
        ------
        StudyError
            If the run has no such set; the message names those that it has.
        """
        result = self.result("minimal")
        rows = result["minimal"]
        wanted = min(self.settings.deltas) if delta is None else delta
        row = rows[(rows["delta"] == wanted) & (rows["seed"] == seed)]
        if not len(row):
            deltas, seeds = (", ".join(map(str, sorted(set(rows[key])))) for key in ("delta", "seed"))
            raise StudyError(
                f"{self.folder.name}: no minimal set of delta {wanted!r} and seed {seed!r}; there are the deltas "
                f"{deltas} and the seeds {seeds}"
            )
        neurons = neurons_of(result["sets"], seed, wanted)
        names = tuple(self.result("data")["neurons"]["neuron"].to_numpy()[neurons].tolist())
        scores = {key: float(row[key].iloc[0]) for key in ("dev", "test", "oracle_dev", "oracle_test")}
        return CellMinimalSet(wanted, seed, neurons, names, **scores)

    @cached_property
    def splits(self) -> Splits:
        """Labelled splits of the property, with rare labels as the run treated them."""
        return Splits.from_store(self.store, self.prop, rare_labels=self.settings.rare_labels)

    def __repr__(self) -> str:
        state = "finished" if not self.missing else f"lacks {', '.join(self.missing)}"
        return f"OpenCell {self.model} / {self.prop} of {self.corpus}, {self.method}: {state}"

    def _repr_html_(self) -> str:
        facts = {"model": self.model, "corpus": self.corpus, "property": self.prop, "ranking": self.method}
        facts |= {"finished": ", ".join(self.finished) or "nothing", "lacks": ", ".join(self.missing) or "nothing"}
        sets = self.result("minimal")["minimal"] if "minimal" in self.finished else None
        return card("OpenCell" + ("" if sets is None else ": its minimal sets"), facts, sets)


Key = tuple[str, str, str] | tuple[str, str, str, str]
"""Model, corpus and property, and the ranking method where a run has several."""


class Cells(Sequence[OpenCell]):
    """The cells of a run, by position, by property, or by (model, corpus, property) and, where there are several, method.

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
    def __getitem__(self, key: int | str | Key) -> OpenCell: ...
    @overload
    def __getitem__(self, key: slice) -> Cells: ...
    def __getitem__(self, key: int | slice | str | Key) -> OpenCell | Cells:
        if isinstance(key, slice):
            return Cells(self._cells[key])
        if isinstance(key, int):
            return self._cells[key]
        parts = (
            {"prop": key}
            if isinstance(key, str)
            else dict(zip(("model", "corpus", "prop", "method"), key, strict=False))
        )
        found = self.select(**parts)
        if len(found) > 1 and len({(c.model, c.corpus, c.prop) for c in found}) == 1:
            return found._cells[0]  # the method that the study names first
        if len(found) != 1:
            are = "; ".join(f"{c.model}, {c.corpus}, {c.prop}" for c in (found if len(found) else self)) or "none"
            many = "several cells are" if len(found) else "no cell is"
            raise StudyError(f"{many} {key!r}; choose one as cells[model, corpus, property]: {are}")
        return found._cells[0]

    def select(
        self,
        *,
        model: str | None = None,
        corpus: str | None = None,
        prop: str | None = None,
        method: str | None = None,
    ) -> Cells:
        """The cells of a model, a corpus, a property or a ranking method."""
        asked = {"model": model, "corpus": corpus, "prop": prop, "method": method}
        return Cells([c for c in self._cells if all(v is None or getattr(c, name) == v for name, v in asked.items())])

    def to_frame(self) -> pd.DataFrame:
        """One row a cell: model, corpus, property, ranking, finished stages, missing stages."""
        columns = ["model", "corpus", "property", "ranking", "finished", "missing"]
        rows = [(c.model, c.corpus, c.prop, c.method, ", ".join(c.finished), ", ".join(c.missing)) for c in self._cells]
        return pd.DataFrame(rows, columns=columns)

    def __repr__(self) -> str:
        return "\n".join(map(repr, self._cells)) or "no cells yet"

    def _repr_html_(self) -> str:
        return str(self.to_frame().to_html(index=False, border=0))
