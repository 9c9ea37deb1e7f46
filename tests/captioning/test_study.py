"""The study: what is trained on what, what validation chooses, what is kept, and what the numbers are."""

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest
from study_tools import NASTY, NearestDecoder, caption_pairs, register_nearest

from gapkit.bridges import Bridge, make_bridge
from gapkit.bridges.registry import BRIDGES
from gapkit.captioning import CaptionResults, CaptionStudyConfig, caption_table, run_caption_study
from gapkit.captioning.plan import Row, Spec, level_name
from gapkit.captioning.protocols import read_by
from gapkit.captioning.scores import score_captions
from gapkit.comparison import StudyConfig, run_study
from gapkit.errors import InputError
from gapkit.study import keys
from gapkit.study.progress import Silent

QUICK = {"diffusion-link": {"steps": 10, "hidden": 16}}
TABLES = ("captions", "per_clip", "scores")


@pytest.fixture(scope="module", autouse=True)
def nearest():
    return register_nearest()


def config(**changes):
    given = {
        "decoder": "nearest", "bridges": ("mean-shift", "diffusion-link"), "seeds": 2, "noise": (0.001, 4.0),
        "starts": (1.0, 4.0), "beams": (1, 2), "draws": 50, "fitted_params": QUICK, "scores": ("cider_d", "bleu_4"),
        "tokenizer": "words",
    }  # fmt: skip
    return CaptionStudyConfig(**(given | changes))


@pytest.fixture(scope="module")
def pairs():
    return caption_pairs(96, nasty=True)


@pytest.fixture(scope="module")
def folder(pairs, tmp_path_factory):
    out = tmp_path_factory.mktemp("captions") / "study"
    run_caption_study(pairs, config(), out=out)
    return out


@pytest.fixture(scope="module")
def results(folder):
    return CaptionResults.read(folder)


def test_every_row_of_both_protocols_is_there(results):
    rows = results.scores[results.scores["score"] == "cider_d"]
    found = {
        (p, t): set(rows[(rows["protocol"] == p) & (rows["training"] == t)]["bridge"]) for p, t in results.groups()
    }
    everyone = {"identity", "mean-shift", "diffusion-link", "oracle"}
    assert found == {
        ("zero-shot", "clean"): everyone,
        ("zero-shot", "noise"): everyone,
        ("zero-shot", "bridged:diffusion-link"): {"identity", "diffusion-link"},
        ("zero-shot", "projected"): everyone,
        ("zero-shot", "chosen"): set(),
        ("supervised", "source"): everyone,
    }
    assert set(rows["seed"]) == {0, 1}
    assert list(results.scores.columns) == [
        "protocol", "bridge", "training", "seed", "score", "value", "ci_low", "ci_high", "n",
    ]  # fmt: skip


def test_targets_read_better_than_sources_across_the_gap(results):
    """The decoder keeps captions by their targets: that a clip's own target is read right needs no luck."""
    clean = results.summary("cider_d").query("training == 'clean'").set_index("bridge")["value"]
    assert clean["oracle"] > clean["identity"]
    assert clean["mean-shift"] > clean["identity"]


def test_validation_chose_by_the_validation_clips_alone(pairs, folder, results):
    """The choices say again what the validation captions come to, and the best of them is what was read on test."""
    held = pairs.subset("val")
    references = {str(i): [] for i in held.ids}
    for clip, caption in zip(held.owner, held.captions, strict=True):
        references[str(held.ids[clip])].append(str(caption))
    seen = {}
    for path in (folder / "written" / "validation").glob("zero-shot-noise-mean-shift-*.json"):
        captions = json.loads(path.read_text(encoding="utf-8"))["captions"]
        seen[path.stem] = score_captions(captions, references, scores=("cider_d",), tokenizer="words", draws=0)[
            "cider_d"
        ]
    assert len(seen) == 4
    choice = next(c for c in results.manifest["choices"] if (c["training"], c["bridge"]) == ("noise", "mean-shift"))
    assert choice["value"] == pytest.approx(max(seen.values()), abs=1e-12)
    assert seen[f"zero-shot-noise-mean-shift-{choice['level']:g}-b{choice['beams']}-s0"] == choice["value"]
    # Noise that drowns the embeddings is not what it takes.
    assert choice["level"] == 0.001
    tested = list((folder / "written" / "test").glob("zero-shot-noise-mean-shift-*-s0.json"))
    assert [path.stem for path in tested] == [f"zero-shot-noise-mean-shift-0.001-b{choice['beams']}-s0"]


