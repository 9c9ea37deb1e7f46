"""`manifest.json`: with what, on what and when a study ran."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gapkit.comparison.cells import Cell
from gapkit.comparison.config import StudyConfig
from gapkit.comparison.division import Division
from gapkit.embeddings import PairedEmbeddings
from gapkit.errors import InputError
from gapkit.study.folder import SCHEMA, StudyFolder, read_versioned
from gapkit.study.manifest import software, times, write_manifest

_PART = {"clips": int, "targets": int}
SHAPE: Mapping[str, Any] = {
    "packages": {},
    "seeds": list,
    "config": {"params": {}},
    "input": {"meta": {}},
    "parts": {"fit": _PART, "validation": _PART, "test": _PART},
    "cells": {},
    "findings": list,
    "merged_from": list,
    "planned": list,
}
"""What is what in a manifest, where it is there at all."""


def write_comparison_manifest(
    folder: StudyFolder,
    pairs: PairedEmbeddings,
    division: Division,
    cells: Sequence[Cell],
    *,
    config: StudyConfig,
    planned: Sequence[str],
    findings: Sequence[str],
    began: dt.datetime,
    ended: bool,
) -> None:
    """Write ``manifest.json`` into the folder of the study; times are UTC.

    Bridges, metrics and seeds of earlier runs in the folder stay in it, and what it was merged from. `planned` are the
    stems of all cells of this run; before its end there is no time at which it finished.
    """
    try:
        earlier = read_manifest(folder.root)
    except InputError:  # the first run, or a file that this one mends
        earlier = {}
    before = earlier.get("config", {})
    seeds = max(config.seeds, int(before.get("seeds", 1)))
    content = {
        "schema_version": SCHEMA,
        **software(),
        "device": config.device,
        "threads": config.threads,
        "seeds": list(range(config.seed, config.seed + seeds)),
        "config": {
            **dataclasses.asdict(config),
            **{
                key: list(dict.fromkeys([*before.get(key, ()), *getattr(config, key)]))
                for key in ("bridges", "metrics")
            },
            "seeds": seeds,
            "params": {**before.get("params", {}), **config.params},
        },
        "input": {
            "name": pairs.name,
            "content_hash": pairs.content_hash(),
            "source": {"shape": list(pairs.source.shape), "dtype": str(pairs.source.dtype)},
            "target": {"shape": list(pairs.target.shape), "dtype": str(pairs.target.dtype)},
            "splits": pairs.splits,
            "meta": dict(pairs.meta),
        },
        "parts": _parts(division),
        "findings": list(findings),
        **times(began),
        **({} if ended else {"finished": None}),
        "planned": list(planned),
        "cells": {
            cell.stem: {
                "params": dict(cell.params),
                "fit_seconds": cell.fit_seconds,
                "transform_seconds": cell.transform_seconds,
                "metric_seconds": sum(value.seconds for value in cell.estimates.values()),
                "error": cell.error,
            }
            for cell in cells
        },
        **({"merged_from": earlier["merged_from"]} if "merged_from" in earlier else {}),
    }
    write_manifest(folder.root / "manifest.json", content)


def _parts(division: Division) -> dict[str, Any]:
    """Sizes of what fits, stops and measures; with folds those of the largest fit and of all measured items."""
    held = division.fits[0].validation
    return {
        "rule": division.rule,
        **({"folds": len(division)} if division.in_folds else {}),
        "fit": {"clips": division.fit_clips, "targets": division.fit_targets},
        "validation": {"clips": len(held), "targets": held.n_targets} if held else None,
        "test": {"clips": len(division.test), "targets": division.test.n_targets},
    }


def read_manifest(root: Path) -> Mapping[str, Any]:
    """Content of the manifest of a finished study.

    Raises
    ------
    InputError
        None there, a broken one, or one of a newer gapkit.
    """
    return read_versioned(
        root / "manifest.json",
        key="schema_version",
        check=_check_manifest,
        missing=", so the study is not finished; run the same `gapkit compare` again",
        broken="expected what `gapkit compare` wrote: run the same `gapkit compare` again",
    )


def _check_manifest(content: Mapping[str, Any]) -> None:
    _check(content, SHAPE)
    for cell in content.get("cells", {}).values():
        _check(cell, {"params": {}})


def _check(content: Any, shape: Any) -> None:
    if not isinstance(shape, Mapping):
        if not isinstance(content, shape):
            raise TypeError
        return
    if not isinstance(content, Mapping):
        raise TypeError
    for key, inner in shape.items():
        if key in content and (content[key] is not None or key != "validation"):
            _check(content[key], inner)
