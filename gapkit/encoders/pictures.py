"""Picture files to RGB."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gapkit.encoders.audio import ClipError
from gapkit.encoders.packages import need


def read_picture(path: Path) -> Any:
    """An RGB picture as PIL gives it; what is transparent lies on white.

    Raises
    ------
    ClipError
        No such file, or no picture.
    """
    image = need("PIL.Image", whose="picture files")
    try:
        with image.open(path) as file:
            picture = file.convert("RGBA")
    except FileNotFoundError as error:
        raise ClipError(f"cannot be opened ({error.strerror})") from None
    except Exception as error:  # decoders of foreign bytes fail in many ways
        raise ClipError(f"is not a picture that can be read ({type(error).__name__})") from None
    ground = image.new("RGBA", picture.size, "white")
    return image.alpha_composite(ground, picture).convert("RGB")
