"""What earlier runs left on disk is read under the names of today."""

from __future__ import annotations

import json

import pytest

from neurosieve.errors import StudyError
from neurosieve.study.folder import FORMAT, RunFolder
from neurosieve.study.result import read_result


def test_a_run_of_the_exact_solver_under_its_old_name_can_be_resumed(tmp_path):
    folder = RunFolder(tmp_path)
    settings = {"models": [], "corpora": [], "stores": [], "probes": {"solver": "proximal", "ranking": []}}
    folder.manifest_path.write_text(json.dumps({"format": FORMAT, "settings": settings}))
    (tmp_path / "cells" / "one").mkdir(parents=True)
    now = {**settings, "probes": {"solver": "exact", "ranking": []}}
    assert folder.claim(now) == now


def test_a_stage_of_an_earlier_format_is_refused_with_what_to_do(tmp_path):
    path = tmp_path / "search.json"
    path.write_text(json.dumps({"made_with": {"solver": "proximal"}, "result": {}}))
    with pytest.raises(StudyError, match=r"version 0 of a stage's result, this neurosieve reads version 1; delete it"):
        read_result(path)
