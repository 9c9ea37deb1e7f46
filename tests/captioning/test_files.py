"""Files of captions: every format in and out, and nothing in a cell is run."""

from __future__ import annotations

import csv
import json

import pytest

from gapkit.captioning.files import read_candidates, read_references, write_captions
from gapkit.errors import GapkitError, InputError

FORMULAS = ["=1+1", "+1", "-0JqTq_4jaE", "@SUM(A1)", "'=1", "''", "'tis", "\t=1", "__import__('os').system('x')", "[1]"]


@pytest.mark.parametrize("suffix", [".csv", ".json"])
def test_what_is_written_is_read_back(tmp_path, suffix):
    path = tmp_path / f"captions{suffix}"
    candidates = {text: f'{text}, "quoted", été\nsecond line' for text in FORMULAS}
    write_captions(path, candidates)
    assert read_candidates(path) == candidates
    references = {"a": ("x", "=y"), "-b": ("-z",)}
    write_captions(path, references)
    assert read_references(path) == references
    if suffix == ".csv":
        with path.open(newline="") as file:
            assert [row[0] for row in csv.reader(file)] == ["id", "a", "a", "'-b"]


@pytest.mark.parametrize(
    "content",
    [
        {"7": "a dog", "-x": "=rain"},
        [{"image_id": 7, "caption": "a dog"}, {"image_id": "-x", "caption": "=rain"}],
        [{"id": 7, "caption": "a dog"}, {"id": "-x", "caption": "=rain", "score": 1}],
    ],
)
def test_json_candidates(tmp_path, content):
    (tmp_path / "c.json").write_text(json.dumps(content))
    assert read_candidates(tmp_path / "c.json") == {"7": "a dog", "-x": "=rain"}


@pytest.mark.parametrize(
    "content",
    [
        {"7": ["a", "b"], "8": ["c"]},
        [{"image_id": 7, "caption": "a"}, {"image_id": 8, "caption": "c"}, {"image_id": 7, "caption": "b"}],
        {
            "info": {},
            "images": [{"id": 7}, {"id": 8}],
            "annotations": [
                {"id": 1, "image_id": 7, "caption": "a"},
                {"id": 2, "image_id": 8, "caption": "c"},
                {"id": 3, "image_id": 7, "caption": "b"},
            ],
        },
    ],
)
def test_json_references(tmp_path, content):
    (tmp_path / "r.json").write_text(json.dumps(content))
    assert read_references(tmp_path / "r.json") == {"7": ("a", "b"), "8": ("c",)}


def test_references_as_the_caption_sets_have_them(tmp_path):
    path = tmp_path / "test.csv"
    path.write_text("audiocap_id,youtube_id,start_time,caption\n1,-vid,30,Rain\n2,vidB,0,Wind\n3,-vid,30,Heavy rain\n")
    assert read_references(path) == {"-vid_30": ("Rain", "Heavy rain"), "vidB_0": ("Wind",)}
    path.write_text("file_name,caption_1,caption_2,caption_3,caption_4,caption_5\nx.wav,a,b,c,d,e\n")
    assert read_references(path) == {"x.wav": ("a", "b", "c", "d", "e")}


def test_the_references_of_audiocaps(shared_data):
    references = read_references(shared_data / "audiocaps" / "v1_test.csv")
    assert len(references) == 975
    assert {len(said) for said in references.values()} == {5}


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("c.csv", "id,caption\na,x\na,y\n", "line 3: id 'a' has a second caption"),
        ("c.csv", "", "is empty; expected the columns id, caption"),
        ("c.csv", "id,caption\n", "has a header and no rows"),
        (
            "c.csv",
            "id,caption\na,rain, and wind\n",
            "line 2: has 3 cells for the 2 columns of the header; quote captions",
        ),
        ("c.csv", 'id,caption\na,"open\n', "line 2: cannot be read as a table"),
        ("c.json", '{"a": "x", "a": "y"}', "the name 'a' stands there twice"),
        ("c.json", '[{"id": "a", "caption": "x"}, {"id": "a", "caption": "y"}]', "entry 1: id 'a' has a second"),
        ("c.json", '{"a": 3}', "entry 'a': expected a caption that is text, got 3"),
        ("c.json", '[{"id": 1.5, "caption": "x"}]', "expected an id that is text or a whole number, got 1.5"),
        ("c.json", '[{"caption": "x"}]', "no column 'id' (there is 'caption')"),
        ("c.json", "[" * 100_000, "not a readable UTF-8 json"),
        ("c.json", '"x"', "expected an object or a list of captions, got str"),
        ("c.json", "{}", "is empty; expected the columns id, caption"),
        ("c.txt", "a x", "is not read by its suffix"),
    ],
)
def test_files_that_are_no_captions(tmp_path, name, text, words):
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError) as raised:
        read_candidates(tmp_path / name)
    assert words in str(raised.value)
    assert "\n" not in str(raised.value)


def test_bytes_that_are_no_text_and_no_file(tmp_path):
    for name in ("c.csv", "c.json"):
        (tmp_path / name).write_bytes(b"id,caption\na,\xff\xfe\n")
        with pytest.raises(InputError, match="is not UTF-8 at byte 13"):
            read_candidates(tmp_path / name)
        with pytest.raises(InputError, match="cannot be opened"):
            read_references(tmp_path / f"no-{name}")
    with pytest.raises(InputError, match=r"ends in \.csv or \.json"):
        write_captions(tmp_path / "c.txt", {"a": "x"})
    with pytest.raises(GapkitError, match="could not be written"):
        write_captions(tmp_path / "c.csv" / "c.csv", {"a": "x"})
