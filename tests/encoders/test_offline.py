"""The default pair: sounds and words meet, with the gap that contrastive training leaves."""

from __future__ import annotations

import numpy as np
import pytest

from gapkit.encoders import Heads, embed, make_encoder
from gapkit.errors import InputError


@pytest.fixture(scope="module")
def offline(aisfx_audio, minilm_text):
    return make_encoder("offline", device="cpu")


def test_it_is_the_three_parts_in_a_row(offline, aisfx_audio, minilm_text, tone):
    waves = [tone(0.5), tone(1.0, pitch=1000)]
    rows = offline.encode_source(waves)
    np.testing.assert_allclose(rows, offline.heads.project_source(aisfx_audio.features(waves)), atol=1e-5)
    texts = ["a bell rings", "rain"]
    np.testing.assert_allclose(
        offline.encode_target(texts), offline.heads.project_target(minilm_text.features(texts)), atol=1e-5
    )
    assert rows.shape == (2, offline.dim)
    assert (offline.modalities, offline.sample_rate) == (("audio", "text"), 44_100)
    assert {"audio.weights", "text.version", "heads"} <= set(offline.provenance())


def test_shipped_heads_find_captions_and_leave_a_gap(offline, shared_data):
    """On the held-out test captions of real sounds: retrieval far above chance, a gap like that of CLAP."""
    with np.load(shared_data / "sfx" / "sfx_pairs.npz") as arrays:
        rows = np.flatnonzero(arrays["split"] == 2)
        _, first = np.unique(arrays["text_minilm"][rows], axis=0, return_index=True)
        rows = rows[first]
        audio = offline.heads.project_source(arrays["audio_aisfx"][rows].astype(np.float32))
        text = offline.heads.project_target(arrays["text_minilm"][rows].astype(np.float32))
    similar = audio @ text.T
    rank = (similar > np.diag(similar)[:, None]).sum(axis=1)
    assert (rank < 10).mean() > 5 * 10 / len(rows)
    assert 0.4 < np.linalg.norm(audio.mean(axis=0) - text.mean(axis=0)) < 0.9


def test_from_files_to_pairs(offline, sounds, tmp_path):
    report = embed(sounds(4, seconds=0.2, rate=22_050), offline, tmp_path / "pairs.npz", cache=tmp_path / "cache")
    assert report.pairs.source.shape == (4, offline.dim)
    assert report.failed == 0


def test_heads_of_other_encoders_are_refused(tmp_path):
    from gapkit.encoders import train_heads

    rng = np.random.default_rng(0)
    train_heads(rng.standard_normal((8, 20)), rng.standard_normal((8, 384)), hidden=4, dim=2, epochs=1).save(
        tmp_path / "h.safetensors"
    )
    with pytest.raises(InputError, match="source head takes 20 features, expected 512"):
        make_encoder("offline", heads=tmp_path / "h.safetensors", device="cpu")
    assert Heads.load(tmp_path / "h.safetensors").dim == 2
