"""The page in a real browser: no network, no errors, and what it shows is what the run holds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from neurosieve.runs.opened import open_run

pytestmark = pytest.mark.slow

MOST_BYTES = 8_000_000
MOST_SECONDS = 2.0


def requests(driver: Any) -> list[str]:
    """Addresses that the page asked for."""
    messages = [json.loads(entry["message"])["message"] for entry in driver.get_log("performance")]
    return [m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"]


def neurons(driver: Any, what: str = "") -> list[str]:
    return [
        part.get_attribute("data-neuron")
        for part in driver.find_elements("css selector", f"details[data-neuron]{what}")
    ]


@pytest.fixture
def page(finished_run: Path) -> Path:
    return finished_run / "report.html"


def test_nothing_is_loaded_and_nothing_fails(driver: Any, visit, page: Path) -> None:
    visit(page)
    asked = requests(driver)
    assert asked
    assert all(url.startswith(("file:", "data:")) for url in asked)
    assert len([url for url in asked if url.startswith("file:")]) == 1
    assert driver.get_log("browser") == []


def test_figures_are_drawn_and_links_lead_somewhere(driver: Any, visit, page: Path) -> None:
    visit(page)
    widths = driver.execute_script("return [...document.images].map((i) => i.complete && i.naturalWidth)")
    assert len(widths) >= 6
    assert all(widths)
    links = driver.execute_script("return [...document.links].map((a) => a.getAttribute('href'))")
    ids = set(driver.execute_script("return [...document.querySelectorAll('[id]')].map((e) => e.id)"))
    for link in links:
        assert link[1:] in ids if link.startswith("#") else (page.parent / link).is_file(), link


def test_saved_figures_are_valid(driver: Any, page: Path) -> None:
    driver.get("about:blank")
    for path in sorted((page.parent / "figures").glob("*.svg")):
        said = driver.execute_script(
            "return new DOMParser().parseFromString(arguments[0], 'image/svg+xml').querySelector('parsererror')?.textContent",
            path.read_text(encoding="utf-8"),
        )
        assert said is None, f"{path.name}: {said}"


def test_a_neuron_is_found_by_name_by_word_and_by_label(driver: Any, visit, page: Path) -> None:
    visit(page)
    every = neurons(driver)
    box = driver.find_element("css selector", ".find input")
    box.send_keys(every[1].lower())
    assert neurons(driver, ":not([hidden])") == [every[1]]
    assert driver.find_element("css selector", ".find [role=status]").text == f"1 of {len(every)} neurons"
    box.send_keys("\n")
    assert neurons(driver, "[open]") == [every[1]]
    box.send_keys("\ue00c")  # escape
    assert neurons(driver, ":not([hidden])") == every
    box.send_keys("no such word anywhere")
    assert neurons(driver, ":not([hidden])") == []
    box.clear()
    box.send_keys("teacher")
    assert neurons(driver, ":not([hidden])")


def test_an_address_opens_its_neuron(driver: Any, visit, page: Path) -> None:
    visit(page)
    name = neurons(driver)[2]
    visit(page, f"#{name}")
    assert neurons(driver, "[open]") == [name]
    top = driver.execute_script(
        "return document.querySelector('details[open][data-neuron]').getBoundingClientRect().top"
    )
    assert -5 <= top < 900
    driver.execute_script("location.hash = '%E0%A4%A'")  # not an address at all
    assert driver.get_log("browser") == []


def test_tables_lead_to_neurons_and_sort(driver: Any, visit, page: Path) -> None:
    visit(page)
    link = driver.find_element("css selector", ".scroll td:first-child a")
    name = link.text
    driver.execute_script("arguments[0].click()", link)
    assert name in neurons(driver, "[open]")
    head = driver.find_element("xpath", "//h3[contains(., 'Which neurons they are')]/following::th[1]")
    head.send_keys("\n")
    column = driver.execute_script(
        "return [...arguments[0].closest('table').tBodies[0].rows].map((r) => r.cells[0].textContent)", head
    )
    assert column == sorted(column, reverse=True)
    assert head.get_attribute("aria-sort") == "descending"


def test_coloured_words_are_the_stores(driver: Any, visit, page: Path) -> None:
    cell = open_run(page.parent).cells["pos"]
    store = cell.store
    rows = {(s, p): i for i, (s, p) in enumerate(zip(store.words["sentence"], store.words["position"], strict=True))}
    name = cell.minimal().names[0]
    visit(page, f"#{name}")
    shown = driver.execute_script(
        "return [...document.querySelectorAll('details[open] .contexts.top li')].map((li) =>"
        " [li.querySelector('.value').title, [...li.querySelectorAll('ruby')].map((r) =>"
        " [r.firstChild.textContent, r.querySelector('rt').textContent, r.title, r.className,"
        " getComputedStyle(r).backgroundColor])])"
    )
    assert len(shown) == 8
    X = store.read(0, store.n_words)[:, cell.minimal().neurons[0]].astype(float)
    colours: dict[str, set[str]] = {}
    for where, words in shown:
        sentence = int(where.split()[1])
        places = [p for s, p in rows if s == sentence]
        assert len(words) == len(places)
        for place, (word, label, value, level, colour) in zip(sorted(places), words, strict=True):
            row = rows[sentence, place]
            assert word == store.words["word"][row]
            assert label == store.words["pos"][row]
            assert value == f"{X[row]:.3g}".replace("-", "−")
            z = (X[row] - X.mean()) / X.std()
            size = sum(abs(z) >= edge for edge in (0.5, 1, 2))
            assert level == ("z" if not size else f"{'p' if z > 0 else 'n'}{size}")
            colours.setdefault(level, set()).add(colour)
    assert all(len(each) == 1 for each in colours.values())
    assert len({next(iter(each)) for each in colours.values()}) == len(colours)


def shown_words(driver: Any) -> list[list[str]]:
    """Word, class, given label (crossed out) of the words that are shown."""
    return driver.execute_script(
        "return [...document.querySelectorAll('.text .contexts > li:not([hidden]) ruby')].map((r) =>"
        " [r.firstChild.data, r.className, r.querySelector('del').textContent])"
    )


def test_the_text_is_coloured_by_neuron_set_and_label(driver: Any, visit, page: Path) -> None:
    cell = open_run(page.parent).cells["pos"]
    kept = cell.tables["text_words"]
    classes = ["n3", "n2", "n1", "z", "p1", "p2", "p3"]
    name = cell.minimal().names[1]
    visit(page)
    box = driver.execute_script("return document.querySelector('.text').id")
    visit(page, f"#{box}={name}")
    assert driver.execute_script("return document.querySelector('.text').open")
    shown = shown_words(driver)
    assert len(shown) == kept["sentence"].isin(kept["sentence"].unique()[:10]).sum()
    for (word, colour, wrong), row in zip(shown, kept.to_dict("records"), strict=False):
        assert word == row["word"]
        assert colour == classes[int(row["levels"][1])]
        assert wrong == ("" if row["predicted"] == row["gold"] else row["predicted"])
    visit(page, f"#{box}=NN")
    probable = cell.tables["text_labels"].query("label == 'NN'").set_index("row")["probability"].to_dict()
    for row, (_, colour, _) in enumerate(shown_words(driver)):
        size = sum(probable.get(row, 0) >= edge for edge in (0.05, 0.5, 0.9))
        assert colour == (f"p{size}" if size else "z")
    visit(page, f"#{box}")  # the whole set
    for (_, _, wrong), row in zip(shown_words(driver), kept.to_dict("records"), strict=False):
        assert wrong == ("" if row["set_predicted"] == row["gold"] else row["set_predicted"])


def test_sentences_are_found_turned_and_led_to(driver: Any, visit, page: Path) -> None:
    visit(page)
    box = driver.execute_script("return document.querySelector('.text').id")
    visit(page, f"#{box}")
    field = driver.find_element("css selector", ".text input[type=search]")
    word = open_run(page.parent).cells["pos"].tables["text_words"]["word"].iloc[-2]
    field.send_keys(word)
    items = driver.execute_script(
        "return [...document.querySelectorAll('.text .contexts > li:not([hidden])')].map((li) => li.textContent)"
    )
    assert items
    assert all(word in item for item in items)
    field.send_keys("\ue00c")
    numbers = driver.execute_script("return [...document.querySelectorAll('.text .contexts > li')].map((li) => li.id)")
    visit(page, f"#{numbers[-1]}")
    shown = driver.execute_script(
        "return [...document.querySelectorAll('.text .contexts > li:not([hidden])')].map((li) => li.id)"
    )
    assert numbers[-1] in shown
    driver.execute_script(
        "const s = document.querySelector('.text select'); s.value = 'n0'; s.dispatchEvent(new Event('change'))"
    )
    assert driver.current_url.endswith(f"#{box}={neurons(driver)[0]}")
    assert driver.get_log("browser") == []


def test_two_labels_are_compared(driver: Any, visit, page: Path) -> None:
    cell = open_run(page.parent).cells["pos"]
    visit(page)
    driver.execute_script(
        "const box = document.querySelector('.two'); box.open = true;"
        "const [a, b] = box.querySelectorAll('select'); const set = (s, t) => {"
        " s.selectedIndex = [...s.options].findIndex((o) => o.textContent === t); s.dispatchEvent(new Event('change')); };"
        "set(a, 'VB'); set(b, 'NN')"
    )
    rows = driver.execute_script(
        "return [...document.querySelectorAll('.two tbody tr')].map((r) => [...r.cells].map((c) => c.textContent))"
    )
    means = cell.tables["neuron_labels"].pivot_table(index="index", columns="label", values="mean")
    sd = cell.tables["neuron_summary"].set_index("index")["sd"]
    gaps = ((means["VB"] - means["NN"]) / sd).abs()
    assert rows[0][0] in [cell.store.neurons["neuron"][i] for i in gaps.index[gaps >= gaps.max() - 0.11]]
    told = cell.tables["label_pairs"].query("first == 'NN' and second == 'VB'")
    said = driver.find_element("css selector", ".two .apart").text
    sign = "−" if told["d"].iloc[0] > 0 else "+"  # turned round: VB comes first
    assert f"best: {cell.store.neurons['neuron'][told['index'].iloc[0]]} ({sign}{abs(told['d'].iloc[0]):.1f})" in said
    wrong = cell.tables["confusion"].query("split == 'test' and gold == 'VB' and predicted == 'NN'")["n"].sum()
    assert driver.find_element("css selector", ".two [role=status]").text.startswith(f"{wrong} of the ")


def test_neurons_are_sorted_found_by_layer_and_reached_by_keys(driver: Any, visit, page: Path) -> None:
    visit(page)
    every = neurons(driver)
    driver.execute_script(
        "const s = document.querySelector('.find select'); s.value = 'layer'; s.dispatchEvent(new Event('change'))"
    )
    layers = [int(name[1 : name.index("N")]) for name in neurons(driver)]
    assert layers == sorted(layers)
    driver.execute_script(
        "const s = document.querySelector('.find select'); s.value = ''; s.dispatchEvent(new Event('change'))"
    )
    assert neurons(driver) == every
    driver.find_element("css selector", "body").send_keys("/")
    assert driver.execute_script("return document.activeElement.matches('.find input')")
    driver.switch_to.active_element.send_keys("l1")
    assert neurons(driver, ":not([hidden])") == [name for name in every if name.startswith("L1N")]
    driver.switch_to.active_element.send_keys("\ue00c")
    driver.execute_script("document.querySelector('details[data-neuron] > summary').focus()")
    driver.switch_to.active_element.send_keys("\ue015")  # down
    assert driver.execute_script("return document.activeElement.parentElement.dataset.neuron") == every[1]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1200, 3840])
def test_nothing_is_wider_than_the_window(driver: Any, visit, page: Path, width: int, scheme: str) -> None:
    visit(page, width=width, dark=scheme == "dark")
    driver.execute_script("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    assert driver.execute_script("return document.documentElement.scrollWidth") <= width


def test_tables_stand_open_on_paper(driver: Any, visit, page: Path) -> None:
    visit(page)
    before = driver.execute_script("return document.querySelectorAll('details[open]').length")
    driver.execute_script("dispatchEvent(new Event('beforeprint'))")
    assert (
        driver.execute_script("return document.querySelectorAll('details:not([data-neuron]):not([open])').length") == 0
    )
    driver.execute_script("dispatchEvent(new Event('afterprint'))")
    assert driver.execute_script("return document.querySelectorAll('details[open]').length") == before


def test_the_keyboard_reaches_everything(driver: Any, visit, page: Path) -> None:
    visit(page)
    summary = driver.find_element("css selector", "details[data-neuron] > summary")
    summary.send_keys("\n")
    assert neurons(driver, "[open]") == [neurons(driver)[0]]
    unnamed = driver.execute_script(
        "return [...document.querySelectorAll('img:not([alt]), input, svg[role=img]:not([aria-label])')]"
        ".filter((e) => !e.closest('label')).length"
    )
    assert unnamed == 0
    assert driver.execute_script("return document.documentElement.lang") == "en"


def test_a_hostile_corpus_does_nothing(driver: Any, visit, hostile_page: Path) -> None:
    visit(hostile_page)
    driver.execute_script("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    assert driver.title.startswith("Neurons for <img")  # the title that the page was written with
    assert driver.execute_script("return document.scripts.length") == 1
    assert (
        driver.execute_script("return document.querySelectorAll('main [onerror], main [onload], main script').length")
        == 0
    )
    assert driver.get_log("browser") == []
    assert [url for url in requests(driver) if not url.startswith(("file:", "data:"))] == []
    text = driver.execute_script("return document.body.textContent")
    assert "\u202e" not in text
    assert "no\\u202eon\\u2066" in text
    assert "{{ 7 * 7 }}" in text


def test_a_large_page_is_small_and_fast(driver: Any, visit, large_page: Path) -> None:
    assert large_page.stat().st_size < MOST_BYTES
    visit(large_page)
    paints = driver.execute_script(
        "return performance.getEntriesByType('paint').filter((p) => p.name === 'first-contentful-paint').map((p) => p.startTime)"
    )
    assert paints
    assert paints[0] / 1000 < MOST_SECONDS
    assert driver.get_log("browser") == []
    box = driver.find_element("css selector", ".find input")
    started = driver.execute_script("return performance.now()")
    box.send_keys("word17")
    assert driver.execute_script("return performance.now()") - started < 2000
    assert neurons(driver, ":not([hidden])")
