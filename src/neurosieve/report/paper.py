"""The paper's own numbers, and for which of our models and properties they were printed.

The numbers lie in ``paper_numbers.csv``, errors included; `NOTES` says which of them cannot be right, or contradict each
other.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from io import StringIO
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from neurosieve.study.findings import Findings

TABLES = {
    "ablation_test": "1",
    "minimal_0.5_test": "2",
    "minimal_2_test": "3",
    "data": "4",
    "lambdas": "5",
    "ablation_dev": "6",
    "minimal_0.5_dev": "7",
    "runtime": "A.3",
}
"""The paper's table for each of ours."""

MODELS = {
    "BERT": (9984, r"bert-base-cased"),
    "XLNet": (9984, r"xlnet-base-cased"),
    "T-ELMo": (7168, r"(t|transformer)[-_]?elmo.*"),
    "ELMo": (3072, r"elmo([-_](original|2x4096_512_2048cnn_2xhighway).*)?"),
}
"""For each model of the paper the number of its neurons, and what the last part of its name looks like."""

TASKS = {
    "POS": {"pos", "xpos", "ptb"},
    "SEM": {"sem", "semtag", "semtags"},
    "CHUNK": {"chunk", "chunks", "chunking"},
    "CCG": {"ccg", "supertag", "supertags"},
}
"""Names of properties that are a task of the paper. Universal tags (upos) are not: the paper's are the Penn Treebank's."""

Place = tuple[str, str, str, str]
"""Table, task, row, model; empty for whatever they are."""

NOTES: dict[Place, str] = {
    ("2", "CHUNK", "Acc_a", "XLNet"): "Printed as 94.15 in Table 1, and as 94.62 in Tables 2 and 3.",
    ("1", "CHUNK", "All", "XLNet"): "Printed as 94.15 in Table 1, and as 94.62 in Tables 2 and 3.",
    ("3", "CHUNK", "Acc_a", "XLNet"): "Printed as 94.15 in Table 1, and as 94.62 in Tables 2 and 3.",
    ("3", "SEM", "Neu_t", "ELMo"): "307 of 3,072 neurons are 10 %, as in Table 2, not the printed 5 %.",
    ("3", "CCG", "Neu_t", "XLNet"): "734 of 9,984 neurons are 7 %, not the printed 8 %.",
    (
        "3",
        "SEM",
        "Acc_t",
        "XLNet",
    ): "The same 400 neurons score 92.62 in Table 2; a looser threshold cannot change the score of the same set.",
    ("3", "POS", "Acc_t", "BERT"): "2.34 points below the oracle on test; the threshold of 2 points holds on dev.",
    ("3", "POS", "Acc_t", "ELMo"): "2.03 points below the oracle on test; the threshold of 2 points holds on dev.",
    ("3", "CCG", "Acc_t", "ELMo"): "2.11 points below the oracle on test; the threshold of 2 points holds on dev.",
    ("2", "POS", "Neu_t", "ELMo"): "Printed as 368 in Tables 2 and 7, and as 320 in appendix A.7.",
    ("7", "POS", "Neu_t", "ELMo"): "Printed as 368 in Tables 2 and 7, and as 320 in appendix A.7.",
    ("4", "POS", "labels", ""): "The Penn Treebank's tag set with punctuation has 45 tags; the paper counts 44.",
    (
        "4",
        "CHUNK",
        "train",
        "",
    ): "Train and dev are 10,724 sentences together, more than the 8,936 of the shared task's training part.",
    (
        "5",
        "",
        "",
        "",
    ): "Chosen for the released tool kit's loss (a mean over words, an L2 norm that is not squared) and a "
    "learning rate that the paper does not state; do not expect them to transfer to another solver.",
    ("A.3", "", "", ""): "The paper says 12 hours on average on one GTX TITAN X, from 3 (POS, ELMo) to 18 (CCG, BERT), "
    "extraction included; other cells are not printed.",
    (
        "1",
        "",
        "Random",
        "",
    ): "Random neurons score from 28 to 79 %: setting neurons with a large mean to zero moves every "
    "logit, so that this ablation mixes lost information with moved offsets. See the tables filled with the mean.",
    (
        "6",
        "",
        "Random",
        "",
    ): "Random neurons score from 29 to 78 %: setting neurons with a large mean to zero moves every "
    "logit, so that this ablation mixes lost information with moved offsets. See the tables filled with the mean.",
}
"""What is odd about a printed number. Empty parts of the place stand for all."""

SOURCE = (
    "“paper”: printed in Durrani et al. (EMNLP 2020) for this model and task, on the Penn Treebank (POS), the Parallel Meaning "
    "Bank (SEM), CoNLL-2000 (chunking) or CCGbank (CCG); models are recognised by name and size, properties by name, so "
    "compare only where the corpus is the same."
)


def paper_model(f: Findings) -> str | None:
    """The paper's name of a model, recognised by its name and its number of neurons; None if it is none of the four.

    Other sites and untrained twins have a name or a size of their own, and are none of them.
    """
    last = f.model.lower().rsplit("/", 1)[-1]
    for name, (n_neurons, pattern) in MODELS.items():
        if f.n_neurons == n_neurons and re.fullmatch(pattern, last) and "untrained" not in last:
            return name
    # Short names that a study file may give.
    short = {name.lower(): name for name in MODELS}.get(last)
    return short if short is not None and MODELS[short][0] == f.n_neurons else None


def paper_task(prop: str) -> str | None:
    """The paper's name of a property, or None."""
    return next((task for task, names in TASKS.items() if prop.lower() in names), None)


@cache
def _numbers() -> dict[Place, str]:
    text = files("neurosieve.report").joinpath("paper_numbers.csv").read_text(encoding="utf-8")
    table = pd.read_csv(StringIO(text), comment="#", dtype=str, keep_default_na=False)
    return {
        (str(t), str(task), str(row), str(model)): str(value)
        for t, task, row, model, value in table.itertuples(index=False)
    }


def printed(name: str, row: str, *, model: str | None, task: str | None) -> float | str | None:
    """What the paper printed in its counterpart of our table `name`, or None.

    Parameters
    ----------
    name : str
        Name of our table, such as ``"ablation_test"``.
    row : str
    model, task : str or None
        As `paper_model` and `paper_task` give them.
    """
    if name not in TABLES or model is None or task is None:
        return None
    found = _numbers()
    for place in ((task, row, model), ("", row, model), (task, row, "")):
        value = found.get((TABLES[name], *place))
        if value is not None:
            return value if "," in value else float(value)
    return None


def note(name: str, row: str, *, model: str | None, task: str | None) -> str | None:
    """What is odd about the number that `printed` gives, or None."""
    for place in ((task, row, model), (task, row, ""), ("", row, ""), ("", "", "")):
        found = NOTES.get((TABLES.get(name, ""), *(part or "" for part in place)))  # type: ignore[arg-type]
        if found is not None:
            return found
    return None
