"""Which folders and files are taken for ELMo and transformer-ELMo."""

from __future__ import annotations

from pathlib import Path

from neurosieve.models.families import Place


def is_elmo(place: Place) -> bool:
    """Whether it is a folder with the options and the weights of the LSTM language model."""
    return isinstance(place, Path) and any(place.glob("*options.json")) and any(place.glob("*weights.hdf5"))


def is_transformer_elmo(place: Place) -> bool:
    """Whether it is an archive."""
    return isinstance(place, Path) and place.is_file() and place.name.endswith((".tar.gz", ".tgz", ".tar"))
