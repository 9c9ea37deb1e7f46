"""The kinds of study, each known by the file that says whose study it is, and what their folders hold beside it."""

from __future__ import annotations

from pathlib import Path

from gapkit.errors import InputError
from gapkit.study.folder import StudyFolder
from gapkit.study.record import RECORD, saved_seconds


class SearchFolder(StudyFolder):
    """Folder of a search: ``tune.json`` says what was searched, ``trials/`` holds what was found.

    Parameters
    ----------
    root : path
    """

    kind, file, command = "search", "tune.json", "gapkit tune"

    def __init__(self, root: str | Path) -> None:
        super().__init__(root)
        self.trials = self.root / "trials"


class CaptionFolder(StudyFolder):
    """Folder of a caption study.

    Parameters
    ----------
    root : path
    """

    kind, file, command = "caption study", "caption-study.json", "gapkit caption study"

    def __init__(self, root: str | Path) -> None:
        super().__init__(root)
        self.decoders = self.root / "decoders"
        self.written = self.root / "written"

    def training_seconds(self) -> dict[str, float]:
        """Seconds that each decoder took to train."""
        homes = [path.parent for path in sorted(self.decoders.glob(f"*/{RECORD}"))]
        found = {home.name: saved_seconds(home) for home in homes}
        return {name: seconds for name, seconds in found.items() if seconds is not None}


KINDS: tuple[type[StudyFolder], ...] = (StudyFolder, SearchFolder, CaptionFolder)


def find_study(root: Path) -> StudyFolder | None:
    """The study in a folder, of whatever kind; None where there is none."""
    return next((kind(root) for kind in KINDS if (root / kind.file).is_file()), None)


def open_study(root: str | Path) -> StudyFolder:
    """The study in a folder, of whatever kind.

    Raises
    ------
    InputError
        There is none.
    """
    study = find_study(Path(root))
    if study is None:
        commands = ", ".join(f"`{kind.command}`" for kind in KINDS[:-1])
        path = Path(root)
        got = "another folder" if path.is_dir() else "a file" if path.exists() else "nothing of this name"
        raise InputError(f"{root}: expected a study, which {commands} or `{KINDS[-1].command}` wrote, got {got}")
    return study
