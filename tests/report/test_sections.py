"""Adding a section as another package would: one object, registered; the page has all five of its parts."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

from neurosieve import extensions
from neurosieve.errors import NeurosieveError
from neurosieve.figures.style import axes
from neurosieve.report import sections
from neurosieve.report.html import write_report
from neurosieve.report.numbers import percent
from neurosieve.report.section import BY_MASS, RESAMPLED, Figure, Section, filled, has_table
from neurosieve.report.sections import all_sections, register, section_named, unregister


def halves(f) -> pd.DataFrame:
    """Selected neurons in the lower and in the upper half of the layers."""
    half = len(f.layers) // 2
    counts = [f.layers["n_selected"][:half].sum(), f.layers["n_selected"][half:].sum()]
    return pd.DataFrame({"half": ["lower", "upper"], "neurons": counts})


def draw(f):
    ax = axes(None, size=(3, 2))
    ax.bar(halves(f)["half"], halves(f)["neurons"])
    return ax


def words(f) -> str:
    return f"{percent(halves(f)['neurons'][0] / f.layers['n_selected'].sum(), 0)} of the set are in the lower half."


HALVES = Section(
    key="halves",
    heading="Lower and upper layers",
    words=words,
    figures={"halves": Figure(draw, halves, "Neurons for {f.prop} in each half of the layers.")},
    table=halves,
    caution=lambda f: "An odd layer counts as upper." if len(f.layers) == 4 else None,
    brief=lambda f: {"Halves": words(f)},
)


@pytest.fixture
def restored() -> Iterator[None]:
    before = dict(sections.SECTIONS)
    yield
    sections.SECTIONS.clear()
    sections.SECTIONS.update(before)


def test_a_section_of_another_package_is_on_the_page(restored, findings, tmp_path) -> None:
    register(HALVES, after="layers")
    keys = [section.key for section in all_sections()]
    assert keys[keys.index("halves") - 1 : keys.index("halves") + 2] == ["layers", "halves", "labels"]
    page = write_report(tmp_path, [findings], manifest={}).read_text(encoding="utf-8").replace("\u00a0", " ")
    assert '<h3 id="tiny--pos--halves">Lower and upper layers' in page
    said = words(findings).replace("\u00a0", " ")
    assert f"<p>{said}</p>" in page
    assert '<th scope="col">half</th>' in page
    assert "<li>An odd layer counts as upper.</li>" in page
    assert f"<dt>Halves</dt><dd>{said}</dd>" in page
    assert "<figcaption>Neurons for pos in each half of the layers." in page
    picture = (tmp_path / "figures" / "tiny--pos--halves.svg").read_bytes()
    assert base64.b64encode(picture).decode("ascii") in page
    assert (
        (tmp_path / "figures" / "tiny--pos--halves.csv").read_text(encoding="utf-8").startswith("half,neurons\nlower")
    )


def test_what_a_section_lacks_is_said_or_it_is_left_out(restored, findings, make_findings, tmp_path) -> None:
    register(replace(HALVES, needs=(has_table("edits", "No edits were made of {f.prop}."),)))
    page = write_report(tmp_path / "a", [findings], manifest={}).read_text(encoding="utf-8")
    assert "<p>No edits were made of pos.</p>" in page
    assert "odd layer" not in page
    assert not (tmp_path / "a" / "figures" / "tiny--pos--halves.svg").exists()
    there = make_findings(tables={"edits": pd.DataFrame({"score": [0.5]})})
    assert "odd layer" in write_report(tmp_path / "b", [there], manifest={}).read_text(encoding="utf-8")
    unregister("halves")
    register(replace(HALVES, needs=(BY_MASS, RESAMPLED)))
    page = write_report(tmp_path / "c", [findings], manifest={}).read_text(encoding="utf-8")
    assert "This needs resamples of the text" in page
    unregister("halves")
    register(replace(HALVES, needs=(has_table("edits"),)))
    assert "Lower and upper layers" not in write_report(tmp_path / "d", [findings], manifest={}).read_text(
        encoding="utf-8"
    )


def test_the_recipe_is_this_section() -> None:
    recipe = (Path(__file__).parents[2] / "CONTRIBUTING.md").read_text(encoding="utf-8")
    here = Path(__file__).read_text(encoding="utf-8")
    assert recipe.partition("**A section of the page.**")[2].split("```")[1].removeprefix("python\n") in here


def test_a_section_may_have_no_parts(restored, findings, tmp_path) -> None:
    register(Section("empty", "Nothing yet", figures={"empty": Figure(draw, halves, "Bars.")}))
    page = write_report(tmp_path, [findings], manifest={}).read_text(encoding="utf-8")
    assert "Nothing yet" in page
    assert 'alt="Bars."' in page


def test_keys_and_names_of_figures_are_taken_once(restored) -> None:
    register(HALVES)
    with pytest.raises(NeurosieveError, match="already a section 'halves'; give the new one another key"):
        register(HALVES)
    with pytest.raises(
        NeurosieveError, match="the section 'halves' has a figure 'halves' already; name that of 'other'"
    ):
        register(replace(HALVES, key="other"))
    assert unregister("halves") is HALVES
    assert HALVES not in all_sections()
    register(HALVES)


def test_names_and_texts_that_do_not_work_are_refused(findings) -> None:
    with pytest.raises(
        NeurosieveError, match="'my section' cannot be part of a file's name or address; take 'my-section'"
    ):
        Section("my section", "Mine")
    with pytest.raises(NeurosieveError, match="'a/b' cannot be part"):
        Section("mine", "Mine", figures={"a/b": HALVES.figures["halves"]})
    assert filled("{score} of {f.prop}, {{}}", findings) == "accuracy of pos, {}"
    for text in ("{model}", "{f.colour}", "{}"):
        with pytest.raises(NeurosieveError, match="cannot fill"):
            filled(text, findings)


def test_unknown_sections_are_refused(restored) -> None:
    for refused in (lambda: unregister("halves"), lambda: register(HALVES, after="nowhere")):
        with pytest.raises(
            NeurosieveError, match=r"there is no section '(halves|nowhere)'; choose one of accuracy, minimal"
        ):
            refused()
    assert "halves" not in sections.SECTIONS


def test_entry_points(restored, monkeypatch) -> None:
    def offer(value: object) -> None:
        point = SimpleNamespace(name="x", value="v", dist=SimpleNamespace(name="pkg"), load=lambda: value)
        monkeypatch.setattr(extensions, "entry_points", lambda **_: [point])

    offer(section_named("layers"))
    with pytest.raises(NeurosieveError, match="package pkg gives a second section 'layers'"):
        all_sections()
    offer(3)
    with pytest.raises(NeurosieveError, match="package pkg is a int; expected a Section"):
        all_sections()
    monkeypatch.setattr(sections, "_loaded", set())
    offer(HALVES)
    assert all_sections()[-1] is HALVES
    assert all_sections()[-1] is HALVES  # not offered twice
