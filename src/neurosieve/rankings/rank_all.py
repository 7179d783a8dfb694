"""Many rankings of the same neurons; all that need no training come from one pass over the activations."""

from __future__ import annotations

from collections.abc import Sequence

from neurosieve.activations.labelled_split import LabelledSplit
from neurosieve.activations.splits import Splits
from neurosieve.bars import Progress, with_bar
from neurosieve.errors import NeurosieveError
from neurosieve.rankings.chance import reversed_ranking
from neurosieve.rankings.measure import rank_by
from neurosieve.rankings.ranking import NeuronRanking
from neurosieve.rankings.registry import METHODS, REVERSED, method_named, method_names, rank


@with_bar("rankings")
def rank_all(
    methods: Sequence[str] | None = None,
    *,
    split: LabelledSplit | Splits | None = None,
    probe: object = None,
    progress: Progress | None = None,
) -> dict[str, NeuronRanking]:
    """Rank all neurons by several methods.

    Parameters
    ----------
    methods : sequence of str, optional
        Names (see `neurosieve.rankings.registry`). By default those that come from the shared pass, and those that read a
        probe where one is given; all of which need no training.
    split : LabelledSplit or Splits, optional
        For methods that need labels; of `Splits` train is taken.
    probe : FittedProbe, optional
        For methods that need a probe.
    progress : callable, optional
        Called as ``progress(n_done, n_in_all)``, in rankings; those of the shared pass advance together.

    Returns
    -------
    dict of str to NeuronRanking
        In the order of `methods`.

    Raises
    ------
    NeurosieveError
        If a method is unknown or lacks what it needs, or the labels cannot be compared.
    """
    given = split.train if isinstance(split, Splits) else split
    if methods is None:
        known = [method_named(name) for name in method_names()]
        methods = [
            m.name for m in known if (m.measure and given is not None) or (m.needs == "probe" and probe is not None)
        ]
    if not methods:
        raise NeurosieveError("there is nothing to rank by; pass split=, probe=, or both")
    # A ranking from its end costs no pass of its own.
    chosen = {base: method_named(base) for base in dict.fromkeys(map(_forwards, methods))}
    measured = [name for name, method in chosen.items() if method.measure]
    found: dict[str, NeuronRanking] = {}
    if measured:
        if given is None:
            raise NeurosieveError(f"the ranking '{measured[0]}' needs labels, and none was given; pass split=")
        measures = [measure() for name in measured if (measure := METHODS[name].measure)]
        share = None if progress is None else _share(progress, len(measured), len(chosen))
        found = dict(zip(measured, rank_by(measures, given, progress=share), strict=True))
    for name, method in chosen.items():
        if name not in found:
            needed = {"probe": {"probe": probe}, "labels": {"split": given}, "nothing": {}}[method.needs]
            found[name] = rank(name, **needed)  # type: ignore[arg-type]  # each has what its kind needs
            if progress is not None:
                progress(len(found), len(chosen))
    return {name: found[name] if name in found else reversed_ranking(found[_forwards(name)]) for name in methods}


def _share(progress: Progress, n: int, n_all: int) -> Progress:
    """Turn words done into rankings done, of the `n` that are made at once."""
    return lambda done, total: progress(n * done / total, n_all)


def _forwards(name: str) -> str:
    """The name of the ranking that `name` has from its end, or `name`; an unknown name is an error."""
    method_named(name)
    return name if name in METHODS else name.removeprefix(REVERSED)