def test_a_gain_is_the_ratio_over_the_same_clips_and_seeds(results):
    own = results.per_clip.query("protocol == 'zero-shot' and training == 'clean' and score == 'cider_d'")
    wide = own.groupby(["bridge", "id"], sort=False)["value"].mean().unstack("bridge")
    gain = results.gains("cider_d").query("training == 'clean' and bridge == 'mean-shift'").iloc[0]
    assert gain["gain"] == pytest.approx(wide["mean-shift"].mean() / wide["identity"].mean() - 1)
    assert gain["low"] <= gain["gain"] <= gain["high"]
    assert not (results.gains("cider_d")["bridge"] == "identity").any()


def test_a_row_that_says_the_same_gains_nothing_with_certainty(results):
    """The clips of both are resampled together: what is equal stays equal in every resample."""
    same = dataclasses.replace(
        results,
        per_clip=pd.concat(
            [
                results.per_clip.query("bridge == 'identity'"),
                results.per_clip.query("bridge == 'identity'").assign(bridge="mean-shift"),
            ]
        ),
    )
    row = same.gains("cider_d").query("training == 'clean'").iloc[0]
    assert (row["gain"], row["low"], row["high"]) == (0, 0, 0)


def test_a_gain_over_nothing_has_no_interval(results):
    """Some resample holds none of the few clips in which no bridge scores at all."""
    clips = results.per_clip.copy()
    bare = (clips["bridge"] == "identity") & (clips["score"] == "cider_d")
    clips.loc[bare, "value"] = np.where(clips.loc[bare, "id"] == clips["id"].iloc[0], 0.1, 0.0)
    poor = dataclasses.replace(results, per_clip=clips)
    row = poor.gains("cider_d").query("training == 'clean'").iloc[0]
    assert (np.isfinite(row["gain"]), np.isnan(row["low"])) == (True, True)
    assert caption_table(poor)[1]["gain"] == f"{row['gain']:+.1%}"


def test_differences_are_adjusted_within_a_part(results):
    tests = results.tests("diffusion-link", "cider_d")
    part = tests.query("protocol == 'supervised'")
    assert list(part["bridge"]) == ["identity", "mean-shift", "oracle"]
    assert (part["p_holm"] >= part["p"] - 1e-12).all()
    summary = results.summary("cider_d").set_index(["protocol", "training", "bridge"])["value"]
    row = tests.query("training == 'clean' and bridge == 'oracle'").iloc[0]
    expected = summary["zero-shot", "clean", "diffusion-link"] - summary["zero-shot", "clean", "oracle"]
    assert row["difference"] == pytest.approx(expected)


def test_the_chosen_training_of_a_row_is_the_best_on_validation(results):
    values = {}
    for c in results.manifest["choices"]:
        if c["protocol"] == "zero-shot" and c["training"].partition(":")[2] in ("", c["bridge"]):
            values.setdefault(c["bridge"], {})[c["training"]] = c["value"]
    assert set(values["identity"]) == {"clean", "noise", "projected"}
    assert set(values["diffusion-link"]) == {"clean", "noise", "projected", "bridged:diffusion-link"}
    for bridge, training in results.chosen.items():
        assert values[bridge][training] == max(values[bridge].values())
    summary = results.summary("cider_d").set_index(["training", "bridge"])["value"]
    assert summary["chosen", "identity"] == summary[results.chosen["identity"], "identity"]


