"""`embed`: from files and what is said of them to pairs."""

from __future__ import annotations

import dataclasses
import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gapkit.atomic import write_text
from gapkit.embeddings import PairedEmbeddings
from gapkit.encoders.base import Encoder
from gapkit.encoders.cache import RowCache
from gapkit.encoders.manifest import Clip, Fault, Manifest, read_manifest
from gapkit.encoders.packages import version
from gapkit.encoders.pictures import READING
from gapkit.encoders.registry import DEFAULT_ENCODER, make_encoder
from gapkit.encoders.workers import SILENT, Crew, Progress, text_key
from gapkit.errors import InputError
from gapkit.files import save_pairs
from gapkit.files.csv_cells import csv_text
from gapkit.files.store import READERS, text_array
from gapkit.machine import cores

FAILURES = "failures.csv"


@dataclass(frozen=True)
class EmbedReport:
    """What came of an `embed`.

    Parameters
    ----------
    pairs : PairedEmbeddings
        The clips that could be embedded, in the order of the manifest.
    listed : int
        Clips of the manifest.
    encoded, cached : int
        Files that were encoded in this run, and clips whose row was there already (from another run, or because
        another clip has the same file).
    faults : tuple of Fault
        Clips that are left out, and those that are kept but odd.
    seconds : float
    """

    pairs: PairedEmbeddings
    listed: int
    encoded: int
    cached: int
    faults: tuple[Fault, ...]
    seconds: float

    @property
    def failed(self) -> int:
        """Clips that are not in the pairs."""
        return self.listed - len(self.pairs)

    @property
    def silent(self) -> int:
        """Clips that are in the pairs and hold no sound."""
        return sum(fault.kept and fault.reason.startswith("is silent") for fault in self.faults)

    def summary(self) -> dict[str, Any]:
        """Counts, for a program."""
        return {
            "listed": self.listed,
            "embedded": len(self.pairs),
            "failed": self.failed,
            "share_failed": round(self.failed / self.listed, 6),
            "silent": self.silent,
            "encoded": self.encoded,
            "cached": self.cached,
            "captions": self.pairs.n_targets,
            "seconds": round(self.seconds, 3),
        }


def embed(
    manifest: Manifest | str | Path,
    encoder: Encoder | str = DEFAULT_ENCODER,
    out: str | Path | None = None,
    *,
    root: str | Path | None = None,
    workers: int | None = None,
    batch_size: int = 16,
    cache: str | Path | None = None,
    progress: Progress | None = None,
) -> EmbedReport:
    """Embed the clips of a manifest and their captions.

    Parameters
    ----------
    manifest : Manifest or path
        What `read_manifest` reads.
    encoder : Encoder or str
    out : path, optional
        Where the pairs go: ``.npz``, ``.safetensors``, ``.parquet``, ``.h5`` or ``.pt``. Beside them go
        ``failures.csv`` and, under the name of the pairs, a ``.json`` with the provenance.
    root : path, optional
        Folder that relative paths start from; left out: the folder of the manifest.
    workers : int, optional
        Threads that decode and encode; left out: one for each core. The threads of torch are shared out among them.
    batch_size : int
        Clips that go through the encoder at once.
    cache : path, optional
        Folder of finished rows, by content of the file and provenance of the encoder; left out: ``gapkit`` in
        the user's cache folder. A run that was stopped goes on from there, and no clip is encoded twice.
    progress : callable, optional
        Called as ``progress(done, total, note)``.

    Returns
    -------
    EmbedReport

    Raises
    ------
    InputError
        The manifest, an option or the encoder cannot be used, or no clip at all could be embedded.
    GapkitError
        The disk or the memory is full.

    Notes
    -----
    Memory holds a batch for each worker and the rows, 4 x dim bytes a clip; sounds longer than the encoder's window
    are embedded window by window, and their row is the mean of those of the windows, by length. A file that cannot
    be read is among the faults and stops nothing. Silence is embedded like any sound, and named among the faults.
    """
    begun = time.monotonic()
    _check(out, workers, batch_size)
    listed = manifest if isinstance(manifest, Manifest) else read_manifest(manifest, root=root)
    made = encoder if isinstance(encoder, Encoder) else make_encoder(encoder)
    about = {**made.provenance(), "sample_rate": str(made.sample_rate), "window_seconds": str(made.window_seconds)}
    if made.modalities[0] == "image":
        about["pictures"] = READING
    rows = RowCache(Path(cache) if cache is not None else default_cache(), about, made.dim)
    crew = Crew(made, rows, batch_size)
    texts = list(dict.fromkeys(text for clip in listed.clips for text in clip.captions))
    paths = list(dict.fromkeys(clip.path for clip in listed.clips))
    try:
        crew.run(paths, texts, workers=workers or cores(), progress=progress)
        kept, faults = _sorted_out(listed, crew)
        if out is not None:
            write_text(Path(out).parent / FAILURES, _as_csv(faults))
        if not kept:
            first = f" (first: {faults[0].path} {faults[0].reason})" if faults else ""
            raise InputError(f"{listed.name}: none of {listed.listed} clips could be embedded{first}")
        pairs = _pairs(listed.name, kept, crew, {"encoder": about, "gapkit": version("gapkit")})
    finally:
        rows.close()
    report = EmbedReport(
        pairs, listed.listed, crew.encoded, len(kept) - crew.encoded, tuple(faults), time.monotonic() - begun
    )
    if out is not None:
        _write(report, Path(out))
    return report


