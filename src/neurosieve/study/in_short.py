"""What a cell found, in one sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from neurosieve.study.findings import Findings


def in_a_sentence(findings: Findings) -> str:
    """Accuracy (or R²) with all neurons, and how many of them suffice; means over seeds, on test."""
    oracle = findings.oracle.query("split == 'test'")["score"].mean()
    score = "R² of " if findings.metric == "r2" else ""
    smallest = findings.minimal["delta"].min()
    sets = findings.minimal[findings.minimal["delta"] == smallest]
    n = sets["n_neurons"].mean()
    return (
        f"{findings.model} / {findings.prop}: {score}{100 * oracle:.2f} % on test with all {findings.n_neurons} neurons; "
        f"{n:.0f} of them ({100 * n / findings.n_neurons:.0f} %) retrained reach {100 * sets['test'].mean():.2f} %"
    )
