"""The report: one page that opens without a network, with its figures and tables beside it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurosieve.errors import NeurosieveError
from neurosieve.figures.panels import Panel
from neurosieve.report import cautions, numbers, overview
from neurosieve.report.cell import MOST_PARTS, cell
from neurosieve.report.comparison import across_figures
from neurosieve.report.glossary import TERMS
from neurosieve.report.layouts import title_of, write_layouts
from neurosieve.report.page import flat, rows_of, write_page
from neurosieve.report.tables import paper_tables, write_tables

if TYPE_CHECKING:
    from neurosieve.study.findings import Findings

PAGE = "report.html"
ALL_PARTS, FEWEST_PARTS = 60, 3
"""Parts of a section, such as pages of neurons, that a page of several cells has in all, and at least of each: it stays small
enough to be mailed."""
BESIDE = {
    "results.csv": "every score, one row a seed",
    "rankings.csv": "every neuron with its ranks",
    "manifest.json": "every setting, version and digest",
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
    most = max(FEWEST_PARTS, ALL_PARTS // len(findings)) if len(findings) > 1 else MOST_PARTS
    cells = [
        cell(target, f, model=model, prop=prop, prefix=prefix, most_parts=most)
        for f, (model, prop), prefix in zip(
            findings, numbers.cell_names(findings), figure_prefixes(findings), strict=True
        )
    ]
    several = len(findings) > 1
    shared = overview.shared_neurons(findings)
    return write_page(
        target / PAGE,
        "page.html",
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
        rankings=list(dict.fromkeys((f.ranking.method, f.by_mass) for f in findings)),
        beside=[(name, says) for name, says in BESIDE.items() if (target / name).is_file()],
        manifest=list(flat(manifest)),
        terms=TERMS,
    )


def figure_prefixes(findings: Sequence[Findings]) -> list[str]:
    """What the names of each cell's figures begin with, all different."""
    prefixes: list[str] = []
    for model, prop in numbers.cell_names(findings):
        plain = f"{numbers.file_name(model)}--{numbers.file_name(prop)}"
        same = sum(prefix.startswith(plain) and prefix[len(plain) :].lstrip("-0123456789") == "" for prefix in prefixes)
        prefixes.append(f"{plain}--" if not same else f"{plain}-{same + 1}--")
    return prefixes


def _across(target: Path, findings: Sequence[Findings]) -> list[dict[str, Any]]:
    """The figures across models and properties."""
    panels = [
        Panel(model, prop, f.layers, f.labels)
        for (model, prop), f in zip(numbers.cell_names(findings), findings, strict=True)
    ]
    return across_figures(target, panels)


def _title(findings: Sequence[Findings]) -> str:
    models, props = (list(dict.fromkeys(getattr(f, part) for f in findings)) for part in ("model", "prop"))
    return f"Neurons for {numbers.listed(props, most=4)} in {numbers.listed(models, most=4)}"


def _activations(manifest: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found = manifest.get("activations", [])
    entries: Iterable[Any] = (
        found.values() if isinstance(found, Mapping) else found if isinstance(found, (list, tuple)) else []
    )
    return [entry for entry in entries if isinstance(entry, Mapping)]
