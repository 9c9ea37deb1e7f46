"""One decoder of a caption study: trained or taken from its folder, and the captions that it writes."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import gapkit
from gapkit.bridges import Bridge
from gapkit.bridges.registry import load_bridge
from gapkit.captioning.bridging import Fitted
from gapkit.captioning.config import CaptionStudyConfig
from gapkit.captioning.decoders import CaptionDecoder, load_decoder, make_decoder
from gapkit.captioning.decoders.registry import DECODERS
from gapkit.captioning.plan import Reading, Spec, level_name
from gapkit.captioning.protocols import IDENTITY, ORACLE, SOURCE, ids_of, read_by, supervised, zero_shot
from gapkit.comparison.splits import Parts
from gapkit.embeddings import PairedEmbeddings
from gapkit.study.keys import job_key, plugin_version
from gapkit.study.kinds import CaptionFolder
from gapkit.study.progress import Progress
from gapkit.study.record import read_record, save_files, saved_seconds, write_record
from gapkit.training.processes import Processes
from gapkit.training.processes import processes as launched


@dataclass(frozen=True, eq=False)
class Decoding:
    """Everything that a decoder of a study is trained and read with.

    Parameters
    ----------
    parts : Parts
    config : CaptionStudyConfig
    fitted : Fitted
    folder : CaptionFolder
    data : str
        Hash of the data and their splits.
    """

    parts: Parts
    config: CaptionStudyConfig
    fitted: Fitted
    folder: CaptionFolder
    data: str
    _keys: dict[Spec, str] = field(default_factory=dict, init=False, repr=False)

    def bridge(self, name: str, seed: int) -> Bridge | None:
        """The fitted bridge; None for no bridge and for the ceiling."""
        return None if name in ("", IDENTITY, ORACLE) else load_bridge(self.fitted.home(name, seed))

    def decoder_key(self, spec: Spec) -> str:
        """Digest of all that a decoder depends on."""
        if spec not in self._keys:
            config = self.config
            bridge = "" if spec.bridge in ("", IDENTITY) else self.fitted.digest(spec.bridge, spec.seed)
            params = make_decoder(config.decoder, **config.decoder_options).get_params(deep=False)
            plugin = plugin_version(DECODERS, config.decoder)
            self._keys[spec] = job_key(
                decoder=config.decoder, params=params, mode=spec.mode, level=spec.level, seed=spec.seed, bridge=bridge,
                identity=spec.bridge == IDENTITY, data=self.data, version=gapkit.__version__,
                **({"plugin": plugin} if plugin else {}),
            )  # fmt: skip
        return self._keys[spec]

    def key(self, spec: Spec, reading: Reading, kind: str) -> str:
        """Digest of all that a file of a row depends on: see `path`."""
        config, row = self.config, reading.row
        plain = row.bridge in (IDENTITY, ORACLE)
        scored = {
            "choices": [config.select_by, config.tokenizer],
            "cells": [config.scores, config.tokenizer, config.draws, config.seed],
        }.get(kind)
        return job_key(
            decoder=self.decoder_key(spec), row=[row.protocol, row.training, row.bridge], beams=reading.beams,
            kind=kind, bridge="" if plain else self.fitted.digest(row.bridge, spec.seed), scored=scored,
            writing=[config.max_new_tokens, config.batch_size, *([reading.weight] if reading.weight else [])],
        )  # fmt: skip

    def path(self, spec: Spec, reading: Reading, kind: str) -> Path:
        """File of a row: captions of the "validation" or "test" split, "choices" (a score on validation), "cells"."""
        if kind == "cells":
            return self.folder.cells / f"{reading.row.stem}-s{spec.seed}.json"
        level = level_name(reading.weight or spec.level)
        return self.folder.written / kind / f"{reading.row.stem}-{level}-b{reading.beams}-s{spec.seed}.json"

    def captions(
        self, spec: Spec, readings: list[Reading], split: str, progress: Progress
    ) -> tuple[dict[str, dict[str, str]], dict[str, float]]:
        """Captions of each reading by its name, and the seconds that they took; each is kept as soon as it is written.

        Parameters
        ----------
        spec : Spec
        readings : list of Reading
        split : {"validation", "test"}
        progress : Progress
        """
        team = launched()
        pairs = self.parts.test if split == "test" else self.parts.validation
        assert pairs is not None
        said: dict[str, dict[str, str]] = {}
        seconds: dict[str, float] = {}
        files = {reading: (self.path(spec, reading, split), self.key(spec, reading, split)) for reading in readings}
        known = team.agree({reading: read_record(path, key=key) for reading, (path, key) in files.items()})
        decoder = None
        for reading in readings:
            name, record = reading.name, known[reading]
            if record is None:
                decoder = decoder or self._decoder(spec, progress, team)
                progress.begin(f"{reading.row.label}, {spec.stem}, {split}")
                began = time.perf_counter()
                captions = self._written(decoder, reading, spec.seed, pairs, team)
                path, key = files[reading]
                record = {"key": key, "captions": captions, "seconds": time.perf_counter() - began}
                if not team.rank:
                    write_record(path, record)
            said[name], seconds[name] = dict(record["captions"]), float(record["seconds"])
        return said, seconds

    def _written(
        self, decoder: CaptionDecoder, reading: Reading, seed: int, pairs: PairedEmbeddings, team: Processes
    ) -> Mapping[str, str]:
        """A caption for each item, by its id."""
        name, config = reading.row.bridge, self.config
        read = read_by(name, self.bridge(name, seed), pairs, fit=self.parts.fit, weight=reading.weight)
        mine = read[team.rank :: team.count]
        texts = (
            decoder.generate(
                mine, beams=reading.beams, max_new_tokens=config.max_new_tokens, batch_size=config.batch_size, seed=seed
            )
            if len(mine)
            else []
        )
        return dict(zip(ids_of(pairs), team.gather(texts), strict=True))

    def _decoder(self, spec: Spec, progress: Progress, team: Processes) -> CaptionDecoder:
        """The decoder of a spec, out of its folder if it was trained before."""
        home, key, checkpoint = self.folder.decoders / spec.stem, self.decoder_key(spec), f"decoder-{spec.stem}"
        if team.agree(saved_seconds(home, key=key) is not None):
            return load_decoder(home)
        progress.begin(f"training {spec.stem}")
        bridge = self.bridge(spec.bridge, spec.seed)
        if spec.mode == SOURCE:
            lesson = supervised(self.parts, bridge)
        else:
            lesson = zero_shot(self.parts, training=spec.mode, level=spec.level, bridge=bridge)
        decoder = make_decoder(self.config.decoder, **self.config.decoder_options)
        if not team.rank:
            self.folder.own_checkpoint(checkpoint, key)
        team.agree(None)
        decoder.fit(
            lesson.embeddings,
            lesson.captions,
            validation=lesson.validation,
            noise=lesson.noise,
            seed=spec.seed,
            checkpoint=self.folder.checkpoint(checkpoint),
            report=progress.step,
        )
        if not team.rank:
            save_files(home, decoder.save, key=key, seconds=decoder.fit_seconds)
            self.folder.drop_checkpoint(checkpoint)
        team.agree(None)
        return decoder
