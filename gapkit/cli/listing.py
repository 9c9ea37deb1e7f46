"""`gapkit list`: what there is, that of plugins too."""

from __future__ import annotations

import inspect
from typing import Annotated

import typer

from gapkit.cli import options

KINDS = ("bridges", "metrics", "datasets", "encoders")


def list_(
    kind: Annotated[str, typer.Argument(help="bridges, metrics, datasets or encoders.")],
    as_json: options.Json = False,
) -> None:
    """List bridges, metrics, datasets or encoders: what each is and where it comes from."""
    from gapkit.cli.printing import print_rows
    from gapkit.errors import InputError

    if kind not in KINDS:
        raise InputError(f"list: expected one of {', '.join(KINDS)}, got {kind!r}")
    rows = {"bridges": _bridges, "metrics": _metrics, "datasets": _datasets, "encoders": _encoders}[kind]()
    print_rows(rows, as_json=as_json)


def _bridges() -> list[dict[str, object]]:
    from gapkit.bridges.registry import BRIDGES

    rows: list[dict[str, object]] = []
    for name in BRIDGES.names():
        bridge = BRIDGES.get(name)
        lines = (inspect.getdoc(bridge) or "").strip().splitlines()
        rows.append(
            {
                "name": name,
                "what": lines[0] if lines else "",
                "family": bridge.family,
                "needs_pairs": bridge.needs_pairs,
                "package": BRIDGES.origin(name),
            }
        )
    return rows


def _metrics() -> list[dict[str, object]]:
    from gapkit.metrics.registry import METRICS

    rows: list[dict[str, object]] = []
    for name in METRICS.names():
        metric = METRICS.get(name)
        rows.append(
            {
                "name": name,
                "what": metric.definition,
                "group": metric.group,
                "better": metric.better,
                "needs_pairs": metric.needs_pairs,
                "default": metric.default,
                "package": METRICS.origin(name),
            }
        )
    return rows


def _datasets() -> list[dict[str, object]]:
    from gapkit.datasets import dataset_names, describe

    rows: list[dict[str, object]] = []
    for name in dataset_names():
        card = describe(name)
        splits = ", ".join(f"{split} {count}" for split, count in card.splits.items())
        rows.append(
            {
                "name": name,
                "what": card.title,
                "clips": splits,
                "gap": card.gap["centroid_distance"],
                "MB": card.size,
                "source": card.source,
                "target": card.target,
                "licence": card.licence,
                "package": "gapkit",
            }
        )
    return rows


def _encoders() -> list[dict[str, object]]:
    from gapkit.encoders.registry import DEFAULT_ENCODER, ENCODERS

    rows: list[dict[str, object]] = []
    for name in ENCODERS.names():
        encoder = ENCODERS.get(name)
        lines = (inspect.getdoc(encoder) or "").strip().splitlines()
        rows.append(
            {
                "name": name,
                "what": lines[0] if lines else "",
                "modalities": " and ".join(encoder.modalities),
                "default": name == DEFAULT_ENCODER,
                "package": ENCODERS.origin(name),
            }
        )
    return rows
