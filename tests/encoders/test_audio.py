"""Decoding: what comes out equals what went in, whatever the format, and bad files are named."""

from __future__ import annotations

import numpy as np
import pytest

from gapkit.encoders.audio import ClipError, read_windows
from gapkit.encoders.mpeg import _Frame, told_length

soundfile = pytest.importorskip("soundfile")
soxr = pytest.importorskip("soxr")


def read(path, rate=44_100, window=30.0) -> list[np.ndarray]:
    return list(read_windows(path, sample_rate=rate, window_seconds=window))


@pytest.mark.parametrize(("suffix", "tolerance"), [("wav", 1e-4), ("flac", 1e-4), ("ogg", 0.05), ("mp3", 0.05)])
def test_formats(tmp_path, tone, suffix, tolerance):
    wave = tone(0.5)
    path = tmp_path / f"tone.{suffix}"
    soundfile.write(path, wave, 44_100)
    (window,) = read(path)
    assert window.dtype == np.float32
    assert len(window) == len(wave)
    assert np.abs(window - wave).max() < tolerance


@pytest.mark.parametrize("rate", [8_000, 11_025, 48_000, 192_000])
def test_resampling_equals_one_call_of_soxr(tmp_path, tone, rate):
    """Windows of 0.21 s joined are the sound resampled as a whole."""
    wave = tone(1.0, rate=rate)
    soundfile.write(tmp_path / "tone.wav", wave, rate, subtype="FLOAT")
    windows = read(tmp_path / "tone.wav", window=0.21)
    assert [len(w) for w in windows[:-1]] == [9261] * 4
    whole = soxr.resample(wave, rate, 44_100)
    np.testing.assert_allclose(np.concatenate(windows), whole, atol=1e-5)
    # Half a second in, the tone still has its pitch.
    spectrum = np.abs(np.fft.rfft(np.concatenate(windows)[:44_100]))
    assert abs(int(spectrum.argmax()) - 440) <= 1


def test_a_flac_that_was_written_to_a_pipe_does_not_say_how_long_it_is(tmp_path, tone):
    wave = tone(1.0)
    soundfile.write(tmp_path / "known.flac", wave, 44_100)
    content = bytearray((tmp_path / "known.flac").read_bytes())
    content[21] &= 0xF0  # the last 36 bits of what STREAMINFO says of the samples are their number
    content[22:26] = bytes(4)
    (tmp_path / "piped.flac").write_bytes(content)
    for window in (30.0, 0.3, 0.25):
        windows = read(tmp_path / "piped.flac", window=window)
        for ours, theirs in zip(windows, read(tmp_path / "known.flac", window=window), strict=True):
            np.testing.assert_array_equal(ours, theirs)
    (tmp_path / "none.flac").write_bytes(content[: content.index(b"\xff\xf8")])  # no frame follows the header
    with pytest.raises(ClipError, match="no sample"):
        read(tmp_path / "none.flac")


@pytest.mark.parametrize(("rate", "channels"), [(44_100, 1), (48_000, 2), (22_050, 1), (16_000, 2), (8_000, 1)])
def test_an_mp3_of_many_bitrates_that_says_no_length_is_read_to_its_end(tmp_path, rate, channels):
    """As ffmpeg and LAME write it to a pipe: without the frame that says how many follow."""
    rng = np.random.default_rng(0)
    wave = rng.normal(0, 0.1, (12 * rate, channels)).astype(np.float32)
    wave[3 * rate : 9 * rate] = 0  # costs few bits
    options = {"format": "MP3", "bitrate_mode": "VARIABLE", "compression_level": 0.3}
    soundfile.write(tmp_path / "known.mp3", wave, rate, **options)
    content = (tmp_path / "known.mp3").read_bytes()
    first = _Frame.at(content, 0)
    assert content[first.tag : first.tag + 4] == b"Xing"
    (tmp_path / "piped.mp3").write_bytes(content[first.size :])
    tags = b"ID3\3\0\0\0\0\2\0" + bytes(256)
    (tmp_path / "titled.mp3").write_bytes(tags + content[first.size :])
    whole = np.concatenate(read(tmp_path / "known.mp3", rate=rate, window=5.0))
    for name in ("piped.mp3", "titled.mp3"):
        assert soundfile.info(tmp_path / name).frames < 0.8 * len(whole)
        found = np.concatenate(read(tmp_path / name, rate=rate, window=5.0))
        assert 0 <= len(found) - len(whole) < 3 * 1152  # what the encoder adds at both ends is not taken off
        shifts = [np.abs(found[k : k + len(whole)] - whole[: len(found) - k]).max() for k in range(2400)]
        assert min(shifts) < 1e-3


