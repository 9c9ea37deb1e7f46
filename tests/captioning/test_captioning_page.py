"""The page of the second table says what its files hold, favourable or not."""

import importlib
import importlib.util
import json
import sys
from pathlib import Path

import pandas as pd
import pytest
from study_tools import caption_pairs, register_nearest

from gapkit.captioning import CaptionStudyConfig, run_caption_study

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def scripts():
    sys.path.insert(0, str(ROOT / "analyses"))
    # By its path: the folder of these tests has the same name.
    spec = importlib.util.spec_from_file_location("captioning_script", ROOT / "analyses" / "captioning.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    yield script, importlib.import_module("captioning_page")
    sys.path.remove(str(ROOT / "analyses"))


@pytest.fixture(scope="module")
def folder(scripts, tmp_path_factory):
    register_nearest()
    home = tmp_path_factory.mktemp("second table")
    config = CaptionStudyConfig(
        decoder="nearest", bridges=("mean-shift", "ridge", "memory", "diffusion-link"), seeds=2, noise=(0.001,),
        starts=(1.0,), beams=(1,), draws=100, tokenizer="words", scores=("cider_d", "rouge_l", "spice"),
        fitted_params={"diffusion-link": {"steps": 10, "hidden": 16}},
    )  # fmt: skip
    results = run_caption_study(caption_pairs(96), config, out=home / "work")
    scripts[0].write_results(results, home / "results", "soundscapes")
    return home / "results"


def changed(folder, tmp_path, name, change):
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    frame = pd.read_csv(tmp_path / name)
    change(frame)
    frame.to_csv(tmp_path / name, index=False)
    return tmp_path


def words(text):
    return " ".join(text.split())


def test_all_files_are_there_and_name_no_path(folder):
    assert {path.name for path in folder.iterdir()} == {
        f"soundscapes{end}" for end in (".csv", "-gains.csv", "-tests.csv", ".md", ".json")
    }
    manifest = json.loads((folder / "soundscapes.json").read_text(encoding="utf-8"))
    assert "spice" in manifest["absent"]
    assert "/site-packages" not in json.dumps(manifest)
    assert str(folder) not in json.dumps(manifest)


def test_the_page_has_every_part_and_both_gains_of_the_paper(scripts, folder):
    page = scripts[1].page(scripts[1].Tables(folder))
    for part in ("## zero-shot: decoder trained on captions' embeddings as they are", "the control", "## supervised:"):
        assert part in page
    gains = pd.read_csv(folder / "soundscapes-gains.csv")
    own = gains.query("training == 'clean' and bridge == 'diffusion-link'").iloc[0]
    assert f"{own['gain']:+.1%} [{own['low']:+.1%}, {own['high']:+.1%}] | +52.5%" in page
    assert "+7.5%" in page
    assert "nan" not in page.lower().split()


@pytest.mark.parametrize(("gain", "said"), [(0.8, "**above 50%** in value"), (0.2, "**not above 50%** in value")])
@pytest.mark.parametrize("low", [0.6, 0.1])
def test_the_claim_follows_the_gain_whatever_its_interval(scripts, folder, tmp_path, gain, low, said):
    def change(frame):
        rows = (frame["training"] == "clean") & (frame["bridge"] == "diffusion-link")
        frame.loc[rows, ["gain", "low", "high"]] = gain, low, 1.0

    page = scripts[1].page(scripts[1].Tables(changed(folder, tmp_path, "soundscapes-gains.csv", change)))
    line = next(line for line in page.splitlines() if line.startswith("- Zero-shot, decoder trained on captions' emb"))
    assert said in line


def test_how_many_are_behind_goes_by_value_and_names_the_nearest(scripts, folder, tmp_path):
    def ahead(frame):
        frame["difference"], frame["p_holm"] = 1.0, 0.9
        frame.loc[frame["bridge"] == "memory", "difference"] = 0.004

    tables = scripts[1].Tables(changed(folder, tmp_path, "soundscapes-tests.csv", ahead))
    said = "ahead of 3 other bridges in value, behind 0; the nearest is `memory` (+0.4)."
    assert said in scripts[1].page(tables)

    def one_behind(frame):
        frame.loc[frame["bridge"] == "ridge", "difference"] = -1.0

    page = scripts[1].page(scripts[1].Tables(changed(tmp_path, tmp_path, "soundscapes-tests.csv", one_behind)))
    assert "ahead of 2 other bridges in value, behind 1; the nearest is `memory` (+0.4)." in page
    assert said not in page


def test_a_loss_is_no_gain(scripts, folder, tmp_path):
    def change(frame):
        frame.loc[frame["protocol"] == "supervised", ["gain", "low", "high"]] = -0.1, -0.2, -0.05

    page = scripts[1].page(scripts[1].Tables(changed(folder, tmp_path, "soundscapes-gains.csv", change)))
    assert "- Supervised: -10.0% [-20.0%, -5.0%]: **no gain** in value" in words(page)


def test_what_decoders_read_tells_nearness_from_likeness(scripts, folder, tmp_path):
    def change(frame):
        for bridge, difference in (("memory", -0.03), ("mean-shift", 0.001)):
            frame.loc[(frame["training"] == "clean") & (frame["bridge"] == bridge), "difference"] = difference

    home = changed(folder, tmp_path, "soundscapes-tests.csv", change)
    assert scripts[1].reasons(scripts[1].Tables(home)) == []
    columns = ["bridge", "weight", "cosine", "nearness", "agreement"]
    rows = [
        ("memory", 0, 0.7, 0.05, 0.8), ("mean-shift", 0, 0.75, -0.1, 0.96), ("diffusion-link", 0, 0.76, -0.06, 0.97),
        ("memory", 0.5, 0.7, 0.06, 0.9), ("mean-shift", 0.5, 0.7, 0.0, 0.96), ("diffusion-link", 0.5, 0.75, 0.02, 0.98),
    ]  # fmt: skip
    pd.DataFrame(rows, columns=columns).to_csv(home / "answers.csv", index=False)
    said = words("\n".join(scripts[1].reasons(scripts[1].Tables(home))))
    assert "| `memory` | 0.700 | 0.050 | 0.800 | 0.700 | 0.060 | 0.900 | | **`diffusion-link`**" in said
    assert (
        "`memory` answers with means of the very captions that the decoder learnt from: its nearness is +0.050" in said
    )
    assert "that of `diffusion-link` -0.060. It tells clips apart less well (R@10" in said
    assert "Projected, `diffusion-link` comes to a nearness of +0.020" in said
    assert (
        "`mean-shift` gives nearly the same answers: cosine 0.960 to those of `diffusion-link`, which agree to 0.970"
        in said
    )


def test_what_validation_chose_has_a_part_of_its_own(scripts, folder, tmp_path):
    home = changed(folder, tmp_path, "soundscapes.csv", lambda frame: None)
    assert "validation chose (below)" not in scripts[1].page(scripts[1].Tables(home))
    for path in list(home.iterdir()):
        (home / path.name.replace("soundscapes", "soundscapes-tuned")).write_bytes(path.read_bytes())

    def change(frame):
        rows = (frame["training"] == "clean") & (frame["bridge"] == "diffusion-link")
        frame.loc[rows, ["gain", "low", "high"]] = 0.71, 0.6, 0.8

    changed(home, home, "soundscapes-tuned-gains.csv", change)
    page = scripts[1].page(scripts[1].Tables(home))
    said = "- With the widths that validation chose (below), zero-shot, decoder trained on captions' embeddings as they"
    assert f"{said} are: the gain of `diffusion-link` is +71.0% [+60.0%, +80.0%]" in page
    assert (
        "The zero-shot part once more, on the test split: `diffusion-link` steps = 10, hidden = 16, every other" in page
    )


@pytest.mark.parametrize(("difference", "said"), [
    (0.03, "the highest above the defaults in value: `hidden = 2` (clean, +3.0)."),
    (-0.03, "none is above the defaults."),
])  # fmt: skip
def test_variants_are_ordered_by_value(scripts, folder, tmp_path, difference, said):
    home = changed(folder, tmp_path, "soundscapes.csv", lambda frame: None)
    columns = ["protocol", "training", "bridge", "value", "difference", "low", "high", "p_holm"]
    rows = [
        ("zero-shot", "clean", "identity", 0.2, -0.1, -0.12, -0.08, 0.001),
        ("zero-shot", "clean", "diffusion-link", 0.3, None, None, None, None),
        ("zero-shot", "clean", "memory", 0.35, 0.05, 0.04, 0.06, 0.001),
        ("zero-shot", "clean", "hidden = 2", 0.33, difference, 0.01, 0.05, 0.001),
    ]
    pd.DataFrame(rows, columns=columns).to_csv(home / "variants.csv", index=False)
    facts = {"parts": {"test": {"clips": 500}}, "seeds": [0, 1], "variants": []}
    (home / "variants.json").write_text(json.dumps(facts), encoding="utf-8")
    page = "\n".join(scripts[1].variants(scripts[1].Tables(home)))
    assert f"Of 1 settings {said}" in page
    assert f"| `hidden = 2` | 33.0 | {100 * difference:+.1f} [+1.0, +5.0] |" in page
    assert "| its defaults | 30.0 |  |" in page
    assert "| beside it: `memory` | 35.0 | +5.0 [+4.0, +6.0] |" in page
