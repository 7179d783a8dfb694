"""Saving: the same bytes, the data beside the figure, and names that are no formulas."""

from __future__ import annotations

import logging
import subprocess
import sys

import pandas as pd
import pytest

from neurosieve.errors import NeurosieveError
from neurosieve.figures import label_distribution, layer_distribution, save_figure
from neurosieve.figures.code_points import with_code_points


def test_the_same_figure_gives_the_same_bytes(findings, tmp_path):
    files = [
        save_figure(layer_distribution(findings), tmp_path / name / "layers", formats=("png", "svg", "pdf"))
        for name in "ab"
    ]
    for kind in ("png", "svg", "pdf"):
        first, second = (written[kind].read_bytes() for written in files)
        assert first == second
        assert len(first) > 1000


def test_the_data_lie_beside_the_figure(findings, tmp_path):
    written = save_figure(layer_distribution(findings), tmp_path / "new" / "a.b", data=findings.layers)
    assert {kind: path.name for kind, path in written.items()} == {"png": "a.b.png", "svg": "a.b.svg", "csv": "a.b.csv"}
    pd.testing.assert_frame_equal(pd.read_csv(written["csv"]), findings.layers)


def test_labels_with_dollars_stay_text(findings, tmp_path):
    table = findings.labels.assign(label=["$", "PRP$", "$x$", "WP$$", "a_b^c", r"\alpha"])
    text = save_figure(label_distribution(table), tmp_path / "labels", formats=["svg"])["svg"].read_text(
        encoding="utf-8"
    )
    for label in table["label"]:
        assert f">{label}</text>" in text


def test_labels_in_other_scripts_are_kept_in_the_svg_and_told(findings, tmp_path, caplog):
    table = findings.labels.assign(label=["名詞", "動詞", "助詞", "形容詞", "副詞", "記号"])
    with caplog.at_level(logging.WARNING):
        text = save_figure(label_distribution(table), tmp_path / "labels")["svg"].read_text(encoding="utf-8")
    assert "形容詞" in text
    assert "the bundled font lacks" in caplog.text


def test_an_unknown_format_is_refused(findings, tmp_path):
    with pytest.raises(NeurosieveError, match="unknown format 'jpeg'; expected some of png, svg, pdf"):
        save_figure(layer_distribution(findings), tmp_path / "x", formats=["jpeg"])
    assert not list(tmp_path.iterdir())


def test_axes_without_a_figure_are_refused(findings, tmp_path):
    ax = layer_distribution(findings)
    ax.remove()
    with pytest.raises(NeurosieveError, match="removed from their figure"):
        save_figure(ax, tmp_path / "x")


def test_no_window_system_is_loaded():
    code = "import sys, neurosieve.figures; sys.exit('matplotlib.pyplot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_labels_of_other_scripts_are_told_apart(tmp_path, caplog, recwarn):
    names = ["名詞", "संज्ञा", "اسم", "😀🎉", "NN"]
    table = pd.DataFrame({"label": names, "n_neurons": [5.0, 4, 3, 2, 1], "n_exclusive": 1.0, "main_layer": 1})
    ax = label_distribution(table.assign(main_layer_share=0.5))
    files = save_figure(ax, tmp_path / "labels", data=table, formats=("png", "pdf", "svg"))
    svg = files["svg"].read_text(encoding="utf-8")
    assert all(name in svg for name in names)
    assert [label.get_text() for label in ax.get_yticklabels()] == names  # as before
    assert with_code_points("名詞") == "U+540D U+8A5E"
    assert with_code_points("N名") == "N U+540D"
    assert with_code_points("NN اسم") == "NN اسم"  # which the font has
    assert "the PNG shows their code points" in caplog.text
    assert len(caplog.records) == 1
    assert not recwarn.list
    other = label_distribution(table.assign(main_layer_share=0.5, label=[n.replace("名", "詞") for n in names]))
    again = save_figure(other, tmp_path / "other", formats=("png",))
    assert again["png"].read_bytes() != files["png"].read_bytes()  # boxes would be the same
