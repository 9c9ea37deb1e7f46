import os
import subprocess
import sys

import pytest

HEAVY = ("plotly", "torch", "sklearn", "numba", "matplotlib", "pandas", "scipy", "numpy")
CODE = f"""
import sys
from gapkit.cli.main import run
code = run(sys.argv[1:])
print("code", code, [name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)
"""


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["--version"], ["compare", "--help"], ["inspect", "-h"], ["doctor", "--help"],
     ["metrics", "--help"], ["fit", "--help"],
     ["transform", "--help"], ["tune", "--help"], ["embed", "--help"], ["plot", "--help"], ["table", "--help"],
     ["merge", "--help"], ["report", "--help"], ["list", "--help"], ["caption", "--help"],
     ["caption", "score", "--help"], ["caption", "train", "--help"], ["caption", "generate", "--help"],
     ["caption", "study", "--help"]],
    ids=" ".join,
)  # fmt: skip
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "COLUMNS": "100"}
    done = subprocess.run([sys.executable, "-c", CODE, *arguments], capture_output=True, text=True, env=environment)
    assert done.stderr == "code 0 []\n"
    assert done.stdout.strip().startswith(("Usage: gapkit", "gapkit "))


def test_help_shows_every_word() -> None:
    # What stands in brackets is markup to rich, and would be missing.
    from rich.text import Text
    from typer.main import get_command

    from gapkit.cli.main import app

    commands = [get_command(app)]
    for command in commands:
        commands += getattr(command, "commands", {}).values()
        for said in (command.help, *(getattr(parameter, "help", None) for parameter in command.params)):
            assert said is None or Text.from_markup(said).plain == said.replace("\b", "")


@pytest.mark.parametrize("arguments", [[], ["caption"]], ids=" ".join)
def test_without_a_command_the_help_is_all_that_is_said(
    arguments: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    from gapkit.cli.main import run

    assert run(arguments) == 2
    said = capfd.readouterr()
    assert said.out.strip().startswith("Usage: gapkit")
    assert said.err == ""
