"""What the Hugging Face libraries say while they load a model: kept off the terminal, and told in one line if it fails."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from neurosieve.errors import ModelError

LOOK = "check the name, or give a folder"
REASONS = {
    "GatedRepoError": "the hub gives '{name}' only to users who have accepted its terms; accept them and log in to the hub",
    "RevisionNotFoundError": "'{name}' has no revision {revision!r} on the hub; leave it out, or name a branch, tag or commit",
    "RepositoryNotFoundError": f"the hub has no model '{{name}}' that you may read; {LOOK}",
    "HFValidationError": f"'{{name}}' can be no name of a model on the hub; {LOOK}",
    "LocalEntryNotFoundError": f"'{{name}}' is not on this machine, and no hub can be reached (or HF_HUB_OFFLINE is set); {LOOK}",
    "EntryNotFoundError": f"'{{name}}' lacks a file that a model needs; {LOOK}",
}
"""What is said of each class of error by which the hub's library names a cause; the first that fits."""


@contextmanager
def quietly() -> Iterator[None]:
    """Keep reports and progress bars off the terminal: what matters is raised as an error."""
    from transformers.utils import logging as transformers_logging

    said: Any = transformers_logging
    verbosity, had_bar = said.get_verbosity(), said.is_progress_bar_enabled()
    hub = logging.getLogger("huggingface_hub")
    hub_level = hub.level
    said.set_verbosity_error()
    said.disable_progress_bar()
    hub.setLevel(logging.CRITICAL)  # each of its retries is a warning of its own
    try:
        yield
    finally:
        said.set_verbosity(verbosity)
        hub.setLevel(hub_level)
        if had_bar:
            said.enable_progress_bar()


@contextmanager
def stating(name_or_path: str | Path, revision: str | None = None) -> Iterator[None]:
    """Turn whatever goes wrong while files are read into one line.

    Raises
    ------
    ModelError
        With what can be done, where the hub's library names a cause that is known.
    """
    try:
        yield
    except ModelError:
        raise
    except Exception as error:
        kinds = {kind.__name__ for cause in _causes(error) for kind in type(cause).__mro__}
        known = next((text for kind, text in REASONS.items() if kind in kinds), None)
        if known is not None and not Path(name_or_path).exists():
            text = known.format(name=name_or_path, revision=revision)
            raise ModelError(f"cannot load the model '{name_or_path}': {text}") from error
        reason = " ".join(str(error).split())
        raise ModelError(f"cannot load the model '{name_or_path}': {type(error).__name__}: {reason[:300]}") from error


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield the error and all that led to it."""
    seen: set[int] = set()
    following: BaseException | None = error
    while following is not None and id(following) not in seen:
        seen.add(id(following))
        yield following
        following = following.__cause__ or following.__context__
