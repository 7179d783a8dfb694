"""What edits do to text: the loss, and how far the distribution moves; where the property stands, and elsewhere.

An edit that took the property alone would move the words that carry it, and leave other words and other text as they are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from neurosieve.errors import NeurosieveError
from neurosieve.experiments.interventions.changes import Change, Editor
from neurosieve.experiments.interventions.outcomes import Outcomes, edits_of_job
from neurosieve.models.asked import Asked
from neurosieve.models.language_model import LanguageModel

KINDS = ("top", "random", "bottom")
DRAWS = 5
"""Random sets that text is read with: a text costs many times what a pair does."""
MEASURES = {"log_probability": "loss", "divergence": "divergence"}
"""Names of the outcomes in nats a sub-word: minus the log-probability, and KL(intact || edited)."""


@dataclass(frozen=True)
class Text:
    """A sentence that is read whole.

    Attributes
    ----------
    words : sequence of str
    labelled : sequence of bool or None
        Which words have a label of the property; None = it is not known.
    unrelated : bool
        Whether it comes from another text than that of the property.
    """

    words: Sequence[str]
    labelled: Sequence[bool] | None = None
    unrelated: bool = False


def of_texts(
    model: LanguageModel, texts: Sequence[Text], outcomes: Outcomes, *, editor: Editor, change: Change
) -> Outcomes:
    """Add what texts give under the edits of the top, bottom and a few random sets of the largest size.

    The outcomes are ``"loss"`` and ``"divergence"``, means over the sub-words of a sentence; of both also ``", labelled
    words"`` and ``", other words"`` (of the same sentences), ``", text with"`` and ``", text without"`` (a labelled word), and
    ``", unrelated text"``, as far as there are any.

    Raises
    ------
    NeurosieveError
        If no text can be read.
    """
    largest = outcomes.sizes()[-1]
    jobs = [
        (one, dose)
        for one, dose in outcomes.jobs
        if one.k == largest and one.kind in KINDS and one.draw < DRAWS and not one.keep and one.layer is None
    ]
    asked = zip(model.ask_texts([text.words for text in texts]), texts, strict=True)
    known = [(one, text) for one, text in asked if not isinstance(one, str)]
    if not known:
        raise NeurosieveError(f"none of {len(texts)} texts can be read by the model; give shorter ones")
    variants = [edits_of_job(job, editor, change) for job in jobs]
    answers = model.answers([one for one, _ in known], variants, measure=tuple(MEASURES))
    parts = _parts(known)
    found = {}
    for place, (measure, name) in enumerate(MEASURES.items()):
        sign = -1.0 if measure == "log_probability" else 1.0
        for part, wanted in parts.items():
            here = [(answer[place], mask) for answer, mask in zip(answers, wanted, strict=True) if mask.any()]
            if here:
                means = [values[:, mask].mean(axis=1, dtype=np.float64) for values, mask in here]
                found[f"{name}{part}"] = sign * np.stack(means, axis=1)
    return replace(outcomes, text_jobs=jobs, texts=found)


def _parts(known: Sequence[tuple[Asked, Text]]) -> Mapping[str, list[NDArray[np.bool_]]]:
    """For each part the sub-words of each text that belong to it."""
    owns = [_own_parts(asked, text) for asked, text in known]
    names = dict.fromkeys(name for own in owns for name in own)
    nothing = [np.zeros(len(asked.tokens), dtype=bool) for asked, _ in known]
    return {name: [own.get(name, none) for own, none in zip(owns, nothing, strict=True)] for name in names}


def _own_parts(asked: Asked, text: Text) -> dict[str, NDArray[np.bool_]]:
    everything = np.ones(len(asked.tokens), dtype=bool)
    if text.unrelated:
        return {", unrelated text": everything}
    if text.labelled is None or asked.asked_words is None:
        return {"": everything}
    labelled = np.asarray(text.labelled, dtype=bool)[asked.asked_words]
    if not labelled.any():
        return {"": everything, ", text without": everything}
    return {"": everything, ", text with": everything, ", labelled words": labelled, ", other words": ~labelled}
