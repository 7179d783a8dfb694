"""Errors that neurosieve states to its user.

Each message has three parts: what was found (and where), what was expected, and what to do. The command line prints
the message on one line and exits with 1; anything else that escapes is a bug of ours.
"""


class NeurosieveError(ValueError):
    """The input cannot be used as given; the message says what to change.

    Line ends within it, as names from data and reasons of other libraries may have them, become blanks.
    """

    def __init__(self, message: object = "") -> None:
        super().__init__(" ".join(filter(None, map(str.strip, str(message).splitlines()))))


class CorpusError(NeurosieveError):
    """An annotated text cannot be read or lacks what was asked of it."""


class ModelError(NeurosieveError):
    """A language model cannot be loaded, or does not pass its self-test."""


class StoreError(NeurosieveError):
    """An activation store on disk is missing, incomplete or damaged."""


class StudyError(NeurosieveError):
    """A study or run folder holds something else than what was asked for."""
