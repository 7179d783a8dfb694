"""One cell of a study: one model and one property, with a folder in which every stage leaves its result."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from neurosieve.activations.format import write_json
from neurosieve.activations.splits import Splits
from neurosieve.activations.store import ActivationStore
from neurosieve.errors import StudyError
from neurosieve.probes.memory import memory_limit
from neurosieve.probes.solvers import current_name
from neurosieve.probes.spec import FittedProbe
from neurosieve.rankings.ranking import NeuronRanking
from neurosieve.rankings.weight_mass import weight_mass_ranking
from neurosieve.study.settings import ProbeSettings

log = logging.getLogger(__name__)

Progress = Callable[[float, float], None]
Reporter = Callable[[str], Progress | None]
"""Given a stage's title, returns where the stage reports ``(done, total)``; or None."""


def silent(_title: str) -> Progress | None:
    """A reporter that reports nothing."""
    return None


def read_stage(path: Path) -> dict[str, Any]:
    """What a stage left: ``made_with``, ``seconds`` and ``result``.

    Raises
    ------
    StudyError
        If the file is damaged.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise StudyError(f"{path}: damaged ({error}); delete it to compute this stage again") from error
    if not isinstance(content, dict) or not {"made_with", "result"} <= set(content):
        raise StudyError(f"{path}: not what a stage leaves; delete it to compute this stage again")
    if "solver" in content["made_with"]:
        content["made_with"]["solver"] = current_name(content["made_with"]["solver"])
    return content


@dataclass
class Cell:
    """One model and one property.

    Attributes
    ----------
    folder : Path
        Where the stages' results lie.
    store : ActivationStore
    prop : str
        The property.
    asked : ProbeSettings
        What the study says.
    model : str
        The model's name in tables.
    report : Reporter
    """

    folder: Path
    store: ActivationStore
    prop: str
    asked: ProbeSettings
    model: str
    report: Reporter = field(default=silent)

    @cached_property
    def splits(self) -> Splits:
        """Labelled splits of the property."""
        return Splits.from_store(self.store, self.prop, rare_labels=self.asked.rare_labels)

    @cached_property
    def settings(self) -> ProbeSettings:
        """How this property is probed: what the study says, with a solver and a grid where it leaves them open."""
        return self.asked.of(real_values=self.splits.loss == "squared")

    @property
    def metric(self) -> str:
        """What a probe is judged by: ``"accuracy"``, or ``"r2"`` of real values."""
        return "r2" if self.splits.loss == "squared" else "accuracy"

    @property
    def no_control(self) -> str:
        """Why there is no control task, whatever the settings say; empty if there is one."""
        if self.store.unit == "word":
            return ""
        return (
            "a control task gives each type a random label that can only be memorised, and sentences, unlike words, hardly "
            "ever come back in test"
        )

    def identity(self, *keys: str) -> dict[str, Any]:
        """What a stage's result depends on: the activations, the property and the named settings."""
        manifest = self.store.manifest
        settings = self.settings.model_dump(mode="json")
        return {
            "model_digest": manifest["model"]["digest"],
            "model_settings": manifest["model"]["settings"],
            "corpus_digest": manifest["corpus"]["digest"],
            "property": self.prop,
            **({} if self.store.unit == "word" else {k: self.store.manifest[k] for k in ("unit", "sentence_vector")}),
            **{key: settings[key] for key in keys},
        }

    def progress(self, title: str) -> Progress | None:
        """Where a stage of this cell reports its progress."""
        return self.report(f"{self.prop}: {title}")

    def stage(self, name: str, keys: tuple[str, ...], make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Return a stage's result: the one on disk if it was made with the same settings, else a new one.

        Raises
        ------
        StudyError
            If the folder holds this stage's result for other settings.
        """
        path = self.folder / f"{name}.json"
        wanted = json.loads(json.dumps(self.identity(*keys), default=str))
        if path.is_file():
            content = read_stage(path)
            found = content["made_with"]
            if found != wanted:
                differing = next(k for k in {**found, **wanted} if found.get(k) != wanted.get(k))
                raise StudyError(
                    f"{path}: was made with {differing} = {found.get(differing)!r}, now asked with "
                    f"{wanted.get(differing)!r}; use the same settings or another output folder"
                )
            return dict(content["result"])
        started = time.perf_counter()
        with memory_limit(self.settings.memory_limit):
            result = make()
        self.folder.mkdir(parents=True, exist_ok=True)
        seconds = round(time.perf_counter() - started, 2)
        write_json(path, {"made_with": wanted, "seconds": seconds, "result": result})
        log.info("%s / %s: %s done in %.1f s", self.model, self.prop, name, seconds)
        return result

    def seconds(self) -> dict[str, float]:
        """Wall time of each finished stage."""
        return {path.stem: float(read_stage(path).get("seconds", 0.0)) for path in sorted(self.folder.glob("*.json"))}

    def probe_path(self, seed: int) -> Path:
        """File of the oracle of one seed."""
        return self.folder / f"oracle-{seed}.safetensors"

    def oracle(self, seed: int) -> FittedProbe:
        """The probe on all neurons with the chosen lambdas.

        Raises
        ------
        StudyError
            If the run has no such seed, or the probe's file is gone.
        """
        if not 0 <= seed < self.settings.seeds:
            raise StudyError(f"{self.folder}: no seed {seed}; the run has the seeds 0 to {self.settings.seeds - 1}")
        path = self.probe_path(seed)
        if not path.is_file():
            raise StudyError(f"{path}: the probe is gone; delete the folder {self.folder} and compute its stages again")
        return FittedProbe.load(path)

    def ranking(self, seed: int) -> NeuronRanking:
        """The ranking of one seed's oracle."""
        return weight_mass_ranking(self.oracle(seed))
