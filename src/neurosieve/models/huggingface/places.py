"""Which folders and names are taken for models of the Hugging Face libraries."""

from __future__ import annotations

from pathlib import Path

from neurosieve.errors import ModelError
from neurosieve.models.families import Place

_WEIGHTS = ("*.safetensors", "pytorch_model*.bin")


def is_huggingface(place: Place) -> bool:
    """Whether it is a folder with a configuration, or no path at all and so a name on the hub."""
    if isinstance(place, Path):
        return (place / "config.json").is_file()
    return not _looks_like_path(place)


def require_weights(place: Place) -> None:
    """Refuse a folder without weights; what a name on the hub lacks is found when it is loaded.

    Raises
    ------
    ModelError
    """
    if isinstance(place, Path) and not any(any(place.glob(pattern)) for pattern in _WEIGHTS):
        raise ModelError(
            f"the folder '{place}' has a config.json but no weights; expected *.safetensors or pytorch_model*.bin "
            "(download them, or ask for the untrained model)"
        )


def _looks_like_path(name: str) -> bool:
    return name.startswith((".", "/", "~", "\\")) or name.count("/") > 1 or name.endswith((".gz", ".tgz", ".tar"))
