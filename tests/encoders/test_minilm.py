"""MiniLM against embeddings that sentence-transformers made, and its traps."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from gapkit.encoders.minilm import MinilmText
from gapkit.errors import InputError


def test_equals_stored_embeddings(minilm_text, shared_data):
    captions = [r["caption"] for r in json.loads((shared_data / "sfx" / "sfx_manifest.json").read_text("utf-8"))]
    with np.load(shared_data / "sfx" / "sfx_pairs.npz") as arrays:
        stored = arrays["text_minilm"]
    rows = np.arange(0, len(captions), 50)
    ours = minilm_text.features([captions[i] for i in rows])
    np.testing.assert_allclose(ours, stored[rows].astype(np.float32), atol=2e-4)  # stored as float16


def test_order_batch_and_threads_do_not_matter(minilm_text):
    texts = ["a dog barks", "rain on a tin roof while thunder rolls far away", "", "a dog barks", "x" * 5000]
    together = minilm_text.features(texts)
    alone = np.concatenate([minilm_text.features([text]) for text in texts])
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(together, alone, atol=1e-5)
    with ThreadPoolExecutor(4) as pool:
        for rows in pool.map(minilm_text.features, [texts[i:] for i in (0, 1, 2, 3)] * 2):
            np.testing.assert_allclose(rows, alone[len(texts) - len(rows) :], atol=1e-5)


def test_it_understands(minilm_text):
    dog, hound, rain = minilm_text.features(["a dog is barking", "the barking of a hound", "heavy rain falls"])
    assert dog @ hound > 0.6 > 0.4 > dog @ rain


def test_a_folder_without_a_model_is_one_line(minilm_text, tmp_path):
    with pytest.raises(InputError, match=r"encoder minilm: .* gives no AutoTokenizer"):
        MinilmText(tmp_path)
