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
