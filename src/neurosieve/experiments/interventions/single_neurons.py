"""Single neurons: what each of the first ones does by itself, beyond neurons that match it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from neurosieve.experiments.interventions.changes import Change, Editor
from neurosieve.experiments.interventions.effects import Bootstrap
from neurosieve.experiments.interventions.probe_odds import Odds

MOST_NEURONS = 20
COLUMNS = ("property", "ranking", "neuron", "edit", "effect", "low", "high", "random_low", "random_high", "p")


def neurons_table(
    ask: Odds,
    members: NDArray[np.intp],
    *,
    matches: Sequence[NDArray[np.intp]],
    editor: Editor,
    change: Change,
    random_state: int = 0,
    progress: Callable[[float, float], None] | None = None,
) -> pd.DataFrame:
    """The effect of each of the first neurons, edited alone.

    Parameters
    ----------
    ask : Odds
        `PairOdds` or `ProbeOdds`.
    members : ndarray of int
        Neurons from the most salient on; `MOST_NEURONS` at most are edited.
    matches : sequence of ndarray of int
        One a draw: for each member the neuron that matches it.
    editor : Editor
    change : Change
    random_state : int
    progress : callable, optional

    Returns
    -------
    DataFrame
        One row a neuron: neuron (its number), effect, low, high, random_low, random_high, p (see `Effect`).
    """
    n = min(MOST_NEURONS, len(members))
    sets = [members[:n], *(draw[:n] for draw in matches)]
    variants = [editor.edits(one[[place]], change) for place in range(n) for one in sets]
    intact, *found = ask(variants, progress=progress)
    bootstrap = Bootstrap(len(intact), len(matches), random_state=random_state)
    rows = []
    for place in range(n):
        alone, *random = found[place * len(sets) : (place + 1) * len(sets)]
        effect = bootstrap.effect(alone, np.stack(random), intact=float(intact.mean()))
        rows.append({"neuron": int(members[place]), **vars(effect)})
    return pd.DataFrame(rows).rename(columns={"value": "effect"})
