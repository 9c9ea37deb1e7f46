"""The points of a page as a Parquet file, a row a point, for Embedding Atlas and other viewers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from gapkit.atomic import replacing
from gapkit.errors import InputError
from gapkit.page.content import Page

SOURCE, MOVED, TARGET = "source", "moved", "target"


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
        Rows. Columns: ``id``, ``caption`` (the first), ``bridge``, ``cloud`` (source, moved or target), ``state``
        (before, start, step N, after; target), ``cosine`` (to the clip's own targets, missing for a target), ``change``
        (of it since before), ``turned_degrees`` (at the end), and ``NAME_x``, ``NAME_y`` for each projection (missing
        where a clip is not in it).

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

    def cloud(bridge: str, kind: str, state: str, cosine: Any, change: Any, turned: Any) -> dict[str, Any]:
        return {
            "id": list(page.ids), "caption": first, "bridge": [bridge] * n, "cloud": [kind] * n, "state": [state] * n,
            "cosine": _single(cosine), "change": _single(change), "turned_degrees": _single(turned),
        }  # fmt: skip

    def places(k: int | None, bridge: str) -> dict[str, Any]:
        columns: dict[str, Any] = {}
        for own in page.maps:
            xy = own.targets[bridge] if k is None else own.ways[bridge][k]
            columns |= {f"{own.name}_x": _missing(xy[:, 0]), f"{own.name}_y": _missing(xy[:, 1])}
        return columns

    missing = np.full(n, np.nan)
    for way in page.ways:
        # Target and source again for each bridge: a plane by neighbours is that of one bridge.
        own = way.bridge
        yield cloud(own, TARGET, "target", missing, missing, missing) | places(None, own)
        yield cloud(own, SOURCE, "before", before, nothing, nothing) | places(0, own)
        for k, state in enumerate(way.states[1:], start=1):
            last = k == len(way.states) - 1
            turned = way.turned if last else missing
            yield cloud(own, MOVED, "after" if last else state.label, state.cosine, state.cosine - before, turned) | (
                places(k, own)
            )


def _single(values: Any) -> list[float | None]:
    return _missing(np.asarray(values))


def _missing(values: Any) -> list[float | None]:
    """NaN as a missing value: viewers draw neither."""
    return [float(v) if np.isfinite(v) else None for v in values]
