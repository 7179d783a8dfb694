"""Which folders and names are taken for models of the Hugging Face libraries."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from neurosieve.errors import ModelError
from neurosieve.models.families import Place

ADAPTER = "adapter_config.json"
_WEIGHTS = ("*.safetensors", "pytorch_model*.bin")


def is_huggingface(place: Place) -> bool:
    """Whether it is a folder with a configuration or an adapter, or no path at all and so a name on the hub."""
    if isinstance(place, Path):
        return (place / "config.json").is_file() or (place / ADAPTER).is_file()
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


def require_no_adapter(place: Place) -> None:
    """Refuse a folder with an adapter where the loading library would read its base alone, or nothing.

    Raises
    ------
    ModelError
    """
    if not isinstance(place, Path) or not (place / ADAPTER).is_file():
        return
    if find_spec("peft") is None or not (place / "config.json").is_file():
        raise ModelError(
            f"the folder '{place}' holds an adapter ({ADAPTER}), and the base model alone would be another model: merge the two "
            "(in peft: model.merge_and_unload().save_pretrained(...)), install peft, or take the adapter's files away"
        )


def _looks_like_path(name: str) -> bool:
    return name.startswith((".", "/", "~", "\\")) or name.count("/") > 1 or name.endswith((".gz", ".tgz", ".tar"))
