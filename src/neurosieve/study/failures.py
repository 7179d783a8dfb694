"""What failed in a study while the rest went on."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from neurosieve.errors import NeurosieveError, StudyError

if TYPE_CHECKING:
    from neurosieve.study.findings import Findings

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Failure:
    """One cell, or one model's activations over a corpus with all its cells, that failed.

    Attributes
    ----------
    model, corpus : str
    prop : str
        The property; empty where the activations failed.
    error : Exception
    """

    model: str
    corpus: str
    prop: str
    error: Exception

    @property
    def reason(self) -> str:
        """The error in one line; errors that are not ours are named."""
        text = " ".join(str(self.error).split())
        return text if isinstance(self.error, NeurosieveError) else f"{type(self.error).__name__}: {text}".rstrip(": ")

    def __str__(self) -> str:
        what = self.prop or "activations"
        return f"{self.model} / {what} of {self.corpus}: {self.reason}"

    def entry(self) -> dict[str, str]:
        """As the manifest has it."""
        return {"model": self.model, "corpus": self.corpus, "property": self.prop, "error": self.reason}


@dataclass
class Failures:
    """What failed so far."""

    noted: list[Failure] = field(default_factory=list)

    @contextmanager
    def noting(self, model: str, corpus: str, prop: str = "") -> Iterator[None]:
        """Note an error of the block and go on after it; an interruption goes through."""
        try:
            yield
        except Exception as error:  # one cell must not take the others down, whatever stopped it
            failure = Failure(model, corpus, prop, error)
            if failure.entry() in self.entries():  # what all rankings of a property need fails once for each of them
                return
            log.debug("%s", failure, exc_info=True)
            log.warning("failed, going on with the rest: %s", failure)
            self.noted.append(failure)

    def entries(self) -> list[dict[str, str]]:
        """As the manifest has them."""
        return [failure.entry() for failure in self.noted]

    def raise_if_any(self, found: Sequence[Findings]) -> None:
        """Raise what failed: a single error itself where nothing else was to be done, else `IncompleteStudyError`."""
        if len(self.noted) == 1 and not found:
            raise self.noted[0].error
        if self.noted:
            raise IncompleteStudyError(self.noted, found)


class IncompleteStudyError(StudyError):
    """Some cells of a study failed; the results of the others are written.

    Attributes
    ----------
    failures : list of Failure
    found : list of Findings
        Of the cells that succeeded.
    """

    def __init__(self, failures: Sequence[Failure], found: Sequence[Findings]) -> None:
        self.failures = list(failures)
        self.found = list(found)
        super().__init__(f"{len(self.failures)} of the study failed: " + "; ".join(map(str, self.failures)))
