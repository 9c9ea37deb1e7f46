"""The scripts of figures/ draw from the committed results, and what they say is what those hold."""

import importlib
import re
import sys
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

ROOT = Path(__file__).resolve().parents[2]
HOME = ROOT / "figures"
SCRIPTS = sorted(path.stem for path in HOME.glob("*.py") if path.stem not in ("publish", "page"))
RESULTS = ROOT / "results"

mpl.use("Agg")


@pytest.fixture
def script(monkeypatch):
    """Imports a script as it runs: its own folder is on the path, and its names are gone afterwards."""
    monkeypatch.syspath_prepend(str(HOME))
    before = set(sys.modules)
    yield importlib.import_module
    for name in set(sys.modules) - before:
        if name in (*SCRIPTS, "publish", "page"):
            del sys.modules[name]
    import matplotlib.pyplot as plt

    plt.close("all")


@pytest.mark.parametrize("name", SCRIPTS)
def test_each_draws_from_the_committed_results(script, name):
    axes, caption = script(name).figure(RESULTS)
    figure = np.ravel(np.asarray(axes, dtype=object))[0].figure
    figure.draw_without_rendering()
    assert 3 < figure.get_size_inches()[0] <= 7.2
    assert caption.strip().startswith("**")
    assert "nan" not in caption.lower().replace("nan-", "")


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_committed_caption_is_that_of_the_committed_results(script, name):
    _, caption = script(name).figure(RESULTS)
    committed = (HOME / f"{name}.md").read_text(encoding="utf-8")
    assert committed.split() == caption.split()


def test_a_caption_follows_its_table(script, tmp_path):
    """Other results, other words: nothing is typed by hand."""
    module = script("frontier")
    (tmp_path / "modality_gap").mkdir()
    for suffix in (".csv", ".json"):
        (tmp_path / "modality_gap" / f"soundscapes{suffix}").write_bytes(
            (RESULTS / "modality_gap" / f"soundscapes{suffix}").read_bytes()
        )
    path = tmp_path / "modality_gap" / "soundscapes.csv"
    frame = pd.read_csv(path)
    frame.loc[(frame["bridge"] == "diffusion-link") & (frame["metric"] == "recall@10"), "value"] = 0.01
    frame.to_csv(path, index=False)
    _, caption = module.figure(tmp_path)
    assert re.search(r"`diffusion-link` closes\s+[\d.]+% and keeps 2\.\d%", caption)
    assert "no bridge has more of both" not in caption


def test_results_that_are_missing_are_one_line(script, tmp_path, monkeypatch):
    module = script("migration")
    monkeypatch.setattr(sys, "argv", ["migration.py", "--results", str(tmp_path), "--out", str(tmp_path / "out")])
    with pytest.raises(SystemExit, match=r"migration: .*bridges-umap.npz: no such file"):
        script("publish").publish(str(HOME / "migration.py"), module.figure)
    assert not (tmp_path / "out").exists()


def test_files_beside_each_other(script, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["cosines.py", "--out", str(tmp_path)])
    script("publish").publish(str(HOME / "cosines.py"), script("cosines").figure)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "cosines.md", "cosines.pdf", "cosines.png", "cosines.svg"
    ]  # fmt: skip


def test_the_page_shows_every_figure(script):
    page = script("page")
    text = page.page()
    assert text == (ROOT / "docs" / "figures.md").read_text(encoding="utf-8")
    for name in SCRIPTS:
        assert f"(../figures/{name}.png)" in text
        assert (HOME / f"{name}.png").exists()
    assert page.shown("migration", "") in (ROOT / "README.md").read_text(encoding="utf-8")
