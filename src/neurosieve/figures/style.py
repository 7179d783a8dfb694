"""One look for all figures: readable in grey and with any colour vision, with fonts that every printer has."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator, PercentFormatter

from neurosieve.errors import NeurosieveError

if TYPE_CHECKING:
    import pandas as pd

P = ParamSpec("P")
R = TypeVar("R")

# Far apart in lightness, so that they differ in grey as well; meaning never hangs on colour alone.
INK = "#222222"
DARK = "#1f4e8c"
MIDDLE = "#e08a1e"
PALE = "#c3d0e2"
FAINT = "#dddddd"
HEAT = "cividis"
MARKERS = "osD^v*P"

STYLE: Any = {
    "font.family": ["DejaVu Sans"],
    "font.size": 9.0,
    "axes.titlesize": 9.5,
    "axes.titlelocation": "left",
    "axes.labelsize": 9.0,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.7,
    "axes.axisbelow": True,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.labelsize": 8.0,
    "ytick.labelsize": 8.0,
    "text.color": INK,
    "legend.frameon": False,
    "legend.fontsize": 8.0,
    "hatch.linewidth": 0.7,
    "lines.linewidth": 1.1,
    "figure.facecolor": "white",
    "axes.facecolor": "white",
    "savefig.facecolor": "white",
    "text.parse_math": False,  # labels such as PRP$ and $ are names, not formulas
    "svg.fonttype": "none",  # text stays text: small files that can be searched
    "svg.hashsalt": "neurosieve",
    "pdf.fonttype": 42,
}


def styled(function: Callable[P, R]) -> Callable[P, R]:
    """Run `function` with the look of this package, and leave matplotlib's settings as they were."""

    @wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        with mpl.rc_context(STYLE):
            return function(*args, **kwargs)

    return wrapper


def axes(ax: Axes | None, *, size: tuple[float, float] = (6.4, 3.4)) -> Axes:
    """`ax`, or the axes of a new figure of `size` (width, height) in inches that belongs to no window."""
    return ax if ax is not None else Figure(figsize=size, layout="constrained").add_subplot()


def table_of(source: object, name: str) -> pd.DataFrame:
    """The table that a figure draws: `source` itself, its attribute `name`, or its ``to_frame()``.

    Raises
    ------
    NeurosieveError
        If `source` is none of these.
    """
    import pandas as pd

    if isinstance(source, pd.DataFrame):
        return source
    found = getattr(source, name, None)
    if found is None and callable(getattr(source, "to_frame", None)):
        found = source.to_frame()  # type: ignore[attr-defined]
    if not isinstance(found, pd.DataFrame):
        raise NeurosieveError(
            f"found a {type(source).__name__}; expected findings, a result with to_frame(), or the table '{name}' itself"
        )
    return found


def score_name(source: object) -> str:
    """What the scores of `source` are: ``accuracy``, or ``R²`` where findings say that values are real."""
    return "R²" if getattr(source, "metric", "accuracy") == "r2" else "accuracy"


def score_floor(lowest: float) -> float:
    """Where an axis of scores begins: at zero, or below for an R² below zero, but never below -1, which says enough."""
    return max(-1.0, 1.1 * min(0.0, lowest))


def percent_axis(ax: Axes, *, which: str = "y", label: str = "accuracy (%)") -> None:
    """Print the fractions of one axis as percent."""
    axis = ax.yaxis if which == "y" else ax.xaxis
    axis.set_major_formatter(PercentFormatter(1.0, symbol=""))
    axis.set_label_text(label)


def delta_name(delta: float) -> str:
    """A threshold in points: 0.005 is ``0.5 points``."""
    return f"{100 * delta:g} point{'' if delta == 0.01 else 's'}"


def power(value: float) -> str:
    """A lambda: ``0``, ``0.001`` as the paper writes it, ``1e-5``."""
    return "0" if value == 0 else f"{value:g}".replace("e-0", "e-")


def few(value: float) -> str:
    """A number of neurons; means over seeds keep one decimal."""
    return f"{value:.1f}".removesuffix(".0")


def size_axis(ax: Axes, low: int, high: int) -> None:
    """A log axis with whole numbers at 1, 2 and 5 times the powers of ten."""
    ax.set_xscale("log")
    steps = [m * 10**e for e in range(len(str(high)) + 1) for m in (1, 2, 5)]
    ax.set_xlim(low / 1.08, max(high, low + 1) * 1.08)
    inside = [s for s in steps if low / 1.08 <= s <= high * 1.08]
    ticks = inside if len(inside) > 1 else sorted({low, high})
    ax.xaxis.set_major_locator(FixedLocator(ticks))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def seed_bar(ax: Axes, x: float, values: Any, *, width: float, **look: Any) -> None:  # noqa: ANN401 (one value a seed)
    """A bar as high as the mean over seeds, each seed a point on it where they differ, and its height in percent above."""
    ax.bar(x, values.mean(), width=width, edgecolor=INK, linewidth=0.5, **look)
    dots = x + np.linspace(-0.08, 0.08, len(values))
    if np.ptp(values) > 0:  # a solved probe is the same with every seed
        ax.plot(dots, values, "o", color="white", markeredgecolor=INK, markersize=3.2, markeredgewidth=0.7, zorder=3)
    text = f"{round(100 * values.mean(), 1) + 0.0:.1f}"  # no -0.0
    top = (x, max(0.0, values.max()))
    ax.annotate(text, top, xytext=(0, 4), textcoords="offset points", ha="center", fontsize=7.5)


def overlap_axes(ax: Axes, table: pd.DataFrame) -> None:
    """Axes of the overlap of top sets against their size, with the line of chance."""
    ax.plot(table["n_neurons"], table["chance"], color=INK, linewidth=0.9, linestyle=(0, (4, 3)), label="chance")
    size_axis(ax, int(table["n_neurons"].min()), int(table["n_neurons"].max()))
    ax.set_xlabel("size of the top sets (log scale)")
    ax.set_ylabel("Jaccard overlap")
    ax.set_ylim(0, 1.02)
    legend_above(ax, columns=3)


def legend_above(ax: Axes, *, columns: int) -> None:
    """A legend above the axes, from the left."""
    ax.legend(loc="lower left", bbox_to_anchor=(0, 1.0), ncols=columns, borderaxespad=0.2)
