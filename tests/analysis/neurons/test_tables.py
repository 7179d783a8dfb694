"""Tables that grow by parts are those that a list of rows would make."""

from __future__ import annotations

import numpy as np
import pandas as pd

from neurosieve.analysis.neurons.tables import Names, Tables

LETTERS, OTHERS = Names(["a", "b", None]), Names(["c"])


def test_parts_stand_behind_each_other():
    first, second = Tables({"t": ("index", "name", "x")}), Tables({"t": ("index", "name", "x")})
    first.add("t", 3, index=7, name=LETTERS.at([1, 0, 2]), x=np.array([1.0, 2.0, 3.0]))
    second.add("t", 1, index=8, name=OTHERS.at([0]), x=np.array([4.0]))
    second.add("t", 0, index=9, name=LETTERS.at([]), x=np.zeros(0))
    first.extend(second)
    wanted = {"index": [7, 7, 7, 8], "name": ["b", "a", None, "c"], "x": [1.0, 2.0, 3.0, 4.0]}
    pd.testing.assert_frame_equal(first.frame("t"), pd.DataFrame(wanted))


def test_a_column_without_a_name_and_one_without_a_row():
    tables = Tables({"t": ("index", "name"), "empty": ("index",)})
    tables.add("t", 2, index=0, name=LETTERS.at([2, 2]))
    assert tables.frame("t")["name"].tolist() == [None, None]
    assert tables.frame("empty").columns.tolist() == ["index"]
