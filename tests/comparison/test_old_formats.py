"""Folders that earlier versions wrote still open: stored/schema-N holds a study of each schema, and its data."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from gapkit.comparison import Results, StudyConfig, open_run, run_study, verify_run
from gapkit.files import load_pairs
from gapkit.study.folder import SCHEMA

STORED = sorted((Path(__file__).parent / "stored").glob("schema-*"))


def test_every_schema_is_stored() -> None:
    """Who changes what a study writes raises `SCHEMA`, and stores a folder of it here."""
    assert [folder.name for folder in STORED] == [f"schema-{number}" for number in range(1, SCHEMA + 1)]


@pytest.mark.parametrize("stored", STORED, ids=lambda folder: folder.name)
def test_a_stored_study_opens(stored: Path, tmp_path: Path) -> None:
    pairs = load_pairs(stored / "pairs.npz")
    folder = Path(shutil.copytree(stored / "study", tmp_path / "study"))
    results = Results.read(folder)
    table = results.pivot()
    assert table.loc["oracle-target", "recall@1"] == 1.0
    assert table.loc["residual-mlp", "cosine"] == pytest.approx(0.844, abs=5e-4)
    assert results.draws["ridge", None, "cosine"].shape == (20,)
    assert results.difference("ridge", "mean-shift", "cosine").value == pytest.approx(
        table.loc["ridge", "cosine"] - table.loc["mean-shift", "cosine"]
    )
    run = open_run(folder, pairs)
    assert run.config.params == {"residual-mlp": {"hidden": 4, "blocks": 1}}
    moved = run.moved("residual-mlp", 0)
    cosines = np.sum(moved * run.test.target, axis=1)
    assert cosines.mean() == pytest.approx(table.loc["residual-mlp", "cosine"], abs=1e-4)
    found = verify_run(folder, pairs, cells=0)
    assert found.agrees


@pytest.mark.parametrize("stored", STORED, ids=lambda folder: folder.name)
def test_a_stored_study_goes_on(stored: Path, tmp_path: Path) -> None:
    """More bridges come into the same folder; what it holds is not made worse."""
    pairs = load_pairs(stored / "pairs.npz")
    folder = Path(shutil.copytree(stored / "study", tmp_path / "study"))
    before = Results.read(folder).pivot()
    config = StudyConfig(bridges=("ridge", "procrustes"), metrics=("cosine", "mmd"), n_resamples=20, device="cpu")
    after = run_study(pairs, config, out=folder).pivot()
    assert "procrustes" in after.index
    assert after.loc["ridge", "cosine"] == pytest.approx(before.loc["ridge", "cosine"], abs=1e-4)
