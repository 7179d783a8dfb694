"""Every column of every table that the stages of this package leave in a cell's folder.

A score is an accuracy, or R² of real values, as a fraction. A seed is that of the probe; a delta is the loss on dev that a
minimal set is allowed, a fraction.


Those of single labels and single neurons stand in `neurosieve.study.looks_columns`.
"""

from __future__ import annotations

from neurosieve.study.result import Table

_SEED, _DELTA, _SPLIT = "seed of the probe", "allowed loss on dev, a fraction", "train, dev or test"

DATA = {
    "about": Table(
        {
            "n_labels": "distinct labels in train; 1 for real values",
            "loss": "softmax (labels) or squared (real values)",
            "unit": "what a row stands for: word or sentence",
            "corpus": "the corpus' name",
        }
    ),
    "words": Table(
        {
            "split": _SPLIT,
            "n_words": "words (or sentences) with a label",
            "unseen": "of these, those whose label train lacks",
            "sentences": "sentences with a labelled word",
        }
    ),
    "label_counts": Table(
        {"label": "the label", **{name: f"its words in {name}" for name in ("train", "dev", "test")}}
    ),
    "values": Table(
        {
            "split": _SPLIT,
            **{name: f"{name} of the real values" for name in ("n", "mean", "sd", "min", "median", "max")},
        }
    ),
    "histogram": Table(
        {"low": "lower edge", "high": "upper edge", **{n: f"values of {n} between" for n in ("train", "dev", "test")}}
    ),
    "neurons": Table({"neuron": "its name", "layer": "its layer's name", "index": "its place within the layer"}),
}

RANKING = {
    "ranking": Table(
        {"index": "column of the activations, in rank order", "score": "what the order is sorted by, largest first"}
    )
}

SEARCH = {
    "search": Table(
        {
            "l1": "lambda 1",
            "l2": "lambda 2",
            "a_top": "score on dev keeping the top neurons; missing for pairs that were not tried",
            "a_bottom": "score on dev keeping the bottom neurons; as above",
            "a_all": "score on dev of all neurons; as above",
            "score": "the paper's score of the pair; as above",
            "gap": "duality gap at which these were taken, a share of the objective; missing unless the solver proves it",
            "margin": "by how much at least the pair was behind when it was dropped, or, if it was not tried, expected to be "
            "by the pairs before it, if these were tried; missing for pairs solved to the end",
        }
    ),
    "chosen": Table({"l1": "lambda 1 of the pair with the best score", "l2": "its lambda 2"}),
}

ORACLES = {
    "oracle": Table({"seed": _SEED, "split": _SPLIT, "score": "of the probe on all neurons"}, order=("split", "seed")),
    "certificate": Table(
        {
            "seed": _SEED,
            "objective": "loss and penalty at the probe's weights",
            "gap": "how far above the optimum that may be; missing unless the solver proves it",
            "n_passes": "passes over the training words",
        },
        order=("seed",),
    ),
    "oracle_f1": Table(
        {"seed": _SEED, "split": _SPLIT, "macro_f1": "mean over labels of F1; no row for real values"},
        order=("split", "seed"),
    ),
}

ABLATION = {
    "ablation": Table(
        {
            "seed": _SEED,
            "split": _SPLIT,
            "fill": "what ablated neurons are set to: zero, or their mean over train",
            "subset": "which neurons keep their values: all, top, random, bottom",
            "n_neurons": "how many do",
            "score": "of the probe, not retrained",
        },
        order=("split", "seed"),
    )
}

MINIMAL = {
    "minimal": Table(
        {
            "seed": _SEED,
            "delta": _DELTA,
            "n_neurons": "size of the minimal set",
            "dev": "score on dev of the probe retrained on it",
            "test": "and on test",
            "oracle_dev": "score on dev of the probe on all neurons",
            "oracle_test": "and on test",
        },
        order=("seed", "delta"),
    ),
    "sets": Table(
        {"seed": _SEED, "delta": _DELTA, "position": "rank within the set", "index": "column of the activations"},
        order=("seed", "delta", "position"),
    ),
    "curves": Table(
        {
            "n_neurons": "top neurons that the probe was retrained on",
            "fraction": "the same as a share of all",
            "dev": "its score on dev",
            "seed": _SEED,
        },
        order=("seed", "n_neurons"),
        key=("seed", "n_neurons"),
    ),
    "minimal_f1": Table(
        {"seed": _SEED, "delta": _DELTA, "split": _SPLIT, "macro_f1": "mean over labels of F1; no row for real values"},
        order=("split", "seed", "delta"),
    ),
}

