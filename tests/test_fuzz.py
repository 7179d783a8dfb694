"""Every reader reads rubbish or refuses it in a line (see benchmarks/fuzz.py; a long campaign stands in docs/reliability.md)."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

import neurosieve
from neurosieve.errors import NeurosieveError

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


def fuzz(*options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(BENCHMARKS / "fuzz.py"), *options],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(Path(neurosieve.__file__).parents[1])},
    )


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="each reader has a fork")
@pytest.mark.parametrize(("engine", "seconds"), [("mutate", "40"), ("atheris", "20")])
def test_rubbish_is_read_or_refused_in_a_line(tmp_path: Path, engine: str, seconds: str) -> None:
    if engine == "atheris" and find_spec("atheris") is None:
        pytest.skip("atheris is not installed (it has wheels for Linux on x86-64 and Python 3.11 and later)")
    done = fuzz("--seconds", seconds, "--engine", engine, "--json", str(tmp_path / "found.json"))
    found = json.loads((tmp_path / "found.json").read_text(encoding="utf-8"))
    assert done.returncode == 0, done.stdout
    assert found["n_faults"] == 0
    assert len(found["readers"]) >= 28
    assert all(reader["refused"] > 0 for reader in found["readers"].values())


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    import fuzz as module

    return lambda read: module.Watched(read, NeurosieveError)


def test_faults_are_seen(watched) -> None:
    def read(data: bytes) -> object:
        if data == b"bad":
            raise KeyError("x")
        if data == b"empty":
            raise NeurosieveError("")
        if data == b"refused":
            raise NeurosieveError("a line")
        return data

    w = watched(read)
    for data in (b"fine", b"refused", b"bad", b"bad", b"empty"):
        w(data)
    figures = w.figures(1.0)
    assert (figures["inputs"], figures["accepted"], figures["refused"]) == (5, 1, 2)
    assert len(figures["faults"]) == 2
    assert any(text.startswith("escaped: KeyError") for text in figures["faults"].values())


def test_mutations_change_and_repeat_themselves(watched) -> None:
    import fuzz as module

    seeds = (b'{"a": [1, 2, {"b": "c"}]}', b"word\tpos\na\tDT\n")
    for is_json in (True, False):
        drawn = [
            [module.mutated(seeds[0], rng, seeds, is_json=is_json) for _ in range(200)]
            for rng in (random.Random(1), random.Random(1))
        ]
        assert drawn[0] == drawn[1]
        assert len(set(drawn[0])) > 60
        assert all(len(data) <= module.LARGEST for data in drawn[0])
