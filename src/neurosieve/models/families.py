"""The table of model families: what each recognises, how it loads and sizes a model; other packages add theirs by entry points."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurosieve.errors import ModelError
from neurosieve.extensions import offered
from neurosieve.files import is_there
from neurosieve.models.options import LoadOptions

if TYPE_CHECKING:
    from neurosieve.models.language_model import LanguageModel
    from neurosieve.models.sizes import ModelSize

GROUP = "neurosieve.families"

Place = Path | str
"""Where a model is: a path if something lies there, else the text as the user gave it, such as a name on a hub."""


@dataclass(frozen=True)
class Family:
    """One family of models.

    Attributes
    ----------
    name : str
        Also that of `neurosieve.models.language_model.ModelInfo.family`.
    expects : str
        What lies where a model of the family is, for messages, such as ``"an archive model.tar.gz"``.
    recognises : callable
        ``recognises(place)`` tells whether a place holds a model of the family, or names one, by a look at names of files:
        it is asked about every model.
    load : callable
        ``load(place, options)`` returns a `LanguageModel`.
    size : callable
        ``size(place, options)`` returns a `neurosieve.models.sizes.ModelSize` and reads no weights.
    options : tuple of str
        Names of the options of `load_model` that it heeds; the others are refused unless they are left at their defaults.
    """

    name: str
    expects: str
    recognises: Callable[[Place], bool]
    load: Callable[[Place, LoadOptions], LanguageModel]
    size: Callable[[Place, LoadOptions], ModelSize]
    options: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        known = [field.name for field in fields(LoadOptions)]
        for option in self.options:
            if option not in known:
                raise ModelError(f"the family '{self.name}' heeds {option!r}; load_model has {', '.join(known)}")

    def require(self, options: LoadOptions) -> None:
        """Refuse options that the family does not heed."""
        for option in options.given():
            if option not in self.options:
                raise ModelError(
                    f"{option} is {getattr(options, option)!r}, but models of the family {self.name} have no such option; "
                    f"leave it out (they have {', '.join(self.options) or 'none'})"
                )


def _lazy(module: str, function: str) -> Callable[..., Any]:
    def call(*given: object) -> object:
        return getattr(import_module(f"neurosieve.models.{module}"), function)(*given)

    return call


_ELMO_OPTIONS = ("pooling", "layers", "device", "dtype", "untrained", "batch_tokens", "self_test")

BUILT_IN = (
    Family(
        "huggingface",
        "config.json with its weights",
        _lazy("huggingface.places", "is_huggingface"),
        _lazy("huggingface.loading", "load_huggingface"),
        _lazy("huggingface.size", "huggingface_size"),
        tuple(field.name for field in fields(LoadOptions)),
    ),
    Family(
        "elmo",
        "ELMo's *options.json and *weights.hdf5",
        _lazy("elmo.places", "is_elmo"),
        _lazy("elmo.loading", "load_elmo"),
        _lazy("elmo.size", "elmo_size"),
        _ELMO_OPTIONS,
    ),
    Family(
        "transformer-elmo",
        "an archive model.tar.gz",
        _lazy("elmo.places", "is_transformer_elmo"),
        _lazy("elmo.loading", "load_transformer_elmo"),
        _lazy("elmo.size", "transformer_elmo_size"),
        _ELMO_OPTIONS,
    ),
)
FAMILIES: dict[str, Family] = {family.name: family for family in BUILT_IN}
_loaded: set[str] = set()


def register(family: Family) -> None:
    """Add a family to the table; a name that is taken is an error."""
    if family.name in FAMILIES:
        raise ModelError(f"there is already a family '{family.name}'; give the new one another name")
    FAMILIES[family.name] = family


def _load_entry_points() -> None:
    for where, family in offered(GROUP, Family, loaded=_loaded):
        if family.name in FAMILIES:
            raise ModelError(f"{where} gives a second family '{family.name}'; rename it or uninstall the package")
        register(family)


def family_names() -> tuple[str, ...]:
    """Names of all families, those of other packages included."""
    _load_entry_points()
    return tuple(FAMILIES)


def family_of(name_or_path: str | Path) -> tuple[Family, Place]:
    """The family of a model, and its place as the family is given it.

    The family that came last is asked first, so that a new one can claim a folder that an older one would take as well;
    Hugging Face comes at the very end, as any name may be one on its hub.

    Parameters
    ----------
    name_or_path : str or Path

    Raises
    ------
    ModelError
        If no family recognises what is there, or there is nothing.
    """
    _load_entry_points()
    path = Path(name_or_path).expanduser()
    place: Place = path if is_there(path) else str(name_or_path)
    for family in reversed(FAMILIES.values()):
        if family.recognises(place):
            return family, place
    if isinstance(place, str):
        raise ModelError(f"there is no model at '{place}'; check the path, or give a hub name such as 'gpt2'")
    kind = "folder" if place.is_dir() else "file"
    expected = ", or ".join(family.expects for family in FAMILIES.values())
    raise ModelError(f"the {kind} '{place}' holds no model: expected {expected}")
