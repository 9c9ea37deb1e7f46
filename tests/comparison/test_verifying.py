"""`verify_run` says of a study what is so, and of one that was tampered with what is not."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gapkit.bridges import Bridge
from gapkit.comparison import StudyConfig, Verification, merge_runs, run_study, verify_run
from gapkit.comparison.cells import read_cell, write_cell
from gapkit.embeddings import PairedEmbeddings
from gapkit.errors import InputError
from gapkit.records import sealed

CONFIG = StudyConfig(
    bridges=("ridge", "residual-mlp"),
    metrics=("cosine", "mmd"),
    seeds=2,
    n_resamples=20,
    steps=5,
    device="cpu",
    params={"residual-mlp": {"hidden": 8}},
)


@pytest.fixture(scope="module")
def study(make_pairs: Callable[..., PairedEmbeddings], tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("verify") / "study"
    run_study(make_pairs(), CONFIG, out=out)
    return out


@pytest.fixture
def copy(study: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(study, tmp_path / "study"))


def write_sealed(path: Path, content: dict[str, Any]) -> None:
    """As one who knows how would write it."""
    path.write_text(json.dumps(sealed({key: value for key, value in content.items() if key != "digest"})))


def _differing(found: Verification) -> dict[str, str]:
    return {check.what: check.said for check in found.checks if not check.agrees}


def test_a_study_as_it_was_left(study: Path, pairs: PairedEmbeddings) -> None:
    before = {path: path.read_bytes() for path in study.rglob("*") if path.is_file()}
    found = verify_run(study, pairs, cells=99, tolerance=0)
    assert found.agrees
    again = [check for check in found.checks if check.said.endswith("to the last digit")]
    assert [check.what for check in again] == [
        "identity", "mean-shift", "collapse", "random-target", "oracle-target", "target-split-half", "ridge",
        "residual-mlp-s0", "residual-mlp-s1",
    ]  # fmt: skip
    assert found.notes == ()
    assert {path: path.read_bytes() for path in study.rglob("*") if path.is_file()} == before


def test_the_draw_of_cells_is_seeded(study: Path, pairs: PairedEmbeddings) -> None:
    def drawn(**how: Any) -> list[str]:
        return [check.what for check in verify_run(study, pairs, **how).checks[4:]]

    assert drawn(cells=2, seed=1) == drawn(cells=2, seed=1)
    assert len({tuple(drawn(cells=2, seed=seed)) for seed in range(6)}) > 1
    assert drawn(cells=0) == []


def test_a_merged_study(study: Path, pairs: PairedEmbeddings, tmp_path: Path) -> None:
    other = replace(CONFIG, bridges=("residual-mlp", "memory"), seeds=1, steps=7, params={})
    run_study(pairs, other, out=tmp_path / "other")
    with_other = tmp_path / "merged"
    merge_runs([study, tmp_path / "other"], with_other, label=True)
    found = verify_run(with_other, pairs, cells=99, tolerance=0)
    assert not _differing(found)
    labelled = "residual-mlp [other]-s0"
    assert {"residual-mlp-s0", labelled, "memory"} <= {check.what for check in found.checks}

    run_study(pairs, replace(CONFIG, bridges=("ridge",)), out=tmp_path / "first")
    merge_runs([tmp_path / "first", tmp_path / "other"], tmp_path / "second")
    assert verify_run(tmp_path / "second", pairs, cells=99, tolerance=0).agrees


def test_other_data(study: Path, make_pairs: Callable[..., PairedEmbeddings]) -> None:
    found = verify_run(study, make_pairs(seed=1), cells=9)
    assert set(_differing(found)) == {"inputs"}
    assert len(found.checks) == 4


def test_a_number_that_was_changed_in_the_table(copy: Path, pairs: PairedEmbeddings) -> None:
    path = copy / "results.json"
    content = json.loads(path.read_text())
    row = next(row for row in content["rows"] if row["bridge"] == "ridge" and row["metric"] == "cosine")
    row["value"] += 1e-9
    write_sealed(path, content)
    assert _differing(verify_run(copy, pairs, cells=0)) == {"results.json": "ridge cosine: not as in the cell"}


def test_a_cell_that_was_made_up(copy: Path, pairs: PairedEmbeddings) -> None:
    """Whole by its digest, and in the table: only computing it again shows it."""
    cell = read_cell(copy / "cells", "ridge")
    assert cell is not None
    value = cell.estimates["cosine"]
    write_cell(
        copy / "cells",
        replace(cell, estimates={**cell.estimates, "cosine": replace(value, value=value.value + 0.01)}),
    )
    path = copy / "results.json"
    content = json.loads(path.read_text())
    for row in content["rows"]:
        if row["bridge"] == "ridge" and row["metric"] == "cosine":
            row["value"] += 0.01
    write_sealed(path, content)
    differing = _differing(verify_run(copy, pairs, cells=99))
    assert list(differing) == ["ridge"]
    assert "to 1e-02 (cosine" in differing["ridge"]
    assert verify_run(copy, pairs, cells=99, tolerance=0.02).agrees


@pytest.mark.parametrize(
    ("broken", "what"),
    [
        ("cells/ridge.json", "cells"),
        ("cells/residual-mlp-s1.npz", "cells"),
        ("bridges/ridge/model.safetensors", "fitted bridges"),
        ("bridges/residual-mlp-s0/config.json", "fitted bridges"),
    ],
)
def test_a_byte_that_changed(copy: Path, pairs: PairedEmbeddings, broken: str, what: str) -> None:
    content = bytearray((copy / broken).read_bytes())
    content[len(content) // 2] ^= 1
    (copy / broken).write_bytes(content)
    differing = _differing(verify_run(copy, pairs, cells=0))
    assert list(differing) == [what]
    assert Path(broken).parts[1].split(".")[0] in differing[what]


def test_a_byte_of_what_bridges_share_that_changed(copy: Path, pairs: PairedEmbeddings) -> None:
    (path,) = (copy / "bridges" / "shared").iterdir()
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    differing = _differing(verify_run(copy, pairs, cells=0))
    assert list(differing) == ["fitted bridges"]
    assert differing["fitted bridges"].startswith("identity, mean-shift, ")


def test_other_software_is_named(copy: Path, pairs: PairedEmbeddings) -> None:
    path = copy / "manifest.json"
    content = json.loads(path.read_text())
    content["packages"]["torch"], content["gapkit"] = "1.0", "0.0.1"
    write_sealed(path, content)
    notes = verify_run(copy, pairs, cells=0).notes
    assert [note.split(" then")[0] for note in notes] == ["gapkit 0.0.1", "torch 1.0"]


def test_a_bridge_that_fails_now(copy: Path, pairs: PairedEmbeddings, bridge_for_a_test: Any, tmp_path: Path) -> None:
    class Moody(Bridge):
        """Works once."""

        needs_pairs = False

        def _fit(self, source: Any, target: Any, context: Any) -> None:
            self.shift_ = source.mean(dim=0)

        def _transform(self, source: Any) -> Any:
            return source + self.shift_

    bridge_for_a_test("moody", Moody)
    run_study(pairs, replace(CONFIG, bridges=("moody",)), out=tmp_path / "moody")

    def fail(*_: Any) -> None:
        raise ZeroDivisionError("not today")

    Moody._fit = fail  # type: ignore[assignment,method-assign]
    found = verify_run(tmp_path / "moody", pairs, cells=99)
    assert _differing(found) == {"moody": "fails now: ZeroDivisionError: not today"}


def test_what_is_no_study(tmp_path: Path, pairs: PairedEmbeddings, study: Path) -> None:
    with pytest.raises(InputError, match=r"no results\.json here"):
        verify_run(tmp_path, pairs)
    for wrong in ({"cells": -1}, {"tolerance": -1.0}, {"tolerance": np.inf}):
        with pytest.raises(InputError, match="at least 0"):
            verify_run(study, pairs, **wrong)  # type: ignore[arg-type]
