"""Same inputs and seeds give the same bytes in another process, under another PYTHONHASHSEED."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys

import numpy as np
import torch

from neurosieve.activations.splits import Splits
from neurosieve.experiments.ablation import ablate
from neurosieve.experiments.control import ControlTask
from neurosieve.experiments.minimal import minimal_neurons
from neurosieve.experiments.search import search_lambdas
from neurosieve.planted import make_planted
from neurosieve.rankings.weight_mass import weight_mass_ranking


def digest_of_the_chain() -> str:
    """Search, rank, ablate and shrink for a task and its control task; a digest of every number that comes out."""
    data = make_planted(n_words=600, n_neurons=40, n_labels=4, n_informative=5)
    parts = [slice(0, 400), slice(400, 500), slice(500, 600)]
    splits = Splits.from_arrays(
        [data.X[p] for p in parts], [data.y[p] for p in parts], words=[np.array(data.words)[p] for p in parts]
    )
    settings = {"epochs": 3, "batch_size": 64, "learning_rate": 1e-2}
    sha = hashlib.sha256()
    for task in (splits, ControlTask(1).apply(splits)):
        search = search_lambdas(task, grid=[(0.0, 0.0), (1e-3, 1e-4), (1e-2, 0.0)], solver="adam", **settings)
        ranking = weight_mass_ranking(search.probe)
        minimal = minimal_neurons(search.probe, ranking, task, step=0.1, solver="adam", **settings)
        ablation = ablate(search.probe, ranking, task.test)
        sha.update(search.probe.coef_.tobytes() + ranking.order.tobytes() + ranking.key.tobytes())
        for table in (search.table, minimal.curve, minimal.to_frame(), ablation.to_frame(), ranking.to_frame()):
            sha.update(table.to_csv().encode())
    return sha.hexdigest()


def test_the_whole_chain_under_another_hash_seed():
    environment = {**os.environ, "PYTHONHASHSEED": "4711", "OMP_NUM_THREADS": str(torch.get_num_threads())}
    other = subprocess.run([sys.executable, __file__], env=environment, check=True, capture_output=True, text=True)
    assert other.stdout == digest_of_the_chain()


if __name__ == "__main__":
    sys.stdout.write(digest_of_the_chain())