def test_a_projected_row_reads_with_the_clean_decoder_nearer_to_what_it_learnt_from(pairs, folder, results):
    fit, test = pairs.subset("train"), pairs.subset("test")
    bridge = make_bridge("mean-shift").fit(fit.source, fit.target)
    plain = read_by("mean-shift", bridge, test)
    rows = [read_by("mean-shift", bridge, test, fit=fit, weight=weight) for weight in (0.0, 0.5, 1.0)]
    np.testing.assert_array_equal(rows[0], plain)
    # DeCap's: raw cosines at a temperature of 0.01, each distinct target once.
    known = np.unique(fit.target, axis=0)
    unit = [rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in (plain, known)]
    weights = np.exp((unit[0] @ unit[1].T - 1) / 0.01)
    onto = weights @ unit[1]
    onto /= np.linalg.norm(onto, axis=1, keepdims=True)
    np.testing.assert_allclose(rows[2], onto, atol=1e-6)
    half = plain / np.linalg.norm(plain, axis=1, keepdims=True) + onto
    np.testing.assert_allclose(rows[1], half / np.linalg.norm(half, axis=1, keepdims=True), atol=1e-6)
    nearest = [
        (row @ fit.target.T).max(axis=1).mean() for row in (plain / np.linalg.norm(plain, axis=1)[:, None], *rows[1:])
    ]
    assert nearest == sorted(nearest)
    np.testing.assert_array_equal(read_by("oracle", None, test, fit=fit, weight=1.0), read_by("oracle", None, test))

    assert not list((folder / "decoders").glob("projected*"))
    tried = (folder / "written" / "validation").glob("zero-shot-projected-mean-shift-*.json")
    assert {path.stem.rsplit("-", 3)[1] for path in tried} == {"0.5", "1"}
    said = results.captions.query("protocol == 'zero-shot' and bridge == 'identity'")
    by_training = {training: list(own["caption"]) for training, own in said.groupby("training")}
    assert by_training["projected"] == by_training["clean"]
    stages = {(r["training"], r["bridge"]): r["stages"] for r in results.manifest["data_seen"]}
    level = next(
        c["level"] for c in results.manifest["choices"] if (c["training"], c["bridge"]) == ("projected", "mean-shift")
    )
    assert f"moved by {level:g} toward" in stages["projected", "mean-shift"]["bridge"]
    assert "moved by" not in stages["projected", "identity"]["bridge"]


def test_what_every_stage_saw_is_said(results):
    seen = {(r["protocol"], r["training"], r["bridge"]): r["stages"] for r in results.manifest["data_seen"]}
    zero = seen["zero-shot", "clean", "diffusion-link"]
    assert "pairs of kinds:train" in zero["bridge"]
    assert "no source" in zero["decoder"]
    assert seen["zero-shot", "clean", "mean-shift"]["bridge"].endswith("not which belongs to which")
    assert "fitted on pairs" in seen["zero-shot", "bridged:diffusion-link", "identity"]["decoder"]
    assert seen["supervised", "source", "identity"]["decoder"].startswith("pairs:")
    assert "no source" in seen["supervised", "source", "oracle"]["decoder"]
    assert all("kinds:val" in stages["validation"] for stages in seen.values())


def test_of_each_row_is_said_what_was_chosen_for_it(results):
    seen = {
        (r["training"], r["bridge"]): r["stages"]["validation"].partition("training, ")[2]
        for r in results.manifest["data_seen"]
    }
    assert seen["clean", "mean-shift"] == seen["source", "mean-shift"] == "choose the beam width"
    assert seen["noise", "identity"] == "choose the variance of the noise, choose the beam width"
    assert seen["bridged:diffusion-link", "identity"] == "choose how far targets are noised, choose the beam width"
    assert seen["projected", "mean-shift"] == "choose how far answers are projected, choose the beam width"
    assert seen["projected", "identity"] == "choose the beam width"


def test_a_finished_study_trains_and_reads_nothing_again(pairs, folder, results):
    before = NearestDecoder.fits
    again = run_caption_study(pairs, config(), out=folder)
    assert NearestDecoder.fits == before
    for name in TABLES:
        pd.testing.assert_frame_equal(getattr(again, name), getattr(results, name))


def test_levels_that_agree_in_six_digits_have_files_of_their_own():
    close = (0.001, 0.0010000001)
    assert [level_name(level) for level in (*close, 0.5, 1.0, 20.0)] == ["0.001", "0.0010000001", "0.5", "1", "20"]
    assert len({Spec("noise", level, "", 0).stem for level in close}) == 2
    row = Row("zero-shot", "projected", "mean-shift")
    assert len({row.reading(level, 1).name for level in close}) == 2


