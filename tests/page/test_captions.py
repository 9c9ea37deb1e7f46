"""The caption browser: what it shows is what the study wrote, and nothing of it is ever run."""

import csv
import dataclasses
import io
import json
import sys
from pathlib import Path

import numpy as np
import pytest

from gapkit.captioning import CaptionResults, CaptionStudyConfig, run_caption_study
from gapkit.captioning.writing import write_study
from gapkit.comparison import StudyConfig, open_run, run_study
from gapkit.errors import InputError
from gapkit.files import load_pairs, save_pairs
from gapkit.files.csv_cells import original
from gapkit.page import build_page, to_html
from gapkit.records import unsealed
from gapkit.study.manifest import write_manifest

from .conftest import NASTY

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "captioning"))
from study_tools import register_nearest

FORMULAS = ("=", "+", "-", "@", "\uff1d")
PARTS = ("zero-shot, clean", "zero-shot, chosen", "supervised")


@pytest.fixture(scope="module")
def captioned_run(tmp_path_factory, make_pairs):
    """A finished study with the captions of its clips in its folder; the decoder answers with nasty captions too."""
    register_nearest()
    root = tmp_path_factory.mktemp("captioned")
    made = make_pairs()
    captions = np.asarray(made.captions, dtype=object)
    learnt = np.isin(made.split, ["train"])[made.owner]
    captions[learnt] = [f"{FORMULAS[i % len(FORMULAS)]}{text}" for i, text in enumerate(captions[learnt])]
    save_pairs(dataclasses.replace(made, captions=captions.astype(str)), root / "pairs.npz")
    pairs = load_pairs(root / "pairs.npz")
    config = StudyConfig(
        bridges=("procrustes",), metrics=("cosine", "separability", "recall@10"), threads=1, n_resamples=10
    )
    run_study(pairs, config, out=root / "study")
    run_caption_study(
        pairs,
        CaptionStudyConfig(
            decoder="nearest", bridges=("procrustes",), trainings=("clean",), seeds=1, beams=(1,), draws=20,
            scores=("cider_d", "rouge_l"), tokenizer="words",
        ),
        out=root / "study" / "captions", fitted=root / "study",
    )  # fmt: skip
    return open_run(root / "study")


@pytest.fixture(scope="module")
def captioned_page(captioned_run):
    return build_page(captioned_run, methods=("pca",))


@pytest.fixture(scope="module")
def captioned_tab(open_in, captioned_page):
    return open_in(to_html(captioned_page))


def _cards(tab):
    return [card.locator("h3").inner_text() for card in tab.locator("#captions-list > li").all()]


def test_the_page_holds_what_the_study_wrote(captioned_run, captioned_page):
    own = captioned_page.captioned
    assert [part["label"] for part in own.parts] == list(PARTS)
    assert own.ids == tuple(str(name) for name in captioned_run.test.ids)
    text = (captioned_run.folder / "captions" / "captions.csv").read_text(encoding="utf-8")
    row = next(row for row in own.parts[0]["rows"] if row["bridge"] == "procrustes")
    assert all(caption.split("\n")[0][:20] in text for caption in row["captions"])
    assert own.references[0][0] == captioned_run.test.captions[0]


def test_best_and_worst_come_first(captioned_tab, captioned_page):
    own = captioned_page.captioned
    captioned_tab.select_option("#captions-part", "0")
    captioned_tab.select_option("#captions-bridge", label="procrustes")
    captioned_tab.select_option("#captions-number", "25")
    assert "numbers are CIDEr-D" in captioned_tab.inner_text("#captions-told")
    assert captioned_tab.locator("#captions-score option").all_inner_texts() == list(own.labels)
    row = next(row for row in own.parts[0]["rows"] if row["bridge"] == "procrustes")
    score = dict(zip(own.ids, row["values"][own.scores.index("cider_d")], strict=True))
    captioned_tab.select_option("#captions-order", "best")
    best = [score[name] for name in _cards(captioned_tab)]
    assert best == sorted(best, reverse=True)
    assert len(best) == 25
    captioned_tab.select_option("#captions-order", "worst")
    worst = [score[name] for name in _cards(captioned_tab)]
    assert worst == sorted(worst)
    assert worst[0] == min(score.values())


