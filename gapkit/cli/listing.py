"""`gapkit list`: what there is, that of plugins too."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Annotated

import typer

from gapkit.cli import options


def list_(
    kind: Annotated[str, typer.Argument(help="bridges, metrics, datasets, encoders, decoders or scores.")],
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="List the options of this bridge or decoder.")
    ] = None,
    as_json: options.Json = False,
) -> None:
    """List bridges, metrics, datasets, encoders, caption decoders or scores: what each is and where it comes from.

    `gapkit list bridges NAME` lists the options of one bridge: default, allowed values, and what `gapkit tune` tries;
    `gapkit list decoders NAME` those of a caption decoder.
    """
    from gapkit.cli.printing import print_rows
    from gapkit.errors import InputError

    if kind not in KINDS:
        raise InputError(f"list: expected one of {', '.join(KINDS)}, got {kind!r}")
    if name is not None and kind not in ("bridges", "decoders"):
        raise InputError(
            f"list: expected {kind} alone, got {name!r} too; only bridges and decoders have options to list"
        )
    if name is not None:
        print_rows(_options(kind, name), as_json=as_json, words=True)
        return
    print_rows(KINDS[kind](), as_json=as_json, words=True)


def _summary(what: object) -> str:
    """First line of a docstring."""
    return next(iter((inspect.getdoc(what) or "").strip().splitlines()), "")


def _bridges() -> list[dict[str, object]]:
    from gapkit.bridges.registry import BRIDGES

    rows: list[dict[str, object]] = []
    for name in BRIDGES.names():
        bridge = BRIDGES.get(name)
        rows.append(
            {
                "name": name,
                "what": _summary(bridge),
                "family": bridge.family,
                "needs_pairs": bridge.needs_pairs,
                "defaults_from": bridge.defaults_from,
                "package": BRIDGES.origin(name),
            }
        )
    return rows


def _options(kind: str, name: str) -> list[dict[str, object]]:
    from gapkit.bridges.registry import BRIDGES
    from gapkit.captioning.decoders.registry import DECODERS
    from gapkit.options import options_of

    owner: type = BRIDGES.get(name) if kind == "bridges" else DECODERS.get(name)
    return [
        {
            "name": found.name,
            "what": found.doc,
            "default": found.default,
            "allowed": found.allowed,
            "searched": "" if found.search is None else str(found.search),
        }
        for found in options_of(owner).values()
    ]


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
        rows.append(
            {
                "name": name,
                "what": _summary(encoder),
                "modalities": " and ".join(encoder.modalities),
                "default": name == DEFAULT_ENCODER,
                "package": ENCODERS.origin(name),
            }
        )
    return rows


def _decoders() -> list[dict[str, object]]:
    from gapkit.captioning.decoders.registry import DECODERS, DEFAULT_DECODER

    return [
        {
            "name": name,
            "what": _summary(DECODERS.get(name)),
            "default": name == DEFAULT_DECODER,
            "package": DECODERS.origin(name),
        }
        for name in DECODERS.names()
    ]


def _scores() -> list[dict[str, object]]:
    from gapkit.captioning.scores.catalogue import SCORES, SETS

    return [
        {
            "name": score.name,
            "what": score.definition,
            "better": score.better,
            "misses": score.misses,
            "default": score.name in SETS["default"],
            "source": score.reference,
        }
        for score in SCORES.values()
    ]


KINDS: dict[str, Callable[[], list[dict[str, object]]]] = {
    "bridges": _bridges, "metrics": _metrics, "datasets": _datasets, "encoders": _encoders, "decoders": _decoders,
    "scores": _scores,
}  # fmt: skip
