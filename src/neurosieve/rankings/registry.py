"""The table of rankings: what each needs and where it lies; other packages add theirs by entry points."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Literal

from neurosieve.activations.labelled_split import LabelledSplit
from neurosieve.activations.splits import Splits
from neurosieve.errors import NeurosieveError
from neurosieve.extensions import offered
from neurosieve.rankings.ranking import NeuronRanking

if TYPE_CHECKING:
    from neurosieve.rankings.measure import Measure

GROUP = "neurosieve.rankings"
REVERSED = "reversed-"
"""Begins the name of another ranking from its end, such as ``reversed-probeless``."""


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
    measure : callable, optional
        Returns the `neurosieve.rankings.measure.Measure` that ranks, where it is one: `rank_all` then takes it from the pass
        that it shares with the others.
    """

    name: str
    needs: Literal["probe", "labels", "nothing"]
    make: Callable[..., NeuronRanking]
    summary: str
    source: str
    losses: tuple[str, ...] = ("softmax", "squared")
    measure: Callable[[], Measure] | None = None

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


def _measured(
    name: str,
    summary: str,
    source: str,
    *,
    losses: tuple[str, ...] = ("softmax",),
    make: Callable[..., NeuronRanking] | None = None,
) -> Method:
    """A method whose file is named as it is, and has a measure; `make` where it ranks by more than that."""

    def measure() -> Measure:
        found: Measure = import_module(f"neurosieve.rankings.{name.replace('-', '_')}").MEASURE
        return found

    def by_measure(split: LabelledSplit) -> NeuronRanking:
        from neurosieve.rankings.measure import rank_by

        return rank_by([measure()], split)[0]

    return Method(name, "labels", make or by_measure, summary, source, losses, measure)


BUILT_IN = (
    Method(
        "weight-mass",
        "probe",
        _lazy("weight_mass", "weight_mass_ranking"),
        "the smallest share of a label's weight mass at which a neuron is taken",
        "Durrani et al., EMNLP 2020",
    ),
    _measured(
        "probeless",
        "the sum over pairs of labels of the difference of mean activations",
        "Antverg and Belinkov, ICLR 2022",
    ),
    _measured(
        "mean-select",
        "the mean over labels of the difference between a label's mean and that of the rest, over the neuron's range",
        "Fan et al., NeurIPS 2023",
    ),
    _measured(
        "mean-difference",
        "the same difference over the standard deviation within both (Cohen's d)",
        "Gurnee et al., TMLR 2023",
    ),
    _measured("f-statistic", "variance between labels over variance within", "Fisher 1925; Gurnee et al., TMLR 2023"),
    _measured(
        "correlation",
        "the mean over labels of the absolute correlation with the label, or that with the real value",
        "Oikarinen et al., ICML 2025",
        losses=("softmax", "squared"),
        make=_lazy("correlation", "correlation_ranking"),
    ),
    _measured(
        "mutual-information", "mutual information of binned value and label, in bits", "Pimentel et al., ACL 2020"
    ),
    _measured(
        "gaussian-information",
        "the same in bits, if the values of each label were normal",
        "Torroba Hennigen et al., EMNLP 2020",
    ),
    _measured(
        "average-precision", "the mean over labels of the average precision as their detector", "Suau et al., ICML 2022"
    ),
    _measured("auroc", "the mean over labels of |2 AUROC - 1| as their detector", "Mann and Whitney 1947"),
    _measured(
        "iou",
        "the mean over labels of the overlap with the words at which the neuron fires",
        "Bau et al., CVPR 2017; Mu and Andreas, NeurIPS 2020",
        make=_lazy("iou", "iou_ranking"),
    ),
    Method(
        "gaussian",
        "labels",
        _lazy("gaussian", "gaussian_ranking"),
        "neurons that a Gaussian classifier takes one after the other",
        "Torroba Hennigen et al., EMNLP 2020",
        losses=("softmax",),
    ),
    Method(
        "l1-path",
        "labels",
        _lazy("l1_path", "l1_path_ranking"),
        "the order in which neurons enter a probe as its L1 penalty falls",
        "Efron et al., Annals of Statistics 2004",
        losses=("softmax",),
    ),
    Method(
        "best-subset",
        "labels",
        _lazy("best_subset", "best_subset_ranking"),
        "the set of neurons with which a probe does best, found by exchanges",
        "Zhu et al., PNAS 2020",
        losses=("softmax",),
    ),
    Method(
        "stability",
        "labels",
        _lazy("stability", "stability_ranking"),
        "how often a neuron has a weight in L1 probes of halves of the text",
        "Meinshausen and Bühlmann, JRSS B 2010",
        losses=("softmax",),
    ),
    Method(
        "poisson",
        "labels",
        _lazy("poisson", "poisson_ranking"),
        "neurons that a probe trained on random subsets takes one after the other",
        "Stańczak et al., AAAI 2023",
        losses=("softmax",),
    ),
    Method("random", "labels", _lazy("chance", "random_ranking"), "random order", "Antverg and Belinkov, ICLR 2022"),
    Method(
        "attributions",
        "nothing",
        _lazy("attributions", "attribution_ranking"),
        "scores made elsewhere, from a CSV file (path=, neurons=)",
        "",
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
    """The method of that name, or for ``reversed-NAME`` another from its end; an unknown name is an error that lists the known."""
    if name in METHODS:
        return METHODS[name]
    known = method_names()
    if name in METHODS:
        return METHODS[name]
    if name.removeprefix(REVERSED) in METHODS:
        return _reversed(METHODS[name.removeprefix(REVERSED)])
    raise NeurosieveError(f"there is no ranking {name!r}; choose one of {', '.join(known)}, or {REVERSED}NAME")


def _reversed(method: Method) -> Method:
    def make(*given: object, **options: object) -> NeuronRanking:
        from neurosieve.rankings.chance import reversed_ranking

        return reversed_ranking(method.make(*given, **options))

    summary = f"the ranking '{method.name}' from its end"
    return Method(f"{REVERSED}{method.name}", method.needs, make, summary, method.source, method.losses)


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
