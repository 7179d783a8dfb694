"""Files of a store have the permissions that any new file has, so that colleagues can read them."""

from __future__ import annotations

import os
import stat
import sys

import pytest

from neurosieve.activations.extract import extract
from neurosieve.files import whole_file

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no umask")


@pytest.fixture(params=[0o022, 0o002, 0o077])
def umask(request):
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def modes(folder):
    return {str(p.relative_to(folder)): stat.S_IMODE(p.stat().st_mode) for p in folder.rglob("*") if p.is_file()}


def test_files_of_a_store_respect_the_umask(corpus, fake_model, tmp_path, small_shards, umask):
    store = extract(corpus, fake_model(), tmp_path / "store")
    found = modes(store.path)
    assert len(found) > 4
    assert set(found.values()) == {0o666 & ~umask}, {name: oct(mode) for name, mode in found.items()}


def test_whoever_writes_the_file_it_gets_the_permissions_of_a_new_one(tmp_path, umask):
    path = tmp_path / "file"
    path.with_suffix(".tmp").write_text("left by a killed process")
    path.with_suffix(".tmp").chmod(0o600)
    with whole_file(path) as temporary:
        temporary.write_text("new")
        temporary.chmod(0o600)
    assert path.read_text() == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~umask
