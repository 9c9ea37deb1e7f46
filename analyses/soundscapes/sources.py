"""Step 1: the Debian packages that hold the sounds, fetched and unpacked, never installed."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from gapkit.atomic import write_text
from gapkit.errors import GapkitError

PACKAGES = {
    "0ad": "0ad-data",
    "freedesktop": "sound-theme-freedesktop",
    "freedroid": "freedroid-data",
    "hedgewars": "hedgewars-data",
    "megaglest": "megaglest-data",
    "minetest": "minetest-data",
    "oxygen": "oxygen-sounds",
    "sonic-pi": "sonic-pi-samples",
    "sound-icons": "sound-icons",
    "tuxpaint": "tuxpaint-stamps-default",
    "ufoai": "ufoai-sound",
    "wesnoth": "wesnoth-1.16-data",
    "widelands": "widelands-data",
}
"""Short name (as the concepts, the manifest and `sfx` use it) to Debian package."""

SOUNDS = (".wav", ".ogg", ".flac", ".mp3", ".oga", ".aiff")
ARCHIVES = (".zip", ".pk3")
MAX_MEMBER = 200_000_000  # bytes unpacked; no sound is near it


@dataclass(frozen=True)
class Source:
    """One package as it was unpacked: where from, which version, and the hash of the file."""

    name: str
    package: str
    version: str
    blake2b: str
    folder: Path


def gather(work: Path) -> list[Source]:
    """Fetch and unpack every package into `work`; what is there is left as it is.

    Raises
    ------
    GapkitError
        A package could not be fetched or unpacked.
    """
    sources = []
    for name, package in sorted(PACKAGES.items()):
        folder = work / "unpacked" / name
        record = work / "unpacked" / f"{name}.json"
        if not record.is_file():
            shutil.rmtree(folder, ignore_errors=True)
            deb = _fetched(package, work / "debs")
            _unpack(deb, folder)
            version = _run(["dpkg-deb", "-f", str(deb), "Version"]).strip()
            # Written last: a package that is half unpacked has no record and is done again.
            write_text(record, json.dumps({"package": package, "version": version, "blake2b": _hash(deb)}))
        sources.append(Source(name=name, folder=folder, **json.loads(record.read_text(encoding="utf-8"))))
    return sources


def sounds(source: Source) -> list[Path]:
    """Every sound file of a package, in a fixed order."""
    return sorted(path for path in source.folder.rglob("*") if path.suffix.lower() in SOUNDS and path.is_file())


def copyright_text(source: Source) -> str:
    """The package's own statement of authors and licences."""
    path = source.folder / "usr/share/doc" / source.package / "copyright"
    return path.read_text(encoding="utf-8", errors="replace")


def extract(archive: Path, folder: Path, *, suffixes: tuple[str, ...] = SOUNDS) -> int:
    """Unpack the members of a zip whose names end in `suffixes` into `folder`, and count them.

    Raises
    ------
    GapkitError
        A member that would land outside `folder`, or one that is larger than any sound.
    """
    count = 0
    with zipfile.ZipFile(archive) as members:
        for member in members.infolist():
            parts = PurePosixPath(member.filename.replace("\\", "/"))
            if member.is_dir() or parts.suffix.lower() not in suffixes:
                continue
            if parts.is_absolute() or ".." in parts.parts or ":" in parts.parts[0]:
                raise GapkitError(f"{archive.name}: member {member.filename!r} points outside its folder; not unpacked")
            if member.file_size > MAX_MEMBER:
                raise GapkitError(f"{archive.name}: member {member.filename!r} unpacks to {member.file_size} bytes")
            goal = folder.joinpath(*parts.parts)
            goal.parent.mkdir(parents=True, exist_ok=True)
            with members.open(member) as packed, goal.open("wb") as plain:
                shutil.copyfileobj(packed, plain)
            count += 1
    return count


def _fetched(package: str, folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    if not list(folder.glob(f"{package}_*.deb")):
        # Fetched aside and then moved: what lies in `folder` is whole.
        aside = folder / f"{package}.part"
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir()
        _run(["apt-get", "download", "-q", package], cwd=aside)
        for deb in aside.glob("*.deb"):
            deb.replace(folder / deb.name)
        aside.rmdir()
    return sorted(folder.glob(f"{package}_*.deb"))[-1]


def _unpack(deb: Path, folder: Path) -> None:
    folder.mkdir(parents=True)
    _run(["dpkg-deb", "-x", str(deb), str(folder)])
    for archive in sorted(path for path in folder.rglob("*") if path.suffix.lower() in ARCHIVES and path.is_file()):
        if zipfile.is_zipfile(archive):
            # public.zip!audio/... : the archive stays visible in the path of the sound.
            extract(archive, archive.with_name(archive.name + "!"))
        archive.unlink()


def _run(command: list[str], cwd: Path | None = None) -> str:
    try:
        return subprocess.run(command, cwd=cwd, check=True, capture_output=True, text=True).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        said = (getattr(error, "stderr", "") or str(error)).strip().splitlines()
        reason = said[-1] if said else error
        raise GapkitError(f"{' '.join(command[:3])}: {reason}; is this a Debian system?") from error


def _hash(path: Path) -> str:
    digest = hashlib.blake2b(digest_size=16)
    with path.open("rb") as handle:
        while block := handle.read(1 << 22):
            digest.update(block)
    return digest.hexdigest()
