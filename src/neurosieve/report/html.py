"""The report: one page that opens without a network, with its figures and tables beside it."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from neurosieve.errors import NeurosieveError
from neurosieve.figures.all import save_figures
from neurosieve.figures.panels import Panel
from neurosieve.report import brief, cautions, certainty, numbers, overview, places, sentences
from neurosieve.report.comparison import across_figures
from neurosieve.report.layouts import title_of, write_layouts
from neurosieve.report.page import environment, rows_of
from neurosieve.report.tables import paper_tables, write_tables

if TYPE_CHECKING:
    from neurosieve.study.findings import Findings

PAGE = "report.html"
BESIDE = {
    "results.csv": "every score, one row a seed",
    "rankings.csv": "every neuron with its ranks",
    "manifest.json": "every setting, version and digest",
}
MOST_ENTRIES = 12

# Heading, figures, and what is said; in the order of the page.
SECTIONS: tuple[tuple[str, str, tuple[str, ...], Callable[[Any], list[str]] | None], ...] = (
    ("accuracy", "How well all neurons do", (), sentences.oracle),
    ("minimal", "How few neurons suffice", ("minimal",), sentences.minimal),
    ("neurons", "Which neurons they are", (), None),
    ("layers", "Where they sit", ("layers",), places.layers),
    ("labels", "Focused and distributed labels", ("labels",), places.labels),
    ("values", "How the values are spread", ("values",), sentences.values),
    ("ablation", "What ablation shows", ("ablation",), sentences.ablation),
    ("selectivity", "How selective the probes are", ("selectivity",), sentences.selectivity),
    ("agreement", "Whether seeds agree", ("agreement",), sentences.agreement),
    ("certainty", "How sure we are", ("noise", "rank-intervals"), certainty.certainty),
    ("lambdas", "How the lambdas were chosen", ("lambdas", "lambda-parts"), sentences.search),
)

ONLY_OF = {"labels": "accuracy", "values": "r2"}
"""Sections that only properties with labels, or only those with real values, have."""

# {score} is accuracy or R², {unit} word or sentence.
CAPTIONS = {
    "minimal": "Dev {score} of probes retrained on the top neurons, against their number.",
    "layers": "Neurons of the minimal set in each layer, mean over seeds, with the number expected by chance.",
    "labels": "Neurons that each label takes of the minimal set, mean over seeds.",
    "values": "Share of the {unit}s of each split by value.",
    "ablation": "Test {score} of the probe when only some neurons keep their values. Bars: mean; points: seeds.",
    "selectivity": "Test {score} on the property and on the control task, and their difference. Bars: mean; points: seeds.",
    "agreement": "Overlap of the top sets of different seeds, against their size.",
    "noise": "Overlap of the top sets of two resamples of the text and of two seeds, against their size.",
    "rank-intervals": "Ranks of the first neurons over resamples of the text: 95 % of them lie on the line; point: seed 0.",
    "lambdas": "Score of each pair of lambdas on dev.",
    "lambda-parts": "The values of {score} on dev that make up the score.",
}


def write_report(
    folder: str | Path, findings: Sequence[Findings], *, manifest: Mapping[str, Any], title: str | None = None
) -> Path:
    """Write ``report.html``, with ``figures/`` and ``tables/`` beside it.

    The page holds its figures and styles and loads nothing. It links to the figures, to the tables, and to
    ``results.csv``, ``rankings.csv`` and ``manifest.json`` where `folder` holds them already.

    Parameters
    ----------
    folder : str or Path
        Made if it does not exist.
    findings : sequence of Findings
        One for each model and property.
    manifest : mapping
        Where the numbers come from; shown in full. Entries under ``activations`` are looked through for words that
        could not be stored (see `neurosieve.report.cautions.of_activations`).
    title : str, optional
        Heading of the page.

    Returns
    -------
    Path
        The page.

    Raises
    ------
    NeurosieveError
        If there are no findings.
    """
    if not findings:
        raise NeurosieveError("there are no findings to report; run at least one model and property")
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    tables = paper_tables(findings)
    table_files = write_tables(target / "tables", tables)
    write_layouts(target / "tables", tables, findings)
    cells = [
        _cell(target, f, model=model, prop=prop, prefix=prefix)
        for f, (model, prop), prefix in zip(
            findings, numbers.cell_names(findings), figure_prefixes(findings), strict=True
        )
    ]
    several = len(findings) > 1
    shared = overview.shared_neurons(findings)
    page = (
        environment()
        .get_template("page.html")
        .render(
            title=title or _title(findings),
            cells=cells,
            several=several,
            overview=rows_of(overview.overview(findings)),
            compared=overview.compared(findings) if several else [],
            shared=rows_of(shared) if len(shared) else None,
            warnings=cautions.of_activations(_activations(manifest)),
            failures=list(manifest.get("failures", ())),
            across=_across(target, findings) if several else [],
            tables=[
                (title_of(name), path.relative_to(target).with_suffix("").as_posix(), rows_of(tables[name]))
                for name, path in zip(tables, table_files, strict=True)
            ],
            beside=[(name, says) for name, says in BESIDE.items() if (target / name).is_file()],
            manifest=list(_flat(manifest)),
        )
    )
    path = target / PAGE
    temporary = path.with_suffix(".tmp")  # a reader never sees half a page
    temporary.write_text(page, encoding="utf-8", newline="\n")
    temporary.replace(path)
    return path


def figure_prefixes(findings: Sequence[Findings]) -> list[str]:
    """What the names of each cell's figures begin with, all different."""
    prefixes: list[str] = []
    for model, prop in numbers.cell_names(findings):
        plain = f"{numbers.file_name(model)}--{numbers.file_name(prop)}"
        same = sum(prefix.startswith(plain) and prefix[len(plain) :].lstrip("-0123456789") == "" for prefix in prefixes)
        prefixes.append(f"{plain}--" if not same else f"{plain}-{same + 1}--")
    return prefixes


