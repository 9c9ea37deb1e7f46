import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gapkit.errors import InputError
from gapkit.study.folder import SCHEMA, StudyFolder

IDENTITY = {"data": {"content_hash": "aa"}, "options": {"seed": 0}}


def test_a_folder_belongs_to_its_study(tmp_path: Path) -> None:
    folder = StudyFolder(tmp_path / "out")
    with folder.lock():
        folder.claim(IDENTITY)
        folder.claim(IDENTITY)
        with pytest.raises(InputError, match=r"another study \(options seed: 0 there, 1 here\); give another --out"):
            folder.claim({**IDENTITY, "options": {"seed": 1}})


def test_a_folder_with_other_files_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(InputError, match="got one with other files"), StudyFolder(tmp_path).lock():
        pass
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_file_in_place_of_a_folder(tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.write_text("")
    with pytest.raises(InputError, match="other files"), StudyFolder(path).lock():
        pass


def test_one_process_at_a_time(tmp_path: Path) -> None:
    code = (
        "import sys; from gapkit.study.folder import StudyFolder\n"
        "with StudyFolder(sys.argv[1]).lock(): print('held', flush=True); sys.stdin.read()"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
    )
    assert holder.stdout is not None
    assert holder.stdin is not None
    try:
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(InputError, match="another gapkit works in this folder"), StudyFolder(tmp_path).lock():
            pass
    finally:
        # The lock must end with the process, however it ends.
        holder.kill()
        holder.wait()
        holder.stdin.close()
        holder.stdout.close()
    with StudyFolder(tmp_path).lock():
        pass


def test_half_files_of_a_killed_run_are_swept(tmp_path: Path) -> None:
    half = tmp_path / "cells" / ".ridge.1234abcd.tmp.json"
    half.parent.mkdir()
    half.write_text("{")
    (tmp_path / "study.json").write_text(json.dumps({"schema": SCHEMA}))
    with StudyFolder(tmp_path).lock():
        assert not half.exists()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema": "x"}'])
def test_a_broken_identity(tmp_path: Path, text: str) -> None:
    (tmp_path / "study.json").write_text(text)
    with pytest.raises(InputError, match="not readable"):
        StudyFolder(tmp_path).identity()


def test_a_newer_schema(tmp_path: Path) -> None:
    (tmp_path / "study.json").write_text(json.dumps({"schema": SCHEMA + 1}))
    with pytest.raises(InputError, match="newer gapkit"):
        StudyFolder(tmp_path).identity()


def test_no_study(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no study\.json"):
        StudyFolder(tmp_path).identity()