def test_a_decoder_that_was_broken_since_is_trained_again(pairs, tmp_path):
    quick = config(seeds=1, beams=(1,), trainings=("clean",), protocols=("zero-shot",), bridges=("mean-shift",))
    first = run_caption_study(pairs, quick, out=tmp_path)
    weights = tmp_path / "decoders" / "clean-s0" / "model.safetensors"
    whole = weights.read_bytes()
    for cut in (whole[:-8], b""):
        weights.write_bytes(cut)
        for path in (*(tmp_path / "cells").iterdir(), *(tmp_path / "written" / "test").iterdir()):
            path.unlink()
        before = NearestDecoder.fits
        again = run_caption_study(pairs, quick, out=tmp_path)
        assert NearestDecoder.fits == before + 1
        assert not again.manifest["failed"]
        pd.testing.assert_frame_equal(again.captions, first.captions)
        assert weights.read_bytes() == whole


def test_an_upgraded_plugin_fits_its_bridges_again(pairs, tmp_path, monkeypatch):
    """The record of a fit knows the version of the package that the bridge comes from."""
    quick = config(seeds=1, beams=(1,), trainings=("clean",), protocols=("zero-shot",), bridges=("mean-shift",))
    record = tmp_path / "bridges" / "mean-shift" / "fit.json"
    found = []
    for version in ("1.0", "1.0", "2.0"):
        monkeypatch.setattr(keys, "version", lambda package, version=version: version)
        run_caption_study(pairs, quick, out=tmp_path)
        found.append(json.loads(record.read_text(encoding="utf-8"))["key"])
    assert found[0] == found[1] != found[2]


def test_a_lost_cell_and_a_broken_one_are_made_again_and_nothing_else(pairs, folder, results):
    (folder / "cells" / "zero-shot-clean-oracle-s1.json").unlink()
    broken = folder / "cells" / "supervised-source-identity-s0.json"
    broken.write_text(broken.read_text(encoding="utf-8").replace("cider_d", "cider_x", 1), encoding="utf-8")
    before = NearestDecoder.fits
    again = run_caption_study(pairs, config(), out=folder)
    assert NearestDecoder.fits == before
    pd.testing.assert_frame_equal(again.scores, results.scores)


def test_a_score_that_was_absent_is_there_once_its_program_is(pairs, tmp_path, counting_java, monkeypatch):
    """The same command adds METEOR when Java has come, and trains, writes and scores nothing else again."""
    options = config(
        protocols=("zero-shot",), trainings=("clean",), bridges=("mean-shift",), seeds=1, beams=(1,),
        scores=("cider_d", "meteor", "words", "distinct_1"),
    )  # fmt: skip
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    before = run_caption_study(pairs, options, out=tmp_path / "study")
    assert before.manifest["absent"].keys() == {"meteor"}
    fits = NearestDecoder.fits
    monkeypatch.setenv("PATH", str(tmp_path))  # where the stand-in lies
    after = run_caption_study(pairs, options, out=tmp_path / "study")
    assert after.manifest["absent"] == {}
    assert NearestDecoder.fits == fits
    own = after.scores[after.scores["bridge"] == "mean-shift"]
    assert list(own["score"]) == ["meteor", "cider_d", "words", "distinct_1"]  # in the order of tables
    pd.testing.assert_frame_equal(
        after.scores[after.scores["score"] != "meteor"].reset_index(drop=True), before.scores, check_exact=True
    )
    whole = run_caption_study(pairs, options, out=tmp_path / "whole")
    for name in TABLES:
        pd.testing.assert_frame_equal(getattr(after, name), getattr(whole, name), check_exact=True)
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    kept = run_caption_study(pairs, options, out=tmp_path / "study")
    assert kept.manifest["absent"] == {}


def test_another_budget_is_another_decoder(pairs, folder):
    before = NearestDecoder.fits
    run_caption_study(pairs, config(decoder_options={"keep": 50}, seeds=1), out=folder)
    assert NearestDecoder.fits > before
    run_caption_study(pairs, config(), out=folder)


def test_tables_in_memory_are_those_of_the_files(pairs, tmp_path):
    """Captions that a spreadsheet would compute, quotes, markup and accents come back as they were."""
    first = run_caption_study(
        pairs, config(seeds=1, protocols=("zero-shot",), trainings=("clean",)), out=tmp_path / "a"
    )
    again = CaptionResults.read(tmp_path / "a")
    for name in TABLES:
        pd.testing.assert_frame_equal(getattr(again, name), getattr(first, name))
    written = (tmp_path / "a" / "captions.csv").read_text(encoding="utf-8")
    assert set(NASTY) & set(first.captions["caption"])
    assert not any(cell.startswith("=") for line in written.splitlines() for cell in line.replace('"', "").split(","))


