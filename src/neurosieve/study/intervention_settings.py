"""How a study intervenes: the table ``[interventions]`` of a study file."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from neurosieve.experiments.interventions.verdict import FEWEST_DRAWS
from neurosieve.files import file_digest, is_there
from neurosieve.study.part import Part


class InterventionSettings(Part):
    """Which pairs, and what is done to neurons (see `neurosieve.intervene`).

    Attributes
    ----------
    pairs : str or None
        A file of minimal pairs: ``.jsonl`` as BLiMP has it, or ``.csv`` with the columns good and bad. None = a held-out probe
        tells what the deepest layer makes of edits below it; this needs no head.
    property : str or None
        The property that the pairs test; by default every property of the study.
    edit : str
    of, to : str or None
        Labels.
    value : float
    doses, sizes, words
    reading : str or None
    draws : int
    texts : int
        Sentences of test on which the loss is measured.
    also : tuple of str
    untrained : int or None
        Seed of an untrained twin, the top set of whose ranking is edited as well.
    """

    pairs: str | None = None
    property: str | None = None
    edit: Literal["mean", "zero", "value", "translate", "resample", "interchange"] = "mean"
    of: str | None = None
    to: str | None = None
    value: float = 0.0
    doses: tuple[float, ...] = Field(default=(1.0,), min_length=1)
    sizes: tuple[int, ...] | None = None
    words: tuple[int, ...] | None = None
    reading: Literal["next", "sentence", "rest", "masked", "pseudo"] | None = None
    draws: int = Field(default=20, ge=FEWEST_DRAWS)
    texts: int = Field(default=30, ge=0)
    untrained: int | None = None
    also: tuple[Literal["keep", "layers", "repair", "neurons"], ...] = ()

    def digest(self) -> str | None:
        """SHA-256 of the file of pairs; None if there is none, or it is not there any more."""
        if self.pairs is None:
            return None
        file = Path(self.pairs)
        return file_digest(file) if is_there(file) and file.is_file() else None
