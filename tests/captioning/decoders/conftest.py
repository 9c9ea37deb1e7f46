from pathlib import Path

import numpy as np
import pytest

SOUNDS = ("a dog barks", "heavy rain falls on a roof", "a car passes by, far away", "two people laugh")

TINY = {"width": 32, "layers": 1, "heads": 2, "vocabulary": 300, "prefix_tokens": 2, "batch_size": 16, "lr": 1e-2}


@pytest.fixture(scope="session")
def clips() -> tuple[np.ndarray, list[str]]:
    """Embeddings of four sounds, ten each, with their captions."""
    rng = np.random.default_rng(0)
    centres = rng.standard_normal((4, 8))
    rows = centres.repeat(10, axis=0) + 0.1 * rng.standard_normal((40, 8))
    return rows.astype(np.float32), [caption for caption in SOUNDS for _ in range(10)]


@pytest.fixture(scope="session")
def small_folder(tmp_path_factory: pytest.TempPathFactory, clips: tuple[np.ndarray, list[str]]) -> Path:
    """A small decoder that has learned the four sounds."""
    from gapkit.captioning.decoders import make_decoder

    folder = tmp_path_factory.mktemp("small")
    make_decoder("small", **TINY, epochs=40).fit(*clips).save(folder)
    return folder
