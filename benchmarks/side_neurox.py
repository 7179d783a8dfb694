"""NeuroX's side, run by the Python of its own environment: ``side_neurox.py JOB.json ANSWER.json``.

Everything is done as its documentation shows it, with two liberties in its favour: batches of 512 words in training and
evaluation (its default is 32), and activations are let go as soon as the tensors are made.
"""

from __future__ import annotations

import contextlib
import io
import json
import random
import sys
import time
from pathlib import Path

import numpy as np

import memory

np.int = int  # noqa: NPY001 (which numpy removed and NeuroX uses)

import torch  # noqa: E402
from neurox.data.extraction.transformers_extractor import extract_representations  # noqa: E402
from neurox.data.loader import load_activations, load_data  # noqa: E402
from neurox.interpretation import ablation, linear_probe, utils  # noqa: E402
from transformers import BertModel, BertTokenizerFast  # noqa: E402, F401 (libraries are loaded before a clock starts)

BATCH = 512
LONGEST = 100_000
KEEP = 0.2


class Clock:
    """Seconds of each stage, with what NeuroX prints thrown away."""

    def __init__(self):
        self.seconds = {}

    @contextlib.contextmanager
    def __call__(self, name):
        start = time.perf_counter()
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            yield
        self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - start


def extract(job, split):
    extract_representations(
        job["model"], job["text"] + f"/{split}.txt", activations_path(job, split), output_type="hdf5"
    )


def activations_path(job, split):
    return job["work"] + f"/{split}.hdf5"


def tensors(job, split, activations, mappings=None):
    tokens = load_data(job["text"] + f"/{split}.txt", job["text"] + f"/{split}.labels", activations, LONGEST)
    return tokens, utils.create_tensors(tokens, activations, job["majority"], mappings=mappings)


def train(X, y, l1, l2, epochs=10):
    return linear_probe.train_logistic_regression_probe(
        X, y, lambda_l1=l1, lambda_l2=l2, num_epochs=epochs, batch_size=BATCH
    )


def accuracy(probe, X, y, idx2label):
    return linear_probe.evaluate_probe(probe, X, y, idx_to_class=idx2label, batch_size=BATCH)["__OVERALL__"]


def ablated(probe, X, y, idx2label, neurons):
    return accuracy(probe, ablation.zero_out_activations_keep_neurons(X, neurons), y, idx2label)


def stages(job):
    """One run through the single stages, on the words of train."""
    clock = Clock()
    with clock("extraction"):
        extract(job, "train")
    with clock("loading"):
        activations, _ = load_activations(activations_path(job, "train"))
    with clock("tensors"):
        _, (X, y, mappings) = tensors(job, "train", activations)
    del activations
    label2idx, idx2label = mappings[:2]
    with clock("probe"):
        probe = train(X, y, job["l1"], job["l2"])
    with clock("probe_of_its_own"):  # its own batches of 32; one epoch, to be scaled
        linear_probe.train_logistic_regression_probe(X, y, lambda_l1=job["l1"], lambda_l2=job["l2"], num_epochs=1)
    with clock("ordering"):
        ordering, _ = linear_probe.get_neuron_ordering(probe, label2idx)
    n_kept = int(KEEP * X.shape[1])
    with clock("ablation"):
        kept = [ordering[:n_kept], ordering[-n_kept:], linear_probe.get_random_neurons(probe, KEEP)]
        scores = [ablated(probe, X, y, idx2label, neurons) for neurons in kept]
    return {
        "seconds": clock.seconds,
        "accuracy": {"keep_top": scores[0], "keep_bottom": scores[1]},
        "shape": list(X.shape),
    }


def loading(job):
    """Loading of a file that `stages` has left."""
    clock = Clock()
    with clock("loading"):
        activations, _ = load_activations(activations_path(job, "train"))
    with clock("tensors"):
        tensors(job, "train", activations)
    return {"seconds": clock.seconds}


def ordering(job):
    """The ordering of given weights (a .npy file, labels x neurons), with the slices it was made of."""
    weights = torch.from_numpy(np.load(job["weights"]))
    probe = linear_probe.LinearProbe(weights.shape[1], weights.shape[0])
    with torch.no_grad():
        probe.linear.weight.copy_(weights)
    clock = Clock()
    with clock("ordering"):
        order, cutoffs = linear_probe.get_neuron_ordering(probe, {i: i for i in range(len(weights))})
    return {"seconds": clock.seconds, "order": [int(i) for i in order], "cutoffs": cutoffs}


