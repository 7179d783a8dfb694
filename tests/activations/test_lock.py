"""Two processes do not write into one folder, and a killed one blocks nobody."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from neurosieve.activations.extract import extract
from neurosieve.activations.lock import extraction_lock
from neurosieve.activations.store import open_store
from neurosieve.errors import StoreError

HOLD = """
import sys, time
from pathlib import Path
from neurosieve.activations.lock import extraction_lock
with extraction_lock(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def holder(folder):
    """A process that holds the lock of `folder`."""
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(folder)], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    return process


def test_a_second_process_is_refused_and_a_killed_one_blocks_nobody(corpus, fake_model, tmp_path):
    folder = tmp_path / "store"
    folder.mkdir()
    process = holder(folder)
    try:
        with pytest.raises(
            StoreError,
            match=rf"another process \({process.pid}\) is extracting into this folder; wait until it is done",
        ):
            extract(corpus, fake_model(), folder)
        assert [path.name for path in folder.iterdir()] == ["extract.lock"]
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
    assert (folder / "extract.lock").is_file()  # what the killed process left
    assert extract(corpus, fake_model(), folder).n_words == corpus.n_words
    assert not (folder / "extract.lock").exists()


def test_the_lock_is_let_go_of_after_a_failure(corpus, fake_model, tmp_path):
    with pytest.raises(RuntimeError, match="killed"):
        extract(corpus, fake_model(fail_at=0), tmp_path / "s")
    assert not (tmp_path / "s" / "extract.lock").exists()
    extract(corpus, fake_model(), tmp_path / "s")


def test_a_finished_store_is_opened_while_the_lock_is_held(corpus, fake_model, tmp_path):
    extract(corpus, fake_model(), tmp_path / "s")
    with extraction_lock(tmp_path / "s"):
        assert extract(corpus, fake_model(), tmp_path / "s").n_words == corpus.n_words


def test_what_another_process_finished_meanwhile_is_opened(corpus, fake_model, tmp_path, monkeypatch):
    """The other one finishes between our look at the folder and our getting the lock."""
    from contextlib import contextmanager

    import neurosieve.activations.writer as module

    real = module.extraction_lock

    @contextmanager
    def slow(folder):
        monkeypatch.setattr(module, "extraction_lock", real)
        extract(corpus, fake_model(), folder)
        with real(folder):
            yield

    monkeypatch.setattr(module, "extraction_lock", slow)
    model = fake_model()
    assert extract(corpus, model, tmp_path / "s").n_words == corpus.n_words
    assert model.n_calls == 0


@pytest.mark.parametrize("left", [("shards/",), ("shards/", "plan.tmp"), ("extract.lock",), ()])
def test_what_a_start_that_was_killed_leaves_is_begun_anew(corpus, fake_model, tmp_path, left):
    folder = tmp_path / "s"
    folder.mkdir()
    for name in left:
        (folder / name).mkdir() if name.endswith("/") else (folder / name).write_text("{", encoding="utf-8")
    extract(corpus, fake_model(), folder)
    assert open_store(folder).n_words == corpus.n_words


@pytest.mark.parametrize("name", ["notes.txt", "shards/00000.safetensors", "plan.json/x"])
def test_other_files_are_left_alone(corpus, fake_model, tmp_path, name):
    path = tmp_path / "s" / name
    path.parent.mkdir(parents=True)
    path.write_text("mine", encoding="utf-8")
    with pytest.raises(StoreError, match="is not empty and holds no extraction; choose another output folder"):
        extract(corpus, fake_model(), tmp_path / "s")
    assert [p for p in (tmp_path / "s").rglob("*") if p.is_file()] == [path]


def test_a_lock_file_that_says_nothing_is_no_obstacle(tmp_path):
    (tmp_path / "extract.lock").write_bytes(b"\xff\xfe")
    with extraction_lock(tmp_path):
        assert (tmp_path / "extract.lock").read_text(encoding="ascii") == str(os.getpid())
        with pytest.raises(StoreError, match="another process"), extraction_lock(tmp_path):
            pass
    assert not (tmp_path / "extract.lock").exists()
