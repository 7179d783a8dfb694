"""A cell's folder: the files of its stages, its probes and its rankings, by name."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from neurosieve.errors import StudyError
from neurosieve.probes.spec import FittedProbe
from neurosieve.rankings.ranking import NeuronRanking
from neurosieve.rankings.registry import method_named, rank
from neurosieve.study.stage import STAGES, Stage, read_result


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
        return FittedProbe.load(self.probe_path(seed))

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
        return load_ranking(self.ranking_path, self.method)


def save_ranking(path: Path, ranking: NeuronRanking) -> None:
    """Write order, scores and labels of a ranking."""
    temporary = path.with_suffix(".tmp")
    parts = {"order": ranking.order, "score": ranking.score, "labels": np.array(json.dumps(ranking.labels.tolist()))}
    if ranking.label_scores is not None:
        parts["label_scores"] = ranking.label_scores
    with temporary.open("wb") as file:
        np.savez(file, **parts)  # type: ignore[arg-type]
    temporary.replace(path)


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
    except (OSError, ValueError, KeyError) as error:
        stage = path.with_suffix(".json").name
        raise StudyError(
            f"{path}: gone or damaged ({error}); delete it and {stage} to rank the neurons again"
        ) from error
