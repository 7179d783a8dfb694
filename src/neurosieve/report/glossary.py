"""Terms of the method in plain words: explained where they first stand on the page, and listed at its end."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from html import escape

TERMS = {
    "probe": "a linear classifier that reads the values of neurons and tells the property; how well it does says what they hold",
    "neuron": "one number that the model computes for each word: L3N251 is number 251 of layer 3, layer 0 holds the embeddings",
    "train": "the part of the text that probes are fitted on",
    "dev": "the part of the text that choices are made on, such as the lambdas and the size of a set",
    "test": "the part of the text that scores are reported on; nothing is chosen on it",
    "oracle": "the probe on all neurons, which smaller sets are compared with",
    "minimal set": "the fewest of the first neurons on which a probe trained anew loses no more than is allowed",
    "delta": "how much score on dev a minimal set may lose against all neurons",
    "points": "hundredths: from 91.5 % to 91.0 % are 0.5 points; “within 0.5 points” means a loss of at most that",
    "lambdas": "how strongly a probe is pushed towards few weights (l1) and small ones (l2)",
    "grid": "the pairs of lambdas that are tried",
    "mass": "a neuron's share of the sum of all absolute weights of a label",
    "take": "a label takes the neurons that hold the largest part of its weights, up to a share that is the same for all labels",
    "ranking": "the order of all neurons, the one that some label leans on most first",
    "ablation": "setting neurons to zero, or to their mean, without training the probe again",
    "control task": "each word type gets a label drawn at random: what a probe scores on it, it has memorised",
    "selectivity": "score on the property less that on the control task: what is not memorised",
    "seed": "start of the random numbers: a probe trained with another seed may differ",
    "duality gap": "a proven bound on how far a probe is above the best that any weights can reach",
    "resamples": "sentences drawn anew from the same text: what changes between them would change with other text",
    "q-value": "the smallest share of false entries at which the neuron is on the list",
    "overlap": "neurons that two sets share, as a share of all that either has (Jaccard)",
    "distributed": "a label that many neurons carry; focused: one that few do",
    "rank correlation": "1 if two lists have the same order, 0 if neither says anything of the other, −1 if reversed",
}
"""In the order of the list."""
_FORMS = {
    "lambdas": r"lambdas?",
    "control task": r"control tasks?",
    "minimal set": r"minimal sets?",
    "resamples": r"resamples?",
    "seed": r"seeds?",
    "ablation": r"ablation",
    "take": r"labels? takes?|take it first|takes? the neuron",
    "distributed": r"distributed",
    "neuron": r"neurons?",
    "probe": r"probes?",
}


@dataclass
class Explained:
    """Explains each term once: the first time that it stands in the text which it is given.

    Attributes
    ----------
    left : dict of str to str
        Terms that were not met yet.
    """

    left: dict[str, str] = field(default_factory=lambda: dict(TERMS))

    def __call__(self, text: str) -> str:
        """`text` as HTML, escaped, with its first terms explained by a title."""
        found = []
        for term in self.left:
            match = re.search(
                rf"(?<![\w“-])(?:{_FORMS.get(term, re.escape(term))})(?![\w”-])", text, flags=re.IGNORECASE
            )
            if match is not None:
                found.append((match.start(), match.end(), term))
        found.sort()
        parts, at = [], 0
        for start, end, term in found:
            if start < at:  # within a term that is longer
                continue
            title = escape(self.left.pop(term), quote=True)
            parts += [escape(text[at:start], quote=False), f'<abbr title="{title}">{escape(text[start:end])}</abbr>']
            at = end
        return "".join([*parts, escape(text[at:], quote=False)])

    def all(self, texts: Iterable[str], *, terms: bool = True) -> list[str]:
        """Several texts, in their order; without `terms` they are escaped and nothing is explained."""
        return [self(text) if terms else escape(text, quote=False) for text in texts]
