"""AudioCaps: its caption CSV and a folder of the sounds that you have."""

from __future__ import annotations

from pathlib import Path

from gapkit.datasets.captions import Wanted, faults_of, find_sounds, gather, read_published, split_of
from gapkit.encoders.manifest import Manifest
from gapkit.files.described import captions_by_id, usable

COLUMNS = ("audiocap_id", "youtube_id", "start_time", "caption")
SPLITS = {"train": "train", "val": "val", "test": "test"}
SECONDS = 10


def read_audiocaps(captions: str | Path, folder: str | Path, *, split: str | None = None) -> Manifest:
    """Match captions of AudioCaps with sound files.

    Parameters
    ----------
    captions : path
        ``train.csv``, ``val.csv`` or ``test.csv`` of AudioCaps: audiocap_id, youtube_id, start_time, caption.
    folder : path
        Sounds, at any depth. Common names are known: the YouTube id alone, with ``Y`` before it (AudioSet), with the
        start, with start and end in seconds or milliseconds after it, and the AudioCaps id.
    split : str, optional
        Left out: what the name of the CSV tells.

    Returns
    -------
    Manifest
        A clip for each YouTube id and start, with all its captions, in the order of the CSV. Videos vanish: clips
        whose sound is not there are among the faults, and so are broken rows; `Manifest.listed` counts all.

    Raises
    ------
    InputError
        The CSV or the folder cannot be read, or holds no clip of the other.

    References
    ----------
    Kim et al. 2019, *AudioCaps: generating captions for audios in the wild*.
    """
    path, folder = Path(captions), Path(folder)
    rows = read_published(path, COLUMNS)
    clips: dict[str, Wanted] = {}
    for cells, said in rows:
        if not said.fault:
            names = _names(cells["youtube_id"], cells["start_time"])
            clip = clips.setdefault(said.id, Wanted(said.id, names, []))
            clip.names.append(cells["audiocap_id"])
            clip.captions.extend(said.captions)
    where = split_of(path, SPLITS) if split is None else split
    return gather(
        clips.values(), find_sounds(folder), name=path.stem, folder=folder, split=where, broken=faults_of(rows)
    )


def audiocaps_captions(captions: str | Path) -> dict[str, tuple[str, ...]]:
    """Captions of AudioCaps without their sounds.

    Parameters
    ----------
    captions : path
        As in `read_audiocaps`.

    Returns
    -------
    dict of str to tuple of str
        All captions of each clip, called ``youtube_id_start``, in the order of the CSV, without broken rows.

    Raises
    ------
    InputError
        The CSV cannot be read.
    """
    path = Path(captions)
    return captions_by_id(usable([said for _, said in read_published(path, COLUMNS)], path))


def _names(video: str, start: str) -> list[str]:
    first = round(float(start))
    last = first + SECONDS
    thousands = f"{first * 1000}_{last * 1000}"
    tails = ("", f"_{first}", f"_{first}_{last}", f"_{thousands}", f"_{first * 1000}", f"_{first:.3f}_{last:.3f}")
    return [f"{mark}{video}{tail}" for tail in tails for mark in ("", "Y")]
