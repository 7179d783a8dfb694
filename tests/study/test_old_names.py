"""What earlier runs left on disk is read under the names of today."""

from __future__ import annotations

import json

from neurosieve.study.cell import read_stage
from neurosieve.study.folder import FORMAT, RunFolder


def test_a_stage_of_the_exact_solver_under_its_old_name(tmp_path):
    path = tmp_path / "search.json"
    path.write_text(json.dumps({"made_with": {"solver": "proximal", "tol": 1e-3}, "result": {}}))
    assert read_stage(path)["made_with"] == {"solver": "exact", "tol": 1e-3}


def test_a_run_of_the_exact_solver_under_its_old_name_can_be_resumed(tmp_path):
    folder = RunFolder(tmp_path)
    settings = {"models": [], "corpora": [], "probes": {"solver": "proximal"}}
    folder.manifest_path.write_text(json.dumps({"format": FORMAT, "settings": settings}))
    (tmp_path / "cells" / "one").mkdir(parents=True)
    now = {**settings, "probes": {"solver": "exact"}}
    assert folder.claim(now)["settings"] == now
