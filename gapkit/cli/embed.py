"""`gapkit embed`: sound or picture files and captions to pairs."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gapkit.cli import options

if TYPE_CHECKING:
    from gapkit.encoders import EmbedReport, Manifest
    from gapkit.encoders.workers import Progress

READERS = ("table", "audiocaps", "clotho")
SAY_EVERY_SECONDS = 15.0

Table = Annotated[
    Path, typer.Argument(metavar="MANIFEST", help="CSV, TSV, JSON, parquet: path, caption; id and split, if wanted.")
]
Out = Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="Where the pairs go; the suffix says how.")]
EncoderName = Annotated[str, typer.Option("--encoder", metavar="NAME", help="See `gapkit list encoders`.")]
Model = Annotated[str | None, typer.Option(metavar="NAME", help="Model on the hub, or a folder.")]
Revision = Annotated[str | None, typer.Option(metavar="COMMIT", help="Revision of that model.")]
Root = Annotated[Path | None, typer.Option(metavar="DIR", help="Folder of the files. Default: that of the manifest.")]
Reader = Annotated[str, typer.Option(metavar="NAME", help="What the manifest is: table, audiocaps or clotho.")]
Workers = Annotated[int | None, typer.Option(metavar="N", min=1, help="Threads. Default: one a core.")]
BatchSize = Annotated[int, typer.Option(metavar="N", min=1, help="Clips that are encoded at once.")]
Cache = Annotated[Path | None, typer.Option(metavar="DIR", help="Finished rows. Default: the user's cache folder.")]


def embed(
    manifest: Table,
    out: Out,
    encoder: EncoderName = "offline",
    model: Model = None,
    revision: Revision = None,
    root: Root = None,
    reader: Reader = "table",
    workers: Workers = None,
    batch_size: BatchSize = 16,
    cache: Cache = None,
    device: options.Device = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Embed files and their captions as pairs.

    Files that cannot be read stop nothing: they go to failures.csv beside the pairs, each with its reason. Stopped
    and started again it goes on where it was, and no file is encoded twice.
    """
    from gapkit.cli.progress import reporting, say
    from gapkit.encoders.pipeline import embed
    from gapkit.encoders.registry import make_encoder
    from gapkit.errors import InputError
    from gapkit.machine import cores, limit_threads

    if out.resolve() == manifest.resolve():
        raise InputError(f"--out: {out} is the manifest, which the pairs would replace; give another name")
    listed = _read(manifest, reader, root)
    given = {"model": model, "revision": revision, "device": device}
    limit_threads(workers or cores())
    made = make_encoder(encoder, **{key: value for key, value in given.items() if value is not None})
    with reporting(quiet=quiet) as shown:
        shown.start(1)
        shown.begin(f"embedding {len(listed.clips):,} clips")
        report = embed(
            listed,
            made,
            out,
            workers=workers,
            batch_size=batch_size,
            cache=cache,
            progress=shown.step if sys.stderr.isatty() or quiet else _lines(say),
        )
    if as_json:
        import json

        sys.stdout.write(json.dumps({**report.summary(), "out": str(out)}, indent=2) + "\n")
    if not quiet:
        for line in _words(report, out):
            say(line)


def _read(manifest: Path, reader: str, root: Path | None) -> Manifest:
    from gapkit.encoders import read_manifest
    from gapkit.errors import InputError

    if reader == "table":
        return read_manifest(manifest, root=root)
    if reader not in READERS:
        raise InputError(f"--reader: expected one of {', '.join(READERS)}, got {reader!r}")
    folder = root or manifest.parent
    if reader == "audiocaps":
        from gapkit.datasets.audiocaps import read_audiocaps

        return read_audiocaps(manifest, folder)
    from gapkit.datasets.clotho import read_clotho

    return read_clotho(manifest, folder)


def _lines(say: Any) -> Progress:
    """A line now and then, where stderr is no terminal."""
    last = time.monotonic()

    def progress(done: int, total: int, note: str) -> None:
        nonlocal last
        if time.monotonic() - last >= SAY_EVERY_SECONDS:
            last = time.monotonic()
            say(f"[{done:,}/{total:,}] clips and captions{': ' + note if note else ''}")

    return progress


def _words(report: EmbedReport, out: Path) -> list[str]:
    """What came of it, for a person."""
    from gapkit.encoders.pipeline import FAILURES

    kept, rate = len(report.pairs), report.encoded / max(report.seconds, 1e-9)
    lines = [
        f"{kept:,} of {report.listed:,} clips embedded with {report.pairs.n_targets:,} captions "
        f"({report.cached:,} from the cache, {report.encoded:,} encoded at {rate:.1f} clips/s), written to {out}"
    ]
    if report.failed:
        noun = "clip" if report.failed == 1 else "clips"
        lines.append(
            f"{report.failed:,} {noun} failed ({report.failed / report.listed:.1%}): see {out.parent / FAILURES}"
        )
    odd = sum(fault.kept for fault in report.faults)
    if odd:
        lines.append(f"{odd:,} clips are kept but odd ({report.silent:,} silent): see {out.parent / FAILURES}")
    return lines