def default_cache() -> Path:
    """Folder of finished rows where none is named."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "gapkit" / "rows"


def _sorted_out(manifest: Manifest, crew: Crew) -> tuple[list[Clip], list[Fault]]:
    """Clips with a row, and everything that was wrong."""
    kept, faults = [], list(manifest.faults)
    for clip in manifest.clips:
        key = crew.keys.get(clip.path)
        if key is None or key not in crew.cache:
            reason = crew.failed.get(clip.path if key is None else key, "was not read")
            faults.append(Fault(clip.id, str(clip.path), reason))
            continue
        kept.append(clip)
        if crew.cache.get(key)[1] == SILENT:
            faults.append(Fault(clip.id, str(clip.path), "is silent (peak below -80 dB)", kept=True))
    return kept, faults


def _pairs(name: str, clips: list[Clip], crew: Crew, meta: Mapping[str, Any]) -> PairedEmbeddings:
    captions = [text for clip in clips for text in clip.captions]
    splits = [clip.split for clip in clips]
    return PairedEmbeddings(
        np.stack([crew.cache.get(crew.keys[clip.path])[0] for clip in clips]),
        np.stack([crew.cache.get(text_key(text))[0] for text in captions]),
        owner=np.repeat(np.arange(len(clips)), [len(clip.captions) for clip in clips]),
        ids=np.array([clip.id for clip in clips]),
        captions=text_array(captions, name, "captions"),
        split=np.array(splits) if any(splits) else None,
        name=name,
        meta=meta,
    )


def _write(report: EmbedReport, out: Path) -> None:
    save_pairs(report.pairs, out)
    # The failures of these pairs too: the next ones in this folder take the place of failures.csv.
    faults = [dataclasses.asdict(fault) for fault in report.faults]
    about = {**report.pairs.meta, "content": report.pairs.content_hash(), **report.summary(), "faults": faults}
    write_text(out.with_suffix(".json"), _writable(json.dumps(about, indent=2, ensure_ascii=False) + "\n"))


def _as_csv(faults: list[Fault]) -> str:
    rows = [(fault.id, fault.path, "yes" if fault.kept else "no", fault.reason) for fault in faults]
    return _writable(csv_text(("id", "path", "kept", "reason"), rows))


def _writable(text: str) -> str:
    """File names need not be Unicode."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _check(out: str | Path | None, workers: int | None, batch_size: int) -> None:
    if out is not None and (Path(out).suffix.lower() not in READERS or Path(out).suffix.lower() == ".npy"):
        expected = ", ".join(suffix for suffix in READERS if suffix != ".npy")
        raise InputError(f"{out}: pairs with captions cannot be written with this suffix; expected one of {expected}")
    if out is not None and not _is_ours(beside := Path(out).with_suffix(".json")):
        raise InputError(f"{beside}: would be written beside the pairs and is another file; give another name")
    for name, value in (("workers", workers), ("batch_size", batch_size)):
        if value is not None and value < 1:
            raise InputError(f"{name} must be at least 1, got {value}")


def _is_ours(path: Path) -> bool:
    """Whether there is nothing, or what `embed` wrote."""
    if not path.exists():
        return True
    try:
        return bool({"encoder", "content"} <= json.loads(path.read_text(encoding="utf-8")).keys())
    except (OSError, ValueError, AttributeError):
        return False
