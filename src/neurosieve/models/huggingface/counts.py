"""Counts in a configuration that no model has, found before anything of that size is made."""

from __future__ import annotations

import re
from typing import Any

from neurosieve.errors import ModelError
from neurosieve.models.families import Place

MOST = 100_000
"""Of layers, heads, labels, experts and the like; the deepest models have hundreds of layers."""
_COUNT = re.compile(r"^(n|num)_(?!embd|positions|ctx|inner)|(layers|blocks|heads|experts|depth)$")


def require_possible(place: Place, **where: Any) -> None:  # noqa: ANN401 (options of the loading library)
    """Refuse a configuration that asks for more layers, heads or labels than `MOST`, or for fewer than none.

    The libraries that load models make a list or a module for each, and would work on it for hours.

    Raises
    ------
    ModelError
        If it does; the message names the entry.
    """
    from transformers import PretrainedConfig

    config, _ = PretrainedConfig.get_config_dict(str(place), **where)
    if wrong := _impossible(config):
        raise ModelError(f"the configuration of '{place}' says {wrong}, which no model has; get its config.json again")


def _impossible(config: Any) -> str | None:  # noqa: ANN401 (any JSON)
    if not isinstance(config, dict):
        return None
    for name, value in config.items():
        if isinstance(value, dict) and (found := _impossible(value)):
            return found
        parts = value if isinstance(value, list) else [value]
        whole = [part for part in parts if isinstance(part, (int, float)) and not isinstance(part, bool)]
        if _COUNT.search(str(name)) and any(not -1 <= part <= MOST for part in whole):
            return f"{name} = {value!r:.80}"
    return None
