"""Arrays that several fitted bridges of one study hold alike: each is one file in a folder beside theirs."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from gapkit.atomic import write_bytes
from gapkit.errors import InputError

FOLDER = "shared"
"""Name of the folder; it stands beside the folders of the bridges."""
_DIGEST = re.compile(r"[0-9a-f]{32}")


def shared_path(bridge: Path, digest: str) -> Path:
    """File with this digest, for the bridge in the folder `bridge`."""
    return bridge.absolute().parent / FOLDER / f"{digest}.safetensors"


def share(tensors: dict[str, Tensor], names: Iterable[str], folder: Path) -> dict[str, str]:
    """Move the arrays of some attributes out of `tensors`, into a file for each attribute.

    Parameters
    ----------
    tensors : dict of str to Tensor
        Arrays by name; those of one attribute are called ``NAME`` or ``NAME.PART``.
    names : iterable of str
        Attributes.
    folder : Path
        Where the files go: `FOLDER`, beside the folder of the bridge. A file that is there already, and whole, stays.

    Returns
    -------
    dict of str to str
        Digest of its file, by attribute.

    Raises
    ------
    GapkitError
        The disk is full or the folder cannot be written to.
    """
    digests = {}
    for name in names:
        own = {key: tensors.pop(key) for key in list(tensors) if key.partition(".")[0] == name}
        if own:
            content = save(own)
            digests[name] = _digest_of(content)
            path = folder / f"{digests[name]}.safetensors"
            if not is_whole(path):
                write_bytes(path, content)
    return digests


def read_shared(bridge: Path, digests: Mapping[str, str]) -> dict[str, Tensor]:
    """The arrays that `share` moved, for the bridge in the folder `bridge`.

    Raises
    ------
    InputError
        A file is missing or broken.
    """
    found: dict[str, Tensor] = {}
    for name, digest in digests.items():
        path = shared_path(bridge, digest)
        mend = "copy it along, or fit the bridge again"
        try:
            content = path.read_bytes()
        except OSError:
            raise InputError(f"{path}: not readable, and {bridge} has its {name} there; {mend}") from None
        try:
            if _digest_of(content) != digest:
                raise ValueError
            found |= load(content)
        except (SafetensorError, ValueError):
            raise InputError(f"{path}: not as it was written, and {bridge} has its {name} there; {mend}") from None
    return found


def is_whole(path: Path) -> bool:
    """True where the file is there, and its content has the digest that names it."""
    try:
        return _digest_of(path.read_bytes()) == path.stem
    except OSError:
        return False


def are_digests(told: object) -> bool:
    """True for names of attributes with a digest each, which leads to no other folder."""
    return isinstance(told, Mapping) and all(_is_digest(value) for value in told.values())


def unused(bridges: Path, used: Collection[str]) -> list[Path]:
    """Files below the folder of all bridges that have none of the digests in use."""
    return sorted(path for path in (bridges / FOLDER).glob("*.safetensors") if path.stem not in used)


def _is_digest(value: object) -> bool:
    return isinstance(value, str) and _DIGEST.fullmatch(value) is not None


def _digest_of(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=16).hexdigest()
