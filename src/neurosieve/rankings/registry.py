"""The table of rankings: what each needs and where it lies; other packages add theirs by entry points."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Literal

from neurosieve.activations.splits import LabelledSplit, Splits
from neurosieve.errors import NeurosieveError
from neurosieve.extensions import offered
from neurosieve.rankings.ranking import NeuronRanking

GROUP = "neurosieve.rankings"


@dataclass(frozen=True)
class Method:
    """One way to rank neurons.

    Attributes
    ----------
    name : str
    needs : {"probe", "labels", "nothing"}
        What `make` gets as its first argument: a fitted probe, a `LabelledSplit`, or nothing.
    make : callable
        Returns a `NeuronRanking`; options are keywords.
    summary : str
        One line.
    source : str
        Where the method was published.
    losses : tuple of {"softmax", "squared"}
        What it ranks neurons for: labels, real values, or both.
    """

    name: str
    needs: Literal["probe", "labels", "nothing"]
    make: Callable[..., NeuronRanking]
    summary: str
    source: str
    losses: tuple[str, ...] = ("softmax", "squared")

    def __post_init__(self) -> None:
        if self.needs not in ("probe", "labels", "nothing"):
            raise NeurosieveError(
                f"the ranking '{self.name}' needs {self.needs!r}; expected 'probe', 'labels' or 'nothing'"
            )


def _lazy(module: str, function: str) -> Callable[..., NeuronRanking]:
    def make(*given: object, **options: object) -> NeuronRanking:
        ranking: NeuronRanking = getattr(import_module(f"neurosieve.rankings.{module}"), function)(*given, **options)
        return ranking

    return make


BUILT_IN = (
    Method(
        "weight-mass",
        "probe",
        _lazy("weight_mass", "weight_mass_ranking"),
        "the smallest share of a label's weight mass at which a neuron is taken",
        "Durrani et al., EMNLP 2020",
    ),
    Method(
        "probeless",
        "labels",
        _lazy("probeless", "probeless_ranking"),
        "the sum over pairs of labels of the difference of mean activations",
        "Antverg and Belinkov, ICLR 2022",
        losses=("softmax",),
    ),
)
METHODS: dict[str, Method] = {method.name: method for method in BUILT_IN}
_loaded: set[str] = set()


def register(method: Method) -> None:
    """Add a method to the table; a name that is taken is an error."""
    if method.name in METHODS:
        raise NeurosieveError(f"there is already a ranking '{method.name}'; give the new one another name")
    METHODS[method.name] = method


def _load_entry_points() -> None:
    for where, method in offered(GROUP, Method, loaded=_loaded):
        if method.name in METHODS:
            raise NeurosieveError(f"{where} gives a second ranking '{method.name}'; rename it or uninstall the package")
        register(method)


def method_names() -> tuple[str, ...]:
    """Names of all methods, those of other packages included."""
    _load_entry_points()
    return tuple(METHODS)


def method_named(name: str) -> Method:
    """The method of that name; an unknown name is an error that lists the known ones."""
    if name not in METHODS:
        known = method_names()
        if name not in METHODS:
            raise NeurosieveError(f"there is no ranking {name!r}; choose one of {', '.join(known)}")
    return METHODS[name]


def rank(
    method: str = "weight-mass", *, probe: object = None, split: LabelledSplit | Splits | None = None, **options: object
) -> NeuronRanking:
    """Rank all neurons by a method of the table.

    Parameters
    ----------
    method : str
    probe : FittedProbe, optional
        For methods that need a probe, and only for them.
    split : LabelledSplit or Splits, optional
        For methods that need labels, and only for them; of `Splits` train is taken.
    **options
        Passed on to the method.

    Raises
    ------
    NeurosieveError
        If the method is unknown, lacks what it needs, or is given what it does not need.
    """
    chosen = method_named(method)
    for kind, name, value in (("probe", "probe", probe), ("labels", "split", split)):
        if chosen.needs == kind and value is None:
            raise NeurosieveError(f"the ranking '{method}' needs {kind}, and none was given; pass {name}=")
        if chosen.needs != kind and value is not None:
            raise NeurosieveError(f"the ranking '{method}' does not use {kind}; leave {name}= out")
    if chosen.needs == "nothing":
        return chosen.make(**options)
    given = split.train if isinstance(split, Splits) else split
    return chosen.make(probe if chosen.needs == "probe" else given, **options)
