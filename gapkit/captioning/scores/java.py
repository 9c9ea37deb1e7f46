"""The Java that METEOR, SPICE and the PTB tokenizer run on, and the jars that pycocoevalcap carries."""

from __future__ import annotations

import importlib.util
import os
import shutil
from pathlib import Path

from gapkit.captioning.scores.absence import AbsentError

INSTALL = 'pip install "gapkit[captioning]"'

UTF8 = ("-Dfile.encoding=UTF-8", "-Dstdout.encoding=UTF-8")
"""Java before 18 reads and writes what the locale says, and a bare locale knows no accents."""


def find_java(java: str | Path | None = None) -> str:
    """The program to start, as an absolute path: the given one, that of JAVA_HOME, or `java` of the PATH.

    Raises
    ------
    AbsentError
        There is none.
    """
    if java is not None:
        found = shutil.which(str(java))
        if found is None:
            raise AbsentError(f"no program {java} that can be run; name the java program of a Java 8 or newer")
        return os.path.abspath(found)  # noqa: PTH100 - it is started in another folder, and links stay links
    home = os.environ.get("JAVA_HOME")
    found = (shutil.which(str(Path(home) / "bin" / "java")) if home else None) or shutil.which("java")
    if found is None:
        raise AbsentError("Java is not installed; install a Java 8 or newer, such as the package default-jre-headless")
    return os.path.abspath(found)  # noqa: PTH100


def jar(*parts: str) -> Path:
    """A jar that pycocoevalcap carries.

    Raises
    ------
    AbsentError
        The package is not installed, or without the jar.
    """
    path = package().joinpath(*parts)
    if not path.is_file():
        raise AbsentError(f"pycocoevalcap has no {'/'.join(parts)}; install it again: {INSTALL}")
    return path


def package() -> Path:
    """The folder of pycocoevalcap.

    Raises
    ------
    AbsentError
        It is not installed.
    """
    spec = importlib.util.find_spec("pycocoevalcap")
    if spec is None or not spec.submodule_search_locations:
        raise AbsentError(f"the package pycocoevalcap is not installed; {INSTALL}")
    return Path(next(iter(spec.submodule_search_locations)))


def complaint(stderr: bytes) -> str:
    """The first line in which Java says what is wrong, not what it was told by the environment."""
    lines = (line.strip() for line in stderr.decode(errors="replace").splitlines())
    aside = ("Picked up", "NOTE: Picked up", "WARNING:")
    return next((line[:200] for line in lines if line and not line.startswith(aside)), "nothing")
