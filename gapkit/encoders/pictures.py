"""Picture files to RGB."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import numpy as np

from gapkit.encoders.audio import ClipError
from gapkit.encoders.kinds import unread
from gapkit.encoders.packages import need

READING = "upright, 16 bits as 8"
"""How pictures are read, a part of cache keys: say another word whenever it changes."""


def read_picture(path: Path) -> Any:
    """An RGB picture as PIL gives it: turned as its EXIF says, what is transparent on white, 16 bits of grey as 8.

    Raises
    ------
    ClipError
        No such file, no picture, or one of numbers whose white nobody knows.
    """
    image, operations = (need(name, whose="picture files") for name in ("PIL.Image", "PIL.ImageOps"))
    try:
        with image.open(path) as file:
            upright = file
            with contextlib.suppress(Exception):  # its EXIF may be broken, and the picture whole
                upright = operations.exif_transpose(file)
            picture = _eight_bits(upright, file.format, image).convert("RGBA")
    except FileNotFoundError as error:
        raise ClipError(f"cannot be opened ({error.strerror})") from None
    except ClipError:
        raise
    except Exception as error:  # decoders of foreign bytes fail in many ways
        if "truncated" in str(error).lower():
            raise ClipError("is cut short: write or download it again") from None
        raise ClipError(unread(path, "picture", type(error).__name__)) from None
    ground = image.new("RGBA", picture.size, "white")
    return image.alpha_composite(ground, picture).convert("RGB")


def _eight_bits(picture: Any, kind: str, image: Any) -> Any:
    """PIL makes white of every grey above 255, whatever the file means by it."""
    # Older PIL opens a PNG of 16 bits as one of 32.
    if picture.mode.startswith("I;16") or (picture.mode == "I" and kind == "PNG"):
        return image.fromarray((np.asarray(picture).astype(np.uint32) >> 8).astype(np.uint8))
    if picture.mode in ("I", "F"):
        raise ClipError(f"holds numbers without a known white (mode {picture.mode} of PIL); write it with 8 or 16 bits")
    return picture
