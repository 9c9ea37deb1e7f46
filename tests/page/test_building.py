"""Studies that lack something: the page says so and shows the rest."""

import dataclasses
import json
import shutil

import numpy as np
import pytest

from gapkit.comparison import StudyConfig, open_run, run_study
from gapkit.comparison.division import Division
from gapkit.errors import InputError
from gapkit.page import build_page, to_html
from gapkit.page.content import script_data


@pytest.fixture
def run_of(tmp_path):
    """A study of pairs from memory, opened again."""

    def make(pairs, *bridges, **settings):
        settings = {"metrics": ("cosine", "recall@10"), "seeds": 1, "n_resamples": 20, "threads": 1, **settings}
        run_study(pairs, StudyConfig(bridges=bridges, **settings), out=tmp_path / "own")
        return open_run(tmp_path / "own", pairs)

    return make


def test_without_steps_there_is_only_before_and_after(make_pairs, run_of):
    page = build_page(run_of(make_pairs(), "procrustes"), methods=("pca",))
    assert [len(way.states) for way in page.ways] == [2, 2]
    assert any("No bridge of this study moves in steps" in line for line in page.remarks)
    assert 'id="plot-path"' not in to_html(page)


def test_one_bridge_only(make_pairs, run_of):
    page = build_page(run_of(make_pairs(), "ddbm", steps=4), methods=("pca",))
    assert "does ddbm bring" in page.question
    assert "Both" not in dict(page.answers)


def test_three_clips(make_pairs, run_of):
    pairs = make_pairs()
    few = pairs.take(np.array([*range(45), 60, 61, 62]))
    page = build_page(run_of(few, "procrustes"), methods=("pca", "umap", "tsne"))
    assert len(page.ids) == 3
    assert {own.name for own in page.maps} == {"pca", "umap", "tsne"}
    assert len(script_data(page)["captions"]) == 3
    to_html(page)


def test_without_captions_clips_have_targets(make_pairs, run_of):
    page = build_page(run_of(make_pairs(captions=False), "procrustes"), methods=("pca",))
    assert page.unit == "target"
    assert set(page.captions) == {()}
    assert "own targets" in to_html(page)


def test_a_folder_without_its_fitted_bridges(study, tmp_path):
    shutil.copytree(study, tmp_path / "bare")
    shutil.rmtree(tmp_path / "bare" / "bridges")
    page = build_page(open_run(tmp_path / "bare"))
    assert page.ways == page.maps == ()
    html = to_html(page)
    assert "holds no fitted bridge" in html
    assert 'id="cloud"' not in html
    assert 'id="bridges"' in html


def test_a_bridge_that_cannot_be_read_is_left_out_by_name(study, tmp_path):
    shutil.copytree(study, tmp_path / "hurt")
    (tmp_path / "hurt" / "bridges" / "procrustes" / "model.safetensors").write_bytes(b"no")
    page = build_page(open_run(tmp_path / "hurt"), methods=("pca",))
    assert [way.bridge for way in page.ways] == ["mean-shift", "ddbm"]
    assert any(line.startswith("procrustes is not in this view") for line in page.remarks)


def test_a_run_of_another_version_says_so(study):
    run = open_run(study)
    other = dataclasses.replace(run, manifest={**run.manifest, "gapkit": "0.0.7"})
    page = build_page(other, methods=("pca",))
    assert any("made by gapkit 0.0.7" in line for line in page.remarks)
    assert page.facts["Machine"]["gapkit"].startswith("0.0.7 measured")


def test_fewer_clips_are_chosen_evenly_and_numbers_stay_those_of_all(study):
    run = open_run(study)
    few, every = (build_page(run, methods=("pca",), max_clips=n) for n in (7, 2000))
    assert len(few.ids) == 7
    assert (few.ids[0], few.ids[-1]) == (every.ids[0], every.ids[-1])
    assert [s.mean for s in few.ways[-1].states] == [s.mean for s in every.ways[-1].states]
    assert any("Shows 7 of 30 measured clips" in line for line in few.remarks)
    by_id = dict(zip(every.ids, every.captions, strict=True))
    assert all(by_id[name] == own for name, own in zip(few.ids, few.captions, strict=True))


def test_another_number_of_steps_is_said_wherever_it_is_shown(study):
    run = open_run(study)
    page = build_page(run, methods=("pca",), steps=5)
    assert [way.as_measured for way in page.ways] == [True, True, False]
    assert "Cosines and ways of ddbm are of another number of reverse steps" in to_html(page)
    assert "another number of reverse steps" not in to_html(build_page(run, methods=("pca",)))


def test_a_long_caption_is_cut(study):
    run = open_run(study)
    captions = run.test.captions.astype(object)
    captions[0] = "x" * 10_000
    test = dataclasses.replace(run.test, captions=captions.astype(str))
    page = build_page(
        dataclasses.replace(run, division=Division.of(dataclasses.replace(run.parts, test=test))), methods=("pca",)
    )
    assert page.captions[0][0] == "x" * 499 + "…"


def test_the_manifest_and_tables_are_on_the_page(study, page):
    run_manifest = json.loads((study / "manifest.json").read_text())
    assert json.loads(page.files["manifest.json"]) == run_manifest
    assert page.files["table.md"] == (study / "table.md").read_text()
    assert [cell["bridge"] for cell in page.cells] == list(run_manifest["cells"])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"methods": ("pcs",)}, "expected some of pca, umap, tsne, lda, gap, got 'pcs'"),
        ({"methods": ()}, "expected at least one of"),
        ({"max_clips": 0}, "max_clips: expected a whole number of at least 1, got 0"),
        ({"steps": 0}, "steps: expected a whole number of at least 1"),
    ],
)
def test_wrong_options(study, options, said):
    with pytest.raises(InputError, match=said):
        build_page(open_run(study), **options)
