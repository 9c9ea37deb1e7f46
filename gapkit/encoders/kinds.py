"""Kind of a file by its first bytes, and what helps where no decoder here reads it."""

from __future__ import annotations

import re
from pathlib import Path
from shlex import quote
from typing import NamedTuple


class Kind(NamedTuple):
    """Name of a kind of file; `what` it holds: "picture", "sound", "video", "page", "text" or "archive"."""

    name: str
    what: str


FIRST = 64
"""Bytes that tell a kind."""

_STARTS: tuple[tuple[bytes, Kind], ...] = (
    (b"\xff\xd8\xff", Kind("JPEG", "picture")),
    (b"\x89PNG\r\n\x1a\n", Kind("PNG", "picture")),
    (b"GIF8", Kind("GIF", "picture")),
    (b"BM....\0\0\0\0", Kind("BMP", "picture")),
    (b"II*\0", Kind("TIFF", "picture")),
    (b"MM\0*", Kind("TIFF", "picture")),
    (b"RIFF....WEBP", Kind("WebP", "picture")),
    (b"\xff\x0a", Kind("JPEG XL", "picture")),
    (b"\0\0\0\x0cJXL ", Kind("JPEG XL", "picture")),
    (b"RIFF....WAVE", Kind("WAV", "sound")),
    (b"RIFF....AVI ", Kind("AVI", "video")),
    (b"RF64", Kind("WAV", "sound")),
    (b"fLaC", Kind("FLAC", "sound")),
    (b"OggS", Kind("Ogg", "sound")),
    (b"FORM....AIF", Kind("AIFF", "sound")),
    (b"ID3", Kind("MP3", "sound")),
    (b"\xff\xf1", Kind("AAC", "sound")),
    (b"\xff\xf9", Kind("AAC", "sound")),
    (b"\x1aE\xdf\xa3", Kind("WebM/Matroska", "video")),
    (b"0&\xb2u\x8ef\xcf\x11", Kind("WMA/ASF", "sound")),
    (b"#!AMR", Kind("AMR", "sound")),
    (b"FLV", Kind("FLV", "video")),
    (b"%PDF", Kind("PDF", "page")),
    (b"PK\x03\x04", Kind("ZIP", "archive")),
    (b"\x1f\x8b", Kind("gzip", "archive")),
    (b"version https://git-lfs", Kind("Git LFS pointer", "page")),
)
"""Bytes at the start, a dot for any byte."""

_BRANDS = {
    **dict.fromkeys((b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1"), Kind("HEIC", "picture")),
    **dict.fromkeys((b"avif", b"avis"), Kind("AVIF", "picture")),
    **dict.fromkeys((b"M4A ", b"M4B "), Kind("MP4/M4A", "sound")),
}
"""Brands of the container of MP4, at byte 8; all others are MP4."""

_PATTERNS = [(re.compile(start.replace(b"*", rb"\*"), re.DOTALL), kind) for start, kind in _STARTS]


def kind_of(first: bytes) -> Kind | None:
    r"""Kind of a file by its first bytes; None where they tell nothing.

    Examples
    --------
    >>> kind_of(b"\0\0\0\x18ftypheic").name
    'HEIC'
    """
    if first[4:8] == b"ftyp":
        return _BRANDS.get(first[8:12], Kind("MP4/M4A", "sound"))
    found = next((kind for pattern, kind in _PATTERNS if pattern.match(first)), None)
    if found is not None:
        return found
    begins = first.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if begins.startswith((b"<!doctype html", b"<html", b"<head", b"<body")):
        return Kind("HTML", "page")
    if begins.startswith((b"<?xml", b"<svg")):
        return Kind("SVG" if b"<svg" in begins else "XML", "text")
    printable = bytes(range(32, 127)) + b"\t\r\n"
    return Kind("text", "text") if first.strip() and not first.translate(None, printable) else None


def unread(path: Path, what: str, why: str) -> str:
    """Reason why a picture or sound cannot be read, by its first bytes.

    Parameters
    ----------
    path : Path
    what : {"picture", "sound"}
        Kind of file that was expected.
    why : str
        Words of the decoder, said where the bytes tell no more.
    """
    try:
        with path.open("rb") as handle:
            first = handle.read(FIRST)
    except OSError as error:
        return f"cannot be opened ({error.strerror})"
    kind = kind_of(first)
    if not first:
        return "is empty (0 bytes)"
    if kind is None:
        return f"is not a {_file(what)} that can be read ({why})"
    if kind.name == "HTML":
        return "is an HTML page (a failed download?): download it again"
    if kind.name == "Git LFS pointer":
        return "is a Git LFS pointer, not the file itself: git lfs pull"
    whole = f"is not a whole {kind.name} file ({why}): write or download it again"
    if kind.what == "picture" and what == "picture":
        if kind.name in ("JPEG", "PNG", "GIF", "BMP", "TIFF", "WebP"):
            return whole
        return f"is {kind.name}, which is not read here: convert it to JPEG or PNG"
    if what == "sound" and kind.what in ("sound", "video"):
        if kind.name in ("WAV", "FLAC", "Ogg", "AIFF", "MP3"):
            return whole
        kept = "audio" if kind.what == "sound" else "video"
        return f"is {kind.name} {kept}: convert it, ffmpeg -i {quote(path.name)} {quote(path.stem)}.wav"
    article = "a " if kind.what in ("archive", "page") else ""
    return f"is {article}{kind.name}{' ' + kind.what if kind.what != 'text' else ''}, not a {_file(what)}"


def _file(what: str) -> str:
    return "sound file" if what == "sound" else what
