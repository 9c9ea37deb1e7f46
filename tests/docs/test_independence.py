"""Pages and tables whose intervals take items as independent say so first, and no claim of theirs rests on a test."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
TABLES = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "results").glob("**/*.md"))
WITHOUT_INTERVALS_OF_GROUPED_ITEMS = ("modality_gap/openclipart.md", "audiocaps_text.md", "temperature.md")
PAGES = ("docs/results.md", "docs/captioning-results.md", "docs/figures.md", "docs/tuning.md")


@pytest.fixture(scope="module")
def script() -> ModuleType:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "analyses"))
        return importlib.import_module("independence")


@pytest.mark.parametrize("name", PAGES)
def test_a_page_of_soundscapes_says_so_below_its_heading(script: ModuleType, name: str) -> None:
    heading, remark, _ = (ROOT / name).read_text(encoding="utf-8").split("\n\n", 2)
    assert heading.startswith("# ")
    assert " ".join(remark.split()) == script.REMARKS["soundscapes"]


@pytest.mark.parametrize("name", [n for n in TABLES if not n.endswith(WITHOUT_INTERVALS_OF_GROUPED_ITEMS)])
def test_a_table_says_so_first(script: ModuleType, name: str) -> None:
    dataset = Path(name).stem.removesuffix("-tuned")
    remark = script.REMARKS.get(dataset, script.REMARKS["soundscapes"])
    assert (ROOT / name).read_text(encoding="utf-8").split("\n\n", 1)[0] == remark


def test_a_table_of_items_apart_says_nothing(script: ModuleType) -> None:
    assert "independent" not in (ROOT / "results/modality_gap/openclipart.md").read_text(encoding="utf-8")
    assert script.tested("openclipart")
    assert script.tested("clip-coco500")
    assert not script.tested("soundscapes")


def test_the_line_stands_once_however_often_it_is_put(script: ModuleType) -> None:
    once = script.marked("| a |\n", "sfx")
    assert script.marked(once, "sfx") == once
    assert script.unmarked(once) == "| a |\n"
    assert script.marked("| a |\n", "openclipart") == script.unmarked("| a |\n") == "| a |\n"


@pytest.mark.parametrize("name", PAGES[:3])
def test_no_sentence_rests_on_a_stored_test(name: str) -> None:
    """Stars and p stand only where no items of one origin are known."""
    text = (ROOT / name).read_text(encoding="utf-8")
    for dataset in ("clip-coco500", "openclipart"):
        text = re.sub(rf"^## `{dataset}`$.*?(?=^## )", "", text, flags=re.MULTILINE | re.DOTALL)
    said = " ".join(text.split())
    for words in ("p <", "Holm", "intervals apart", "with certainty", "told from", "no telling", r"significan"):
        assert words not in said
    assert not re.search(r"\d\* \|", text)
