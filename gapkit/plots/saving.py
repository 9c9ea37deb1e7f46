"""Figures as files: the same figure gives the same bytes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from gapkit.atomic import replacing
from gapkit.errors import InputError
from gapkit.plots.style import FONT, figure_of, style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Dates, and in PNG the version of matplotlib, would make every file another.
FORMATS: dict[str, dict[str, Any]] = {
    ".pdf": {"CreationDate": None}, ".svg": {"Date": None}, ".png": {"Software": None}, ".eps": {}
}  # fmt: skip
"""Suffixes of pictures, and what the file says of itself."""


def save(figure: Any, path: str | Path, *, dpi: float = 300.0, font: str = FONT) -> Path:
    """Write a figure; the suffix says how.

    Parameters
    ----------
    figure : Figure, Axes or array of Axes
        What the functions of `gapkit.plots` give back.
    path : path
        Ends in .pdf, .svg, .png or .eps. Parent folders are made; the file is there whole or not at all.
    dpi : float
        Dots an inch, of a PNG and of the points that PDF and SVG hold as a picture.
    font : str
        See `style`.

    Returns
    -------
    Path

    Raises
    ------
    InputError
        Another suffix.
    GapkitError
        The folder cannot be written to.
    """
    path = Path(path)
    known = check_suffix(path, FORMATS)
    target: Figure = figure if hasattr(figure, "savefig") else figure_of(figure)
    with style(font=font), replacing(path) as temporary:
        target.savefig(temporary, dpi=dpi, metadata=FORMATS[known] or None)
    return path


def check_suffix(path: Path, known: dict[str, Any] | tuple[str, ...]) -> str:
    """The suffix of a path, in lower case.

    Raises
    ------
    InputError
        It is none of those known.
    """
    suffix = path.suffix.lower()
    if suffix not in known:
        raise InputError(f"{path}: expected a name that ends in {', '.join(known)}, got {suffix or 'no suffix'}")
    return suffix
