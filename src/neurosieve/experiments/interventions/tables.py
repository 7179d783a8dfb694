"""Outcomes as tidy tables, and the one number that is judged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from neurosieve.experiments.interventions.effects import Bootstrap, Effect, area_weights
from neurosieve.experiments.interventions.outcomes import Job, Outcomes

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


def values_table(outcomes: Outcomes, about: Mapping[str, Any], *, random_state: int) -> pd.DataFrame:
    """One row an edited version and outcome, with the columns `COLUMNS`."""
    rows: list[dict[str, Any]] = []

    def add(jobs: Sequence[Job], name: str, values: NDArray[np.float64], *, intact: NDArray[np.float64]) -> None:
        bootstrap = Bootstrap(values.shape[1], random_state=random_state)
        for (one, dose), of_sentences in zip(jobs, values, strict=True):
            low, high = bootstrap.mean(of_sentences)
            where = {**about, "set": one.kind, "k": one.k, "dose": dose, "outcome": name, "draw": one.draw}
            numbers = {"value": float(of_sentences.mean()), "low": low, "high": high, "intact": float(intact.mean())}
            rows.append({**where, **numbers})

    add(outcomes.jobs, "log-odds", outcomes.values, intact=outcomes.intact)
    add(outcomes.jobs, "accuracy", (outcomes.values > 0).astype(float), intact=(outcomes.intact > 0).astype(float))
    if outcomes.losses is not None and outcomes.divergences is not None and outcomes.intact_losses is not None:
        add(outcomes.text_jobs, "loss", outcomes.losses, intact=outcomes.intact_losses)
        add(outcomes.text_jobs, "divergence", outcomes.divergences, intact=np.zeros(1))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def effects_table(outcomes: Outcomes, about: Mapping[str, Any], *, random_state: int) -> pd.DataFrame:
    """One row a kind of set, size and dose: its effect beyond matched random sets, in nats; draws are averaged."""
    rows = []
    bootstrap = _bootstrap(outcomes, random_state=random_state)
    for kind in outcomes.kinds:
        for k, dose in dict.fromkeys((one.k, dose) for one, dose in outcomes.jobs if one.kind == kind):
            of_set, random = outcomes.of(kind, k, dose).mean(axis=0), outcomes.of("random", k, dose)
            effect = bootstrap.effect(of_set, random, intact=float(outcomes.intact.mean()))
            rows.append({**about, "set": kind, "k": k, "dose": dose, **vars(effect)})
    return pd.DataFrame(rows).rename(columns={"value": "effect"})


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
    weights = area_weights(np.array(outcomes.sizes))

    def over_sizes(kind: str) -> NDArray[np.float64]:
        parts = [w * outcomes.of(kind, k, dose) for w, k in zip(weights, outcomes.sizes, strict=True)]
        return np.asarray(np.sum(parts, axis=0))

    bootstrap = _bootstrap(outcomes, random_state=random_state)
    random = over_sizes("random")
    top = over_sizes("top")[0]
    effect = bootstrap.effect(top, random, intact=float(outcomes.intact.mean()))
    towards = 1.0 if effect.value >= 0 else -1.0
    directions = over_sizes("direction")
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
