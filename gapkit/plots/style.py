"""How figures of gapkit look: one style for print, safe for colour-blind readers, the same on every machine."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from gapkit.errors import InputError
from gapkit.plots.words import literal

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMN, PAGE = 3.5, 7.2
"""Widths of one column and of the page, in inches."""

BEFORE, AFTER, TARGET = "#8A8A8A", "#D55E00", "#0072B2"
"""The source before, the source after, the target: apart in lightness too."""

CYCLE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
"""Okabe and Ito (2008), Color universal design."""

MARKERS = ("o", "s", "^", "D", "v", "P", "X")
"""A second sign beside the colour."""

FONT = "DejaVu Sans"
"""Comes with matplotlib: the same letters on every machine."""

INK, FAINT = "#222222", "#BBBBBB"


@contextmanager
def style(*, font: str = FONT) -> Iterator[None]:
    """Figures that are made and saved inside have gapkit's look; matplotlib's own settings are back afterwards.

    Parameters
    ----------
    font : str
        An installed font family. What it has no sign for is taken from DejaVu Sans.

    Raises
    ------
    InputError
        The font is not installed.
    """
    import matplotlib.style
    from cycler import cycler

    _installed(font)
    settings: dict[str, Any] = {
        "font.family": list(dict.fromkeys((font, FONT))),
        "font.size": 7.0, "axes.titlesize": 7.5, "axes.labelsize": 7.0, "legend.fontsize": 6.5,
        "xtick.labelsize": 6.5, "ytick.labelsize": 6.5, "figure.titlesize": 8.0,
        "text.color": INK, "axes.labelcolor": INK, "axes.edgecolor": "#555555", "xtick.color": "#555555",
        "ytick.color": "#555555", "xtick.labelcolor": INK, "ytick.labelcolor": INK,
        "axes.linewidth": 0.6, "xtick.major.width": 0.6, "ytick.major.width": 0.6, "xtick.major.size": 2.5,
        "ytick.major.size": 2.5, "lines.linewidth": 1.2, "lines.markersize": 3.5, "patch.linewidth": 0.6,
        "axes.spines.top": False, "axes.spines.right": False, "axes.titlelocation": "left",
        "axes.prop_cycle": cycler(color=CYCLE), "image.cmap": "cividis",
        "legend.frameon": False, "legend.handlelength": 1.4, "legend.borderpad": 0.2,
        "figure.dpi": 150, "savefig.dpi": 300,
        # Letters stay letters, and the same figure is the same file.
        "svg.fonttype": "none", "pdf.fonttype": 42, "ps.fonttype": 42, "svg.hashsalt": "gapkit",
        # Words are words: a caption may hold a dollar.
        "text.usetex": False, "text.parse_math": False,
    }  # fmt: skip
    with matplotlib.style.context(settings, after_reset=True):
        yield


@contextmanager
def canvas(ax: Axes | None, *, size: tuple[float, float] = (COLUMN, 2.4)) -> Iterator[Axes]:
    """The Axes that were given, or those of a new figure in gapkit's style."""
    with panels(None if ax is None else [ax], 1, columns=1, size=size) as axes:
        yield axes[0]


@contextmanager
def panels(
    axes: Axes | Sequence[Axes] | None,
    n: int,
    *,
    columns: int,
    size: tuple[float, float],
    **options: Any,
) -> Iterator[list[Axes]]:
    """`n` Axes: those that were given, or those of a new figure of `size` inches, at most `columns` side by side.

    Raises
    ------
    InputError
        What was given is not that many Axes.
    """
    from matplotlib.axes import Axes as AxesClass

    if axes is not None:
        given = [axes] if isinstance(axes, AxesClass) else list(np.asarray(axes, dtype=object).ravel())
        if len(given) < n or not all(isinstance(ax, AxesClass) for ax in given):
            raise InputError(f"ax: expected {n} matplotlib Axes, got {len(given)} {_kinds(given)}".rstrip())
        yield given[:n]
        literal(*given[:n])
        return
    import matplotlib.pyplot as plt

    across = min(columns, n)
    with style():
        figure, grid = plt.subplots(
            -(-n // across), across, figsize=size, layout="constrained", squeeze=False, **options
        )
        made = list(grid.ravel())
        for ax in made[n:]:
            ax.remove()
        yield made[:n]
        literal(figure)


def figure_of(ax: Axes | Sequence[Axes]) -> Figure:
    """The figure that Axes stand in."""
    first: Any = np.asarray(ax, dtype=object).ravel()[0]
    figure: Figure = first.get_figure(root=True)
    return figure


def _kinds(given: Sequence[object]) -> str:
    return " and ".join(dict.fromkeys(type(one).__name__ for one in given))


def _installed(font: str) -> None:
    if font == FONT:
        return
    from matplotlib import font_manager

    names = sorted({entry.name for entry in font_manager.fontManager.ttflist})
    if font not in names:
        near = difflib.get_close_matches(font, names, n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(near)}?" if near else f"here are {', '.join(names[:6])}, ..."
        raise InputError(f"font {font!r}: not installed; {hint}")