def test_files_keep_any_id(pairs, tmp_path):
    """A clip may be called NA, which pandas takes for nothing where it is let."""
    names = pairs.ids.copy()
    names[np.flatnonzero(pairs.split == "test")[:3]] = ["NA", "null", "007"]
    options = {"seeds": 1, "protocols": ("zero-shot",), "trainings": ("clean",), "beams": (1,)}
    renamed = dataclasses.replace(pairs, ids=names)
    first = run_caption_study(renamed, config(**options), out=tmp_path / "a")
    again = CaptionResults.read(tmp_path / "a")
    for name in TABLES:
        pd.testing.assert_frame_equal(getattr(again, name), getattr(first, name))


def test_a_row_with_no_value_to_tell_is_not_called_failed(pairs, tmp_path):
    class Told(Silent):
        def __init__(self):
            self.said = []

        def advance(self, label, note):
            self.said.append(note)

    few = pairs.take(np.flatnonzero((pairs.split == "test") | (np.cumsum(pairs.split == "train") <= 2)))
    options = {"bridges": ("mean-shift",), "seeds": 1, "protocols": ("supervised",), "beams": (1,)}
    told = Told()
    # Noise has two values, but no supervised row is trained with any: there is nothing to choose.
    run_caption_study(few, config(**options, scores=("rouge_l",)), out=tmp_path / "study", progress=told)
    assert len(told.said) == 6
    assert all(note.startswith("done") for note in told.said)


def test_a_bridge_that_fails_takes_its_own_rows_alone(pairs, tmp_path):
    class Broken(Bridge):
        name, needs_pairs, family = "broken", False, "control"

        def _fit(self, source, target, context):
            raise ValueError("nothing\nto be done")

    BRIDGES.names()
    BRIDGES.register("broken", Broken)
    try:
        options = {"bridges": ("broken", "mean-shift"), "seeds": 1, "beams": (1,), "trainings": ("clean",)}
        results = run_caption_study(pairs, config(**options), out=tmp_path / "study")
    finally:
        del BRIDGES._items["broken"], BRIDGES._origins["broken"]
    assert results.manifest["failed"] == {"broken": "ValueError: nothing to be done"}
    assert set(results.scores["bridge"]) == {"identity", "mean-shift", "oracle"}


def test_a_decoder_that_fails_takes_its_own_rows_alone(pairs, tmp_path, monkeypatch):
    whole = NearestDecoder._fit

    def fit(self, x, captions, context):
        if context.noise:
            raise RuntimeError("diverged")
        whole(self, x, captions, context)

    monkeypatch.setattr(NearestDecoder, "_fit", fit)
    options = {"bridges": ("mean-shift",), "seeds": 1, "protocols": ("zero-shot",), "trainings": ("clean", "noise")}
    results = run_caption_study(pairs, config(**options, noise=(0.5,)), out=tmp_path / "study")
    assert results.manifest["failed"] == {"noise-0.5-s0": "RuntimeError: diverged"}
    assert set(results.scores["training"]) == {"clean"}


def test_bridges_of_a_comparison_are_used_as_they_are(pairs, tmp_path):
    study = StudyConfig(bridges=("mean-shift", "diffusion-link"), metrics=("cosine",), seeds=2, params=QUICK)
    run_study(pairs, study, out=tmp_path / "compare")
    options = {"protocols": ("zero-shot",), "trainings": ("clean",)}
    reused = run_caption_study(pairs, config(**options), out=tmp_path / "a", fitted=tmp_path / "compare")
    assert not (tmp_path / "a" / "bridges").exists()
    # Fitted here, with the same parameters, they are the same.
    fitted = run_caption_study(pairs, config(**options), out=tmp_path / "b")
    pd.testing.assert_frame_equal(reused.scores, fitted.scores)
    with pytest.raises(InputError, match="its bridges were fitted on other parts"):
        run_caption_study(
            pairs, config(test_split="val", validation_split="test"), out=tmp_path / "c", fitted=tmp_path / "compare"
        )


