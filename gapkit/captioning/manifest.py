"""`manifest.json` of a caption study: with what, on what, by which choices, and what every stage saw."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from gapkit.bridges.saving import read_config
from gapkit.captioning.decoding import Decoding
from gapkit.captioning.plan import Choice, Row, chosen_on_validation
from gapkit.captioning.protocols import data_seen, ids_of
from gapkit.captioning.record import CaptionCell
from gapkit.comparison.cells import cell_stem
from gapkit.embeddings import PairedEmbeddings
from gapkit.study.manifest import software, times

SCHEMA = 1
PACKAGES = ("numpy", "torch", "transformers", "tokenizers", "peft", "accelerate", "pycocoevalcap", "safetensors")


def manifest_of(
    decoding: Decoding,
    pairs: PairedEmbeddings,
    cells: Sequence[CaptionCell],
    choices: Mapping[Row, Choice],
    failed: Mapping[str, str],
    starts: Mapping[str, int],
    began: dt.datetime,
) -> dict[str, Any]:
    """Everything behind the numbers; `starts`: see `levels`. Times are UTC."""
    config, parts = decoding.config, decoding.parts
    absent: dict[str, str] = {}
    for cell in cells:
        absent |= dict(cell.absent)
    return {
        "schema_version": SCHEMA,
        **software(PACKAGES),
        "config": dataclasses.asdict(config),
        "seeds": list(config.all_seeds),
        "input": {
            "name": pairs.name,
            "content_hash": pairs.content_hash(),
            "dim": pairs.dim,
            "meta": dict(pairs.meta),
        },
        "parts": {
            "rule": parts.rule,
            "fit": {"clips": len(parts.fit), "captions": parts.fit.n_targets},
            "validation": None
            if parts.validation is None
            else {"clips": len(parts.validation), "captions": parts.validation.n_targets},
            "test": {"clips": len(parts.test), "captions": parts.test.n_targets},
        },
        "ids": ids_of(parts.test),
        "groups": None if parts.test.groups is None else parts.test.groups.tolist(),
        "bridges": {
            cell_stem(name, seed): read_config(home)["params"] for (name, seed), home in decoding.fitted.homes.items()
        },
        "choices": [
            {
                "protocol": row.protocol, "training": row.training, "bridge": row.bridge, "level": choice.level,
                "beams": choice.beams, "value": choice.value if choice.value == choice.value else None,
            }
            for row, choice in choices.items()
        ],
        "data_seen": [
            {
                "protocol": row.protocol, "training": row.training, "bridge": row.bridge,
                "stages": data_seen(
                    parts, protocol=row.protocol, training=row.training, row=row.bridge,
                    chosen=chosen_on_validation(row, config, starts), bridge=decoding.bridge(row.bridge, config.seed),
                    through=_through(decoding, row), weight=row.reading(choice.level, choice.beams).weight,
                ),
            }
            for row, choice in choices.items()
        ],
        "absent": absent,
        "tokenizer": next((cell.tokenizer for cell in cells), ""),
        "failed": dict(failed),
        "seconds": {
            "training": decoding.folder.training_seconds(),
            "writing": sum(cell.seconds.get("writing", 0.0) for cell in cells),
            "scoring": sum(cell.seconds.get("scoring", 0.0) for cell in cells),
        },
        **times(began),
    }  # fmt: skip


def _through(decoding: Decoding, row: Row) -> bool:
    """Whether the decoder's own data came through a bridge that was fitted on pairs."""
    bridge = decoding.bridge(row.training.partition(":")[2], decoding.config.seed)
    return bridge is not None and bridge.needs_pairs
