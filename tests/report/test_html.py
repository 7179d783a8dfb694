"""The page: one file, nothing loaded from elsewhere, links that lead somewhere, names escaped."""

from __future__ import annotations

import base64
import re
from html.parser import HTMLParser

import pytest

from neurosieve.errors import NeurosieveError
from neurosieve.report.html import figure_prefixes, write_report

MANIFEST = {
    "neurosieve_version": "0.1.0",
    "packages": {"torch": "2"},
    "none": None,
    "list": list(range(40)),
    "activations": [{"folder": "tiny--text", "n_left_out": 1, "left_out": [{"word": "<b>"}]}],
}


class Page(HTMLParser):
    """Collects what a test asks of a page."""

    VOID = frozenset({"meta", "img", "br", "link", "hr", "input"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.loads: list[str] = []
        self.images: list[dict] = []
        self.open: list[str] = []
        self.headings: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        if "id" in values:
            self.ids.append(values["id"])
        if tag == "a":
            self.links.append(values["href"])
        if tag == "img":
            self.images.append(values)
        self.loads += [values[name] for name in ("src", "srcset", "data", "poster") if name in values]
        if tag == "link":
            self.loads.append(values["href"])
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] in ("h1", "h2", "h3"):
            self.headings.append(data.strip())


@pytest.fixture(scope="module")
def written(findings, make_findings, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    (folder / "results.csv").write_text("x\n", encoding="utf-8")
    evil = make_findings(model='<script>alert("x")</script>', prop="a/b & c")
    return write_report(folder, [findings, evil], manifest=MANIFEST)


@pytest.fixture(scope="module")
def page(written):
    return Page(written.read_text(encoding="utf-8"))


def test_tags_are_balanced_and_ids_are_unique(page):
    assert page.open == []
    assert len(page.ids) == len(set(page.ids))


def test_nothing_is_loaded_from_elsewhere(written, page):
    text = written.read_text(encoding="utf-8")
    assert page.loads
    assert all(source.startswith("data:image/svg+xml;base64,") for source in page.loads)
    assert not re.search(r"url\(|@import|https?://", text)


def test_embedded_figures_load_nothing_either(page):
    for source in page.loads:
        svg = base64.b64decode(source.partition(",")[2]).decode("utf-8")
        outside = [link for link in re.findall(r'(?:href|src)="([^"]*)"', svg) if not link.startswith(("#", "data:"))]
        assert outside == []


def test_every_link_leads_somewhere(written, page):
    for link in page.links:
        assert link[1:] in page.ids if link.startswith("#") else (written.parent / link).is_file(), link
    assert "results.csv" in page.links
    assert "rankings.csv" not in page.links  # the folder does not hold it


def test_names_are_escaped(written):
    text = written.read_text(encoding="utf-8")
    assert '<script>alert("x")' not in text
    assert "&lt;script&gt;" in text
    assert "a/b &amp; c" in text


def test_every_figure_is_described_and_named(page):
    assert len(page.images) == 16 + 6  # two cells of eight; figures 1 and 3, and 4 and 5 of two properties
    assert all(len(image["alt"]) > 40 for image in page.images)


def test_figures_are_saved_in_two_formats_with_their_data(written):
    names = {"minimal", "layers", "labels", "ablation", "lambdas", "lambda-parts", "selectivity", "agreement"}
    saved = {path.name for path in (written.parent / "figures").iterdir()}
    mine = {name for name in saved if name.startswith("tiny--pos--")}
    assert mine == {f"tiny--pos--{name}.{kind}" for name in names for kind in ("png", "svg", "csv")}


def test_the_page_has_the_sections_the_warnings_and_the_provenance(written, page):
    text = written.read_text(encoding="utf-8")
    for heading in (
        "Overview",
        "How few neurons suffice",
        "Where they sit",
        "What ablation shows",
        "Where the numbers come from",
    ):
        assert heading in page.headings
    assert "Before you trust this" in text
    assert "packages.torch" in text
    assert "and 28 more" in text  # of a long list


def test_one_cell_has_no_overview(findings, tmp_path):
    page = Page(write_report(tmp_path / "new", [findings], manifest={}, title="My title").read_text(encoding="utf-8"))
    assert "Overview" not in page.headings
    assert "My title" in page.headings


def test_the_same_findings_give_the_same_page(findings, tmp_path):
    first, second = (write_report(tmp_path / name, [findings], manifest=MANIFEST).read_bytes() for name in "ab")
    assert first == second


def test_a_page_without_control_tasks_and_with_one_seed_is_written(findings, make_findings, tmp_path):
    one = make_findings(
        **{name: getattr(findings, name).query("seed == 0") for name in ("oracle", "ablation", "minimal", "curves")},
        selectivity=findings.selectivity.iloc[:0],
        ranks=findings.ranks[[0]],
        settings={**findings.settings, "seeds": 1},
    )
    text = write_report(tmp_path, [one], manifest={}).read_text(encoding="utf-8")
    assert "No control tasks were run" in text
    assert not any(tmp_path.glob("figures/*selectivity*"))
    assert not any(tmp_path.glob("figures/*agreement*"))
    assert not re.search(r"\bnan\b", re.sub(r"data:image[^\"]*", "", text), re.IGNORECASE)


def test_names_of_figures_never_meet(findings, make_findings):
    models = ("a/b", "a-b", "a b", "a-b")
    prefixes = figure_prefixes([make_findings(model=model) for model in models])
    assert len(set(prefixes)) == 4
    assert prefixes[0] == "a-b--pos--"


def test_no_findings_are_refused(tmp_path):
    with pytest.raises(NeurosieveError, match="no findings to report"):
        write_report(tmp_path / "x", [], manifest={})
    assert not (tmp_path / "x").exists()


def test_what_failed_is_said_at_the_top(findings, tmp_path):
    failure = {"model": "<m>", "corpus": "c", "property": "sem", "error": "no property"}
    text = write_report(tmp_path, [findings], manifest={**MANIFEST, "failures": [failure]}).read_text(encoding="utf-8")
    assert "What failed, and is missing here" in text
    assert "&lt;m&gt; / sem of c: no property" in text
    plain = write_report(tmp_path, [findings], manifest=MANIFEST).read_text(encoding="utf-8")
    assert "What failed" not in plain