def probeless(job):
    """The ranking without a probe of given activations and labels; in processor seconds."""
    from neurox.interpretation.probeless import get_neuron_ordering

    X, y = (np.load(Path(job["folder"], name)) for name in ("X.npy", "y.npy"))
    started = time.process_time()
    order = get_neuron_ordering(X, y)
    return {"seconds": {"probeless": time.process_time() - started}, "order": [int(i) for i in order]}


def control_labels(tokens, y, known):
    """A label drawn from the distribution of `y` for each type, as a user would write it.

    Labels are numbered as they turn up, because NeuroX wants none missing; one that train lacks becomes the first.
    """
    generator = random.Random(0)
    pool = y.tolist()
    types = [word for sentence in tokens["source"] for word in sentence]
    learning = not known
    for word in types:
        if word not in known:
            known[word] = generator.choice(pool)
    if learning:
        known[None] = {label: i for i, label in enumerate(dict.fromkeys(known[word] for word in types))}
    return np.array([known[None].get(known[word], 0) for word in types])


def end_to_end(job):
    """What a user would script; grid and minimal set are measured at a few points, as the job says."""
    clock = Clock()
    X, y, tokens, mappings = {}, {}, {}, None
    for split in ("train", "dev", "test"):
        with clock("extraction"):
            extract(job, split)
    for split in ("train", "dev", "test"):
        with clock("loading"):
            activations, _ = load_activations(activations_path(job, split))
            tokens[split], (X[split], y[split], made) = tensors(job, split, activations, mappings)
            mappings = mappings or made
            del activations
    label2idx, idx2label = mappings[:2]
    n_neurons = X["train"].shape[1]
    n_kept = int(KEEP * n_neurons)
    for l1, l2 in job["pairs"]:
        with clock("grid"):
            probe = train(X["train"], y["train"], l1, l2)
            order, _ = linear_probe.get_neuron_ordering(probe, label2idx)
            accuracy(probe, X["dev"], y["dev"], idx2label)
            ablated(probe, X["dev"], y["dev"], idx2label, order[:n_kept])
            ablated(probe, X["dev"], y["dev"], idx2label, order[-n_kept:])
    with clock("ablation"):  # of the last pair, which is the best one
        kept = [order[:n_kept], order[-n_kept:], linear_probe.get_random_neurons(probe, KEEP)]
        oracle = accuracy(probe, X["test"], y["test"], idx2label)
        scores = [ablated(probe, X["test"], y["test"], idx2label, neurons) for neurons in kept]
    for size in job["sizes"]:
        with clock("minimal"):
            few = {
                split: ablation.filter_activations_keep_neurons(X[split], order[:size]) for split in ("train", "dev")
            }
            small = train(few["train"], y["train"], *job["pairs"][-1])
            accuracy(small, few["dev"], y["dev"], idx2label)
    with clock("control"):
        known = {}
        labels = {split: control_labels(tokens[split], y["train"], known) for split in ("train", "test")}
        for neurons in (None, order[: job["minimal"]]):
            used = {
                split: X[split] if neurons is None else ablation.filter_activations_keep_neurons(X[split], neurons)
                for split in ("train", "test")
            }
            accuracy(train(used["train"], labels["train"], *job["pairs"][-1]), used["test"], labels["test"], idx2label)
    return {
        "seconds": clock.seconds,
        "accuracy": {"oracle": oracle, "keep_top": scores[0], "keep_bottom": scores[1]},
        "n_words": {split: len(y[split]) for split in y},
    }


def main():
    baseline = memory.peak()
    job = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    torch.manual_seed(0)
    np.random.seed(0)  # noqa: NPY002 (NeuroX draws from it)
    tasks = {
        "stages": stages,
        "loading": loading,
        "ordering": ordering,
        "probeless": probeless,
        "end_to_end": end_to_end,
    }
    answer = tasks[job["task"]](job)
    answer.update(baseline=baseline, peak=memory.peak(), threads=torch.get_num_threads())
    Path(sys.argv[2]).write_text(json.dumps(answer), encoding="utf-8")


if __name__ == "__main__":
    main()
