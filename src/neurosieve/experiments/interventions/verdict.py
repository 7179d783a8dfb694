"""The verdict in words, by a rule that is fixed before any outcome is seen.

One number is judged, so that nobody picks a size: the effect of the top sets beyond matched random sets, averaged over
the logarithm of their size.

- **encoded and used**: its 95 % interval over sentences and draws excludes 0, no more than one in twenty of the sets
  moves the outcome as far from the intact model's, no random direction of the same length does as much of the same (the
  interval of what the sets do beyond the nearest one lies above 0), and the edit moves the property (completeness at
  least a tenth, where it is known).
- **encoded, no sign of use**: the effect does not stand out from that of the random sets, although the edit took the property
  away (completeness at least one half).
- **cannot be told**: all else; also where the intact model does not prefer the good sentences, or the property is not
  read by a held-out probe, so that there is nothing to be lost.
"""

from __future__ import annotations

from dataclasses import dataclass

from neurosieve.experiments.interventions.effects import Effect

USED, UNUSED, UNTOLD = "encoded and used", "encoded, no sign of use", "cannot be told"
MOVED = 0.1
"""Completeness below which an edit is not one of the property: whatever it does may be of something else."""
COMPLETE = 0.5
"""Completeness from which on an edit counts as having taken the property away."""
LARGEST_P = 0.05
FEWEST_DRAWS = 19
"""Random sets that are needed for one in twenty to be told."""


@dataclass(frozen=True)
class Verdict:
    """What is concluded.

    Attributes
    ----------
    verdict : str
        ``"encoded and used"``, ``"encoded, no sign of use"`` or ``"cannot be told"``.
    why : str
        One sentence with the numbers.
    effect : Effect
        Of the top sets, over all sizes.
    direction : float
        The effect, over all sizes, of the random direction that does most of what the top sets do; with its sign.
    beyond_direction : float
        Lower end of the 95 % interval, over sentences, of how much more the top sets do than that direction.
    completeness : float or None
    selectivity : float or None
    intact : float
        Mean outcome of the intact model.
    intact_low : float
        Lower end of its 95 % interval.
    refuted_by : str
        The result that would have refuted the claim.
    """

    verdict: str
    why: str
    effect: Effect
    direction: float
    beyond_direction: float
    completeness: float | None
    selectivity: float | None
    intact: float
    intact_low: float
    refuted_by: str


REFUTED_BY = (
    "an interval of the effect that holds 0, more than one matched random set in twenty that moves the outcome as far, or a "
    "random direction of the same length that does as much of the same"
)


def judge(
    effect: Effect,
    *,
    direction: float,
    beyond_direction: float,
    intact: float,
    intact_low: float,
    edited: float,
    completeness: float | None,
    selectivity: float | None,
) -> Verdict:
    """Apply the rule; `edited` is the mean outcome under the edits of the top sets, over all sizes."""
    how = "less" if effect.value < 0 else "more"
    beyond = (
        f"the outcome falls by {abs(effect.value):.2f} nats {how} than with matched random neurons (95 % interval "
        f"{effect.low:.2f} to {effect.high:.2f}; 95 % of random sets lie from {effect.random_low:.2f} to "
        f"{effect.random_high:.2f})"
    )
    # Where random sets do more harm, the set is used against the good sentences only if they gain by its edit.
    excludes = (effect.low > 0 and edited < intact) or (effect.high < 0 and edited > intact)
    if intact_low <= 0:
        word = UNTOLD
        why = f"the intact model does not prefer the good sentences (mean log-odds {intact:.2f}, interval from {intact_low:.2f})"
    elif excludes and effect.p <= LARGEST_P:
        word, why = USED, beyond
        if beyond_direction <= 0:
            word = UNTOLD
            why = f"a random direction of the same length has an effect of {direction:.2f} nats, although {beyond}"
        elif completeness is not None and completeness < MOVED:
            word, why = UNTOLD, f"the edit takes only {completeness:.0%} of the property away, although {beyond}"
        elif effect.value < 0:
            why += "; it rises, so the network uses these neurons against the good sentences"
    elif completeness is not None and completeness >= COMPLETE:
        word, why = UNUSED, f"the edit takes {completeness:.0%} of the property away, and {beyond}"
    else:
        known = "how much of the property the edit takes away is not known"
        if completeness is not None:
            known = f"the edit takes only {completeness:.0%} of the property away"
        word, why = UNTOLD, f"{known}, and {beyond}"
    return Verdict(
        word,
        why,
        effect,
        direction,
        beyond_direction,
        completeness,
        selectivity,
        intact,
        intact_low,
        refuted_by=REFUTED_BY,
    )
