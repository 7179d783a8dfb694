"""What solving a probe is assumed to cost, known before it is solved: to be held against what the recipe costs."""

from __future__ import annotations

from neurosieve.probes.exact.room import SAMPLE_WORDS

_STEPS, _EVALUATIONS = 40, 4
"""Steps of a probe, a mean over the strict grid, and how often each evaluates a sample: two products, and the intercepts."""

_ELEMENTWISE = 500
"""Multiplications that take as long as all that is done to a word and label in a step, besides products."""


def multiplications(*, n_words: int, n_labels: int, n_columns: int) -> float:
    """Multiplications that take as long as solving one probe of labels."""
    sampled = min(SAMPLE_WORDS, n_words)
    passes = n_words * n_labels * (2 * n_columns + _ELEMENTWISE)
    models = 2 * _EVALUATIONS * sampled * n_labels * n_columns
    coupling = _EVALUATIONS * (n_words + 3 * sampled) * n_labels**2  # each label's intercept moves all others
    return float(_STEPS * (passes + models + coupling))
