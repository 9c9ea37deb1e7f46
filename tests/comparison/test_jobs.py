"""Jobs of a comparison: how long each may take, and what is left to do."""

from dataclasses import replace
from typing import Any

import pytest

from gapkit.comparison import StudyConfig
from gapkit.comparison.cells import Cell
from gapkit.comparison.division import Division, divide
from gapkit.comparison.jobs import CellJob, cell_jobs, expected_seconds, left_to_do
from gapkit.embeddings import PairedEmbeddings
from gapkit.metrics.registry import METRICS, register_metric


@pytest.fixture
def division(pairs: PairedEmbeddings) -> Division:
    return divide(pairs, StudyConfig())


def _config(**how: Any) -> StudyConfig:
    return StudyConfig(bridges=("ridge", "residual-mlp", "diffusion-link"), device="cpu", **how).resolved()


def _longest(jobs: list[CellJob]) -> list[str]:
    return [job.bridge for job in sorted(jobs, key=lambda job: job.seconds, reverse=True)]


def test_the_longest_by_what_it_trains(division: Division) -> None:
    names = _longest(cell_jobs(_config(seeds=2), division))
    assert names[:4] == ["diffusion-link"] * 2 + ["residual-mlp"] * 2
    # It is ten measurements.
    assert names[4] == "target-split-half"
    assert _longest(cell_jobs(_config(params={"residual-mlp": {"steps": 10_000}}), division))[0] == "residual-mlp"


def test_a_cell_that_is_fitted_takes_no_time_to_fit(division: Division) -> None:
    config = _config(seeds=1)
    for job in cell_jobs(config, division):
        cell = Cell(job.bridge, job.block, job.seed, job.key, measured=config.metrics[1:])
        again = left_to_do(job, cell, config.metrics, division)
        assert again.missing == config.metrics[:1]
        assert again.seconds < 1
        assert again.kind != job.kind


def test_a_parameter_of_another_kind_is_not_a_number(division: Division) -> None:
    job = cell_jobs(_config(), division)[-1]
    assert expected_seconds(replace(job, params={"steps": "many"}, missing=("cosine",)), division) < 1


def test_an_upgraded_plugin_is_measured_again(division: Division, monkeypatch: pytest.MonkeyPatch) -> None:
    """The version of a metric's package is held against what it was when the cell was measured."""
    METRICS.names()
    register_metric("answer", group="closure", better="lower")(lambda source, target: 42.0)
    METRICS._origins["answer"] = "numpy"
    try:
        config = replace(_config(), metrics=("cosine", "answer"))
        job = cell_jobs(config, division)[0]
        import numpy as np

        known = Cell(job.bridge, "anchor", None, job.key, measured=config.metrics, plugins={"answer": "numpy 0.1"})
        assert left_to_do(job, known, config.metrics, division).missing == ("answer",)
        known = replace(known, plugins={"answer": f"numpy {np.__version__}"})
        assert left_to_do(job, known, config.metrics, division).missing == ()
    finally:
        del METRICS._items["answer"], METRICS._origins["answer"]
