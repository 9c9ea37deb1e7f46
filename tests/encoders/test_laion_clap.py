"""CLAP through the code that a user runs, on tiny models with random weights that lie on disk."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from gapkit.encoders import embed, make_encoder
from gapkit.errors import InputError

from .tiny_models import save_clap


@pytest.fixture(scope="module", params=[False, True], ids=["unfused", "fused"])
def folder(request, tmp_path_factory):
    return save_clap(tmp_path_factory.mktemp("clap"), fusion=request.param)


@pytest.fixture
def clap(folder):
    return make_encoder("laion-clap", model=folder, device="cpu")


def noise(seconds: float, seed: int = 0) -> np.ndarray:
    return 0.1 * np.random.default_rng(seed).standard_normal(int(seconds * 8000)).astype(np.float32)


def test_what_it_says_of_itself(clap, folder):
    assert (clap.dim, clap.sample_rate, clap.window_seconds) == (12, 8000, 2.0)
    about = clap.provenance()
    assert about["model"] == folder.name
    assert len(about["weights"]) == 32
    assert about["transformers"]


def test_sounds_equal_the_model_called_by_hand(clap, folder):
    """One sound through transformers itself, without the mark of fusion that its extractor sets at random."""
    from transformers import ClapModel, ClapProcessor

    wave = noise(2.0)
    inputs = ClapProcessor.from_pretrained(folder).feature_extractor(wave, sampling_rate=8000, return_tensors="pt")
    with torch.no_grad():
        given = (
            ClapModel.from_pretrained(folder)
            .eval()
            .get_audio_features(input_features=inputs["input_features"].float(), is_longer=torch.tensor([[False]]))
        )
    expected = given.pooler_output if hasattr(given, "pooler_output") else given
    np.testing.assert_allclose(clap.encode_source([wave])[0], expected[0].numpy(), atol=1e-5)


def test_batch_does_not_matter_and_no_global_generator_is_used(clap):
    waves = [noise(0.3, 1), noise(2.0, 2), noise(1.0, 3)]
    np.random.seed(0)  # noqa: NPY002
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    together = clap.encode_source(waves)
    np.testing.assert_array_equal(before, np.random.get_state()[1])  # noqa: NPY002
    alone = np.concatenate([clap.encode_source([wave]) for wave in waves])
    np.testing.assert_allclose(together, alone, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)


def test_texts(clap):
    texts = ["rain", "a dog barks far away", "", "far too long " * 50]
    together = clap.encode_target(texts)
    assert together.shape == (4, 12)
    alone = np.concatenate([clap.encode_target([text]) for text in texts])
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_embed_windows_long_sounds(clap, sounds, tmp_path):
    manifest = sounds(3, seconds=2.5)
    report = embed(manifest, clap, tmp_path / "pairs.npz", cache=tmp_path / "cache")
    assert report.pairs.source.shape == (3, 12)
    assert report.pairs.meta["encoder"]["encoder"] == "laion-clap"
    again = embed(manifest, clap, workers=1, batch_size=1, cache=tmp_path / "other")
    np.testing.assert_allclose(report.pairs.source, again.pairs.source, atol=1e-5)


def test_other_weights_are_another_provenance(clap, folder, tmp_path):
    from transformers import ClapModel, ClapProcessor

    model = ClapModel.from_pretrained(folder)
    with torch.no_grad():
        model.logit_scale_a.add_(1)
    model.save_pretrained(tmp_path / folder.name)
    ClapProcessor.from_pretrained(folder).save_pretrained(tmp_path / folder.name)
    other = make_encoder("laion-clap", model=tmp_path / folder.name, device="cpu").provenance()
    assert other["model"] == clap.provenance()["model"]
    assert other["weights"] != clap.provenance()["weights"]


def test_a_folder_without_a_model(tmp_path):
    with pytest.raises(InputError, match=r"encoder laion-clap: .* gives no ClapProcessor") as error:
        make_encoder("laion-clap", model=tmp_path, device="cpu")
    assert "\n" not in str(error.value)
