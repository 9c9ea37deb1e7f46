"""Records and saved files: read back as written, and none where a byte has changed or the key is another."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from gapkit.errors import GapkitError
from gapkit.records import sealed
from gapkit.study.record import RECORD, digest_of, read_record, save_files, saved_seconds, write_record

CONTENT = {"key": "aa", "value": 0.1 + 0.2, "none": math.nan, "text": "naïve 犬\ud800", "count": np.int64(3), "b": True}


def _save(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "weights.bin").write_bytes(b"0123456789")
    (folder / "config.json").write_text("{}")


def test_a_record_comes_back_in_plain_numbers(tmp_path: Path) -> None:
    write_record(tmp_path / "r.json", CONTENT)
    assert read_record(tmp_path / "r.json", key="aa") == {**CONTENT, "none": None, "count": 3}
    json.loads((tmp_path / "r.json").read_text(), parse_constant=lambda _: pytest.fail("NaN"))


def test_a_record_of_another_key_is_none(tmp_path: Path) -> None:
    write_record(tmp_path / "r.json", CONTENT)
    assert read_record(tmp_path / "r.json", key="bb") is None
    assert read_record(tmp_path / "r.json", search="aa") is None
    assert read_record(tmp_path / "other.json") is None


def test_every_changed_byte_of_a_record_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    write_record(path, CONTENT)
    whole = path.read_bytes()
    said = read_record(path)
    for place in range(len(whole) - 1):  # without the last newline it says the same
        damaged = bytearray(whole)
        damaged[place] ^= 1
        path.write_bytes(damaged)
        # A blank that became another blank says the same.
        assert read_record(path) in (None, said)
        path.write_bytes(whole[:place])
        assert read_record(path) is None


@pytest.mark.parametrize("text", ["", "[]", "{}", "[" * 100_000, '{"key": "aa"}'])
def test_what_is_not_a_sealed_object_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "r.json").write_text(text)
    assert read_record(tmp_path / "r.json") is None


def test_saved_files_count_by_their_key_and_by_every_byte(tmp_path: Path) -> None:
    home = tmp_path / "fits" / "ridge"
    save_files(home, _save, key="aa", seconds=1.5)
    assert (saved_seconds(home, key="aa"), saved_seconds(home), saved_seconds(home, key="bb")) == (1.5, 1.5, None)
    assert sorted(path.name for path in home.iterdir()) == ["config.json", RECORD, "weights.bin"]
    for path in home.iterdir():
        whole = path.read_bytes()
        for damaged in (whole[:-2], whole[:-2] + bytes([whole[-2] ^ 4]) + whole[-1:]):
            path.write_bytes(damaged)
            assert saved_seconds(home) is None
        path.write_bytes(whole)
    (home / "weights.bin").unlink()
    assert saved_seconds(home) is None
    save_files(home, _save, key="bb", seconds=2.0)
    assert saved_seconds(home, key="bb") == 2.0


def test_an_unsealed_record_of_an_earlier_version_counts(tmp_path: Path) -> None:
    """Decoders were recorded without a seal; their files have digests."""
    _save(tmp_path / "clean-s0")
    files = {path.name: digest_of(path) for path in (tmp_path / "clean-s0").iterdir()}
    record = {"key": "aa", "seconds": 3.0, "files": files}
    (tmp_path / "clean-s0" / RECORD).write_text(json.dumps(record))
    assert saved_seconds(tmp_path / "clean-s0", key="aa") == 3.0


@pytest.mark.parametrize("files", [{}, None, [], {"weights.bin": "00"}, {"gone": "00"}])
def test_a_record_that_names_no_whole_files_is_none(tmp_path: Path, files: object) -> None:
    _save(tmp_path / "fit")
    (tmp_path / "fit" / RECORD).write_text(json.dumps(sealed({"key": "aa", "seconds": 1.0, "files": files})))
    assert saved_seconds(tmp_path / "fit") is None


def test_a_disk_that_refuses_leaves_no_half_folder(tmp_path: Path) -> None:
    def full(folder: Path) -> None:
        _save(folder)
        raise OSError(28, "No space left on device")

    with pytest.raises(GapkitError, match=r"fit: could not be written \(No space left on device\)"):
        save_files(tmp_path / "fit", full, key="aa", seconds=1.0)
    assert list(tmp_path.iterdir()) == []
