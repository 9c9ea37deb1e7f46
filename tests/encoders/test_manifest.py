"""Manifests: rows become clips, and rows that cannot are named."""

from __future__ import annotations

import pandas as pd
import pytest

from gapkit.encoders.manifest import read_manifest
from gapkit.errors import InputError


def written(tmp_path, text: str, name: str = "m.csv"):
    (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path / name


def test_one_caption_a_row(tmp_path):
    manifest = read_manifest(written(tmp_path, 'path,caption,split\na b.wav,"Rain, and wind",train\nü.wav,Bell,test\n'))
    assert [(c.id, c.path, c.captions, c.split) for c in manifest.clips] == [
        ("a b.wav", tmp_path / "a b.wav", ("Rain, and wind",), "train"),
        ("ü.wav", tmp_path / "ü.wav", ("Bell",), "test"),
    ]
    assert manifest.faults == ()
    assert manifest.listed == 2


def test_several_captions_by_columns_and_by_rows(tmp_path):
    by_column = read_manifest(written(tmp_path, "path,caption_1,caption_2\na.wav,x,y\n"))
    by_row = read_manifest(written(tmp_path, "path,caption\na.wav,x\na.wav,y\n"))
    assert by_column.clips == by_row.clips
    assert by_row.clips[0].captions == ("x", "y")


@pytest.mark.parametrize("suffix", [".tsv", ".parquet"])
def test_other_formats(tmp_path, suffix):
    path = tmp_path / f"m{suffix}"
    frame = pd.DataFrame({"id": ["1", "2"], "path": ["a.wav", "b.wav"], "caption": ["x", "z"]})
    if suffix == ".tsv":
        frame.to_csv(path, sep="\t", index=False)
    else:
        pytest.importorskip("pyarrow")
        frame.assign(captions=[["x", "y"], ["z"]]).drop(columns="caption").to_parquet(path)
    clips = read_manifest(path, root="/sounds").clips
    assert [clip.id for clip in clips] == ["1", "2"]
    assert str(clips[0].path) == "/sounds/a.wav"
    assert clips[0].captions == (("x",) if suffix == ".tsv" else ("x", "y"))


def test_a_comma_that_nobody_quoted_cuts_no_caption(tmp_path):
    manifest = read_manifest(written(tmp_path, "path,caption\na.wav,rain, then thunder\nb.wav,bell,\nc.wav,wind\n"))
    assert [(clip.id, clip.captions) for clip in manifest.clips] == [("b.wav", ("bell",)), ("c.wav", ("wind",))]
    (fault,) = manifest.faults
    assert (fault.id, fault.kept) == ("a.wav", False)
    assert fault.reason == "line 2: has 3 cells for the 2 columns of the header; quote captions that hold a comma"


def test_two_columns_of_one_name_lose_no_caption(tmp_path):
    with pytest.raises(InputError, match="has two columns 'caption', of which one would be lost"):
        read_manifest(written(tmp_path, "path,caption,caption\na.wav,rain,thunder\n"))
    assert read_manifest(written(tmp_path, "path,caption,,\na.wav,rain,,\n")).clips[0].captions == ("rain",)


def test_rows_that_cannot_be_used_lose_nothing_else(tmp_path):
    text = "id,path,caption\n1,a.wav,x\n1,b.wav,y\n2,c.wav,\n3,,z\n4,d.wav,  \n4,d.wav,w\n5,e.wav,v\n"
    manifest = read_manifest(written(tmp_path, text))
    assert [clip.id for clip in manifest.clips] == ["1", "4", "5"]
    assert manifest.clips[1].captions == ("w",)
    reasons = {fault.id: (fault.reason, fault.kept) for fault in manifest.faults}
    assert reasons["1"] == ("line 3: id '1' was given before with another path; give each its own", False)
    assert reasons["2"] == ("line 4: its caption is empty", False)
    assert reasons["3"] == ("line 5: has no path", False)
    assert reasons["4"] == ("1 of its 2 captions are empty", True)
    assert manifest.listed == 6


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("pth,caption\na.wav,x\n", "no column 'path' \\(there is 'pth'"),
        ("path,captoin\na.wav,x\n", "no column 'caption' \\(there is 'captoin'"),
        ("path,caption\n", "has a header and no rows"),
        ("", "is empty; expected the columns path, caption"),
        ('path,caption\na.wav,"x\n', "cannot be read as a table"),
    ],
)
def test_manifests_that_cannot_be_used(tmp_path, text, message):
    with pytest.raises(InputError, match=message) as error:
        read_manifest(written(tmp_path, text))
    assert "\n" not in str(error.value)


def test_files_that_are_no_manifest(tmp_path):
    (tmp_path / "latin.csv").write_bytes("path,caption\nö.wav,x\n".encode("latin-1"))
    (tmp_path / "m.parquet").write_bytes(b"broken")
    (tmp_path / "m.txt").write_text("{}")
    for name, message in {
        "latin.csv": "is not UTF-8 at byte 13",
        "m.parquet": "not a whole .parquet file",
        "m.txt": "is not read by its suffix",
        "absent.csv": "cannot be opened",
    }.items():
        with pytest.raises(InputError, match=message):
            read_manifest(tmp_path / name)


def test_the_number_of_each_row_that_a_table_was_written_with_is_no_id_and_no_split(tmp_path):
    pd.DataFrame({"path": ["a.wav", "b.wav", "a.wav"], "caption": ["Rain", "Bell", "Drops"]}).to_csv(tmp_path / "m.csv")
    manifest = read_manifest(tmp_path / "m.csv")
    assert [(clip.id, clip.captions, clip.split) for clip in manifest.clips] == [
        ("a.wav", ("Rain", "Drops"), ""),
        ("b.wav", ("Bell",), ""),
    ]
