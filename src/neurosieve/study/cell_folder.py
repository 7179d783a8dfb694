"""A cell's folder: the files of its stages, its probes and its rankings, by name."""

from __future__ import annotations

import json
import shutil
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from neurosieve.errors import StudyError
from neurosieve.files import whole_file, why_unreadable
from neurosieve.probes.spec import FittedProbe
from neurosieve.rankings.ranking import NeuronRanking
from neurosieve.rankings.registry import method_named, rank
from neurosieve.study.result import Result, is_intact, read_result
from neurosieve.study.stage import STAGES, Stage, no_files

PARTS = "parts"
"""Folder of what is left of a stage before it is whole; only there while several processes are at work, or where they were
killed."""


@dataclass
class CellFolder:
    """What lies in the folder of one model and one property, under one ranking method.

    Attributes
    ----------
    folder : Path
        Where the stages' results lie.
    model, corpus, prop : str
        Names in tables.
    method : str
        The ranking method (see `neurosieve.rankings.registry`).
    """

    folder: Path
    model: str
    corpus: str
    prop: str
    method: str

    def path_of(self, stage: Stage) -> Path:
        """The file of a stage's result."""
        return self.folder / stage.file_name(self.method)

    def part_path(self, stage: Stage, seed: int | None) -> Path:
        """The file of one seed of a stage that several processes share, until the stage is whole."""
        return self.folder / PARTS / f"{stage.file_name(self.method).removesuffix('.json')}~{seed}.json"

    def forget_parts(self) -> None:
        """Delete the files of single seeds, which whole stages have taken up."""
        shutil.rmtree(self.folder / PARTS, ignore_errors=True)

    @property
    def finished(self) -> tuple[str, ...]:
        """Names of the stages of which there is a result, in their order."""
        return tuple(name for name, stage in STAGES.items() if self.path_of(stage).is_file())

    def seconds(self) -> dict[str, float]:
        """Wall time of each finished stage."""
        return {name: read_result(self.path_of(STAGES[name])).seconds for name in self.finished}

    def probe_path(self, seed: int) -> Path:
        """File of the probe on all neurons of one seed, the oracle."""
        return self.folder / f"oracle-{seed}.safetensors"

    @property
    def seeds(self) -> tuple[int, ...]:
        """Seeds whose probes lie in the folder."""
        numbers = [path.stem.removeprefix("oracle-") for path in self.folder.glob("oracle-*.safetensors")]
        return tuple(sorted(int(number) for number in numbers if number.isdigit()))

    def probe(self, seed: int = 0) -> FittedProbe:
        """The probe on all neurons with the chosen lambdas.

        Raises
        ------
        StudyError
            If there is none of that seed.
        """
        if seed not in self.seeds:
            there = ", ".join(map(str, self.seeds)) or "none"
            raise StudyError(
                f"{self.folder}: no probe of the seed {seed!r}; there are the seeds {there}. Ask for more seeds, or, if its "
                f"file is gone, delete the folder and compute its stages again"
            )
        self._require_intact(self.probe_path(seed))
        return FittedProbe.load(self.probe_path(seed))

    def lost(self, stage: Stage, found: Result) -> list[str]:
        """Names of files that a stage left and that are gone, or are not what it left."""
        noted = dict(found.files)
        unnoted = [path for path in stage.files(self, found.units) if path.name not in noted]  # of an earlier version
        changed = [name for name, digest in noted.items() if not is_intact(self.folder / name, digest)]
        return [*changed, *(path.name for path in unnoted if not path.is_file())]

    def _require_intact(self, path: Path) -> None:
        """Refuse a file that is not what the stage that wrote it left; while that stage runs, there is no result yet."""
        for name in self.finished:
            stage = STAGES[name]
            if stage.files is no_files:
                continue
            digest = read_result(self.path_of(stage)).files.get(path.name)
            if digest is not None and not is_intact(path, digest):
                raise StudyError(
                    f"{path}: is not what the stage '{name}' left; repeat the run's command, which computes it again, or "
                    f"delete {self.path_of(stage).name} beside it"
                )

    @property
    def ranks_probes(self) -> bool:
        """Whether the ranking method needs a probe, so that each seed has a ranking of its own."""
        return method_named(self.method).needs == "probe"

    @property
    def ranking_path(self) -> Path:
        """File of a ranking that needs no probe."""
        return self.folder / f"ranking@{self.method}.npz"

    def ranking(self, seed: int = 0) -> NeuronRanking:
        """The ranking of all neurons: of one seed's probe, or of the labels, whatever the seed.

        Raises
        ------
        StudyError
            If the run has not got as far.
        """
        if self.ranks_probes:
            return rank(self.method, probe=self.probe(seed))
        self._require_intact(self.ranking_path)
        return load_ranking(self.ranking_path, self.method)


def save_ranking(path: Path, ranking: NeuronRanking) -> None:
    """Write order, scores and labels of a ranking."""
    parts = {"order": ranking.order, "score": ranking.score, "labels": np.array(json.dumps(ranking.labels.tolist()))}
    if ranking.label_scores is not None:
        parts["label_scores"] = ranking.label_scores
    with whole_file(path, suffix="~tmp") as temporary, temporary.open("wb") as file:
        np.savez(file, **parts)  # type: ignore[arg-type]


def load_ranking(path: Path, method: str) -> NeuronRanking:
    """Read what `save_ranking` wrote.

    Raises
    ------
    StudyError
        If the file is gone or damaged.
    """
    try:
        with np.load(path, allow_pickle=False) as parts:
            found = {name: parts[name] for name in parts.files}
        return NeuronRanking(
            found["order"],
            None,
            None,
            None,
            np.asarray(json.loads(str(found["labels"])), dtype=object),
            method=method,
            score=found["score"],
            label_scores=found.get("label_scores"),
        )
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        again = f"delete it and {path.with_suffix('.json').name} to rank the neurons again"
        raise StudyError(f"{path}: {why_unreadable(error, again)}") from error
