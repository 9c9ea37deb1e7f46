"""AudioCaps: its caption CSV and a folder of the sounds that you have."""

from __future__ import annotations

from pathlib import Path

from gapkit.datasets.captions import Wanted, find_sounds, gather, read_table, split_of
from gapkit.encoders.manifest import Manifest
from gapkit.errors import InputError

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
        whose sound is not there are among the faults, and `Manifest.listed` counts all.

    Raises
    ------
    InputError
        The CSV or the folder cannot be read, or holds no clip of the other.

    References
    ----------
    Kim et al. 2019, *AudioCaps: generating captions for audios in the wild*.
    """
    path, folder = Path(captions), Path(folder)
    wanted = [
        Wanted(
            f"{video}_{start}",
            [*_names(path, video, start), *(row["audiocap_id"] for row in same)],
            [row["caption"] for row in same],
        )
        for (video, start), same in _clips(path).items()
    ]
    where = split_of(path, SPLITS) if split is None else split
    return gather(wanted, find_sounds(folder), name=path.stem, folder=folder, split=where)


def audiocaps_captions(captions: str | Path) -> dict[str, tuple[str, ...]]:
    """Captions of AudioCaps without their sounds.

    Parameters
    ----------
    captions : path
        As in `read_audiocaps`.

    Returns
    -------
    dict of str to tuple of str
        All captions of each clip, called ``youtube_id_start``, in the order of the CSV.

    Raises
    ------
    InputError
        The CSV cannot be read.
    """
    clips = _clips(Path(captions))
    return {f"{video}_{start}": tuple(row["caption"] for row in same) for (video, start), same in clips.items()}


def _clips(path: Path) -> dict[tuple[str, str], list[dict[str, str]]]:
    """Rows of each clip: a YouTube id and a start."""
    rows: dict[tuple[str, str], list[dict[str, str]]] = {}
    for row in read_table(path, COLUMNS):
        rows.setdefault((row["youtube_id"], row["start_time"]), []).append(row)
    return rows


def _names(path: Path, video: str, start: str) -> list[str]:
    try:
        first = round(float(start))
    except (ValueError, OverflowError):
        raise InputError(f"{path}: start_time of {video!r} must be a number, got {start!r}") from None
    last = first + SECONDS
    thousands = f"{first * 1000}_{last * 1000}"
    tails = ("", f"_{first}", f"_{first}_{last}", f"_{thousands}", f"_{first * 1000}", f"_{first:.3f}_{last:.3f}")
    return [f"{mark}{video}{tail}" for tail in tails for mark in ("", "Y")]
