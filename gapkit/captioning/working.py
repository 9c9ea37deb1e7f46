"""One decoder and all that it writes: trained or taken from its folder, read by its rows, scored."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import gapkit
from gapkit.atomic import write_text
from gapkit.bridges import Bridge
from gapkit.bridges.registry import load_bridge
from gapkit.captioning.bridging import Fitted
from gapkit.captioning.config import CaptionStudyConfig
from gapkit.captioning.decoders import CaptionDecoder, load_decoder, make_decoder
from gapkit.captioning.plan import Choice, Reading, Spec, level_name
from gapkit.captioning.protocols import (
    IDENTITY,
    ORACLE,
    SOURCE,
    groups_of,
    ids_of,
    read_by,
    references_of,
    supervised,
    zero_shot,
)
from gapkit.captioning.record import CaptionCell, read_cell, read_record, write_cell, write_record
from gapkit.captioning.scores import CaptionScores, score_systems
from gapkit.captioning.scores.catalogue import resolve as score_names
from gapkit.captioning.scores.reach import within_reach
from gapkit.comparison.cells import cell_key
from gapkit.comparison.fitting import digest_of
from gapkit.comparison.folder import StudyFolder
from gapkit.comparison.progress import Progress
from gapkit.comparison.splits import Parts
from gapkit.embeddings import PairedEmbeddings
from gapkit.errors import InputError
from gapkit.training.processes import Processes as Crew
from gapkit.training.processes import processes as crew

CHECKPOINT = "checkpoint.safetensors"


@dataclass(frozen=True)
class World:
    """What every decoder of a study is trained and read with.

    Parameters
    ----------
    parts : Parts
    config : CaptionStudyConfig
    fitted : Fitted
    root : Path
        Folder of the study.
    data : str
        Hash of the data and their splits.
    """

    parts: Parts
    config: CaptionStudyConfig
    fitted: Fitted
    root: Path
    data: str

    @property
    def folder(self) -> StudyFolder:
        """Where things lie."""
        return StudyFolder(self.root)

    def bridge(self, name: str, seed: int) -> Bridge | None:
        """The fitted bridge; None for no bridge and for the ceiling."""
        return None if name in ("", IDENTITY, ORACLE) else load_bridge(self.fitted.home(name, seed))

    def decoder_key(self, spec: Spec) -> str:
        """Digest of all that a decoder depends on."""
        config = self.config
        bridge = "" if spec.bridge in ("", IDENTITY) else self.fitted.digest(spec.bridge, spec.seed)
        params = make_decoder(config.decoder, **config.decoder_options).get_params(deep=False)
        return cell_key(
            decoder=config.decoder, params=params, mode=spec.mode, level=spec.level, seed=spec.seed, bridge=bridge,
            identity=spec.bridge == IDENTITY, data=self.data, version=gapkit.__version__,
        )  # fmt: skip

    def key(self, spec: Spec, reading: Reading, kind: str) -> str:
        """Digest of all that a file of a row depends on: see `path`."""
        config, row = self.config, reading.row
        plain = row.bridge in (IDENTITY, ORACLE)
        scored = {
            "choices": [config.select_by, config.tokenizer],
            "cells": [config.scores, config.tokenizer, config.draws, config.seed],
        }.get(kind)
        return cell_key(
            decoder=self.decoder_key(spec), row=[row.protocol, row.training, row.bridge], beams=reading.beams,
            kind=kind, bridge="" if plain else self.fitted.digest(row.bridge, spec.seed), scored=scored,
            writing=[config.max_new_tokens, config.batch_size, *([reading.weight] if reading.weight else [])],
        )  # fmt: skip

    def path(self, spec: Spec, reading: Reading, kind: str) -> Path:
        """File of a row: captions of the "validation" or "test" split, "choices" (a score on validation), "cells"."""
        if kind == "cells":
            return self.folder.cells / f"{reading.row.stem}-s{spec.seed}.json"
        level = level_name(reading.weight or spec.level)
        return self.root / "written" / kind / f"{reading.row.stem}-{level}-b{reading.beams}-s{spec.seed}.json"


def validate(
    world: World, spec: Spec, readings: Sequence[Reading], progress: Progress
) -> tuple[dict[Reading, Choice], bool]:
    """How good each reading is on the validation split, and whether the decoder had to be trained for it."""
    config, held, team = world.config, world.parts.validation, crew()
    files = {
        reading: (world.path(spec, reading, "choices"), world.key(spec, reading, "choices")) for reading in readings
    }
    known = team.agree({reading: read_record(path, key) for reading, (path, key) in files.items()})
    missing = [reading for reading in readings if known[reading] is None]
    trained = False
    if missing and held is not None:
        said, _, trained = _captions(world, spec, missing, "validation", held, progress, team)
        if not team.rank:
            found = score_systems(
                said, references_of(held), scores=(config.select_by,), tokenizer=config.tokenizer, draws=0
            )
            for reading in missing:
                path, key = files[reading]
                record = {"key": key, "value": _corpus(found[reading.name], config.select_by)}
                write_record(path, record)
                known[reading] = record
        known = team.agree(known)
    values = {reading: (known[reading] or {}).get("value") for reading in readings}
    return {
        reading: Choice(reading.weight or spec.level, reading.beams, math.nan if value is None else float(value))
        for reading, value in values.items()
    }, trained


def measure(
    world: World, spec: Spec, readings: Sequence[Reading], progress: Progress
) -> tuple[list[CaptionCell], bool]:
    """The cells of the rows that read with this decoder on the test split, and whether it had to be trained."""
    config, test, team = world.config, world.parts.test, crew()
    files = {reading: (world.path(spec, reading, "cells"), world.key(spec, reading, "cells")) for reading in readings}
    known = team.agree({reading: read_cell(path, key) for reading, (path, key) in files.items()})
    missing = [reading for reading in readings if known[reading] is None]
    if not team.rank:
        known |= _completed(world, spec, known, progress)
    known = team.agree(known)
    trained = False
    if missing:
        said, seconds, trained = _captions(world, spec, missing, "test", test, progress, team)
        if not team.rank:
            progress.begin(f"scoring {spec.stem}")
            began = time.perf_counter()
            found = score_systems(
                said, references_of(test), scores=config.scores, tokenizer=config.tokenizer, draws=config.draws,
                seed=config.seed, groups=groups_of(test),
            )  # fmt: skip
            scoring = (time.perf_counter() - began) / len(missing)
            for reading in missing:
                name = reading.name
                took = {"writing": seconds[name], "scoring": scoring}
                path, key = files[reading]
                fresh = _cell(spec, reading, key, said[name], found[name], took)
                write_cell(path, fresh)
                known[reading] = fresh
        known = team.agree(known)
    return [cell for reading in readings if (cell := known[reading]) is not None], trained


def _completed(
    world: World, spec: Spec, known: Mapping[Reading, CaptionCell | None], progress: Progress
) -> dict[Reading, CaptionCell]:
    """The cells that lacked scores which can be had now, with them: what has been written is not written again."""
    config, test = world.config, world.parts.test
    cells = {reading: cell for reading, cell in known.items() if cell is not None}
    again = {reading: within_reach(cell.absent, config.tokenizer) for reading, cell in cells.items()}
    late = [reading for reading, names in again.items() if names]
    if not late:
        return {}
    progress.begin(f"scoring {spec.stem} again")
    found = score_systems(
        {reading.name: cells[reading].captions for reading in late}, references_of(test),
        scores=[name for reading in late for name in again[reading]], tokenizer=config.tokenizer, draws=config.draws,
        seed=config.seed, groups=groups_of(test),
    )  # fmt: skip
    order = score_names(config.scores).index
    made = {}
    for reading in late:
        old = cells[reading]
        fresh = _cell(spec, reading, old.key, dict(old.captions), found[reading.name], dict(old.seconds))
        columns = {name: fresh.per_clip[name] for name in again[reading] if name in fresh.per_clip}
        lines = [line for line in fresh.corpus if line["score"] in again[reading]]
        there = {line["score"] for line in lines}
        made[reading] = dataclasses.replace(
            old,
            per_clip=dict(sorted({**old.per_clip, **columns}.items(), key=lambda item: order(item[0]))),
            corpus=sorted([*old.corpus, *lines], key=lambda line: order(line["score"])),
            absent={name: fresh.absent.get(name, why) for name, why in old.absent.items() if name not in there},
        )
        write_cell(world.path(spec, reading, "cells"), made[reading])
    return made


def _captions(
    world: World,
    spec: Spec,
    readings: Sequence[Reading],
    split: str,
    pairs: PairedEmbeddings,
    progress: Progress,
    team: Crew,
) -> tuple[dict[str, dict[str, str]], dict[str, float], bool]:
    """Captions of each reading by its name, the seconds that they took, and whether the decoder had to be trained.

    Each is kept as soon as it is written.
    """
    said: dict[str, dict[str, str]] = {}
    seconds: dict[str, float] = {}
    files = {reading: (world.path(spec, reading, split), world.key(spec, reading, split)) for reading in readings}
    known = team.agree({reading: read_record(path, key) for reading, (path, key) in files.items()})
    decoder, trained = None, False
    for reading in readings:
        name, record = reading.name, known[reading]
        if record is None:
            if decoder is None:
                decoder, trained = _decoder(world, spec, progress, team)
            progress.begin(f"{reading.row.label}, {spec.stem}, {split}")
            began = time.perf_counter()
            captions = _written(world, decoder, reading, spec.seed, pairs, team)
            path, key = files[reading]
            record = {"key": key, "captions": captions, "seconds": time.perf_counter() - began}
            if not team.rank:
                write_record(path, record)
        said[name], seconds[name] = dict(record["captions"]), float(record["seconds"])
    return said, seconds, trained


def _cell(
    spec: Spec,
    reading: Reading,
    key: str,
    captions: dict[str, str],
    scores: CaptionScores,
    seconds: dict[str, float],
) -> CaptionCell:
    row = reading.row
    table = scores.per_clip.reindex(list(captions))
    return CaptionCell(
        row.protocol, row.training, row.bridge, spec.seed, key, reading.weight or spec.level, reading.beams, captions,
        {str(name): [float(v) for v in table[name]] for name in table.columns},
        [
            {str(name): (str(value) if name == "score" else float(value)) for name, value in line.items()}
            for line in scores.corpus[["score", "value", "ci_low", "ci_high", "n"]].to_dict("records")
        ],
        dict(scores.absent),
        scores.tokenizer,
        seconds,
    )  # fmt: skip


def _corpus(scores: CaptionScores, name: str) -> float:
    try:
        return scores[name]
    except InputError as error:
        raise InputError(f"select_by: {error}; choose by another score") from None


def _written(
    world: World, decoder: CaptionDecoder, reading: Reading, seed: int, pairs: PairedEmbeddings, team: Crew
) -> dict[str, str]:
    """A caption for each clip, by its id."""
    name = reading.row.bridge
    read = read_by(name, world.bridge(name, seed), pairs, fit=world.parts.fit, weight=reading.weight)
    mine = read[team.rank :: team.count]
    config = world.config
    texts = (
        decoder.generate(
            mine, beams=reading.beams, max_new_tokens=config.max_new_tokens, batch_size=config.batch_size, seed=seed
        )
        if len(mine)
        else []
    )
    return dict(zip(ids_of(pairs), team.gather(texts), strict=True))


def _decoder(world: World, spec: Spec, progress: Progress, team: Crew) -> tuple[CaptionDecoder, bool]:
    """The decoder of a spec, out of its folder if it was trained before; whether it was trained now."""
    home, key = world.root / "decoders" / spec.stem, world.decoder_key(spec)
    if team.agree(_is_finished(home, key)):
        return load_decoder(home), False
    progress.begin(f"training {spec.stem}")
    bridge = world.bridge(spec.bridge, spec.seed)
    if spec.mode == SOURCE:
        lesson = supervised(world.parts, bridge)
    else:
        lesson = zero_shot(world.parts, training=spec.mode, level=spec.level, bridge=bridge)
    decoder = make_decoder(world.config.decoder, **world.config.decoder_options)
    decoder.fit(
        lesson.embeddings,
        lesson.captions,
        validation=lesson.validation,
        noise=lesson.noise,
        seed=spec.seed,
        checkpoint=home / CHECKPOINT,
        report=progress.step,
    )
    seconds = decoder.fit_seconds
    if not team.rank:
        (home / "fit.json").unlink(missing_ok=True)
        decoder.save(home)
        own = (path for path in sorted(home.iterdir()) if path.is_file() and not path.name.startswith("."))
        files = {path.name: digest_of(path) for path in own if path.name != CHECKPOINT}
        # Written last: it says that the files beside it are whole.
        write_text(home / "fit.json", json.dumps({"key": key, "seconds": seconds, "files": files}) + "\n")
        (home / CHECKPOINT).unlink(missing_ok=True)
    team.agree(None)
    return decoder, True


def _is_finished(home: Path, key: str) -> bool:
    """Whether the decoder of this key lies there whole; one that was broken since is trained again."""
    try:
        record = json.loads((home / "fit.json").read_text(encoding="utf-8"))
        files = record.get("files", {})  # older folders hold no digests
        return bool(record["key"] == key and all(digest_of(home / name) == own for name, own in files.items()))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def training_seconds(root: Path) -> dict[str, float]:
    """Seconds that each decoder of a study took to train."""
    found = {}
    for path in sorted((root / "decoders").glob("*/fit.json")):
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            found[path.parent.name] = float(json.loads(path.read_text(encoding="utf-8"))["seconds"])
    return found
