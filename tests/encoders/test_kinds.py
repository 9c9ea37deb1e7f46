"""A file that cannot be read says what it is, by its first bytes, and what helps."""

from __future__ import annotations

import io

import pytest

from gapkit.encoders.audio import ClipError, read_windows
from gapkit.encoders.pictures import read_picture

image = pytest.importorskip("PIL.Image")
pytest.importorskip("soundfile")
pytest.importorskip("soxr")


def container(brand: bytes) -> bytes:
    return b"\0\0\0\x18ftyp" + brand + b"\0\0\0\0mif1mp42" + bytes(200)


def saved(kind: str, share: float = 0.5) -> bytes:
    """The first part of a picture."""
    buffer = io.BytesIO()
    image.effect_noise((160, 120), 90).convert("RGB").save(buffer, kind)
    data = buffer.getvalue()
    return data[: int(len(data) * share)]


def read(path, what):
    list(read_windows(path, sample_rate=8000, window_seconds=1)) if what == "sound" else read_picture(path)


TO_PICTURE = "which is not read here: convert it to JPEG or PNG"
TO_WAV = r"convert it, ffmpeg -i 'a clip.x' 'a clip'.wav"


@pytest.mark.parametrize(
    ("what", "content", "message"),
    [
        ("picture", lambda: container(b"heic"), f"is HEIC, {TO_PICTURE}"),
        ("picture", lambda: container(b"mif1"), f"is HEIC, {TO_PICTURE}"),
        ("picture", lambda: b"\xff\x0a" + bytes(50), f"is JPEG XL, {TO_PICTURE}"),
        ("picture", lambda: container(b"isom"), "is MP4/M4A sound, not a picture"),
        ("picture", lambda: saved("JPEG"), "is cut short"),
        ("picture", lambda: saved("JPEG", 0.01), "is cut short"),  # within its tables
        ("picture", lambda: saved("PNG"), "is cut short"),
        ("picture", lambda: saved("PNG", 0.0003), "is not a whole PNG file"),
        ("picture", lambda: b"", "is empty .0 bytes."),
        ("picture", lambda: b"\n<!DOCTYPE html><title>404", "is an HTML page .a failed download"),
        ("picture", lambda: b"<svg xmlns=''/>", "is SVG, not a picture"),
        ("picture", lambda: b"PK\x03\x04" + bytes(50), "is a ZIP archive, not a picture"),
        ("picture", lambda: b"\x01\x02\x03" * 30, "is not a picture that can be read"),
        ("sound", lambda: container(b"M4A "), f"is MP4/M4A audio: {TO_WAV}"),
        ("sound", lambda: container(b"isom"), f"is MP4/M4A audio: {TO_WAV}"),
        ("sound", lambda: b"\x1aE\xdf\xa3" + bytes(50), f"is WebM/Matroska video: {TO_WAV}"),
        ("sound", lambda: b"0&\xb2u\x8ef\xcf\x11" + bytes(50), f"is WMA/ASF audio: {TO_WAV}"),
        ("sound", lambda: b"fLaC" + bytes(4), "is not a whole FLAC file"),
        ("sound", lambda: saved("JPEG"), "is JPEG picture, not a sound file"),
        ("sound", lambda: b"<html><body>Sign in</body></html>", "is an HTML page .a failed download"),
        ("sound", lambda: b"version https://git-lfs.github.com/spec/v1\noid", "is a Git LFS pointer"),
        ("sound", lambda: b"Not found\n", "is text, not a sound file"),
        ("sound", lambda: b"", "is empty .0 bytes."),
        ("sound", lambda: b"\x01\x02\x03" * 30, "is not a sound file that can be read"),
    ],
)
def test_each_kind_says_what_it_is_and_what_helps(tmp_path, what, content, message):
    (tmp_path / "a clip.x").write_bytes(content())
    with pytest.raises(ClipError, match=message) as error:
        read(tmp_path / "a clip.x", what)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 200
