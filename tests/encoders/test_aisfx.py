"""Our reading of aiSFX against the package's own network, an independent spectrogram, and its traps."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from gapkit.encoders.aisfx import CEILING, AisfxAudio, mel_filters
from gapkit.errors import InputError


def reference_log_mel(wave: np.ndarray) -> np.ndarray:
    """The spectrogram by numpy's FFT, frame by frame, filters by interpolation."""
    wave = wave / np.abs(wave).max()
    padded = np.pad(wave.astype(np.float64), 1024)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(2048) / 2048)
    frames = [padded[i : i + 2048] * window for i in range(0, len(wave) + 1, 1024)]
    power = np.abs(np.fft.rfft(frames)) ** 2
    mel = np.linspace(0, 2595 * np.log10(1 + 22050 / 700), 98)
    hertz = 700 * (10 ** (mel / 2595) - 1)
    bins = np.arange(1025) * 44100 / 2048
    filters = np.stack([np.interp(bins, hertz[i : i + 3], [0, 1, 0], left=0, right=0) for i in range(96)])
    filters /= filters.sum(axis=1, keepdims=True)
    return np.log10(1e4 * power @ filters.T + 1)


@pytest.mark.parametrize("samples", [1, 700, 1024, 2049, 50_000])
def test_log_mel_equals_numpy(aisfx_audio, samples):
    wave = np.random.default_rng(samples).standard_normal(samples).astype(np.float32)
    ours = aisfx_audio.log_mel(torch.from_numpy(wave)).numpy()
    theirs = reference_log_mel(wave)
    assert ours.shape == theirs.shape == (1 + samples // 1024, 96)
    np.testing.assert_allclose(ours, theirs, atol=2e-4)


@pytest.mark.parametrize("seconds", [0.4, 2.4, 5.0])
def test_network_equals_the_package(aisfx_audio, tone, seconds):
    """Blocking, network and pooling by the code of aisfx itself, on the same spectrogram."""
    import aisfx.inference as theirs
    from aisfx.models.cnn2d import CrossNet, EmbeddingNet
    from numpy._core.multiarray import scalar

    allowed = [(scalar, "numpy.core.multiarray.scalar"), np.dtype, np.dtypes.Int64DType]
    with torch.serialization.safe_globals(allowed):
        weights, heads = torch.load(theirs.get_path_modelWeights(), map_location="cpu", weights_only=True)
    model = CrossNet(EmbeddingNet("max", 3, 1, 64), heads, "cpu")
    model.load_state_dict(weights)
    wave = tone(seconds) + 0.01 * np.random.default_rng(0).standard_normal(int(seconds * 44100)).astype(np.float32)
    spectrogram = aisfx_audio.log_mel(torch.from_numpy(wave)).numpy() / CEILING
    if len(spectrogram) <= 50:  # theirs refuses what is shorter than a hop
        spectrogram = np.vstack([spectrogram, np.zeros((51 - len(spectrogram), 96))])
    with torch.no_grad():
        expected = theirs.model_get_embedding(spectrogram, 0.5, True, model.eval(), "cpu").mean(dim=0).numpy()
    np.testing.assert_allclose(aisfx_audio.features([wave])[0], expected, atol=1e-3 * np.linalg.norm(expected) / 20)


def test_batch_does_not_matter_nor_does_loudness(aisfx_audio, tone):
    waves = [tone(0.3), tone(6.0, pitch=880), tone(3.0, pitch=220)]
    together = aisfx_audio.features(waves)
    alone = np.concatenate([aisfx_audio.features([wave * 0.01]) for wave in waves])
    assert together.shape == (3, 512)
    assert together.dtype == np.float32
    np.testing.assert_allclose(together, alone, atol=5e-4)


def test_silence_and_nothing(aisfx_audio):
    assert np.isfinite(aisfx_audio.features([np.zeros(1000, np.float32)])).all()
    assert aisfx_audio.features([]).shape == (0, 512)


def test_filters_sum_to_one():
    filters = mel_filters()
    assert filters.shape == (1025, 96)
    torch.testing.assert_close(filters.sum(dim=0), torch.ones(96))


def test_a_foreign_file_is_one_line(tmp_path):
    path = tmp_path / "weights.pth"
    path.write_bytes(b"not a checkpoint")
    with pytest.raises(InputError, match="not the checkpoint of aisfx"):
        AisfxAudio(path)
    torch.save(({"embedding_net.other": torch.ones(2)}, {}), path)
    with pytest.raises(InputError, match="not the checkpoint of aisfx"):
        AisfxAudio(path)
    with pytest.raises(InputError, match="cannot be opened"):
        AisfxAudio(tmp_path / "absent.pth")


def test_code_in_a_checkpoint_does_not_run(tmp_path):
    class Evil:
        def __reduce__(self):
            return (open, (str(tmp_path / "ran"), "w"))

    path = tmp_path / "evil.pth"
    torch.save(({"embedding_net.x": Evil()}, {}), path)
    with pytest.raises(InputError, match="not the checkpoint"):
        AisfxAudio(path)
    assert not (tmp_path / "ran").exists()
