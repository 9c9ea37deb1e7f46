"""The page of performance holds what the benchmarks said, each with its day and its machine."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[1]


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("bench_all", ROOT / "benchmarks" / "all.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """benchmarks/all.py over a folder of its own, with two scripts."""
    module = load()
    for name, folder in (("HOME", tmp_path), ("RESULTS", tmp_path / "results")):
        monkeypatch.setattr(module, name, folder)
    monkeypatch.setattr(module, "PAGE", tmp_path / "docs" / "performance.md")
    (tmp_path / "docs").mkdir()
    (tmp_path / "fast.py").write_text('"""How fast."""\nimport sys\nprint("# 1 s\\n# 2 s")\nsys.exit(1)\n')
    (tmp_path / "table.py").write_text('"""A table."""\nprint("| a |\\n|--|\\n| 1 |")\n')
    (tmp_path / "broken.py").write_text('"""Broken."""\nimport sys\nprint("half")\nsys.exit(3)\n')
    return module


def test_sections_are_kept_and_told_apart(bench: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["all.py", "table"])
    assert bench.main() == 0
    text = bench.PAGE.read_text()
    assert "Not measured yet: `broken.py`, `fast.py`." in text
    assert re.search(r"## A table\n\n`python benchmarks/table.py` on \d{4}-\d\d-\d\d, .* cores; Python 3", text)
    assert "\n\n| a |\n|--|\n| 1 |\n" in text
    before = (bench.RESULTS / "table.md").read_text()
    monkeypatch.setattr("sys.argv", ["all.py", "fast"])
    assert bench.main() == 1  # a promise is broken, and its output is on the page all the same
    text = bench.PAGE.read_text()
    assert "```text\n# 1 s\n# 2 s\n```" in text
    assert (bench.RESULTS / "table.md").read_text() == before


def test_a_benchmark_that_fails_leaves_its_section_as_it_was(
    bench: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.RESULTS.mkdir()
    (bench.RESULTS / "broken.md").write_text("# Broken\n\nof 2020\n")
    monkeypatch.setattr("sys.argv", ["all.py", "broken"])
    assert bench.main() == 1
    assert "broken: stopped with exit code 3; its section stays as it is" in capsys.readouterr().err
    assert "## Broken\n\nof 2020\n" in bench.PAGE.read_text()
    monkeypatch.setattr("sys.argv", ["all.py", "no-such"])
    with pytest.raises(SystemExit):
        bench.main()


def test_the_page_is_written_from_the_sections() -> None:
    module = load()
    assert module.PAGE.read_text(encoding="utf-8") == module.page(), "run: python benchmarks/all.py --page"
    for path in module.RESULTS.glob("*.md"):
        assert re.search(r" on \d{4}-\d\d-\d\d\b", path.read_text(encoding="utf-8")), f"{path.name} has no day"