def test_an_mp3_that_says_its_length_or_has_one_bitrate_is_left_as_it_is(tmp_path, tone):
    for mode in ("VARIABLE", "CONSTANT"):
        options = {"format": "MP3", "bitrate_mode": mode, "compression_level": 0.5}
        soundfile.write(tmp_path / "x.mp3", tone(2.0), 44_100, **options)
        assert told_length(tmp_path / "x.mp3", 1) is None
    content = (tmp_path / "x.mp3").read_bytes()
    (tmp_path / "bare.mp3").write_bytes(content[_Frame.at(content, 0).size :])
    assert told_length(tmp_path / "bare.mp3", soundfile.info(tmp_path / "bare.mp3").frames) is None
    (tmp_path / "none.mp3").write_bytes(b"no sound")
    assert told_length(tmp_path / "none.mp3", 0) is None


def test_channels_are_averaged(tmp_path):
    channels = np.stack([np.full(100, 0.5), np.full(100, -0.1), np.full(100, 0.2)], axis=1).astype(np.float32)
    soundfile.write(tmp_path / "three.wav", channels, 44_100, subtype="FLOAT")
    np.testing.assert_allclose(read(tmp_path / "three.wav")[0], 0.2, atol=1e-6)


@pytest.mark.parametrize(("samples", "lengths"), [(1, [1]), (4410, [4410]), (4411, [4410, 1]), (8820, [4410, 4410])])
def test_windows_at_the_edges(tmp_path, samples, lengths):
    soundfile.write(tmp_path / "x.wav", np.ones(samples, np.float32) / 2, 44_100, subtype="FLOAT")
    assert [len(w) for w in read(tmp_path / "x.wav", window=0.1)] == lengths


def test_a_name_with_spaces_and_unicode(tmp_path, tone):
    path = tmp_path / "Ein  schöner Täg – 雨 \U0001f327.flac"
    soundfile.write(path, tone(0.1), 44_100)
    assert len(read(path)) == 1


def cut(path, share=0.5):
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])


def test_bad_files_say_what_is_wrong(tmp_path, tone):
    noise = np.random.default_rng(0).standard_normal(44_100).astype(np.float32) / 10
    for suffix in ("wav", "flac", "ogg"):
        soundfile.write(tmp_path / f"cut.{suffix}", noise, 44_100)
        cut(tmp_path / f"cut.{suffix}")
    soundfile.write(tmp_path / "zero.wav", noise[:0], 44_100)
    soundfile.write(tmp_path / "header.wav", noise, 44_100)
    cut(tmp_path / "header.wav", 0.0004)
    soundfile.write(tmp_path / "nan.wav", np.full(10, np.nan, np.float32), 44_100, subtype="FLOAT")
    (tmp_path / "empty.wav").touch()
    (tmp_path / "text.wav").write_text("no sound at all")
    (tmp_path / "folder.wav").mkdir()
    for name, reason in {
        "cut.wav": "is cut short: .* of 88,200 bytes",
        "cut.flac": "is broken after",
        "cut.ogg": "is cut short",
        "zero.wav": "holds no samples",
        "header.wav": "is not a whole WAV file",
        "nan.wav": "NaN or infinite",
        "empty.wav": "empty \\(0 bytes\\)",
        "text.wav": "not a sound file",
        "folder.wav": "folder",
        "absent.wav": "No such file",
    }.items():
        with pytest.raises(ClipError, match=reason):
            read(tmp_path / name)


def test_a_header_that_knows_no_length_is_read(tmp_path, tone):
    """Programs that write into a pipe leave the length at its largest."""
    path = tmp_path / "streamed.wav"
    soundfile.write(path, tone(0.1), 44_100)
    content = bytearray(path.read_bytes())
    at = content.index(b"data") + 4
    content[at : at + 4] = b"\xff\xff\xff\xff"
    path.write_bytes(content)
    assert len(read(path)[0]) == 4410


def test_a_sound_too_short_for_a_sample_is_said(tmp_path):
    soundfile.write(tmp_path / "click.wav", np.array([0.5]), 192_000, subtype="FLOAT")
    with pytest.raises(ClipError, match="is too short: its 1 frames give no sample at 8,000 Hz"):
        read(tmp_path / "click.wav", 8_000)
