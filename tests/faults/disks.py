"""Disks that are small, full or read-only; root alone can have them."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest


def _mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True, capture_output=True)


class Disk:
    """A file system in memory, mounted on a folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def resize(self, size: int) -> None:
        """To so many bytes."""
        _mount("-o", f"remount,size={size}", str(self.root))

    def writable(self, yes: bool) -> None:
        """Or not."""
        _mount("-o", f"remount,{'rw' if yes else 'ro'}", str(self.root))

    def used(self) -> int:
        """Bytes."""
        return shutil.disk_usage(self.root).used


@contextlib.contextmanager
def disk(root: Path, size: int) -> Iterator[Disk]:
    """A disk of so many bytes; the test is skipped where none may be mounted."""
    root.mkdir()
    try:
        _mount("-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(root))
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no disk can be mounted here, root may ({error})")
    try:
        yield Disk(root)
    finally:
        subprocess.run(["umount", "--lazy", str(root)], check=True, capture_output=True)
