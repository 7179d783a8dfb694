"""A real browser: Chromium without a window, driven by selenium; skipped with a reason where one of them is missing."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from neurosieve.analysis.label_scores import confusion, label_scores
from neurosieve.analysis.neurons.records import neuron_records
from neurosieve.rankings.weight_mass import weight_mass_ranking
from neurosieve.report.html import write_report
from neurosieve.study.findings import Findings

_spec = spec_from_file_location("hand_made_findings", Path(__file__).parents[1] / "figures" / "conftest.py")
assert _spec is not None
assert _spec.loader is not None
_module = module_from_spec(_spec)
_spec.loader.exec_module(_module)
build_findings = _module.build_findings

HOSTILE = (
    '<script>document.title="hacked"</script>',
    "<img src=x onerror=\"document.title='hacked'\">",
    '"><svg onload="document.title=1">',
    "javascript:alert(1)",
    "{{ 7 * 7 }}",
    "no\u202eon\u2066",
    "</style></details></html>",
    "a\u0000b",
)


@pytest.fixture(scope="session")
def driver() -> Iterator[Any]:
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium (extra `dev`) is not installed")
    chrome = next(
        (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None
    )
    helper = shutil.which("chromedriver")
    if chrome is None or helper is None:
        pytest.skip("no Chromium with its driver here (Debian: apt-get install chromium chromium-driver)")
    options = webdriver.ChromeOptions()
    options.binary_location = chrome
    for flag in (
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--window-size=1200,900",
    ):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    service = webdriver.ChromeService(helper)
    browser = webdriver.Chrome(options=options, service=service)
    yield browser
    browser.quit()


Open = Callable[..., None]


@pytest.fixture
def visit(driver: Any) -> Open:
    """Open a page, with an address on it, at a width in pixels."""

    from selenium.webdriver.support.ui import WebDriverWait

    def go(page: Path, address: str = "", *, width: int = 1200, dark: bool = False) -> None:
        driver.get("about:blank")
        for kind in ("browser", "performance"):
            driver.get_log(kind)  # what earlier pages said
        driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500},
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
        driver.get(page.as_uri() + address)
        # On a busy machine `get` may come back from the blank page's load.
        ready = (
            "return document.readyState === 'complete' && location.protocol === 'file:' && document.scripts.length > 0"
        )
        WebDriverWait(driver, 60).until(lambda browser: browser.execute_script(ready))

    return go


def looks(X: np.ndarray, words: pd.DataFrame, labels: np.ndarray, neurons: list[int]) -> dict[str, pd.DataFrame]:
    """The tables of the stage, with drawn weights."""
    found = neuron_records(X, words, labels, neurons=neurons)
    names = sorted({label for label in labels if label is not None})
    rng = np.random.default_rng(0)
    rows = [
        {"index": neuron, "label": name, "weight": w, "per_sd": w, "place": place}
        for neuron in neurons
        for place, (name, w) in enumerate(zip(names, rng.standard_normal(len(names)), strict=True))
    ]
    return {**{f"neuron_{name}": table for name, table in found.tables.items()}, "neuron_weights": pd.DataFrame(rows)}


def text_of(n_words: int, types: list[str]) -> pd.DataFrame:
    """Sentences of twenty words, drawn from types."""
    return pd.DataFrame(
        {
            "sentence": np.arange(n_words) // 20,
            "position": np.arange(n_words) % 20,
            "word": np.random.default_rng(0).choice(np.array(types, dtype=object), size=n_words),
            "split": "train",
        }
    )


@pytest.fixture(scope="session")
def hostile_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a corpus whose words, labels, property and model try to be more than text."""
    words = text_of(800, [*HOSTILE, "good"])
    labels = words["word"].to_numpy(dtype=object)
    X = np.random.default_rng(1).standard_normal((len(words), 100)).astype(np.float32)
    f = build_findings(model=HOSTILE[0], prop=HOSTILE[1], tables=looks(X, words, labels, [0, 1, 2]))
    return write_report(tmp_path_factory.mktemp("hostile"), [f], manifest={"corpus": HOSTILE[2]})


@pytest.fixture(scope="session")
def large_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of 10,000 neurons and 1,000 labels."""
    return write_report(tmp_path_factory.mktemp("large"), [large_findings()], manifest={})


def large_findings(n_neurons: int = 10_000, n_labels: int = 1000) -> Findings:
    rng = np.random.default_rng(0)
    names = np.array([f"label{i:04d}" for i in range(n_labels)])
    neurons = pd.DataFrame(
        [{"neuron": f"L{i // 1000}N{i % 1000}", "layer": i // 1000, "index": i % 1000} for i in range(n_neurons)]
    )
    ranking = weight_mass_ranking(rng.exponential(size=(n_labels, n_neurons)), labels=names)
    words = text_of(20_000, [f"word{i}" for i in range(3000)])
    labels = rng.choice(names.astype(object), size=len(words))
    gold = labels[:10_000]
    predicted = np.where(rng.random(10_000) < 0.6, gold, rng.permutation(gold))
    kept = words[:4000]
    levels = ["".join(row) for row in rng.choice(list("0123456"), size=(len(kept), 40))]
    text = kept[["sentence", "position", "word"]].assign(
        gold=gold[:4000],
        predicted=predicted[:4000],
        set_predicted=predicted[:4000],
        set_margin=rng.standard_normal(4000),
    )
    probable = pd.DataFrame(
        {"row": np.repeat(np.arange(4000), 2), "label": np.tile(names[:2], 4000), "probability": 0.4}
    )
    some = [(names[i], names[i + 1], place, place * 100, 1.0) for i in range(999) for place in range(5)]
    apart = pd.DataFrame(some, columns=["first", "second", "place", "index", "d"])
    X = rng.standard_normal((len(words), 40)).astype(np.float32)
    top = ranking.top(40).tolist()
    tables = looks(X, words, labels, list(range(40)))
    renumbered = {
        name: table.assign(**{c: [top[i] for i in table[c]] for c in ("index", "other") if c in table})
        for name, table in tables.items()
    }
    small = build_findings()
    by_label = pd.DataFrame(
        {"label": names, "n_neurons": 12.0, "n_exclusive": 1.0, "main_layer": 3, "main_layer_share": 0.2}
    )
    return replace(
        small,
        n_neurons=n_neurons,
        n_labels=n_labels,
        neurons=neurons,
        ranking=ranking,
        ranks=pd.DataFrame(dict.fromkeys(range(3), ranking.ranks)),
        labels=by_label.assign(n_neurons=rng.integers(5, 50, n_labels).astype(float)),
        label_counts=pd.DataFrame({"label": names, "train": 40, "dev": 8, "test": 10}),
        layers=pd.DataFrame(
            {"layer": range(10), "n_selected": 4.0, "n_neurons": 1000, "share": 0.004, "expected": 4.0}
        ),
        tables={
            **renumbered,
            "label_scores": label_scores(gold, predicted).assign(split="test"),
            "confusion": confusion(gold, predicted).assign(split="test"),
            "text_words": text.assign(levels=levels),
            "text_labels": probable,
            "label_pairs": apart,
        },
    )
