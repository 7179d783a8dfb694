"""The sections of the page in their order; other packages add theirs by entry points."""

from __future__ import annotations

from neurosieve.errors import NeurosieveError
from neurosieve.extensions import offered
from neurosieve.report.section import Section
from neurosieve.report.sections import (
    ablation,
    accuracy,
    agreement,
    certainty,
    interventions,
    label_scores,
    labels,
    lambdas,
    layers,
    looks,
    minimal,
    neurons,
    rankings,
    selectivity,
    text,
    two_labels,
    values,
)

GROUP = "neurosieve.sections"
BUILT_IN = (
    accuracy.SECTION,
    minimal.SECTION,
    neurons.SECTION,
    looks.SECTION,
    text.SECTION,
    layers.SECTION,
    labels.SECTION,
    label_scores.SECTION,
    two_labels.SECTION,
    values.SECTION,
    ablation.SECTION,
    selectivity.SECTION,
    agreement.SECTION,
    rankings.SECTION,
    certainty.SECTION,
    interventions.SECTION,
    lambdas.SECTION,
)
SECTIONS: dict[str, Section] = {section.key: section for section in BUILT_IN}
_loaded: set[str] = set()


def register(section: Section, *, after: str | None = None) -> None:
    """Add a section at the end of the page, or `after` the one of that key; a key or figure's name that is taken is an error."""
    if section.key in SECTIONS:
        raise NeurosieveError(f"there is already a section '{section.key}'; give the new one another key")
    for other in SECTIONS.values():
        if taken := sorted(set(other.figures) & set(section.figures)):
            raise NeurosieveError(
                f"the section '{other.key}' has a figure '{taken[0]}' already; name that of '{section.key}' otherwise"
            )
    behind = [] if after is None else list(SECTIONS)[list(SECTIONS).index(section_named(after).key) + 1 :]
    SECTIONS[section.key] = section
    for key in behind:
        SECTIONS[key] = SECTIONS.pop(key)


def unregister(key: str) -> Section:
    """Take a section off the page."""
    return SECTIONS.pop(section_named(key).key)


def all_sections() -> tuple[Section, ...]:
    """The sections in the order of the page, those of other packages included."""
    for where, section in offered(GROUP, Section, loaded=_loaded):
        if section.key in SECTIONS:
            raise NeurosieveError(f"{where} gives a second section '{section.key}'; rename it or uninstall the package")
        register(section)
    return tuple(SECTIONS.values())


def section_named(key: str) -> Section:
    """The section of that key; an unknown one is an error that lists the known ones."""
    if key not in SECTIONS and key not in {section.key for section in all_sections()}:
        raise NeurosieveError(f"there is no section {key!r}; choose one of {', '.join(SECTIONS)}")
    return SECTIONS[key]
