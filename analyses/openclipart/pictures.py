"""Drawings to pixels and features; what is done is kept in the work folder, so a build that was stopped goes on."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gapkit.atomic import replacing
from gapkit.encoders.efficientnet import SIZE, EfficientNetImage
from gapkit.encoders.pictures import read_picture
from gapkit.errors import InputError
from openclipart.drawings import Drawing
from openclipart.sources import RENDERER

SHARD = 100
"""Pictures whose features are written at once."""
SECONDS = 30
"""A drawing that takes longer to render is left out."""


def render(drawing: Path, picture: Path) -> bool:
    """Write the picture, at most 224 pixels wide and high, on no ground; False where that fails."""
    box = ["--width", str(SIZE), "--height", str(SIZE), "--keep-aspect-ratio"]
    with replacing(picture) as temporary:
        try:
            done = subprocess.run(
                [RENDERER, *box, "--format", "png", "--output", str(temporary), str(drawing)],
                capture_output=True,
                timeout=SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            temporary.touch()
            return False
        temporary.touch()  # an empty file says that it was tried
        return done.returncode == 0


def picture_path(work: Path, path: str) -> Path:
    """Where the picture of a drawing lies."""
    return work / "pictures" / f"{path.removesuffix('.svg')}.png"


def pictures(drawings: list[Drawing], folder: Path, work: Path) -> list[Drawing]:
    """Render all drawings; returns those that gave a picture with something on it, each picture once."""
    shown, seen = [], set()
    for i, drawing in enumerate(drawings):
        file = picture_path(work, drawing.path)
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            render(folder / drawing.path, file)
        try:
            picture: Any = read_picture(file)
        except InputError:
            continue
        digest = hashlib.blake2b(picture.tobytes(), digest_size=16).digest() + repr(picture.size).encode()
        if digest not in seen and any(low != high for low, high in picture.getextrema()):
            shown.append(drawing)
        seen.add(digest)
        _tell(i, len(drawings), "rendered")
    return shown


def features(drawings: list[Drawing], work: Path, encoder: EfficientNetImage) -> NDArray[np.float32]:
    """Features of the pictures of all drawings, (n, 1280)."""
    parts = []
    for start in range(0, len(drawings), SHARD):
        files = [picture_path(work, drawing.path) for drawing in drawings[start : start + SHARD]]
        digest = hashlib.blake2b(encoder.digest.encode(), digest_size=16)
        for file in files:
            digest.update(file.read_bytes())
        shard = work / "features" / f"{digest.hexdigest()}.npy"
        if not shard.exists():
            shard.parent.mkdir(exist_ok=True)
            rows = encoder.features([read_picture(file) for file in files])
            with replacing(shard) as temporary, temporary.open("wb") as handle:
                np.save(handle, rows)
        parts.append(np.load(shard, allow_pickle=False))
        _tell(start + len(files) - 1, len(drawings), "embedded")
    return np.concatenate(parts)


def _tell(i: int, n: int, what: str) -> None:
    if (i + 1) % 500 == 0 or i + 1 == n:
        sys.stderr.write(f"{what} {i + 1} of {n}\n")