CONTROL = {
    "control": Table(
        {
            "seed": "seed of the probe and of the control task",
            "split": _SPLIT,
            "subset": "all neurons, or the minimal set",
            "delta": f"{_DELTA}; missing for all neurons",
            "n_neurons": "how many neurons the probe reads",
            "score": "on the control task",
            "gap": "duality gap at which it was taken, a share of the objective; missing unless the solver proves it",
        },
        order=("seed", "split"),
    )
}

_NOISE = {
    f"sd_{name}": f"standard deviation between {what}"
    for name, what in (
        ("train", "resamples of the training text"),
        ("text", "resamples of the scored text"),
        ("seed", "seeds"),
    )
}

STABILITY = {
    "stability": Table(
        {
            "k": "size of the top sets that are compared",
            "sampling_jaccard": "overlap of the top sets of two resamples",
            "seed_jaccard": "and of two seeds; missing with one",
            "n_resamples": "resamples",
            "n_seeds": "seeds",
            "scheme": "bootstrap or half",
            "rate": "share of false entries allowed on the list of discovered neurons",
            "null": "what was permuted: labels within word types, or sentences of labels",
            "n_permutations": "permutations",
            "changed": "share of the labelled training words whose label a permutation changes",
            "ambiguous": "share of them whose type has several labels",
        }
    ),
    "certainty": Table(
        {
            "frequency": "share of the resamples whose top set holds the neuron (rows are neurons, in their order)",
            "rank_low": "lower end of the 95 % interval of its rank",
            "rank_high": "upper end",
            "key_low": "lower end of the 95 % interval of its key",
            "key_high": "upper end",
            "q_value": "smallest rate at which the neuron is on the list",
        }
    ),
    "scores": Table(
        {
            "split": _SPLIT,
            "subset": "which neurons: all, top, random, bottom, or retrained",
            "fill": "what the others are set to",
            "n_neurons": "how many neurons keep their values",
            "value": "score of the whole text",
            "low": "lower end of its 95 % interval",
            "high": "upper end",
            **_NOISE,
        }
    ),
    "stability_sets": Table(
        {
            "delta": _DELTA,
            "n_neurons": "size of the minimal set",
            "low": "lower end of its 95 % interval",
            "high": "upper end",
            "sampling_jaccard": "overlap of the sets of two resamples",
            "seed_jaccard": "and of two seeds",
        }
    ),
    "overlap": Table(
        {
            "n_neurons": "size of the top sets",
            "sampling": "overlap of those of two resamples",
            "seed": "and of two seeds",
            "chance": "overlap expected of random sets",
        }
    ),
}

BASELINES = {
    "baselines": Table(
        {
            "baseline": "lookup, permuted, neurons or rotated (see neurosieve.study.baselines)",
            "split": _SPLIT,
            "n_neurons": "neurons or directions that the probe reads; 0 for a table of words",
            "score": "of the baseline",
            "unseen": "of a table of words: share of the words whose type train lacks; else missing",
        }
    ),
    "information": Table(
        {
            "split": _SPLIT,
            "n_words": "labelled words",
            "entropy": "of the labels, in bits a word",
            "information": "of dev and test: bits a word that the probe on all neurons tells of them; of train missing",
            "code": "of train: bits of the labels' online code; else missing",
            "uniform": "of train: bits if every label costs the same; else missing",
        }
    ),
}

RANKINGS = {
    "rankings": Table(
        {
            "ranking": "the method",
            "k": "size of its top set",
            "avg_overlap": "mean overlap with the top sets of the other methods (Jaccard)",
            "neuron_vote": "overlap with the set that the other methods elect (Jaccard)",
            "chance": "overlap of two random sets",
            "f1": "best F1 of the top set's neurons as detectors of a label on test, mean over labels; missing for real values",
            "iou": "the same of intersection over union",
            "correlation": "the same of the absolute correlation",
            "cosine": "the same of the absolute cosine",
            "auprc": "the same of the average precision",
        }
    ),
    "ranking_overlaps": Table(
        {
            "ranking": "one method",
            "with": "the other",
            "k": "size of their top sets",
            "overlap": "of these (Jaccard)",
        }
    ),
    "ranking_probes": Table(
        {
            "ranking": "the method",
            "probe": "what was trained on its top set: exact, adam or gaussian",
            "k": "size of the top set",
            "score": "accuracy on test",
            "low": "lower end of its 95 % interval, sentences taken as independent",
            "high": "upper end",
        }
    ),
}

