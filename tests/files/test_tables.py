"""One reader of tables: every format, every way to write the same captions, every command that reads them."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gapkit.captioning.files import match_names, read_candidates, read_references, read_texts, write_captions
from gapkit.encoders.manifest import read_manifest
from gapkit.errors import InputError
from gapkit.files.captions import read_captions
from gapkit.files.encodings import likely_encoding
from gapkit.files.list_cells import list_in

FORMATS = ("csv", "tsv", "json", "jsonl", "parquet")
DATA = Path(__file__).parents[2] / ".." / "shared" / "data"


def write(folder, kind, records, name="t", delimiter=None, encoding="utf-8"):
    """Records in a format; lists stay lists where the format has lists."""
    path = folder / f"{name}.{kind}"
    columns = list(dict.fromkeys(column for record in records for column in record))
    if kind == "parquet":
        pytest.importorskip("pyarrow")
        pd.DataFrame(records, columns=columns).to_parquet(path)
    elif kind == "json":
        path.write_text(json.dumps(records), encoding=encoding)
    elif kind == "jsonl":
        path.write_text("\n".join(map(json.dumps, records)), encoding=encoding)
    else:
        buffer = io.StringIO()
        table = csv.writer(buffer, delimiter=delimiter or ("\t" if kind == "tsv" else ","))
        table.writerows([columns, *([record.get(column, "") for column in columns] for record in records)])
        path.write_bytes(buffer.getvalue().encode(encoding))
    return path


def by_manifest(path):
    manifest = read_manifest(path)
    assert all(fault.kept for fault in manifest.faults)
    return {clip.id: clip.captions for clip in manifest.clips}


def by_captions(path):
    table = read_captions(path)
    found: dict[str, tuple[str, ...]] = {}
    for key, text in zip(table.ids, table.captions, strict=True):
        found[str(key)] = (*found.get(str(key), ()), str(text))
    assert np.array_equal(np.unique(table.ids[np.unique(table.row, return_index=True)[1]]), np.unique(table.ids))
    return found


def by_candidates(path):
    return {key: (text,) for key, text in read_candidates(path).items()}


CONSUMERS = {
    "embed": by_manifest,
    "references": read_references,
    "candidates": by_candidates,
    "captions": by_captions,
}
ONE = {"a.wav": ("rain, then wind",), "b.wav": ("a café is busy",)}
TWO = {"a.wav": ("rain, then wind", "it's raining"), "b.wav": ("a café is busy", 'they say "yes"')}
KINDS = {
    "a row a caption": (ONE, lambda key, texts: {"path": key, "caption": texts[0]}),
    "upper-case columns": (ONE, lambda key, texts: {"ID": key, "Path": key, "Caption": texts[0]}),
    "blanks round columns": (ONE, lambda key, texts: {" file name ": key, " caption": texts[0]}),
    "open_clip": (ONE, lambda key, texts: {"filepath": key, "title": texts[0]}),
    "FENSE": (ONE, lambda key, texts: {"file_name": key, "caption": texts[0]}),
    "DCASE prediction": (ONE, lambda key, texts: {"file_name": key, "caption_predicted": texts[0]}),
    "WavCaps": (ONE, lambda key, texts: {"title": "t", "caption": texts[0], "id": key, "audio": key}),
    "LAION": (ONE, lambda key, texts: {"filename": key, "text": texts[0], "title": "t"}),
    "CoNeTTE": (ONE, lambda key, texts: {"fname": key, "cand": texts[0]}),
    "list of one in JSON": (ONE, lambda key, texts: {"path": key, "caption": json.dumps(texts)}),
    "list in JSON": (TWO, lambda key, texts: {"path": key, "captions": json.dumps(texts)}),
    "list in Python": (TWO, lambda key, texts: {"path": key, "caption": str(list(texts))}),
    "tuple in Python": (TWO, lambda key, texts: {"path": key, "caption": str(texts)}),
    "list as NumPy prints it": (TWO, lambda key, texts: {"path": key, "caption": str(np.array(texts))}),
    "caption_1, caption_2": (TWO, lambda key, texts: {"path": key, "caption_1": texts[0], "Caption 2": texts[1]}),
    "Clotho": (TWO, lambda key, texts: {"file_name": key, **{f"caption_{i + 1}": t for i, t in enumerate(texts)}}),
    "DCASE": (TWO, lambda key, t: {"file_name": key, "caption_reference_01": t[0], "caption_reference_02": t[1]}),
    "Flickr30k": (TWO, lambda key, t: {"raw": json.dumps(t), "sentids": "[0, 1]", "filename": key, "img_id": 7}),
}  # fmt: skip


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("consumer", CONSUMERS)
@pytest.mark.parametrize("kind", KINDS)
def test_every_format_for_every_command(tmp_path, kind, consumer, suffix):
    expected, record = KINDS[kind]
    path = write(tmp_path, suffix, [record(key, texts) for key, texts in expected.items()])
    if consumer == "candidates" and expected is TWO:
        with pytest.raises(InputError, match=r"id 'a\.wav' has a second caption"):
            CONSUMERS[consumer](path)
    else:
        assert CONSUMERS[consumer](path) == expected


@pytest.mark.parametrize("consumer", CONSUMERS)
@pytest.mark.parametrize("suffix", ["csv", "tsv"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_delimiter_and_byte_order_mark_are_found_out(tmp_path, delimiter, encoding, suffix, consumer):
    records = [{"path": key, "caption": texts[0]} for key, texts in ONE.items()]
    assert CONSUMERS[consumer](write(tmp_path, suffix, records, delimiter=delimiter, encoding=encoding)) == ONE


@pytest.mark.parametrize("consumer", CONSUMERS)
@pytest.mark.parametrize(
    ("encoding", "caption"),
    [
        ("cp1252", "a café is busy"),
        ("cp932", "犬が吠えている"),
        ("cp949", "개가 짖고 있다"),
        ("gb18030", "一只狗在叫"),
    ],
)
@pytest.mark.parametrize("suffix", ["csv", "json"])
def test_another_encoding_is_named(tmp_path, suffix, encoding, caption, consumer):
    text = f"path,caption\na,{caption}\n" if suffix == "csv" else f'{{"a": "{caption}"}}'
    (tmp_path / f"t.{suffix}").write_bytes(text.encode(encoding))
    with pytest.raises(InputError, match=f"not UTF-8 at byte [0-9]+; it reads as {encoding}: save it as UTF-8, iconv"):
        CONSUMERS[consumer](tmp_path / f"t.{suffix}")
    assert likely_encoding(b"\xff\xff\x81 \x81") is None


JSON = {
    "by id": lambda r: {x["id"]: x["caption"] for x in r},
    "by id, lists": lambda r: {x["id"]: [x["caption"]] for x in r},
    "records by id": lambda r: {x["id"]: {"caption": x["caption"], "duration": 1.0} for x in r},
    "under data": lambda r: {"num_captions_per_audio": 1, "data": r},
    "COCO": lambda r: {
        "info": {},
        "images": [{"id": n, "file_name": x["id"]} for n, x in enumerate(r)],
        "annotations": [{"id": 9, "image_id": x["id"], "caption": x["caption"]} for x in r],
    },
    "Karpathy": lambda r: {"images": [{"filename": x["id"], "sentences": [{"raw": x["caption"]}]} for x in r]},
    "MACS": lambda r: {"files": [{"filename": x["id"], "annotations": [{"sentence": x["caption"]}]} for x in r]},
    "one object a column, as pandas writes it": lambda r: {
        column: {str(n): x[column] for n, x in enumerate(r)} for column in ("id", "caption")
    },
    "split, as pandas writes it": lambda r: {
        "columns": ["id", "caption"],
        "index": [0, 1],
        "data": [[x["id"], x["caption"]] for x in r],
    },
    "a list a column and another": lambda r: {
        **{column: [x[column] for x in r] for column in ("id", "caption")},
        "duration": [1.0, 2.0],
    },
    "a list a column": lambda r: {"id": [x["id"] for x in r], "caption": [x["caption"] for x in r]},
}


@pytest.mark.parametrize("consumer", CONSUMERS)
@pytest.mark.parametrize("layout", JSON)
def test_layouts_of_json(tmp_path, layout, consumer):
    records = [{"id": key, "caption": texts[0]} for key, texts in ONE.items()]
    (tmp_path / "t.json").write_text(json.dumps(JSON[layout](records)))
    assert CONSUMERS[consumer](tmp_path / "t.json") == ONE


@pytest.mark.parametrize("consumer", CONSUMERS)
@pytest.mark.parametrize("beside", [{}, {"duration": 1.0}])
@pytest.mark.parametrize("suffix", ["json", "jsonl"])
def test_one_record_alone(tmp_path, suffix, beside, consumer):
    (tmp_path / f"t.{suffix}").write_text(json.dumps({"id": "a.wav", "caption": "rain", **beside}))
    assert CONSUMERS[consumer](tmp_path / f"t.{suffix}") == {"a.wav": ("rain",)}


@pytest.mark.parametrize("consumer", CONSUMERS)
@pytest.mark.parametrize(("suffix", "text"), [("csv", ""), ("jsonl", ""), ("json", "{}"), ("json", "[]")])
def test_an_empty_table_is_called_empty(tmp_path, suffix, text, consumer):
    (tmp_path / f"t.{suffix}").write_text(text)
    with pytest.raises(InputError, match=r"is empty; expected the columns .*caption and one row a caption"):
        CONSUMERS[consumer](tmp_path / f"t.{suffix}")


def test_a_table_of_audiocaps_names_its_reader(tmp_path):
    path = write(tmp_path, "csv", [{"audiocap_id": 1, "youtube_id": "v", "start_time": 30, "caption": "rain"}])
    with pytest.raises(InputError, match=r"no column 'path' .*a table of AudioCaps is read with --reader audiocaps"):
        read_manifest(path)


@pytest.mark.parametrize("suffix", ["json", "jsonl", "parquet"])
def test_whole_numbers_as_ids_become_texts(tmp_path, suffix):
    path = write(tmp_path, suffix, [{"id": 7, "caption": "x"}, {"id": 2**40, "caption": "y"}])
    assert read_candidates(path) == {"7": "x", str(2**40): "y"}


BROKEN = {
    "too few": ("csv", "id,caption\na,x\nwhile the wind\nb,y\n", "line 3: has 1 cell for the 2 columns"),
    "too many": ("csv", "id,caption\na,x\nc,rain, and wind\nb,y\n", "line 3: has 3 cells .*quote captions"),
    "too many, semicolon": ("csv", "id;caption\na;x\nc;rain; wind\nb;y\n", "quote captions that hold a semicolon"),
    "text after a quote": ("csv", 'id,caption\na,x\nc,"rain" and wind\nb,y\n', "line 3: has text after a closing"),
    "no id": ("csv", "id,caption\na,x\n,z\nb,y\n", "line 3: has no id"),
    "start": ("csv", "youtube_id,start_time,caption\na,1,x\nc,soon,z\nb,2,y\n", "line 3: start_time must be a number"),
    "after lines in quotes": ("csv", 'id,caption\na,x\n"long\nid",y,z\nb,y\n', "line 3: has 3 cells"),
    "number": ("json", '{"a": "x", "c": 3, "b": "y"}', "entry 'c': expected a caption that is text, got 3"),
    "no record": ("json", '[{"id": 1, "caption": "x"}, 3, {"id": 2, "caption": "y"}]', "entry 1: expected an object"),
    "no JSON": ("jsonl", '{"id": "a", "caption": "x"}\n{"id": \n{"id": "b", "caption": "y"}', "line 2: is not JSON"),
    "list that was cut": ("csv", "id,caption\na,x\nc,\"['u' ... 'v']\"\nb,y\n", "line 3: its list was cut"),
}  # fmt: skip


@pytest.mark.parametrize("consumer", CONSUMERS)
@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_row_is_told_with_its_line_and_stops_nothing(tmp_path, kind, consumer):
    suffix, text, reason = BROKEN[kind]
    path = tmp_path / f"t.{suffix}"
    path.write_text(text)
    if consumer == "embed":
        if kind == "start":
            with pytest.raises(InputError, match="no column 'path'"):  # its own reader takes it
                read_manifest(path)
            return
        manifest = read_manifest(path)
        assert len(manifest.clips) == 2
        (fault,) = manifest.faults
        assert not fault.kept
        assert re.search(reason, fault.reason)
        return
    with pytest.warns(UserWarning, match=f"1 of 3 rows left out: .*{reason}"):
        found = CONSUMERS[consumer](path)
    assert list(found.values()) == [("x",), ("y",)]


def test_rows_without_ids_keep_their_places_or_are_refused(tmp_path):
    path = tmp_path / "c.csv"
    path.write_text('caption,split\n"a, b",train\n,test\nc,test\n')
    table = read_captions(path)
    assert (table.captions.tolist(), table.ids, table.row.tolist()) == (["a, b", "", "c"], None, [0, 1, 2])
    path.write_text("caption,split\na,train\nb, and c,test\nd,test\n")
    with pytest.raises(InputError, match="line 3: has 3 cells for the 2 columns of the header; quote"):
        read_captions(path)


def test_what_captions_gain(tmp_path):
    path = write(tmp_path, "csv", [{"caption_1": "a", "caption_2": "b", "label": "dog", "split": "test"},
                                   {"caption_1": "c", "caption_2": "", "label": "cat", "split": "train"}])  # fmt: skip
    table = read_captions(path)
    assert table.captions.tolist() == ["a", "b", "c"]
    assert table.row.tolist() == [0, 0, 1]
    assert (table.labels.tolist(), table.split.tolist()) == (["dog", "dog", "cat"], ["test", "test", "train"])


@pytest.mark.parametrize(
    ("cell", "texts"),
    [
        ('["rain", "it\\u0027s"]', ["rain", "it's"]), ("['a\\'b', \"c\"]", ["a'b", "c"]), ("['a',]", ["a"]),
        ("['a'\n 'b']", ["a", "b"]), ("[]", []), ('["a", null]', ["a", ""]), ("['a', None, nan]", ["a", "", ""]),
        ("('a', 'b')", ["a", "b"]), ("('a',)", ["a"]), ("[applause] people clap", None), ("['a' says b]", None),
        ("[1, 2]", None), ("[1]", None), ("('rain')", None), ("(rain)", None), ("rain", None), ("", None), ("[", None),
        ("['a', __import__('os').system('x')]", None), ("[['a'], ['b']]", None), ("['a'] or more", None),
    ],
)  # fmt: skip
def test_cells_that_are_lists(cell, texts):
    assert list_in(cell) == texts


@pytest.mark.parametrize("cell", ["['a', ... 'b']", "['a' 'b' ... 'y']", "['" + "a" * 2**17 + "']", "['\\x']"])
def test_lists_that_cannot_be_read_whole_are_refused(cell):
    with pytest.raises(ValueError, match="its list"):
        list_in(cell)


def test_long_lists_take_no_time():
    assert len(list_in("['a'" + ", 'a'" * 20_000 + "]")) == 20_001
    assert list_in("['a'" + ", 'a'" * 20_000 + ", x]") is None
    assert list_in("[" * 60_000 + "]" * 60_000) is None


@pytest.mark.parametrize("suffix", [".csv", ".json"])
def test_a_caption_that_reads_like_a_list_comes_back(tmp_path, suffix):
    said = {"a": '["x", "y"]', "b": "['x']", "c": "[]", "d": "=1", "e": "[x]", "f": "['a' ... 'b']"}
    write_captions(tmp_path / f"c{suffix}", said)
    assert read_candidates(tmp_path / f"c{suffix}") == said


@pytest.mark.parametrize("written", ["sounds/a b.wav", " sounds/a b.wav ", "sounds\\a b.wav"])
def test_a_path_as_written_without_outer_blanks_or_with_slashes(tmp_path, written):
    (tmp_path / "sounds").mkdir()
    (tmp_path / "sounds" / "a b.wav").touch()
    path = write(tmp_path, "csv", [{"path": written, "caption": "x"}])
    assert read_manifest(path).clips[0].path == tmp_path / "sounds" / "a b.wav"


def test_an_id_is_a_file_name_where_there_is_no_path(tmp_path):
    (tmp_path / "7.flac").touch()
    (tmp_path / "t.json").write_text('{"data": [{"id": "7", "caption": "x"}, {"id": "8", "caption": "y"}]}')
    assert [clip.path.name for clip in read_manifest(tmp_path / "t.json").clips] == ["7.flac", "8"]


@pytest.mark.parametrize(
    ("ours", "theirs", "form"),
    [
        (["a", "b"], ["a", "c"], None),
        ([" a ", "b"], ["a ", "b "], "path"),
        (["x/a.wav"], ["x\\a.wav"], "path"),
        (["a.wav", "b.wav"], ["x/a.wav", "y\\b.wav"], "file name"),
        (["2219", "2218"], ["AudioCaps/test/2219.wav", "AudioCaps/test/2218.wav"], "file name without suffix"),
        (["vid-A_x"], ["vid-A_x_30"], "YouTube id"),
        (["a"], ["x/a.wav", "y/a.wav"], None),
        (["a"], ["b"], None),
    ],
)
def test_candidates_go_by_other_forms_of_the_names(ours, theirs, form):
    found, note = match_names(dict.fromkeys(ours, "x"), dict.fromkeys(theirs, ("y",)))
    assert set(found) <= set(theirs) if form else list(found) == ours
    assert (note or "").startswith(f"candidates and references joined by {form};" if form else "")


def test_flickr30k_with_bars_and_its_broken_row(tmp_path):
    lines = [
        "image_name| comment_number| comment",
        '1.jpg| 0| Two "young" guys , one waves .',
        '1.jpg| 1| "Yes" , he says .',
        "2.jpg| 4   A dog runs across the grass .",
        "2.jpg| 0| A dog .",
    ]
    (tmp_path / "results.csv").write_text("\n".join(lines))
    with pytest.warns(UserWarning, match="line 4: has 2 cells for the 3 columns"):
        found = read_references(tmp_path / "results.csv")
    assert found == {"1.jpg": ('Two "young" guys , one waves .', '"Yes" , he says .'), "2.jpg": ("A dog .",)}


def test_a_line_that_tells_excel_the_delimiter(tmp_path):
    (tmp_path / "c.csv").write_text("sep=;\r\nid;caption\r\na;x\r\nb\r\n")
    with pytest.warns(UserWarning, match="line 4: has 1 cell"):
        assert read_candidates(tmp_path / "c.csv") == {"a": "x"}


def test_training_captions_need_no_ids(tmp_path):
    (tmp_path / "t.json").write_text('["a", "b"]')
    (tmp_path / "t.csv").write_text("caption\na\nb\n")
    assert read_texts(tmp_path / "t.json") == read_texts(tmp_path / "t.csv") == ["a", "b"]


@pytest.mark.skipif(not DATA.is_dir(), reason="the shared data are not here")
def test_real_tables():
    table = read_captions(DATA / "audiocaps" / "v1_test.csv")
    assert (len(table.captions), len(set(table.ids))) == (4875, 975)
    path = DATA / "conette" / "audiocaps_test_slim.json"
    said, people = read_candidates(path), read_references(path)
    assert (len(said), {len(texts) for texts in people.values()}) == (912, {5})
    found, note = match_names(said, read_references(DATA / "audiocaps" / "v1_test.csv"))
    assert note == "candidates and references joined by file name without suffix; 912 of 975"
    assert set(found) <= set(table.ids)
