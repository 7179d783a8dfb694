"""The newcomer's notebook runs from beginning to end, and shows what it says."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

NOTEBOOK = Path(__file__).resolve().parents[1] / "docs" / "first-hour.ipynb"


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
def test_the_first_hour(minilm: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nbclient = pytest.importorskip("nbclient", reason="nbclient (extra `dev`) is not installed")
    pytest.importorskip("ipykernel", reason="ipykernel (extra `dev`) is not installed")
    import nbformat

    source = str(Path(__file__).resolve().parents[1] / "src")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([source, os.environ.get("PYTHONPATH", "")]))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    assert not [cell for cell in notebook.cells if cell.get("outputs")]  # it is kept without outputs
    nbclient.NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(tmp_path)}}).execute()
    shown = [out for cell in notebook.cells for out in cell.get("outputs", [])]
    html = [out["data"]["text/html"] for out in shown if "text/html" in out.get("data", {})]
    for title in ("Corpus sample", "ActivationStore", "SearchResult", "NeuronRanking", "MinimalResult"):
        assert any(title in text for text in html), title
    assert any('class="neuron"' in text for text in html)
    assert any(" goes " in out["data"].get("text/plain", "") for out in shown if out["output_type"] == "execute_result")
    said = [out["text"] for out in shown if out["output_type"] == "stream" and out["name"] == "stderr"]
    assert not [text for text in said if "Warning" in text and "IProgress" not in text]  # bars that this kernel lacks
