"""MS-CLAP by the interface of its package (version 1.3), which a stand-in with the same signatures plays here."""

from __future__ import annotations

import random
import sys
import types
import warnings

import numpy as np
import pytest
import torch

from gapkit.encoders import make_encoder
from gapkit.errors import InputError

soundfile = pytest.importorskip("soundfile")


class StandIn:
    """Takes files as the package does: repeats what is short, crops what is long at random."""

    def __init__(self, model_fp=None, version="2023", use_cuda=False):
        if version not in ("2022", "2023"):
            raise ValueError(f"The version {version} is not supported.")
        if model_fp is not None:
            raise FileNotFoundError(f"no file {model_fp}\nat all")
        self.args = types.SimpleNamespace(sampling_rate=44_100, duration=7, d_proj=4)

    def get_audio_embeddings(self, audio_files, resample=True):
        rows = []
        for path in audio_files:
            wave, rate = soundfile.read(path, dtype="float32")
            wanted = self.args.duration * rate
            assert rate == self.args.sampling_rate
            if len(wave) <= wanted:
                wave = np.tile(wave, -(-wanted // len(wave)))[:wanted]
            else:
                wave = wave[random.randrange(len(wave) - wanted) :][:wanted]
            rows.append([wave.mean(), wave.std(), wave.max(), 1.0])
        return torch.tensor(rows)

    def get_text_embeddings(self, class_labels):
        return torch.tensor([[float(len(label)), 1.0, 2.0, 3.0] for label in class_labels])


@pytest.fixture
def ms_clap(monkeypatch):
    monkeypatch.setitem(sys.modules, "msclap", types.SimpleNamespace(CLAP=StandIn))
    return make_encoder("ms-clap", device="cpu")


def test_samples_reach_the_package_unchanged(ms_clap):
    wave = np.random.default_rng(0).standard_normal(7 * 44_100).astype(np.float32)  # beyond 1: no clipping
    row = np.array([wave.mean(), wave.std(), wave.max(), 1.0])
    np.testing.assert_allclose(ms_clap.encode_source([wave])[0], row / np.linalg.norm(row), atol=1e-5)
    assert (ms_clap.sample_rate, ms_clap.window_seconds, ms_clap.dim) == (44_100, 7.0, 4)
    assert ms_clap.encode_target(["rain", "a dog"]).shape == (2, 4)
    assert not ms_clap.concurrent
    assert ms_clap.provenance()["model"] == "2023"


def test_weights_that_cannot_be_loaded_are_one_line(ms_clap):
    with pytest.raises(InputError, match=r"encoder ms-clap: w\.pth could not be loaded \(no file w\.pth\)"):
        make_encoder("ms-clap", model="w.pth", device="cpu")


def test_weights_that_were_written_anew_are_another_encoder_to_the_cache(monkeypatch, tmp_path):
    class OfFile(StandIn):
        def __init__(self, model_fp=None, version="2023", use_cuda=False):
            super().__init__(None, version, use_cuda)

    monkeypatch.setitem(sys.modules, "msclap", types.SimpleNamespace(CLAP=OfFile))
    told = []
    for content in (b"first", b"second"):
        (tmp_path / "w.pth").write_bytes(content)
        told.append(make_encoder("ms-clap", model=str(tmp_path / "w.pth"), device="cpu").provenance())
    assert told[0]["model"] == told[1]["model"] == "w.pth"
    assert told[0] != told[1]


def test_the_package_may_not_switch_warnings_off(monkeypatch):
    def loud(module, whose):
        if module != "msclap":
            return soundfile
        warnings.filterwarnings("ignore")
        return types.SimpleNamespace(CLAP=StandIn)

    monkeypatch.setattr("gapkit.encoders.ms_clap.need", loud)
    before = list(warnings.filters)
    make_encoder("ms-clap", device="cpu")
    assert warnings.filters == before
