"""Self-repair: which neurons matter more once the set is gone.

A network that has a second way to say the same shows it only where the first is taken from it (McGrath et al., The Hydra
Effect, 2023). So the next neurons of each layer are edited alone, and together with the set.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from neurosieve.experiments.interventions.changes import Change, Editor
from neurosieve.experiments.interventions.effects import Bootstrap
from neurosieve.experiments.interventions.probe_odds import Odds

COLUMNS = ("property", "ranking", "layer", "k", "n_neurons", "alone", "after", "growth", "low", "high")


def repair_table(
    ask: Odds,
    order: NDArray[np.intp],
    *,
    k: int,
    editor: Editor,
    change: Change,
    random_state: int = 0,
    progress: Callable[[float, float], None] | None = None,
) -> pd.DataFrame:
    """What the next neurons of each layer cost alone, and once the first `k` are gone.

    Parameters
    ----------
    ask : Odds
        `PairOdds` or `ProbeOdds`.
    order : ndarray of shape (n_neurons,), int
        Neurons from the most salient on.
    k : int
        Size of the set that is taken away; of each layer as many others as it has a layer on average, one at least.
    editor : Editor
    change : Change
    random_state : int
    progress : callable, optional

    Returns
    -------
    DataFrame
        One row a layer: k, n_neurons (of the layer), alone (log-odds lost by editing them, nats), after (lost when the set is gone
        already), growth (after minus alone) and the ends of its 95 % interval over sentences.
    """
    layers = editor.layer_of
    n_layers = int(layers[-1]) + 1
    top, rest = order[:k], order[k:]
    n = max(1, round(k / n_layers))
    groups = [(layer, rest[layers[rest] == layer][:n]) for layer in range(n_layers)]
    groups = [(layer, members) for layer, members in groups if len(members)]
    variants = [editor.edits(top, change)]
    for _, members in groups:
        variants += [editor.edits(members, change), editor.edits(np.concatenate([top, members]), change)]
    intact, gone, *found = ask(variants, progress=progress)
    bootstrap = Bootstrap(len(intact), random_state=random_state)
    rows = []
    for (layer, members), alone, both in zip(groups, found[::2], found[1::2], strict=True):
        growth = (gone - both) - (intact - alone)
        low, high = bootstrap.mean(growth)
        rows.append(
            {
                "layer": layer,
                "k": k,
                "n_neurons": len(members),
                "alone": float((intact - alone).mean()),
                "after": float((gone - both).mean()),
                "growth": float(growth.mean()),
                "low": low,
                "high": high,
            }
        )
    return pd.DataFrame(rows)
