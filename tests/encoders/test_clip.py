"""CLIP and pictures, through the code that a user runs, on a tiny model with random weights that lies on disk."""

from __future__ import annotations

import re
import shutil

import numpy as np
import pytest
import torch

from gapkit.encoders import embed, make_encoder
from gapkit.encoders.audio import ClipError
from gapkit.encoders.pictures import read_picture

from .tiny_models import save_clip

image = pytest.importorskip("PIL.Image")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_clip(tmp_path_factory.mktemp("clip"))


@pytest.fixture(scope="module")
def clip(folder):
    return make_encoder("clip", model=folder, device="cpu")


def picture(seed: int):
    return image.fromarray(np.random.default_rng(seed).integers(0, 255, (40, 60, 3), dtype=np.uint8))


def test_both_sides_equal_the_model_called_by_hand(clip, folder):
    from transformers import CLIPModel, CLIPProcessor

    given = [picture(0), picture(1)]
    texts = ["a red square", "a cat"]
    model, processor = CLIPModel.from_pretrained(folder).eval(), CLIPProcessor.from_pretrained(folder)
    with torch.no_grad():
        inputs = processor(text=texts, images=given, return_tensors="pt", padding=True)
        output = model(**inputs)
    np.testing.assert_allclose(clip.encode_source(given), output.image_embeds.numpy(), atol=1e-5)
    np.testing.assert_allclose(clip.encode_target(texts), output.text_embeds.numpy(), atol=1e-5)
    assert clip.modalities == ("image", "text")
    assert clip.encode_target(["long " * 100]).shape == (1, 12)


def test_embed_pictures(clip, tmp_path):
    for i in range(3):
        picture(i).save(tmp_path / f"{i}.png")
    (tmp_path / "3.png").write_bytes(b"no picture")
    lines = ["path,caption", *(f"{i}.png,picture {i}" for i in range(5))]
    (tmp_path / "m.csv").write_text("\n".join(lines))
    report = embed(tmp_path / "m.csv", clip, cache=tmp_path / "cache")
    assert list(report.pairs.ids) == ["0.png", "1.png", "2.png"]
    np.testing.assert_allclose(report.pairs.source, clip.encode_source([picture(i) for i in range(3)]), atol=1e-5)
    assert [fault.reason.split(" (")[0] for fault in report.faults] == [
        "is text, not a picture",
        "cannot be opened",
    ]


def test_what_is_transparent_lies_on_white(tmp_path):
    pixels = np.zeros((2, 2, 4), dtype=np.uint8)
    pixels[0, 0] = (255, 0, 0, 255)
    image.fromarray(pixels).save(tmp_path / "x.png")
    np.testing.assert_array_equal(
        np.asarray(read_picture(tmp_path / "x.png")), [[[255, 0, 0], [255] * 3], [[255] * 3, [255] * 3]]
    )
    with pytest.raises(ClipError, match="cannot be opened"):
        read_picture(tmp_path / "absent.png")


def test_a_picture_is_turned_as_its_exif_says(tmp_path):
    pixels = np.zeros((8, 16, 3), dtype=np.uint8)
    pixels[:, :8] = (255, 0, 0)
    upright = image.fromarray(pixels)
    exif = image.Exif()
    exif[0x0112] = 6  # as a telephone held upright writes it: turn by 90 degrees to the right
    upright.rotate(90, expand=True).save(tmp_path / "turned.png", exif=exif)
    np.testing.assert_array_equal(np.asarray(read_picture(tmp_path / "turned.png")), pixels)
    upright.save(tmp_path / "broken.jpg", exif=b"Exif\0\0nothing that is EXIF")
    assert read_picture(tmp_path / "broken.jpg").size == (16, 8)


def test_sixteen_bits_of_grey_are_those_of_eight(tmp_path):
    """PIL alone makes white of all but the darkest 256th part."""
    grey = np.arange(0, 65536, 257, dtype=np.uint16).reshape(16, 16)
    for name in ("x.png", "x.tif"):
        image.fromarray(grey).save(tmp_path / name)
        np.testing.assert_array_equal(np.asarray(read_picture(tmp_path / name))[..., 1], grey // 257)
    image.fromarray((grey / 65535).astype(np.float32)).save(tmp_path / "f.tif")
    with pytest.raises(ClipError, match="numbers without a known white"):
        read_picture(tmp_path / "f.tif")


def test_rows_of_pictures_that_were_read_otherwise_are_not_taken_from_the_cache(clip, tmp_path, monkeypatch):
    image.fromarray(np.arange(48, dtype=np.uint8).reshape(4, 4, 3)).save(tmp_path / "x.png")
    (tmp_path / "m.csv").write_text("path,caption\nx.png,a square\n")
    runs = [embed(tmp_path / "m.csv", clip, cache=tmp_path / "cache") for _ in range(2)]
    monkeypatch.setattr("gapkit.encoders.pipeline.READING", "otherwise")
    runs.append(embed(tmp_path / "m.csv", clip, cache=tmp_path / "cache"))
    assert [run.encoded for run in runs] == [1, 0, 1]


def test_a_folder_whose_preprocessor_has_changed_is_another_encoder(folder, tmp_path):
    """Weights are the same, numbers are not."""
    picture(0).save(tmp_path / "x.png")
    (tmp_path / "m.csv").write_text("path,caption\nx.png,a square\n")
    other = tmp_path / folder.name
    shutil.copytree(folder, other)
    runs = []
    for _ in range(2):
        encoder = make_encoder("clip", model=other, device="cpu")
        runs.append(embed(tmp_path / "m.csv", encoder, cache=tmp_path / "cache"))
        path = next(path for path in other.glob("*processor_config.json") if "image_mean" in path.read_text())
        path.write_text(re.sub(r'"image_mean": \[[^]]*\]', '"image_mean": [0.1, 0.2, 0.3]', path.read_text()))
    assert [run.encoded for run in runs] == [1, 1]
    assert np.abs(runs[0].pairs.source - runs[1].pairs.source).max() > 1e-3