_INTERVENED = {
    "property": "the property",
    "ranking": "what the neurons were ranked by",
    "site": "where in the blocks they sit",
    "layers": "from which layer to which they are chosen; or the one layer in which a set's members alone are edited",
    "edit": "what is done to them; with 'all others' to all neurons but them",
    "set": "top, bottom, random (matched), control, untrained or direction",
    "k": "how many neurons; of a direction, of the set whose norm it has",
    "dose": "how much of the difference is added, where labels are translated; else 1",
}
_EFFECT = {
    "effect": "how far the outcome falls beyond matched random sets, in nats; above 0 where the set matters more",
    "low": "lower end of its 95 % interval",
    "high": "upper end",
    "random_low": "from where 95 % of single random sets lie, each against the mean of the others",
    "random_high": "to where",
    "p": "share of the sets that move the outcome as far from the intact model's",
}

INTERVENTIONS = {
    "interventions": Table(
        {
            **{
                name: _INTERVENED[name]
                for name in ("property", "ranking", "set", "k", "site", "layers", "edit", "dose")
            },
            "outcome": "log-odds (nats), accuracy (a share), loss or divergence (nats a sub-word), each also by part of the text",
            "draw": "number of the random set or direction",
            "value": "mean outcome of the edited model",
            "low": "lower end of its 95 % interval over sentences",
            "high": "upper end",
            "intact": "mean outcome of the model as it is",
        }
    ),
    "intervention_effects": Table({**_INTERVENED, **_EFFECT}),
    "intervention_areas": Table(
        {
            **{name: _INTERVENED[name] for name in ("property", "ranking", "site", "layers", "edit", "set")},
            "smallest": "size of the smallest of these sets",
            "largest": "size of the largest",
            "area": "the effect averaged over the logarithm of the size, in nats",
            **{name: text for name, text in _EFFECT.items() if name != "effect"},
        }
    ),
    "intervention_neurons": Table(
        {
            **{name: _INTERVENED[name] for name in ("property", "ranking", "edit")},
            "neuron": "a neuron that is edited alone",
            **_EFFECT,
        }
    ),
    "intervention_repair": Table(
        {
            "property": _INTERVENED["property"],
            "ranking": _INTERVENED["ranking"],
            "layer": "the layer whose next neurons are edited",
            "k": "size of the set that is gone",
            "n_neurons": "how many of the layer's next neurons are edited",
            "alone": "log-odds lost by editing them in the intact model, in nats",
            "after": "log-odds lost by editing them when the set is gone already",
            "growth": "after minus alone: above 0 where they take over",
            "low": "lower end of its 95 % interval over sentences",
            "high": "upper end",
        }
    ),
    "intervention_verdict": Table(
        {
            "pairs": "the file of minimal pairs; missing where a held-out probe was asked",
            "n_pairs": "pairs that were asked about, or sentences",
            "n_excluded": "pairs that were left out",
            "verdict": "encoded and used; encoded, no sign of use; or cannot be told",
            "why": "the numbers that it rests on",
            **_EFFECT,
            "direction": "the effect of the random direction that does most of what the top sets do, in nats",
            "beyond_direction": "lower end of the 95 % interval of how much more the top sets do than it",
            "completeness": "how far the property moves; missing if it is not known",
            "selectivity": "how little others do; missing without others",
            "intact": "mean log-odds of the model as it is",
            "intact_low": "lower end of its 95 % interval",
            "refuted_by": "the result that would have refuted the claim",
        }
    ),
    "intervention_checks": Table(
        {
            "property": "a property that a held-out probe reads",
            "intact": "its accuracy on test, of the model as it is",
            "edited": "and of the edited model",
        }
    ),
    "intervention_excluded": Table({"where": "a pair", "why": "why it is left out"}),
}