def test_a_search_finds_references_captions_and_names(captioned_tab, captioned_page):
    own = captioned_page.captioned
    captioned_tab.fill("#captions-search", own.ids[3])
    assert _cards(captioned_tab) == [own.ids[3]]
    captioned_tab.fill("#captions-search", "OF WHICH NOBODY SPOKE")
    assert _cards(captioned_tab) == []
    assert captioned_tab.inner_text("#captions-told").startswith("0 clips")
    captioned_tab.fill("#captions-search", "")


def test_captions_are_text(captioned_tab, captioned_page):
    """A caption that is markup is shown, letter by letter; that none ran is asserted where the tab closes."""
    captioned_tab.select_option("#captions-number", "25")
    nasty = next(text for text in NASTY if text.startswith("<img"))
    captioned_tab.fill("#captions-search", nasty)
    shown = captioned_tab.locator("#captions-list").inner_text()
    assert nasty in shown
    assert captioned_tab.locator("#captions-list img, #captions-list svg, #captions-list script").count() == 0
    captioned_tab.fill("#captions-search", "")


def test_a_spreadsheet_takes_no_caption_for_a_formula(captioned_tab, captioned_page, tmp_path):
    with captioned_tab.expect_download() as download:
        captioned_tab.click("#captions-save")
    download.value.save_as(tmp_path / "captions.csv")
    rows = list(csv.DictReader(io.StringIO((tmp_path / "captions.csv").read_text(encoding="utf-8"), newline="")))
    assert list(rows[0]) == ["id", "bridge", "caption", "rouge_l", "cider_d"]
    said = [row["caption"] for row in rows if row["bridge"] == "procrustes"]
    own = next(row for row in captioned_page.captioned.parts[0]["rows"] if row["bridge"] == "procrustes")
    assert [original(cell) for cell in said] == list(own["captions"])
    assert {start for start in FORMULAS if any(cell.startswith(f"'{start}") for cell in said)} == set(FORMULAS)
    assert not any(cell.startswith(FORMULAS) for cell in said)


def test_captions_of_other_clips_are_refused(captioned_run, study):
    with pytest.raises(InputError, match="its captions are of other clips"):
        build_page(open_run(study), methods=("pca",), captions=_other(captioned_run))
    with pytest.raises(InputError, match=r"no manifest.json here; expected a folder that `gapkit caption study`"):
        build_page(captioned_run, methods=("pca",), captions=captioned_run.folder / "bridges")


def _copied(run, to, change):
    """A copy of the captions of a run, its tables changed."""
    results = CaptionResults.read(run.folder / "captions")
    tables = {name: change(getattr(results, name)) for name in ("captions", "per_clip", "scores")}
    write_study(dataclasses.replace(results, **tables), to)
    return to


def test_rows_that_the_first_seed_lacks_are_left_out(captioned_run, tmp_path):
    """A decoder may have failed with one seed: its rows are not here, the others are."""

    def second(table):
        lost = (table["training"] == "source") & (table["bridge"] == "procrustes")
        return table.assign(seed=np.where(lost, 1, 0))

    own = build_page(captioned_run, methods=("pca",), captions=_copied(captioned_run, tmp_path / "c", second)).captioned
    assert [row["bridge"] for row in own.parts[-1]["rows"]] == ["identity", "oracle"]
    assert "1 rows are not here: their decoder failed with this seed." in own.remarks


def test_captions_without_a_score_of_single_clips(captioned_run, tmp_path, open_in):
    def corpus_alone(table):
        return table if "caption" in table or "ci_low" in table else table.iloc[:0]

    page = build_page(captioned_run, methods=("pca",), captions=_copied(captioned_run, tmp_path / "c", corpus_alone))
    assert page.captioned.scores == ()
    assert len(_cards(open_in(to_html(page)))) == 5


def _other(run):
    path = run.folder / "captions" / "manifest.json"
    manifest = unsealed(json.loads(path.read_text(encoding="utf-8")), required=True)
    folder = run.folder.parent / "other"
    folder.mkdir()
    for name in ("captions.csv", "per_clip.csv", "scores.csv"):
        (folder / name).write_bytes((path.parent / name).read_bytes())
    manifest["input"]["content_hash"] = "0"
    write_manifest(folder / "manifest.json", manifest)
    return folder


def test_a_page_without_captions_has_no_such_section(page, html):
    assert page.captioned is None
    assert 'id="captions"' not in html
