"""A ranking by scores that were made elsewhere, such as gradients or patching: a CSV file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from neurosieve.errors import NeurosieveError
from neurosieve.rankings.ranking import NeuronRanking


def attribution_ranking(path: str | Path, *, neurons: pd.DataFrame) -> NeuronRanking:
    """Rank neurons by the size of the scores in a CSV file.

    Parameters
    ----------
    path : str or Path
        With the column ``neuron`` (names as in the store, such as ``L3N251``), one row a neuron, and ``score``; every other
        column of numbers is the score for a label of that name. Neurons may come in any order, and all must be there.
    neurons : DataFrame with a column neuron
        The store's table of neurons.

    Returns
    -------
    NeuronRanking
        Sorted by absolute score; ``label_scores`` keeps the signs.

    Raises
    ------
    NeurosieveError
        If the file cannot be read, lacks a column or neuron, names one twice or one that the store lacks, or a score is no
        finite number.
    """
    try:
        table = pd.read_csv(path, dtype={"neuron": str}, keep_default_na=False, na_values={"score": [""]})
    except (OSError, ValueError, OverflowError) as error:
        raise NeurosieveError(
            f"{path}: cannot be read as CSV ({error}); expected the columns neuron and score"
        ) from error
    lacking = [name for name in ("neuron", "score") if name not in table]
    if lacking:
        raise NeurosieveError(
            f"{path}: has the columns {', '.join(map(str, table.columns))}; {' and '.join(lacking)} lacking"
        )
    names = neurons["neuron"].astype(str)
    given = table["neuron"].astype(str)
    twice, missing, unknown = given[given.duplicated()], set(names) - set(given), set(given) - set(names)
    for wrong, what in ((list(twice), "twice"), (sorted(missing), "not"), (sorted(unknown), "but not in the store")):
        if wrong:
            raise NeurosieveError(
                f"{path}: {len(wrong)} neurons are named {what}, such as {wrong[0]}; expected each of the store's "
                f"{len(names)} once"
            )
    table = table.set_index(given).loc[names.tolist()].drop(columns="neuron")
    numbers = table.select_dtypes("number")
    if "score" not in numbers or not np.isfinite(numbers.to_numpy(dtype=np.float64)).all():
        raise NeurosieveError(f"{path}: a score is not a finite number; mend the file")
    score = np.abs(numbers["score"].to_numpy(dtype=np.float64))
    of_labels = numbers.drop(columns="score")
    return NeuronRanking(
        np.argsort(-score, kind="stable"),
        None,
        None,
        None,
        of_labels.columns.to_numpy(dtype=object),
        "attributions",
        {"path": str(path)},
        score=score,
        label_scores=of_labels.to_numpy(dtype=np.float64).T if len(of_labels.columns) else None,
    )
