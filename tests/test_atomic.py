import os
import threading

import pytest

from gapkit.atomic import drop_leftovers, replacing, write_bytes, write_text
from gapkit.errors import GapkitError, InputError


def test_folders_are_made_and_text_is_utf8(tmp_path):
    write_text(tmp_path / "a" / "b" / "c.txt", "größer\n")
    assert (tmp_path / "a" / "b" / "c.txt").read_bytes() == "größer\n".encode()
    assert [p.name for p in (tmp_path / "a" / "b").iterdir()] == ["c.txt"]


def test_a_block_that_fails_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "data.npz"
    write_bytes(path, b"old")

    def write_half():
        with replacing(path) as temporary:
            temporary.write_bytes(b"half")
            raise KeyError("stopped in the middle")

    with pytest.raises(KeyError):
        write_half()
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_the_temporary_file_keeps_the_suffix_and_is_beside_the_target(tmp_path):
    with replacing(tmp_path / "data.npz") as temporary:
        assert temporary.suffix == ".npz"
        assert temporary.parent == tmp_path
        assert not (tmp_path / "data.npz").exists()
        temporary.write_bytes(b"new")
    assert (tmp_path / "data.npz").read_bytes() == b"new"


def test_a_path_below_a_file_is_a_failure_of_the_machine(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(GapkitError, match="could not be written") as caught:
        write_text(tmp_path / "file" / "below.txt", "y")
    assert not isinstance(caught.value, InputError)
    assert (tmp_path / "file").read_text() == "x"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_write_permission(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(GapkitError, match="could not be written"):
        write_text(tmp_path / "a.txt", "y")
    tmp_path.chmod(0o700)
    assert not list(tmp_path.iterdir())


def test_a_folder_in_the_place_of_the_file_stays(tmp_path):
    (tmp_path / "taken").mkdir()
    with pytest.raises(GapkitError, match="taken: could not be written"):
        write_text(tmp_path / "taken", "y")
    assert [p.name for p in tmp_path.iterdir()] == ["taken"]


@pytest.mark.parametrize("name", [".", "taken"])
def test_a_folder_is_no_name_for_a_file(tmp_path, monkeypatch, name):
    (tmp_path / "taken").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="expected a file, got a folder"):
        write_text(name, "y")


def test_a_full_disk_leaves_the_old_file(tmp_path, monkeypatch):
    write_text(tmp_path / "a.txt", "old")

    def full(_handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(GapkitError, match="No space left on device"):
        write_text(tmp_path / "a.txt", "new")
    assert (tmp_path / "a.txt").read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 1


def test_concurrent_writers_leave_one_whole_file(tmp_path):
    path = tmp_path / "shared.bin"
    contents = [bytes([i]) * 100_000 for i in range(8)]
    seen: list[bytes] = []
    stop = threading.Event()

    def read():
        while not stop.is_set():
            if path.exists():
                seen.append(path.read_bytes())

    reader = threading.Thread(target=read)
    reader.start()
    writers = [threading.Thread(target=lambda c=c: [write_bytes(path, c) for _ in range(5)]) for c in contents]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    stop.set()
    reader.join()
    assert path.read_bytes() in contents
    assert set(seen) <= set(contents)
    assert list(tmp_path.iterdir()) == [path]


def test_leftovers_of_killed_writers_go_and_nothing_else(tmp_path):
    kept = [tmp_path / name for name in ("a.npy", ".hidden", ".notes.tmp", "b.0a1b2c3d.tmp")]
    for path in [*kept, tmp_path / ".a.0a1b2c3d.tmp.npy", tmp_path / ".lock.0a1b2c3d.tmp"]:
        path.write_bytes(b"x")
    with replacing(tmp_path / "c.npy") as temporary:
        temporary.write_bytes(b"y")
        drop_leftovers(tmp_path / "none")
    drop_leftovers(tmp_path)
    assert sorted(tmp_path.iterdir()) == sorted([*kept, tmp_path / "c.npy"])
