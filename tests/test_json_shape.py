"""What JSON of ours must hold, and that messages of errors are one line."""

from __future__ import annotations

import copy

import pytest

from neurosieve.errors import CorpusError, NeurosieveError
from neurosieve.json_shape import misfit

SHAPE = {
    "n": int,
    "model": {"name": str},
    "layers": [{"width": int}],
    "splits": {"*": (int, int)},
    "note?": str,
    "x": object,
}
GOOD = {"n": 3, "model": {"name": "m"}, "layers": [{"width": 2}], "splits": {"train": [0, 2]}, "x": None}


def test_what_fits_is_taken() -> None:
    assert misfit(GOOD, SHAPE) is None
    assert misfit({**GOOD, "note": None, "more": 1, "layers": [], "splits": {}}, SHAPE) is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"n": "3"}, "n is '3', where a whole number from 0 is expected"),
        ({"n": True}, "n is True, where a whole number from 0 is expected"),
        ({"n": -1}, "n is -1, where"),
        ({"n": 10**30}, "n is 10000000000000"),
        ({"n": 3.0}, "n is 3.0, where"),
        ({"model": None}, "model is None, where a mapping is expected"),
        ({"model": {}}, "model.name is missing"),
        ({"layers": {}}, "layers is {}, where a list is expected"),
        ({"layers": [{"width": 1}, {"width": None}]}, "layers[1].width is None"),
        ({"splits": {"dev": [1]}}, "splits.dev has 1 entries, where 2 are expected"),
        ({"note": 4}, "note is 4, where a text is expected"),
        ({"n": "x" * 500}, "..., where a whole number from 0 is expected"),
    ],
)
def test_the_first_misfit_is_said_with_its_place(change: dict[str, object], said: str) -> None:
    found = misfit({**GOOD, **change}, SHAPE)
    assert found is not None
    assert said in found
    assert len(found) < 200


def test_what_is_no_mapping_at_all() -> None:
    assert misfit([1], SHAPE) == "the file is [1], where a mapping is expected"
    assert misfit({k: v for k, v in GOOD.items() if k != "n"}, SHAPE) == "n is missing"


def test_errors_are_one_line_whatever_a_name_or_a_library_says() -> None:
    error = CorpusError("a\n b: Error tokenizing data.\r\nC error\u2028end\n")
    assert str(error) == "a b: Error tokenizing data. C error end"
    assert str(copy.copy(error)) == str(error)
    assert issubclass(CorpusError, NeurosieveError)
