"""Sound files to mono windows, a window at a time: what is held in memory does not grow with the file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gapkit.encoders.kinds import unread
from gapkit.encoders.mpeg import told_length
from gapkit.encoders.packages import need
from gapkit.errors import InputError

Samples = NDArray[np.float32]

SILENCE = 1e-4
"""Peak below which a sound is called silent: -80 dB of full scale."""

UNKNOWN = 2**63 - 1
"""Frames that libsndfile tells of a FLAC that was written to a pipe and does not say how long it is."""

OPEN_ENDED = (0x7FFFFFFF, 0xFFFFFFFF)
"""Lengths that programs write into a WAV header when they do not know it yet, perhaps less the header itself."""


class ClipError(InputError):
    """One clip cannot be embedded; the message says why. The others can."""


def read_windows(path: Path, *, sample_rate: int, window_seconds: float) -> Iterator[Samples]:
    """Decode, mix to mono and resample.

    Parameters
    ----------
    path : Path
        WAV, FLAC, Ogg, MP3, AIFF and what else libsndfile reads; any sample rate and number of channels.
    sample_rate : int
        Of what comes out.
    window_seconds : float
        Length of every window but the last, which holds the rest.

    Yields
    ------
    array of shape (samples,), float32

    Raises
    ------
    ClipError
        No such file, empty, no sound, cut short, no samples, or samples that are not numbers. May come after
        windows have been given.

    Notes
    -----
    WAV, FLAC and Ogg say where they end, so a file that was cut is refused. MP3 does not, nor does a FLAC that was
    written to a pipe: what is there is given.
    """
    _check_file(path)
    soundfile, soxr = need("soundfile", whose="sound files"), need("soxr", whose="sound files")
    try:
        file = soundfile.SoundFile(path)
        if file.format == "MP3" and (longer := told_length(path, file.frames)) is not None:
            file.close()
            file = soundfile.SoundFile(longer)
        unknown = file.frames == UNKNOWN
        if unknown:
            # soundfile seeks after each read, which libFLAC cannot without a length.
            file.seekable = lambda: False
    except soundfile.LibsndfileError as error:
        raise ClipError(unread(path, "sound", error.error_string.strip().rstrip("."))) from None
    with file:
        _check_length(file.extra_info)
        if file.frames == 0:
            raise ClipError("holds no samples")
        resampler = None
        if file.samplerate != sample_rate:
            resampler = soxr.ResampleStream(file.samplerate, sample_rate, 1, dtype="float32")
        size = max(1, round(window_seconds * sample_rate))
        block = max(1, round(window_seconds * file.samplerate))
        parts: list[Samples] = []
        held = frames = given = 0
        while True:
            try:
                read = file.read(block, dtype="float32", always_2d=True)
            except soundfile.LibsndfileError as error:
                whole = "" if unknown else f" of {file.frames:,}"
                raise ClipError(f"is broken after {frames:,}{whole} frames ({error.error_string})") from None
            frames += len(read)
            last = len(read) < block
            mono = np.ascontiguousarray(read[:, 0] if read.shape[1] == 1 else read.mean(axis=1))
            if not np.isfinite(mono).all():
                raise ClipError("holds samples that are NaN or infinite")
            parts.append(resampler.resample_chunk(mono, last=last) if resampler else mono)
            held += len(parts[-1])
            while held >= size and not (last and held == size):
                joined = np.concatenate(parts)
                given += 1
                yield joined[:size]
                parts, held = [joined[size:]], held - size
            if last:
                break
        if file.format != "MP3" and not unknown and frames < file.frames:
            raise ClipError(f"is cut short: {frames:,} of {file.frames:,} frames are there")
        if held:
            yield np.concatenate(parts)
        elif not given:
            raise ClipError(f"is too short: its {frames:,} frames give no sample at {sample_rate:,} Hz")


def _check_file(path: Path) -> None:
    try:
        if path.is_dir():
            raise ClipError("is a folder, not a file")
        if path.stat().st_size == 0:
            raise ClipError("is empty (0 bytes)")
    except OSError as error:
        raise ClipError(f"cannot be opened ({error.strerror})") from None


def _check_length(log: str) -> None:
    """Hold the length that WAV and Ogg files claim against what is there; libsndfile notes both in its log."""
    if "without an End-Of-Stream" in log:
        raise ClipError("is cut short: its Ogg stream has no end")
    found = re.search(r"^data *: *(\d+) \(should be (\d+)\)", log, flags=re.MULTILINE)
    if not found:
        return
    claimed, there = int(found[1]), int(found[2])
    open_ended = any(0 <= mark - claimed < 4096 for mark in OPEN_ENDED)
    if there < claimed and not open_ended:
        raise ClipError(f"is cut short: {there:,} of {claimed:,} bytes are there")
