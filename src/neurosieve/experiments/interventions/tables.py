"""Outcomes as tidy tables, and the one number that is judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from neurosieve.experiments.interventions.effects import Bootstrap, Effect, area_weights
from neurosieve.experiments.interventions.outcomes import Job, Outcomes
from neurosieve.experiments.interventions.sets import KEPT

COLUMNS = (
    "property",
    "ranking",
    "set",
    "k",
    "site",
    "layers",
    "edit",
    "dose",
    "outcome",
    "draw",
    "value",
    "low",
    "high",
    "intact",
)


@dataclass(frozen=True)
class About:
    """What is said of all edited versions, in the names of the columns.

    Attributes
    ----------
    property, ranking, site, layers, edit : str
    names : tuple of str
        Of all layers.
    """

    property: str
    ranking: str
    site: str
    layers: str
    edit: str
    names: tuple[str, ...]

    def of(self, *, keep: bool = False, layer: int | None = None) -> dict[str, str]:
        """The same where all others are edited, or the members of one layer alone."""
        said = {name: value for name, value in vars(self).items() if name != "names"}
        if keep:
            said["edit"] = f"{self.edit}{KEPT}"
        return said if layer is None else {**said, "layers": self.names[layer]}


def values_table(outcomes: Outcomes, about: About, *, random_state: int) -> pd.DataFrame:
    """One row an edited version and outcome, with the columns `COLUMNS`."""
    rows: list[dict[str, Any]] = []

    def add(jobs: Sequence[Job], name: str, values: NDArray[np.float64], *, intact: NDArray[np.float64]) -> None:
        bootstrap = Bootstrap(values.shape[1], random_state=random_state)
        for (one, dose), of_sentences in zip(jobs, values, strict=True):
            low, high = bootstrap.mean(of_sentences)
            where = {
                **about.of(keep=one.keep, layer=one.layer),
                "set": one.kind,
                "k": one.k,
                "dose": dose,
                "outcome": name,
                "draw": one.draw,
            }
            numbers = {"value": float(of_sentences.mean()), "low": low, "high": high, "intact": float(intact.mean())}
            rows.append({**where, **numbers})

    add(outcomes.jobs, "log-odds", outcomes.values, intact=outcomes.intact)
    add(outcomes.jobs, "accuracy", (outcomes.values > 0).astype(float), intact=(outcomes.intact > 0).astype(float))
    for name, values in outcomes.texts.items():
        add(outcomes.text_jobs, name, values[1:], intact=values[0])
    return pd.DataFrame(rows, columns=list(COLUMNS))


def effects_table(outcomes: Outcomes, about: About, *, random_state: int) -> pd.DataFrame:
    """One row a kind of set, size and dose: its effect beyond matched random sets, in nats; draws are averaged.

    Where sets are kept, the effect is how much more of the outcome they keep than matched random sets.
    """
    rows = []
    bootstrap = _bootstrap(outcomes, random_state=random_state)
    for kind, k, dose, keep, layer in outcomes.compared():
        of_set = outcomes.of(kind, k, dose, keep=keep, layer=layer).mean(axis=0)
        random = outcomes.of("random", k, dose, keep=keep, layer=layer)
        effect = _effect(bootstrap, outcomes, of_set, random, keep=keep, dose=dose)
        where = about.of(keep=keep, layer=layer)
        rows.append({**where, "set": kind, "k": k, "dose": dose, **vars(effect)})
    return pd.DataFrame(rows).rename(columns={"value": "effect"})


def areas_table(outcomes: Outcomes, about: About, *, dose: float, random_state: int) -> pd.DataFrame:
    """One row a kind of set, removed or kept: its effect averaged over the logarithm of its size, in nats."""
    rows = []
    bootstrap = _bootstrap(outcomes, random_state=random_state)
    kinds = dict.fromkeys((kind, keep) for kind, _, _, keep, layer in outcomes.compared() if layer is None)
    for kind, keep in kinds:
        sizes = outcomes.sizes(keep=keep)
        of_set, random = (_over_sizes(outcomes, name, dose=dose, keep=keep) for name in (kind, "random"))
        effect = _effect(bootstrap, outcomes, of_set.mean(axis=0), random, keep=keep, dose=dose)
        where = about.of(keep=keep)
        rows.append({**where, "set": kind, "smallest": sizes[0], "largest": sizes[-1], **vars(effect)})
    return pd.DataFrame(rows).rename(columns={"value": "area"})


def _effect(
    bootstrap: Bootstrap,
    outcomes: Outcomes,
    of_set: NDArray[np.float64],
    random: NDArray[np.float64],
    *,
    keep: bool,
    dose: float,
) -> Effect:
    """The effect of a set; where it is kept, against all that is left when nothing is kept, and with the opposite sign."""
    if not keep:
        return bootstrap.effect(of_set, random, intact=float(outcomes.intact.mean()))
    return bootstrap.effect(-of_set, -random, intact=-float(outcomes.of("top", 0, dose, keep=True).mean()))


def _over_sizes(outcomes: Outcomes, kind: str, *, dose: float, keep: bool = False) -> NDArray[np.float64]:
    """Outcomes averaged over the logarithm of the size, (n_draws, n_pairs)."""
    sizes = outcomes.sizes(keep=keep)
    weights = area_weights(np.array(sizes))
    parts = [w * outcomes.of(kind, k, dose, keep=keep) for w, k in zip(weights, sizes, strict=True)]
    return np.asarray(np.sum(parts, axis=0))


def overall(outcomes: Outcomes, *, dose: float, random_state: int) -> tuple[Effect, dict[str, float]]:
    """The effect of the top sets over all sizes, the largest one of a random direction, and the intact outcome.

    Returns
    -------
    effect : Effect
    numbers : dict of str to float
        ``direction``, the effect of the random direction that does most of what the top sets do, with its sign;
        ``beyond_direction``, the lower end of the 95 % interval, over sentences, of how much more the top sets do than it;
        ``intact`` and ``intact_low``, the mean outcome of the intact model and the lower end of its 95 % interval;
        ``edited``, the mean under the edits of the top sets.
    """
    bootstrap = _bootstrap(outcomes, random_state=random_state)
    random, directions = (_over_sizes(outcomes, kind, dose=dose) for kind in ("random", "direction"))
    top = _over_sizes(outcomes, "top", dose=dose)[0]
    effect = bootstrap.effect(top, random, intact=float(outcomes.intact.mean()))
    towards = 1.0 if effect.value >= 0 else -1.0
    nearest = directions[np.argmin(towards * directions.mean(axis=1))]
    beyond, _ = bootstrap.mean(towards * (nearest - top))
    low, _ = bootstrap.mean(outcomes.intact)
    return effect, {
        "direction": float(random.mean() - nearest.mean()),
        "beyond_direction": beyond,
        "intact": float(outcomes.intact.mean()),
        "intact_low": low,
        "edited": float(top.mean()),
    }


def _bootstrap(outcomes: Outcomes, *, random_state: int) -> Bootstrap:
    n_draws = 1 + max(one.draw for one, _ in outcomes.jobs if one.kind == "random")
    return Bootstrap(len(outcomes.intact), n_draws, random_state=random_state)
