"""What is said when a model cannot be had from the hub: one line, with what to do."""

from __future__ import annotations

import logging

import pytest

from neurosieve.errors import ModelError
from neurosieve.models.huggingface.hub import quietly, stating


def raised(kind, cause=None):
    """An error of a class of that name, as the hub's library has it, from which transformers makes an OSError."""
    error = type(kind, (Exception,), {})("first line\nsecond line")
    try:
        raise OSError("We couldn't connect\n  to the hub") from error
    except OSError as outer:
        return outer


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("LocalEntryNotFoundError", "'me/it' is not on this machine, and no hub can be reached"),
        ("RepositoryNotFoundError", "the hub has no model 'me/it' that you may read; check the name"),
        ("RevisionNotFoundError", "'me/it' has no revision 'v2' on the hub"),
        ("GatedRepoError", "accept them and log in"),
        ("HFValidationError", "'me/it' can be no name of a model"),
        ("SomethingElse", "OSError: We couldn't connect to the hub"),
    ],
)
def test_each_cause_has_its_line(kind, said):
    with pytest.raises(ModelError) as caught, stating("me/it", "v2"):
        raise raised(kind)
    assert str(caught.value).startswith("cannot load the model 'me/it': ")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_folder_is_not_taken_for_a_name(tmp_path):
    with pytest.raises(ModelError, match="OSError: We couldn't connect"), stating(tmp_path):
        raise raised("LocalEntryNotFoundError")


def test_our_own_errors_pass():
    with pytest.raises(ModelError, match=r"^as it is$"), stating("x"):
        raise ModelError("as it is")


def test_retries_are_not_shown(caplog):
    hub = logging.getLogger("huggingface_hub.utils")
    with quietly():
        hub.warning("Retrying in 1s")
    assert not caplog.records
    hub.warning("shown again")
    assert [record.message for record in caplog.records] == ["shown again"]
