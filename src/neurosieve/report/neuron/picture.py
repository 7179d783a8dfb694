"""The distribution of a neuron's values by label, as an SVG that stands in the page and takes its colours."""

from __future__ import annotations

from html import escape

import numpy as np
from numpy.typing import NDArray

from neurosieve.report.neuron.tables import NeuronTables
from neurosieve.report.text import visible

NAMES, PLOT, NUMBERS = 118, 380, 62
ROW, TALL, HEAD, FOOT = 30, 25, 6, 30
WIDTH = NAMES + PLOT + NUMBERS


def distribution(n: NeuronTables) -> str:
    """One line a label on a common axis, each scaled to its own height; what is below and above 0 has colours of its own.

    Returns
    -------
    str
        An ``<svg>``; all text in it is escaped.
    """
    t = n.histogram
    names = list(dict.fromkeys(t["label"]))
    counts = t["count"].to_numpy(dtype=float).reshape(len(names), -1)
    low, high = float(t["low"].iloc[0]), float(t["high"].iloc[counts.shape[1] - 1])
    means = dict(zip(n.labels["label"], n.labels["mean"], strict=True))
    order = sorted(range(len(names)), key=lambda i: means.get(names[i], np.inf))
    height = HEAD + ROW * len(names) + FOOT

    def x(value: float) -> float:
        return NAMES + PLOT * (min(max(value, low), high) - low) / (high - low)

    drawn = [
        f'<svg class="values" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(_described(n, names), quote=True)}">'
    ]
    bottom = HEAD + ROW * len(names)
    for name, at in (("zero", 0.0), ("mean", n.mean)):
        if low <= at <= high:
            drawn.append(f'<line class="{name}" x1="{x(at):.1f}" x2="{x(at):.1f}" y1="2" y2="{bottom + 4}"/>')
    for place, i in enumerate(order):
        base = HEAD + ROW * (place + 1)
        drawn.append(_halves(counts[i], low=low, high=high, base=base))
        shown = visible(str(names[i]), most=16)
        drawn.append(f'<text class="name" x="{NAMES - 6}" y="{base - 4}">{escape(shown)}</text>')
        drawn.append(f'<text class="count" x="{WIDTH}" y="{base - 4}">{counts[i].sum():,.0f}</text>')
        mean = means.get(names[i])
        if mean is not None and mean == mean:
            drawn.append(f'<path class="tick" d="M{x(mean):.1f} {base}v-{TALL}"/>')
    for at in _ticks(low, high):
        drawn.append(
            f'<text class="axis" x="{x(at):.1f}" y="{bottom + 15}">{at:g}</text>'.replace(">-", ">\N{MINUS SIGN}")
        )
    drawn.append(f'<text class="axis" x="{x(n.mean):.1f}" y="{bottom + 27}">mean {n.mean:.2g}</text></svg>')
    drawn[-1] = drawn[-1].replace("mean -", "mean \N{MINUS SIGN}")
    return "".join(drawn)


def _halves(row: NDArray[np.float64], *, low: float, high: float, base: int) -> str:
    """The bins of one label: those that lie below 0 and those above, each as one path of steps."""
    n_bins = len(row)
    width, tall = PLOT / n_bins, TALL / max(row.max(), 1.0)
    middles = low + (np.arange(n_bins) + 0.5) * (high - low) / n_bins
    paths = []
    for side, own in (("below", middles < 0), ("above", middles >= 0)):
        places = np.flatnonzero(own)
        if len(places) and row[places].any():
            start = NAMES + places[0] * width
            steps = "".join(f"V{base - tall * row[i]:.1f}h{width:.2f}" for i in places)
            paths.append(f'<path class="{side}" d="M{start:.1f} {base}{steps}V{base}z"/>')
    return "".join(paths)


def _ticks(low: float, high: float) -> list[float]:
    """A few round values on the axis."""
    step = 10.0 ** np.floor(np.log10((high - low) / 2))
    step = next(s for s in (step, 2 * step, 5 * step, 10 * step) if (high - low) / s <= 6)
    first = np.ceil(low / step)
    return [float(f"{(first + i) * step:.6g}") for i in range(int((high - first * step) // step) + 1)]


def _described(n: NeuronTables, names: list[str]) -> str:
    by = f" by {n.prop}" if n.prop else ""
    return f"Distribution of the values of {n.name}{by}, {len(names)} lines; the means by label stand in the table beside it."