def _cell(target: Path, f: Findings, *, model: str, prop: str, prefix: str) -> dict[str, Any]:
    saved = save_figures(target / "figures", f, prefix=prefix)
    anchor = prefix.rstrip("-")
    sections = []
    for key, heading, figures, says in SECTIONS:
        if ONLY_OF.get(key, f.metric) != f.metric:
            continue
        said = _neurons(f) if says is None else says(f)
        sections.append(
            {
                "id": f"{anchor}--{key}",
                "heading": heading,
                "said": said,
                "figures": [_figure(target, saved[name], _caption(name, f), said) for name in figures if name in saved],
                "table": _table_of(key, f),
                "ends_in_words": key == "neurons",
            }
        )
    return {
        "id": anchor,
        "model": model,
        "property": prop,
        "units": numbers.units(f).capitalize(),
        "sections": sections,
        "warnings": cautions.of_cell(f),
        "short": brief.in_short(f),
        "settings": list(_flat(f.settings)),
        "seconds": [(stage, f"{s:,.1f}") for stage, s in f.seconds.items()],
        "words": rows_of(
            pd.DataFrame(
                [
                    {
                        "split": split,
                        f"labelled {numbers.units(f)}": numbers.count(n),
                        "with a label that train lacks": f.unseen.get(split, 0),
                    }
                    for split, n in f.words.items()
                ]
            )
        ),
    }


def _caption(name: str, f: Findings) -> str:
    return CAPTIONS[name].format(score=numbers.score_name(f), unit=f.unit)


def _across(target: Path, findings: Sequence[Findings]) -> list[dict[str, Any]]:
    """The figures across models and properties."""
    panels = [
        Panel(model, prop, f.layers, f.labels)
        for (model, prop), f in zip(numbers.cell_names(findings), findings, strict=True)
    ]
    return across_figures(target, panels)


def _table_of(key: str, f: Findings) -> dict[str, Any] | None:
    """The table that a section shows."""
    if key == "neurons":
        return rows_of(places.top_neurons(f))
    return rows_of(certainty.intervals(f)) if key == "certainty" and f.certainty is not None else None


def _neurons(f: Findings) -> list[str]:
    names = ", ".join(f.neurons["neuron"].iloc[f.ranking.top(min(5, f.n_neurons))])
    if f.metric == "r2":
        return [
            f"Seed 0's ranking begins with {names}. Ranks count from 0. The mass of a neuron is its share of the probe's "
            "absolute weights."
        ]
    return [
        f"Seed 0's ranking begins with {names}. Ranks count from 0. The mass of a neuron is its largest share of the absolute "
        "weights of any label. The labels in the last column take the neuron earliest; in brackets, its place among their own "
        "weights."
    ]


def _figure(target: Path, files: Mapping[str, Path], caption: str, said: Sequence[str]) -> dict[str, Any]:
    picture = base64.b64encode(files["svg"].read_bytes()).decode("ascii")
    links = [(kind, path.relative_to(target).as_posix()) for kind, path in files.items()]
    return {
        "source": f"data:image/svg+xml;base64,{picture}",
        "caption": caption,
        "alt": f"{caption} {said[0]}",
        "links": links,
    }


def _title(findings: Sequence[Findings]) -> str:
    models, props = (
        list(dict.fromkeys(names))
        for names in (
            [f.model for f in findings],
            [f.prop for f in findings],
        )
    )
    return f"Neurons for {numbers.listed(props, most=4)} in {numbers.listed(models, most=4)}"


def _activations(manifest: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found = manifest.get("activations", [])
    entries: Iterable[Any] = (
        found.values() if isinstance(found, Mapping) else found if isinstance(found, (list, tuple)) else []
    )
    return [entry for entry in entries if isinstance(entry, Mapping)]


def _flat(value: Any, name: str = "") -> Iterator[tuple[str, str]]:  # noqa: ANN401 (any JSON value)
    """Nested settings as rows of (dotted name, text); long lists are counted."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _flat(inner, f"{name}.{key}" if name else str(key))
    elif isinstance(value, (list, tuple)) and any(isinstance(inner, (Mapping, list, tuple)) for inner in value):
        for number, inner in enumerate(value[:MOST_ENTRIES]):
            yield from _flat(inner, f"{name}[{number}]")
        if len(value) > MOST_ENTRIES:
            yield name, f"… and {len(value) - MOST_ENTRIES} more entries"
    elif isinstance(value, (list, tuple)):
        yield name, numbers.listed(value, most=MOST_ENTRIES)
    else:
        yield name, "none" if value is None else str(value)
