"""Clotho: its caption CSV and a folder of the sounds that you have."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from gapkit.datasets.captions import Wanted, faults_of, find_sounds, gather, read_published, split_of
from gapkit.encoders.manifest import Manifest
from gapkit.files.described import captions_by_id, usable
from gapkit.files.name_forms import as_path

CAPTIONS = tuple(f"caption_{number}" for number in range(1, 6))
SPLITS = {"development": "train", "validation": "val", "evaluation": "test"}


def read_clotho(captions: str | Path, folder: str | Path, *, split: str | None = None) -> Manifest:
    """Match captions of Clotho with sound files.

    Parameters
    ----------
    captions : path
        ``clotho_captions_development.csv``, ``…_validation.csv`` or ``…_evaluation.csv``: file_name, caption_1 to
        caption_5.
    folder : path
        Sounds, at any depth; any format that is read here, under the name in the CSV.
    split : str, optional
        Left out: what the name of the CSV tells; development is train, validation val, evaluation test.

    Returns
    -------
    Manifest
        Clips in the order of the CSV. Those whose sound is not there and broken rows are among the faults, and
        `Manifest.listed` counts all.

    Raises
    ------
    InputError
        The CSV or the folder cannot be read, or holds no clip of the other.

    References
    ----------
    Drossos et al. 2020, *Clotho: an audio captioning dataset*.
    """
    path, folder = Path(captions), Path(folder)
    rows = read_published(path, ("file_name", *CAPTIONS))
    wanted = [
        Wanted(
            cells["file_name"], [str(PurePosixPath(as_path(cells["file_name"])).with_suffix(""))], list(said.captions)
        )
        for cells, said in rows
        if not said.fault
    ]
    where = split_of(path, SPLITS) if split is None else split
    return gather(wanted, find_sounds(folder), name=path.stem, folder=folder, split=where, broken=faults_of(rows))


def clotho_captions(captions: str | Path) -> dict[str, tuple[str, ...]]:
    """Captions of Clotho without their sounds.

    Parameters
    ----------
    captions : path
        As in `read_clotho`.

    Returns
    -------
    dict of str to tuple of str
        The five captions of each clip, called by its file, in the order of the CSV.

    Raises
    ------
    InputError
        The CSV cannot be read.
    """
    path = Path(captions)
    return captions_by_id(usable([said for _, said in read_published(path, ("file_name", *CAPTIONS))], path))
