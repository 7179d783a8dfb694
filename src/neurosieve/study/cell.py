"""One cell of a study: one model and one property, whose stages are taken from its folder or run now."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from neurosieve.activations.labels import is_labelled
from neurosieve.activations.splits import Splits
from neurosieve.activations.store import ActivationStore
from neurosieve.bars import Progress, Reporter, silent
from neurosieve.errors import StudyError
from neurosieve.files import file_digest
from neurosieve.probes.memory import memory_limit
from neurosieve.rankings.ranking import NeuronRanking
from neurosieve.study.cell_folder import CellFolder
from neurosieve.study.probe_settings import ProbeSettings
from neurosieve.study.result import Result, Unit, read_result
from neurosieve.study.solver_choice import solver_for
from neurosieve.study.stage import FITTING, STAGES, Stage

if TYPE_CHECKING:
    from neurosieve.study.settings import ModelSettings

log = logging.getLogger(__name__)


@dataclass
class Cell(CellFolder):
    """One model and one property, to run stages on.

    Attributes
    ----------
    store : ActivationStore
    asked : ProbeSettings
        What the study says.
    report : Reporter
    model_settings : ModelSettings or None
        How the model is loaded; None where the activations come from a store.
    """

    store: ActivationStore
    asked: ProbeSettings
    report: Reporter = field(default=silent)
    model_settings: ModelSettings | None = None

    @cached_property
    def splits(self) -> Splits:
        """Labelled splits of the property."""
        return Splits.from_store(self.store, self.prop, rare_labels=self.asked.rare_labels)

    @cached_property
    def settings(self) -> ProbeSettings:
        """How this property is probed: what the study says, with a solver and a grid where it leaves them open.

        Where it leaves the solver open and the memory limit does not hold one probe of the exact one, this is said, and probes are
        fitted by the recipe; every result then tells that.
        """
        real_values = self.splits.loss == "squared"
        y = self.splits.train.y
        known = y[is_labelled(y)]
        choice = solver_for(
            self.asked,
            real_values=real_values,
            n_words=len(known),
            n_labels=1 if real_values else len(set(known.tolist())),
            n_columns=self.splits.n_neurons,
        )
        if choice.why:
            log.warning("%s: %s", self.prop, choice.why)
        return choice.settings

    @property
    def metric(self) -> str:
        """What a probe is judged by: ``"accuracy"``, or ``"r2"`` of real values."""
        return "r2" if self.splits.loss == "squared" else "accuracy"

    @property
    def no_control(self) -> str:
        """Why there is no control task, whatever the settings say; empty if there is one."""
        return no_control(self.store.unit)

    def identity(self, stage: Stage) -> dict[str, Any]:
        """What a stage's result depends on: the activations, the property, and the settings that it and its solver read."""
        manifest = self.store.manifest
        settings = self.settings.model_dump(mode="json")
        fitting = ("solver", *self.settings.solver_settings, "rare_labels")
        names = [name for key in stage.depends for name in (fitting if key == FITTING else (key,))]
        found = {
            "model_digest": manifest["model"]["digest"],
            "model_settings": manifest["model"]["settings"],
            "corpus_digest": manifest["corpus"]["digest"],
            "property": self.prop,
            **({} if self.store.unit == "word" else {k: self.store.manifest[k] for k in ("unit", "sentence_vector")}),
            **{name: settings[name] for name in names},
            **({"pairs_digest": digest} if (digest := self._pairs_digest(names)) else {}),
        }
        return dict(json.loads(json.dumps(found, default=str)))

    def _pairs_digest(self, names: Sequence[str]) -> str | None:
        """Digest of the file of minimal pairs, for stages that read it; None where it is not there any more."""
        asked = self.settings.interventions
        return asked.digest() if asked is not None and "interventions" in names else None

    def progress(self, title: str) -> Progress | None:
        """Where a stage of this cell reports its progress."""
        return self.report(f"{self.prop}: {title}")

    def take(self, stage: Stage) -> Result:
        """Return a stage's result: what is on disk, with the units that it lacks computed now.

        Raises
        ------
        StudyError
            If the result on disk was made with other settings, or another one that it needs was.
        """
        path, wanted, identity = self.path_of(stage), stage.units(self.settings), self.identity(stage)
        found, missing = self.there(stage)
        if found is not None and not missing:
            return found.only(wanted)
        for earlier in stage.after:
            self.take(STAGES[earlier])
        parts = [self.part(stage, units) for units in stage.parts(self.settings, missing)]
        before = [] if found is None else [found]
        tables = {
            name: table.joined([part[name] for part in (*before, *parts)]) for name, table in stage.tables.items()
        }
        files = {name: digest for part in (*before, *parts) for name, digest in part.files.items()}
        units = (*(found.units if found is not None else ()), *missing)
        seconds = sum(part.seconds for part in (*before, *parts))
        Result(identity, units, round(seconds, 2), tables, files).write(path, stage.name)
        log.info("%s / %s: %s done in %.1f s", self.model, self.prop, stage.name, sum(part.seconds for part in parts))
        return read_result(path).only(wanted)  # as it will be read next time

    def there(self, stage: Stage) -> tuple[Result | None, list[Unit]]:
        """A stage's result on disk, None if there is none or it has to be made anew, and the units that it lacks.

        Raises
        ------
        StudyError
            As `take`.
        """
        path, identity = self.path_of(stage), self.identity(stage)
        found = read_result(path) if path.is_file() else None
        if found is not None:
            self._refuse_other(stage, found, identity)
            if not stage.asked(self.settings):
                return found, []
            if any(found.made_with.get(key) != identity[key] for key in stage.remade if key in identity):
                found = None
        if found is not None and (lost := self.lost(stage, found)):
            log.warning("%s: gone or damaged, so the stage '%s' is computed again", self.folder / lost[0], stage.name)
            path.unlink()  # which says otherwise what the file must be
            found = None
        return found, [unit for unit in stage.units(self.settings) if found is None or unit not in found.units]

    def part(self, stage: Stage, units: Sequence[Unit], *, keep: bool = False) -> Result:
        """Some units of a stage: what another process left of them, or computed now and, to be kept, left in a file.

        Parameters
        ----------
        stage : Stage
        units : sequence of Unit
            As `Stage.parts` gives them.
        keep : bool
            Leave a file, which `take` joins to the rest and deletes.
        """
        path, identity = self.part_path(stage, units[0][0] if units else None), self.identity(stage)
        if path.is_file():
            left = read_result(path)
            if left.made_with == identity and list(left.units) == list(units) and not self.lost(stage, left):
                return left
        started = time.perf_counter()
        with memory_limit(self.settings.memory_limit):
            made = stage.make(self, units)
        if set(made) != set(stage.tables):
            raise StudyError(
                f"the stage '{stage.name}' left the tables {', '.join(made)}; it declares {', '.join(stage.tables)}"
            )
        seconds = round(time.perf_counter() - started, 2)
        tables = {
            name: table.joined([table.checked(made[name], where=f"table '{name}' of the stage '{stage.name}'")])
            for name, table in stage.tables.items()
        }
        files = {path.name: file_digest(path) for path in stage.files(self, units)}
        whole = Result(identity, tuple(units), seconds, tables, files)
        if keep:
            whole.write(path, stage.name)
            return read_result(path)
        return whole

    def _refuse_other(self, stage: Stage, found: Result, identity: dict[str, Any]) -> None:
        for key, now in identity.items():
            before = found.made_with.get(key)
            if before != now and key not in stage.remade:
                raise StudyError(
                    f"{self.path_of(stage)}: was made with {key} = {before!r}, now asked with {now!r}; use the earlier value, "
                    f"delete {self.folder} to compute this property again, or choose another output folder"
                )

    def ranking(self, seed: int = 0) -> NeuronRanking:
        """The ranking of all neurons: of one seed's probe, or of the labels, whatever the seed."""
        if not self.ranks_probes:
            self.take(STAGES["ranking"])
        return super().ranking(seed)


def no_control(unit: str) -> str:
    """Why there is no control task of a unit; empty if there is one."""
    if unit == "word":
        return ""
    return (
        "a control task gives each type a random label that can only be memorised, and sentences, unlike words, hardly "
        "ever come back in test"
    )
