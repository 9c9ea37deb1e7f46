"""The points of a page as a Parquet file, a row a point, for Embedding Atlas and other viewers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from gapkit.atomic import replacing
from gapkit.errors import InputError
from gapkit.page.content import Page

SOURCE, TARGET = "source, before", "target"


def write_points(page: Page, path: str | Path) -> int:
    """Write projection and metadata of every point that the page shows.

    Parameters
    ----------
    page : Page
    path : path
        A file, or a folder, which gets ``points.parquet``.

    Returns
    -------
    int
        Rows. Columns: ``id``, ``caption`` (the first), ``cloud`` (source, target, or a bridge), ``state``, ``last``
        (true where a bridge has come to its end), ``cosine`` (to the clip's own targets, missing for a target),
        ``change`` (of it since before), ``turned_degrees`` (at the end), and ``NAME_x``, ``NAME_y`` for each projection
        (missing where a clip is not in it).

    Raises
    ------
    InputError
        pyarrow is not there, or the page shows no points.
    GapkitError
        The file cannot be written.
    """
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError:
        raise InputError('--parquet needs pyarrow, which is not installed; pip install "gapkit[io]"') from None
    if not page.ways:
        raise InputError(f"{page.name}: no fitted bridge moved anything, so there are no points to write")
    home = Path(path)
    home = home if home.suffix else home / "points.parquet"
    table = pa.concat_tables([pa.table(cloud) for cloud in _clouds(page)], promote_options="permissive")
    with replacing(home) as temporary:
        parquet.write_table(table, temporary)
    return int(table.num_rows)


def _clouds(page: Page) -> Iterator[dict[str, Any]]:
    n = len(page.ids)
    first = [own[0] if own else "" for own in page.captions]
    before = page.ways[0].states[0].cosine
    nothing = np.zeros(n)

    def cloud(name: str, state: str, cosine: Any, change: Any, turned: Any, *, last: bool) -> dict[str, Any]:
        return {
            "id": list(page.ids), "caption": first, "cloud": [name] * n, "state": [state] * n, "last": [last] * n,
            "cosine": _single(cosine), "change": _single(change), "turned_degrees": _single(turned),
        }  # fmt: skip

    def places(k: int | None, bridge: str | None) -> dict[str, Any]:
        columns = {}
        for own in page.maps:
            xy = own.target if k is None else own.ways[bridge or page.ways[0].bridge][k]
            columns |= {f"{own.name}_x": _missing(xy[:, 0]), f"{own.name}_y": _missing(xy[:, 1])}
        return columns

    missing = np.full(n, np.nan)
    yield cloud(TARGET, "target", missing, missing, missing, last=False) | places(None, None)
    yield cloud(SOURCE, "before", before, nothing, nothing, last=False) | places(0, None)
    for way in page.ways:
        for k, state in enumerate(way.states[1:], start=1):
            end = k == len(way.states) - 1
            change = state.cosine - before
            yield cloud(way.bridge, state.label, state.cosine, change, way.turned if end else missing, last=end) | (
                places(k, way.bridge)
            )


def _single(values: Any) -> list[float | None]:
    return _missing(np.asarray(values))


def _missing(values: Any) -> list[float | None]:
    """NaN as a missing value: viewers draw neither."""
    return [float(v) if np.isfinite(v) else None for v in values]
