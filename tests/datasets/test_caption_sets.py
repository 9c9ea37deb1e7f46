"""AudioCaps and Clotho: captions meet files under the names that people give them, and what is missing is counted."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from gapkit.datasets.audiocaps import SPLITS, read_audiocaps
from gapkit.datasets.captions import split_of
from gapkit.datasets.clotho import read_clotho
from gapkit.errors import InputError

AUDIOCAPS = "audiocap_id,youtube_id,start_time,caption\n1,vid-A_x,30,Rain\n2,vidB,0,Wind\n3,vid-A_x,30,Heavy rain\n"


def touch(folder, *names):
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


@pytest.mark.parametrize(
    "name",
    ["vid-A_x.wav", "Yvid-A_x.flac", "deep/er/vid-A_x_30.mp3", "vid-A_x_30_40.wav", "Yvid-A_x_30000_40000.WAV",
     "vid-A_x_30.000_40.000.wav", "vid-A_x_30000.ogg", "1.wav", "3.wav"],
)  # fmt: skip
def test_audiocaps_knows_the_names_in_use(tmp_path, name):
    (tmp_path / "test.csv").write_text(AUDIOCAPS)
    touch(tmp_path / "sounds", name, "vidC.wav", "vidB.txt")
    manifest = read_audiocaps(tmp_path / "test.csv", tmp_path / "sounds")
    (clip,) = manifest.clips
    assert (clip.id, clip.captions, clip.split) == ("vid-A_x_30", ("Rain", "Heavy rain"), "test")
    assert clip.path == tmp_path / "sounds" / name
    assert [(fault.id, fault.kept) for fault in manifest.faults] == [("vidB_0", False)]
    assert manifest.listed == 2


@pytest.mark.parametrize(("part", "clips", "captions"), [("val", 495, 5), ("test", 975, 5), ("train", 49838, 1)])
def test_the_real_captions(shared_data, tmp_path, part, clips, captions):
    """Two thirds of the sounds are there: N and what is missing add up."""
    path = shared_data / "audiocaps" / f"v1_{part}.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    videos = sorted({(row["youtube_id"], row["start_time"]) for row in rows})
    here = videos[:: max(1, len(videos) // 30)]
    touch(tmp_path / "sounds", *(f"Y{video}_{start}.wav" for video, start in here))
    manifest = read_audiocaps(path, tmp_path / "sounds")
    assert manifest.listed == len(videos)
    assert abs(len(videos) - clips) <= 0.01 * clips
    assert len(manifest.clips) == len(here)
    assert len(manifest.faults) == len(videos) - len(here)
    assert {clip.split for clip in manifest.clips} == {part}
    if captions > 1:
        assert {len(clip.captions) for clip in manifest.clips} == {captions}


def test_clotho(tmp_path):
    header = "file_name,caption_1,caption_2,caption_3,caption_4,caption_5\n"
    rows = 'Café 2 [bright].wav,a,b,c,d,"e, and f"\ngone.wav,a,b,c,d,e\nempty.wav,,,,,\n'
    (tmp_path / "clotho_captions_development.csv").write_text(header + rows, encoding="utf-8")
    touch(tmp_path / "sounds", "Cafe\u0301 2 [bright].flac", "empty.wav")  # decomposed, and another format
    manifest = read_clotho(tmp_path / "clotho_captions_development.csv", tmp_path / "sounds")
    (clip,) = manifest.clips
    assert clip.captions == ("a", "b", "c", "d", "e, and f")
    assert clip.split == "train"
    assert {fault.id: fault.reason.split(" ")[0] for fault in manifest.faults} == {"gone.wav": "is", "empty.wav": "its"}
    assert manifest.listed == 3
    assert (
        read_clotho(tmp_path / "clotho_captions_development.csv", tmp_path / "sounds", split="x").clips[0].split == "x"
    )


HEADER = "file_name,caption_1,caption_2,caption_3,caption_4,caption_5\n"


def test_two_sounds_of_one_stem_in_different_folders_are_two_clips(tmp_path):
    table = tmp_path / "clotho.csv"
    table.write_text(HEADER + "a/dog.wav,a,b,c,d,e\nb\\dog.wav,f,g,h,i,j\nc/cat.wav,k,l,m,n,o\n")
    touch(tmp_path / "sounds", "a/dog.wav", "b/dog.wav", "cat.wav")
    manifest = read_clotho(table, tmp_path / "sounds")
    found = {clip.id: clip.path.relative_to(tmp_path / "sounds").as_posix() for clip in manifest.clips}
    assert found == {"a/dog.wav": "a/dog.wav", "b\\dog.wav": "b/dog.wav", "c/cat.wav": "cat.wav"}
    assert manifest.faults == ()


def test_a_name_of_two_sounds_is_told(tmp_path):
    table = tmp_path / "clotho.csv"
    table.write_text(HEADER + "dog.wav,a,b,c,d,e\ncat.wav,a,b,c,d,e\n")
    touch(tmp_path / "sounds", "a/dog.wav", "b/dog.wav", "raw/cat.m4a", "cat.flac", "cat.wav")
    manifest = read_clotho(table, tmp_path / "sounds")
    assert [clip.path.name for clip in manifest.clips] == ["dog.wav", "cat.flac"]
    (fault,) = manifest.faults
    assert (fault.id, fault.kept) == ("dog.wav", True)
    assert fault.reason.startswith("is the name of 2 sounds")
    assert fault.reason.endswith(str(tmp_path / "sounds" / "b" / "dog.wav"))


def test_what_cannot_be_used_is_one_line(tmp_path):
    (tmp_path / "a.csv").write_text("youtube_id,start_time,caption\nx,0,y\n")
    (tmp_path / "b.csv").write_text(AUDIOCAPS)
    (tmp_path / "c.csv").write_text(AUDIOCAPS.replace("30", "soon"))
    (tmp_path / "d.csv").write_text(AUDIOCAPS.splitlines()[0])
    (tmp_path / "e.csv").write_text(AUDIOCAPS.replace("30", "inf").replace(",0,", ",,"))
    touch(tmp_path / "sounds", "other.wav")
    for name, folder, message in (
        ("a.csv", "sounds", "no column 'audiocap_id'"),
        ("b.csv", "absent", "no such folder"),
        ("b.csv", "sounds", "holds none of the 2 clips of b"),
        ("c.csv", "sounds", "holds none of the 1 clips of c"),
        ("d.csv", "sounds", "has no row"),
        ("e.csv", "sounds", "line 2: start_time must be a number, got 'inf'"),
        ("absent.csv", "sounds", "cannot be opened"),
    ):
        with pytest.raises(InputError, match=message) as error:
            read_audiocaps(tmp_path / name, tmp_path / folder)
        assert "\n" not in str(error.value)


def test_a_row_that_is_too_short_is_a_fault(tmp_path):
    touch(tmp_path / "sounds", "a.wav")
    (tmp_path / "train.csv").write_text("youtube_id,start_time,caption,audiocap_id\na,0,rain,1\nb,0\n")
    manifest = read_audiocaps(tmp_path / "train.csv", tmp_path / "sounds")
    assert ([clip.id for clip in manifest.clips], [fault.id for fault in manifest.faults]) == (["a_0"], ["b_0"])
    names = ",".join(f"caption_{k}" for k in range(1, 6))
    (tmp_path / "c.csv").write_text(f"{names},file_name\n1,2,3,4,5,a.wav\n1,2\n")
    manifest = read_clotho(tmp_path / "c.csv", tmp_path / "sounds")
    assert ([clip.id for clip in manifest.clips], [fault.id for fault in manifest.faults]) == (["a.wav"], [""])


def test_sounds_behind_links_to_folders_are_found(tmp_path):
    (tmp_path / "test.csv").write_text(AUDIOCAPS)
    touch(tmp_path / "disk", "vidB.wav")
    touch(tmp_path / "sounds", "here/vid-A_x.wav")
    (tmp_path / "sounds" / "linked").symlink_to(tmp_path / "disk", target_is_directory=True)
    (tmp_path / "disk" / "back").symlink_to(tmp_path / "sounds", target_is_directory=True)  # a ring ends
    manifest = read_audiocaps(tmp_path / "test.csv", tmp_path / "sounds")
    assert {clip.path.relative_to(tmp_path / "sounds").as_posix() for clip in manifest.clips} == {
        "here/vid-A_x.wav", "linked/vidB.wav",
    }  # fmt: skip


def test_of_a_download_and_the_sound_made_of_it_the_one_is_taken_that_can_be_read(tmp_path):
    (tmp_path / "test.csv").write_text(AUDIOCAPS)
    touch(tmp_path / "sounds", "download/vidB.m4a", "vidB.wav", "vid-A_x.m4a")
    paths = {clip.id: clip.path.name for clip in read_audiocaps(tmp_path / "test.csv", tmp_path / "sounds").clips}
    assert paths == {"vid-A_x_30": "vid-A_x.m4a", "vidB_0": "vidB.wav"}


def test_a_comma_that_nobody_quoted_shifts_no_caption(tmp_path):
    touch(tmp_path / "sounds", "a.wav")
    names = ",".join(f"caption_{k}" for k in range(1, 6))
    (tmp_path / "c.csv").write_text(f"file_name,{names}\na.wav,rain, then wind,2,3,4,5\n")
    with pytest.raises(InputError, match="line 2: has 7 cells for the 6 columns"):
        read_clotho(tmp_path / "c.csv", tmp_path / "sounds")
    (tmp_path / "c.csv").write_text(f"file_name,{names}\na.wav,1,2,3,4,5,, \n")  # a spreadsheet's empty columns
    assert read_clotho(tmp_path / "c.csv", tmp_path / "sounds").clips[0].captions == ("1", "2", "3", "4", "5")


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("clotho_captions_evaluation", ""), ("val", "val"), ("audiocaps_test_2", "test"), ("AudioCapsTrain", "train"),
        ("validation", "val"), ("TEST", "test"), ("interval", ""),
    ],
)  # fmt: skip
def test_the_split_that_a_name_tells(name: str, split: str) -> None:
    assert split_of(Path(f"{name}.csv"), SPLITS) == split
