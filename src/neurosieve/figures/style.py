"""One look for all figures: readable in grey and with any colour vision, with fonts that every printer has."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import matplotlib as mpl
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
