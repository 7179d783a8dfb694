"""The paper's numbers: whole, consistent but for what is noted, and shown only beside the same model and task."""

from __future__ import annotations

import pytest

from neurosieve.report.layouts import write_layouts
from neurosieve.report.paper import MODELS, NOTES, TABLES, TASKS, _numbers, note, paper_model, paper_task, printed
from neurosieve.report.tables import paper_tables


def test_every_number_of_the_tables_is_there() -> None:
    numbers = _numbers()
    count = {table: sum(place[0] == table for place in numbers) for table in TABLES.values()}
    # 4 models x 4 tasks x rows; Neu_a once a table; minimal sets with their share.
    assert count == {"1": 64, "6": 64, "2": 100, "7": 100, "3": 68, "4": 16, "5": 16, "A.3": 2}
    assert printed("ablation_test", "Top", model="BERT", task="POS") == 90.16
    assert printed("minimal_0.5_test", "Neu_a", model="T-ELMo", task="CCG") == 7168
    assert printed("minimal_0.5_dev", "Sel_t", model="ELMo", task="CCG") == 17.34
    assert printed("minimal_2_test", "Neu_t", model="ELMo", task="CCG") == 675
    assert printed("lambdas", "l1, l2", model="ELMo", task="CHUNK") == "0.001, 0.01"
    assert printed("data", "labels", model="BERT", task="CCG") == 1272
    assert printed("runtime", "total", model="BERT", task="CCG") == 18
    assert printed("runtime", "total", model="BERT", task="POS") is None
    assert printed("ablation_mean_fill_test", "Top", model="BERT", task="POS") is None
    assert printed("ablation_test", "Top", model=None, task="POS") is None


def test_tables_agree_with_each_other_but_for_what_is_noted() -> None:
    numbers, odd = _numbers(), set()
    for (table, task, row, model), value in numbers.items():
        if row == "Neu_t":
            share = 100 * float(value) / MODELS[model][0]
            if abs(share - float(numbers[table, task, "Neu_t %", model])) > 0.5:
                odd.add((table, task, row, model))
        if row == "Acc_a":
            ablation = numbers[{"2": "1", "3": "1", "7": "6"}[table], task, "All", model]
            if float(ablation) != float(value):
                odd.add((table, task, row, model))
        if row == "Acc_t":
            allowed = 2 if table == "3" else 0.5
            if float(numbers[table, task, "Acc_a", model]) - float(value) > allowed + 1e-9:  # rounding of two decimals
                odd.add((table, task, row, model))
    assert odd <= set(NOTES)
    assert len(odd) == 7


def test_notes_are_about_numbers_that_are_there() -> None:
    for table, task, row, model in NOTES:
        assert any(
            place[0] == table
            and all(mine in ("", theirs) for mine, theirs in zip((task, row, model), place[1:], strict=True))
            for place in _numbers()
        ), (table, task, row, model)
    assert "5 %" in str(note("minimal_2_test", "Neu_t", model="ELMo", task="SEM"))
    assert note("minimal_2_test", "Neu_t", model="BERT", task="SEM") is None


@pytest.mark.parametrize(
    ("name", "n_neurons", "known"),
    [
        ("bert-base-cased", 9984, "BERT"),
        ("google-bert/bert-base-cased", 9984, "BERT"),
        ("BERT", 9984, "BERT"),
        ("xlnet/xlnet-base-cased", 9984, "XLNet"),
        ("ELMo", 3072, "ELMo"),
        ("elmo_2x4096_512_2048cnn_2xhighway", 3072, "ELMo"),
        ("T-ELMo", 7168, "T-ELMo"),
        ("transformer-elmo-2019.01.10.tar", 7168, "T-ELMo"),
        ("ELMo", 96, None),  # of another size
        ("distilbert-base-cased", 5376, None),
        ("danish-bert-base-cased", 9984, None),
        ("bert-base-cased-untrained0", 9984, None),
        ("bert-base-uncased", 9984, None),
    ],
)
def test_models_are_recognised_by_name_and_size(make_findings, name: str, n_neurons: int, known: str | None) -> None:
    assert paper_model(make_findings(model=name, n_neurons=n_neurons)) == known


def test_tasks_are_recognised_by_name() -> None:
    assert {paper_task(prop) for prop in ("pos", "xpos", "sem", "chunk", "ccg")} == set(TASKS)
    assert paper_task("upos") is None


@pytest.fixture
def beside(findings, make_findings):
    """Findings of a model of the paper and of another one."""
    return [make_findings(model="bert-base-cased", n_neurons=9984), make_findings(model="xlnet-base-cased", n_neurons=9984,
            prop="chunk"), findings]  # fmt: skip


def test_the_papers_number_stands_beside_ours(beside) -> None:
    tables = paper_tables(beside)
    table = tables["ablation_test"]
    assert table.columns.tolist() == [
        "property", "row", "bert-base-cased", "bert-base-cased sd", "bert-base-cased paper",
        "xlnet-base-cased", "xlnet-base-cased sd", "xlnet-base-cased paper", "tiny", "tiny sd",
    ]  # fmt: skip
    assert table.set_index(["property", "row"]).loc[("pos", "Top"), "bert-base-cased paper"] == 90.16
    assert tables["minimal_2_test"].set_index(["property", "row"]).loc[("pos", "Neu_t"), "bert-base-cased paper"] == 250
    assert tables["data"].set_index("property").loc["pos", "train sentences, paper"] == 36557
    assert not any("paper" in column for column in tables["ablation_mean_fill_test"])


def test_layouts_carry_the_numbers_and_the_notes(beside, tmp_path) -> None:
    tables = paper_tables(beside)
    written = write_layouts(tmp_path, tables, beside)
    assert len(written) == 2 * len(tables)
    text = (tmp_path / "minimal_0.5_test.md").read_text(encoding="utf-8")
    assert text.startswith(
        "**Minimal sets within 0.5 points of the probe on all neurons, test (%) (the paper's Table 2)**\n"
    )
    assert "| Neu_t | 32 / 0 % | 400 / 4 % |" in text
    assert "| Acc_a | 91.00 ± 1.00 | 96.04 |" in text
    assert "94.62<sup>a</sup>" in text
    assert "<sup>a</sup> Printed as 94.15 in Table 1" in text
    tex = (tmp_path / "minimal_0.5_test.tex").read_text(encoding="utf-8")
    assert r"\toprule" in tex
    assert r"Acc$_a$ & 91.00 $\pm$ 1.00 & 96.04 & " in tex
    assert "94.62$^a$" in tex
    assert r"$^a$ Printed as 94.15" in tex
    rows = [line for line in tex.splitlines() if line.endswith(r"\\") and "multicolumn" not in line]
    assert {line.count(" & ") for line in rows} == {5}
    for ending in ("md", "tex"):
        assert "Table 4" in (tmp_path / f"data.{ending}").read_text(encoding="utf-8")


def test_names_are_escaped(make_findings, tmp_path) -> None:
    odd = [make_findings(model="a_b|c&d", prop="50%$"), make_findings(model="m^a")]
    write_layouts(tmp_path, paper_tables(odd), odd)
    assert r"a\_b|c\&d" in (tmp_path / "ablation_test.tex").read_text(encoding="utf-8")
    assert r"m\textasciicircum{}a" in (tmp_path / "ablation_test.tex").read_text(encoding="utf-8")  # not a note's mark
    assert r"50\%\$" in (tmp_path / "ablation_test.tex").read_text(encoding="utf-8")
    assert r"a_b\|c&amp;d" in (tmp_path / "ablation_test.md").read_text(encoding="utf-8")
