"""The site builds without a warning and without a network, and what its pages tell a reader to type exists."""

from __future__ import annotations

import importlib
import os
import re
import shlex
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]

# A network that answers would hide what a reader without one lacks.
BUILD = """
import socket, sys
def refuse(*arguments):
    raise AssertionError("the build of the site reached for the network")
socket.socket.connect = socket.getaddrinfo = refuse
from mkdocs.__main__ import cli
cli(sys.argv[1:])
"""


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("site") / "site"
    settings = {"NO_MKDOCS_2_WARNING": "1", "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])}
    command = [sys.executable, "-c", BUILD, "build", "--strict", "--quiet", "--site-dir", str(out)]
    done = subprocess.run(command, cwd=ROOT, env=os.environ | settings, capture_output=True, text=True)
    assert (done.returncode, done.stderr, done.stdout) == (0, "", "")
    return out


class Assets(HTMLParser):
    """What a browser fetches to show a page, and its headings."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.ids: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.ids.add(given.get("id") or "")
        if tag in ("script", "img", "source", "iframe", "video"):
            self.fetched.append(given.get("src") or "")
        if tag == "link" and given.get("rel") not in ("canonical", "next", "prev"):
            self.fetched.append(given.get("href") or "")


def read(page: Path) -> Assets:
    parser = Assets()
    parser.feed(page.read_text(encoding="utf-8"))
    return parser


@pytest.mark.slow
def test_no_page_fetches_anything_from_elsewhere(site: Path) -> None:
    pages = sorted(site.rglob("*.html"))
    assert len(pages) > 30
    for page in pages:
        fetched = [asset for asset in read(page).fetched if asset]
        assert fetched
        assert [asset for asset in fetched if re.match(r"(https?:)?//", asset)] == []
        # 404.html is served from anywhere and has addresses from the root.
        there = [(site / a.lstrip("/") if a.startswith("/") else page.parent / a) for a in fetched]
        assert [asset for asset in there if not Path(str(asset).split("?")[0]).exists()] == []


@pytest.mark.slow
def test_every_public_name_has_its_entry(site: Path) -> None:
    for package in ("checks", "comparison", "encoders", "files", "metrics", "projections", "report", "statistics"):
        page = site / "reference" / "api" / f"{'tables' if package == 'report' else package}.html"
        ids = read(page).ids
        names = importlib.import_module(f"gapkit.{package}").__all__
        entries = {name: (f"gapkit.{package}.{name}", f"gapkit.{package}.{name}.{name}") for name in names}
        documented = {name for name, either in entries.items() if ids.intersection(either)}
        constants = {name for name in names if name.isupper()}
        assert set(names) - documented <= constants, package


@pytest.mark.slow
def test_every_bridge_has_its_entry(site: Path) -> None:
    from gapkit.bridges.registry import BRIDGES

    ids = read(site / "reference" / "api" / "bridges.html").ids
    own = [BRIDGES.get(name) for name in BRIDGES.names() if BRIDGES.origin(name) == "gapkit"]
    assert len(own) > 20
    assert [kind for kind in own if f"{kind.__module__}.{kind.__name__}" not in ids] == []


@pytest.mark.slow
def test_the_command_line_and_the_notebooks_are_pages(site: Path) -> None:
    text = (site / "reference" / "cli.html").read_text(encoding="utf-8")
    for name in commands():
        assert f'id="gapkit-{name.replace(" ", "-")}"' in text
    for notebook in (ROOT / "docs" / "notebooks").glob("*.py"):
        page = (site / "notebooks" / f"{notebook.stem}.html").read_text(encoding="utf-8")
        assert "%%" not in page
        script = notebook.read_text(encoding="utf-8")
        blocks = script.count("\n# %%\n") + len(re.findall(r"^# ```\w", script, re.MULTILINE))
        assert page.count('class="highlight"') == blocks


def commands() -> dict[str, Any]:
    from typer.main import get_command

    from gapkit.cli.main import app

    group: Any = get_command(app)
    found = dict(group.commands)
    for name, command in list(found.items()):
        if inner := getattr(command, "commands", None):
            del found[name]
            found |= {f"{name} {own}": below for own, below in inner.items()}
    return found


def typed(page: Path) -> list[str]:
    """Lines of code blocks and spans of code that call gapkit."""
    text = page.read_text(encoding="utf-8")
    blocks = re.findall(r"^```[\w ]*\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()]
    lines += re.findall(r"^    (gapkit .*)$", text, flags=re.MULTILINE)
    lines += [" ".join(span.split()) for span in re.findall(r"(?<!`)`(gapkit [^`]+)`", text)]
    return [line.strip() for line in lines if re.match(r"\s*gapkit +[a-z]", line)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_that_a_page_shows_exist(page: Path) -> None:
    known = commands()
    for line in typed(page):
        words = shlex.split(line.replace("...", "").rstrip("\\ "), comments=True)[1:]
        name = " ".join(words[:2]) if " ".join(words[:2]) in known else words[0]
        if any(own.startswith(f"{name} ") for own in known):  # a group, named as such
            continue
        assert name in known, line
        options = {flag for parameter in known[name].params for flag in (*parameter.opts, *parameter.secondary_opts)}
        given = [word.split("=")[0] for word in words[1:] if re.match(r"--?[a-z]", word)]
        assert [flag for flag in given if flag not in {*options, "--help"}] == [], line


def test_the_check_of_commands_sees_them() -> None:
    found = [line for page in PAGES for line in typed(page)]
    assert len(found) > 40
    assert {line.split()[1] for line in found} >= {"compare", "inspect", "metrics", "table", "merge", "embed", "tune"}


@pytest.mark.parametrize("page", sorted((ROOT / "docs" / "how-to").glob("*.md")), ids=lambda page: page.stem)
def test_python_of_the_guides_compiles(page: Path) -> None:
    for block in re.findall(r"^```python\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL):
        compile(block, str(page), "exec")


@pytest.mark.slow
def test_the_bridge_of_the_guide_works() -> None:
    text = (ROOT / "docs" / "how-to" / "own-bridge.md").read_text(encoding="utf-8")
    code = "\n".join(re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL))
    check = """
import numpy as np
wide = results.pivot()
assert results.failures == []
assert wide.loc["identity", "cosine"] < wide.loc["half-shift", "cosine"] < wide.loc["c3", "cosine"]
pairs = gapkit.load_dataset("sfx")
moved = gapkit.make_bridge("half-shift", share=1.0).fit(pairs.source, pairs.target).transform(pairs.source)
assert np.allclose(np.linalg.norm(moved, axis=1), 1, atol=1e-5)
"""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])}
    done = subprocess.run([sys.executable, "-c", code + check], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    assert "| half-shift |" in done.stdout


@pytest.mark.slow
def test_the_tutorial_measures_what_it_shows() -> None:
    from gapkit.comparison import measure_gap
    from gapkit.datasets import load_dataset
    from gapkit.metrics import METRICS

    page = (ROOT / "docs" / "tutorial" / "first-table.md").read_text(encoding="utf-8")
    assert "gapkit metrics --dataset sfx\n" in page
    rows = re.findall(r"^(\S.*?) +([\d.]+)  \[([\d.]+), ([\d.]+)\]$", page, re.MULTILINE)
    assert len(rows) == 5
    known = {METRICS.get(name).heading: METRICS.get(name) for name in METRICS.names()}
    metrics = [known[heading] for heading, *_ in rows]
    found = measure_gap(load_dataset("sfx"), metrics=[metric.name for metric in metrics]).summary().set_index("metric")
    for metric, (_, *shown) in zip(metrics, rows, strict=True):
        values = found.loc[metric.name, ["value", "ci_low", "ci_high"]].to_numpy(dtype=float) * metric.scale
        assert [float(number) for number in shown] == pytest.approx(values, abs=1.5 * 10**-metric.digits)


@pytest.mark.slow
def test_the_tutorial_prints_what_it_shows(tmp_path: Path) -> None:
    """Every row of the tutorial's table is in the output of its command, to the last digit but for one step."""
    page = (ROOT / "docs" / "tutorial" / "first-table.md").read_text(encoding="utf-8")
    (command,) = re.findall(r"^(gapkit compare .*)$", page, re.MULTILINE)
    words = [sys.executable, "-m", "gapkit", *shlex.split(command)[1:]]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path]), "COLUMNS": "100"}
    done = subprocess.run(words, capture_output=True, text=True, env=environment, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert {"results.csv", "results.json", "table.md", "table.tex", "manifest.json"} <= {
        p.name for p in (tmp_path / "first").iterdir()
    }
    from gapkit.comparison import Results

    wide = Results.read(tmp_path / "first").pivot()
    rows = re.findall(r"^([\w-]+) +\*?([\d.]+) ±[\d.]+ +\*?([\d.]+) ±[\d.]+$", page, re.MULTILINE)
    assert [name for name, _, _ in rows] == [name for name in wide.index if name != "target-split-half"]
    for name, cosine, recall in rows:
        assert float(cosine) == pytest.approx(wide.loc[name, "cosine"], abs=0.0015)
        assert float(recall) == pytest.approx(wide.loc[name, "recall@10"], abs=0.0015)