def test_processes_side_by_side_find_the_same_numbers(pairs, tmp_path):
    options = {
        "decoder": "small", "decoder_options": {"epochs": 0.3, "width": 16, "heads": 2, "vocabulary": 300},
        "bridges": ("mean-shift",), "seeds": 2, "beams": (1,), "trainings": ("clean",), "scores": ("cider_d",),
    }  # fmt: skip
    alone = run_caption_study(pairs, config(**options), out=tmp_path / "one")
    beside = run_caption_study(pairs, config(**options), out=tmp_path / "two", jobs=2)
    for name in TABLES:
        pd.testing.assert_frame_equal(getattr(alone, name), getattr(beside, name))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"protocols": ("few-shot",)}, "protocols: expected some of zero-shot, supervised, got 'few-shot'"),
        ({"protocols": ()}, "got none"),
        ({"trainings": ("noisy",)}, "trainings: expected some of clean, noise, bridged, projected, got 'noisy'"),
        ({"bridges": ("diffusion-lnk",)}, "diffusion-link"),
        ({"decoder": "smal"}, "small"),
        ({"decoder_options": {"depth": 3}}, "has no option 'depth'"),
        ({"decoder": "small", "decoder_options": {"epochs": "ten"}}, "epochs must be a number above 0, got 'ten'"),
        (
            {"decoder": "small", "decoder_options": {"batch_size": 0}},
            "batch_size must be a whole number of at least 1, got 0",
        ),
        ({"select_by": "cidr"}, "cider_d"),
        ({"scores": ("meteo",)}, "meteor"),
        ({"noise": (-1.0,)}, "noise: expected numbers above 0, got -1.0"),
        ({"projections": (0.5, 1.5)}, "projections: expected numbers above 0 and at most 1, got 1.5"),
        ({"projections": (float("nan"),)}, "projections: expected numbers above 0 and at most 1, got nan"),
        ({"beams": (0,)}, "beams: expected a whole number of at least 1, got 0"),
        ({"beams": ()}, "beams: expected at least one value"),
        ({"max_new_tokens": 0}, "max_new_tokens: expected a whole number of at least 1, got 0"),
        ({"select_by": "self_bleu_4"}, "select_by: expected one score of which more is better, got 'self_bleu_4'"),
        ({"select_by": "overlap"}, "select_by: expected one score of which more is better, got 'overlap'"),
        ({"seeds": 0}, "seeds: expected a whole number of at least 1, got 0"),
        ({"supervised_bridges": ("ridge",)}, "'ridge' is not among the bridges"),
    ],
)
def test_wrong_settings(changes, said):
    with pytest.raises(InputError, match=said):
        config(**changes).resolved()


def test_wrong_data(pairs, folder, tmp_path):
    with pytest.raises(InputError, match="has no captions"):
        run_caption_study(dataclasses.replace(pairs, captions=None), config(), out=tmp_path / "a")
    empty = pairs.captions.copy()
    empty[0] = " "
    with pytest.raises(InputError, match="caption 0 is empty"):
        run_caption_study(dataclasses.replace(pairs, captions=empty), config(), out=tmp_path / "b")
    twice = pairs.ids.copy()
    twice[pairs.split == "test"] = "one"
    with pytest.raises(InputError, match="two clips have the id 'one'"):
        run_caption_study(dataclasses.replace(pairs, ids=twice), config(), out=tmp_path / "c")
    with pytest.raises(InputError, match="belongs to another caption study"):
        run_caption_study(caption_pairs(96, seed=5), config(), out=folder)
    with pytest.raises(InputError, match="jobs: expected a whole number of at least 1, got 0"):
        run_caption_study(pairs, config(), out=tmp_path / "d", jobs=0)
    with pytest.raises(InputError, match=r"select_by: score spice: no stanford"):
        run_caption_study(pairs, config(select_by="spice"), out=tmp_path / "e")


def test_without_validation_nothing_can_be_chosen(pairs, tmp_path):
    few = pairs.take(np.flatnonzero((pairs.split == "test") | (np.cumsum(pairs.split == "train") <= 2)))
    with pytest.raises(InputError, match="has no validation clips to choose noise and beams on"):
        run_caption_study(few, config(), out=tmp_path / "a")
