"""The documentation: every block of Python in it runs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import neurosieve

ROOT = Path(__file__).resolve().parents[1]
NAMES = ("own-activations", "corpora", "reading-the-report", "reliability", "how-to")
PAGES = [ROOT / "README.md", *(ROOT / "docs" / f"{name}.md" for name in NAMES)]
ELSEWHERE = {"models", "gallery", "compact-features"}
"""Pages whose code other tests run: it needs models or a run of sentences, or draws the figures of the site."""
BLOCK = re.compile(r"^```python\n(.*?)^```", flags=re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_python_blocks_run(
    page: Path,
    finished_run: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    blocks = BLOCK.findall(page.read_text(encoding="utf-8"))
    assert blocks
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "bert-xpos").symlink_to(finished_run)  # the run that the page speaks of
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"__name__": "docs"}
    for block in blocks:
        exec(compile(block, str(page), "exec"), names)
    if page.name == "README.md":
        assert "neurons suffice" in capsys.readouterr().out


def test_no_page_with_code_is_left_out() -> None:
    having = {page.stem for page in (ROOT / "docs").glob("*.md") if BLOCK.search(page.read_text(encoding="utf-8"))}
    assert having <= {*NAMES, *ELSEWHERE}


def test_python_blocks_about_models_run(tiny_bert: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from transformers import AutoTokenizer, BertConfig, BertForMaskedLM

    BertForMaskedLM(BertConfig.from_pretrained(tiny_bert)).save_pretrained(tmp_path)
    AutoTokenizer.from_pretrained(tiny_bert).save_pretrained(tmp_path)
    page = ROOT / "docs" / "models.md"
    blocks = BLOCK.findall(page.read_text(encoding="utf-8"))
    assert len(blocks) == 5
    names = {"__name__": "docs", "folder": tiny_bert, "folder_with_head": tmp_path}
    for block in blocks:
        exec(compile(block, str(page), "exec"), names)
    assert "['L1.mlp.N0', 'L1.mlp.N1']" in capsys.readouterr().out


def test_links_between_pages_lead_somewhere() -> None:
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_the_readme_leads_to_every_page() -> None:
    linked = set(re.findall(r"\]\(docs/([^)#]+)", (ROOT / "README.md").read_text(encoding="utf-8")))
    there = {path.name for path in (ROOT / "docs").iterdir() if path.suffix in (".md", ".ipynb")}
    assert there <= linked


@pytest.mark.slow
def test_the_site_builds_without_a_warning_and_loads_nothing(tmp_path: Path) -> None:
    pytest.importorskip("mkdocstrings", reason="the extra `docs` is not installed")
    source = os.pathsep.join([str(ROOT / "src"), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "mkdocs",
            "build",
            "--strict",
            "-f",
            str(ROOT / "mkdocs.yml"),
            "-d",
            str(tmp_path / "site"),
        ],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": source, "NO_MKDOCS_2_WARNING": "1"},
    )
    assert done.returncode == 0, done.stderr
    pages = list((tmp_path / "site").glob("*.html"))
    assert {"index.html", "api.html", "gallery.html", "first-hour.html"} <= {page.name for page in pages}
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert not re.findall(r'<(?:script|img|iframe)[^>]* src="(?:https?:)?//[^"]*"', text)
        assert not re.findall(r'<link[^>]* rel="(?:stylesheet|preconnect)"[^>]* href="(?:https?:)?//[^"]*"', text)
    reference = (tmp_path / "site" / "api.html").read_text(encoding="utf-8")
    for name in neurosieve.__all__:
        assert name == "__version__" or f".{name}" in reference, name
    drawn = list((tmp_path / "site" / "gallery").glob("*.png"))
    assert len(drawn) == len(
        re.findall(r"^ax = ", (ROOT / "docs" / "gallery.md").read_text(encoding="utf-8"), re.MULTILINE)
    )
