"""Every column of the tables about single labels and single neurons (see `neurosieve.study.columns`)."""

from __future__ import annotations

from neurosieve.study.result import Table

_SPLIT = "train, dev or test"

LABEL_SCORES = {
    "label_scores": Table(
        {
            "split": _SPLIT,
            "label": "the label",
            "support": "its words",
            "predicted": "words that the probe of seed 0 on all neurons gives it",
            "correct": "of these, those that have it",
            "precision": "correct / predicted; missing where it is never given",
            "precision_low": "lower end of Wilson's 95 % interval",
            "precision_high": "upper end",
            "recall": "correct / support; missing where it has no words",
            "recall_low": "lower end of Wilson's 95 % interval",
            "recall_high": "upper end",
            "f1": "harmonic mean of precision and recall",
        }
    ),
    "confusion": Table(
        {
            "split": _SPLIT,
            "gold": "the label",
            "predicted": "what the probe gives",
            "n": "words; pairs without are left out",
        }
    ),
}

LABEL_PAIRS = {
    "label_pairs": Table(
        {
            "first": "one label",
            "second": "another; pairs of labels with at least ten words in train, the most confused ones where there are many",
            "place": "0 for the neuron that tells them apart best",
            "index": "column of the activations",
            "d": "mean of the first less that of the second on train, in standard deviations within both (Cohen's d)",
            "mean_first": "mean value in the first",
            "mean_second": "and in the second",
        }
    )
}

_INDEX = "column of the activations"
_QUANTILES = {
    "min": "smallest value",
    **{f"q{n}": f"{int(n)} % of the values are smaller" for n in ("01", "25")},
    "median": "half of the values are smaller",
    **{f"q{n}": f"{n} % of the values are smaller" for n in ("75", "99")},
    "max": "largest value",
}

LOOKS = {
    "neuron_summary": Table(
        {
            "index": _INDEX,
            "n_words": "words (or sentences) of the whole store",
            "mean": "mean value",
            "sd": "standard deviation of the values",
            **_QUANTILES,
            "of_property": "share of the variance between labels, less that of random ones; squared correlation of real values",
            "of_types": "share of the variance between word types, less that of random ones",
            "of_sentences": "and between sentences",
        }
    ),
    "neuron_labels": Table(
        {
            "index": _INDEX,
            "label": "the label; of real values a fifth of them, by its ends",
            "n": "its words",
            "mean": "mean value there",
            "sd": "standard deviation there",
        }
    ),
    "neuron_histogram": Table(
        {
            "index": _INDEX,
            "label": "a label that makes much of the variance, or all others",
            "low": "lower edge; the first bin also holds what is lower",
            "high": "upper edge; the last bin also holds what is higher",
            "count": "words between",
        }
    ),
    "neuron_contexts": Table(
        {
            "index": _INDEX,
            "kind": "top, middle, bottom or random: of which words the context is",
            "context": "its number",
            "sentence": "number of the sentence in the corpus",
            "split": _SPLIT,
            "offset": "place beside the word that is meant, which has 0",
            "position": "place in the sentence",
            "word": "the word",
            "label": "its label; missing where it has none",
            "value": "the neuron's value",
        }
    ),
    "neuron_types": Table(
        {
            "index": _INDEX,
            "end": "top or bottom: the highest or lowest means; above or below the mean: those that make most of the variance",
            "place": "0 for the first of its end",
            "word": "the word type, as written; types that come less than five times are left out",
            "n": "its words",
            "mean": "mean value there",
            "sd": "standard deviation there",
        }
    ),
    "neuron_follows": Table(
        {"index": _INDEX, "feature": "a feature of the text", "r": "Pearson's correlation with it"}
    ),
    "neuron_twins": Table({"index": _INDEX, "other": "another of the neurons looked at", "r": "Pearson's correlation"}),
    "neuron_weights": Table(
        {
            "index": _INDEX,
            "label": "the label, or value",
            "weight": "in the probe of seed 0 on all neurons, on raw values",
            "per_sd": "the same for a change by the neuron's standard deviation",
            "place": "how many neurons the label weighs more",
        }
    ),
}

TEXT = {
    "text_words": Table(
        {
            "sentence": "number of the sentence in the corpus; sentences of test, drawn at random",
            "position": "place in the sentence",
            "word": "the word",
            "gold": "its label or value; missing where it has none",
            "predicted": "what the probe of seed 0 on all neurons gives it",
            "set_predicted": "the same where only the neurons of the smallest set keep their values, the others have their mean",
            "set_margin": "score of its label there, less the highest of another label; of real values sds from the mean",
            "levels": "a digit for each neuron of neuron_summary, 0 to 6: far below its mean to far above (0.5, 1 and 2 sds)",
        }
    ),
    "text_labels": Table(
        {
            "row": "row of text_words",
            "label": "a label that the probe gives the word with a probability of at least 0.05",
            "probability": "that probability, rounded",
        }
    ),
}
