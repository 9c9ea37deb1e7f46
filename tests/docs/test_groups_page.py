"""The outputs on the page on groups are those of its commands."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from gapkit.cli.main import run

PAGE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "groups.md"
TEXT = PAGE.read_text(encoding="utf-8")
EXAMPLES = [
    (command, shown.splitlines())
    for block in re.findall(r"```console\n(.*?)```", TEXT, re.DOTALL)
    for command, shown in re.findall(r"^\$ (gapkit .*)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE)
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of the page."""
    home = tmp_path_factory.mktemp("groups")
    (script,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home)
        exec(compile(script, PAGE.name, "exec"), {})
    head = (home / "origin.csv").read_text(encoding="utf-8").splitlines()[:100]
    (home / "part.csv").write_text("\n".join(head), encoding="utf-8")
    return home


def test_the_page_has_examples() -> None:
    assert len(EXAMPLES) >= 8
    assert all(shown for _, shown in EXAMPLES)


@pytest.mark.parametrize(("command", "shown"), EXAMPLES, ids=[command for command, _ in EXAMPLES])
def test_a_command_says_what_is_shown(
    folder: Path, command: str, shown: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setenv("COLUMNS", "100")
    run(shlex.split(command)[1:])
    told = capsys.readouterr()
    said = [line.rstrip() for line in (told.err + told.out).splitlines()]
    assert [line for line in shown if line != "..." and line not in said] == []
