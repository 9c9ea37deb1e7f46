"""The clouds of the metric pictures show what their titles and the page say."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "explanation" / "metrics.md"
FOLDER = ROOT / "docs" / "explanation" / "pictures"


@pytest.fixture(scope="module")
def module() -> Iterator[Any]:
    """The script, with its folder in reach as where it is run."""
    backend = mpl.get_backend()
    mpl.use("Agg")
    sys.path.insert(0, str(ROOT / "figures"))
    try:
        yield importlib.import_module("metric_pictures")
    finally:
        sys.path.remove(str(ROOT / "figures"))
        for name in ("metric_pictures", "metric_scenes"):
            sys.modules.pop(name, None)
        mpl.use(backend)


@pytest.fixture(scope="module")
def measured(module: Any) -> dict[str, list[dict[str, float]]]:
    return {p.name: [module.values(panel, p.metrics) for panel in p.panels] for p in module.PICTURES}


def test_what_the_offset_sees(measured: dict[str, list[dict[str, float]]]) -> None:
    offset, width, around, unrelated = measured["offset"]
    assert offset["centroid-distance"] == pytest.approx(np.hypot(2.5, 0.5), abs=0.05)
    assert max(width["centroid-distance"], around["centroid-distance"], unrelated["centroid-distance"]) < 0.01
    assert min(width["c2st-knn"], around["c2st-knn"]) > 0.8
    assert abs(unrelated["c2st-knn"] - 0.5) < 0.05


def test_what_mmd_sees(measured: dict[str, list[dict[str, float]]]) -> None:
    offset, shape, unrelated, grain = measured["kernel"]
    assert offset["mmd"] > 10 * abs(unrelated["mmd"])
    assert shape["mmd"] > 10 * abs(unrelated["mmd"])
    assert unrelated["l2i"] > offset["l2i"]
    assert grain["mmd"] < 0.1 * shape["mmd"]
    assert grain["c2st-knn"] == 1
    # Two standard normals a side: the mean distance of unrelated rows is sqrt(pi).
    assert unrelated["l2i"] == pytest.approx(np.sqrt(np.pi), rel=0.05)


def test_what_frechet_sees(measured: dict[str, list[dict[str, float]]]) -> None:
    both, stretch, equal, few = measured["frechet"]
    # (1.8 - 1)² + (.4 - 1)² of the deviations, up to n / (n - 1) of the unbiased covariance; and 1.5² of the offset.
    assert stretch["frechet"] == pytest.approx(1.0 * 200 / 199, rel=1e-3)
    assert both["frechet"] == pytest.approx(1.5**2 + 200 / 199, rel=1e-3)
    assert abs(equal["frechet"]) < 1e-3
    assert equal["mmd"] > 0.03
    assert few["frechet"] > 0.3


def test_what_separability_sees(measured: dict[str, list[dict[str, float]]]) -> None:
    near, far, ring, unrelated = measured["separability"]
    assert near["separability"] == far["separability"] == 1
    assert far["separability-margin"] > 5 * near["separability-margin"]
    assert ring["separability"] < 0.55
    assert ring["c2st-knn"] == ring["c2st-mlp"] == 1
    assert all(value < 0.55 for value in unrelated.values())


def test_what_neighbourhoods_see(measured: dict[str, list[dict[str, float]]]) -> None:
    mixed, half, apart, farther = measured["neighbours"]
    assert mixed["knn-mixing"] > half["knn-mixing"] > 1.2 > 1.001 > apart["knn-mixing"]
    assert apart["knn-mixing"] == pytest.approx(farther["knn-mixing"], abs=1e-3)
    assert farther["centroid-distance"] > 5 * apart["centroid-distance"]


def test_what_coverage_sees(measured: dict[str, list[dict[str, float]]]) -> None:
    same, half, off, middle = measured["coverage"]
    assert min(same.values()) > 0.9
    assert half["prdc-precision"] > 0.95
    assert half["prdc-recall"] == pytest.approx(0.5, abs=0.05)
    assert off["prdc-precision"] < 0.7
    assert middle["prdc-density"] > 1.1
    assert middle["prdc-recall"] < 0.3


def test_collapse_fools_cosine(measured: dict[str, list[dict[str, float]]]) -> None:
    gap, closed, collapse, unrelated = measured["cosine"]
    assert closed["cosine"] > collapse["cosine"] > gap["cosine"]
    assert collapse["cosine"] == pytest.approx(np.cos(np.radians(35)), abs=0.01)
    assert collapse["cosine-margin"] == pytest.approx(0, abs=1e-6)
    assert collapse["recall@10"] == pytest.approx(10 / 200)
    assert collapse["effective-rank"] == 0
    assert unrelated["recall@10"] < 0.1 < 0.9 < closed["recall@10"]


def test_retrieval_is_blind_to_a_gap(measured: dict[str, list[dict[str, float]]]) -> None:
    gap, blurred, none = measured["retrieval"]
    assert gap["recall@1"] == gap["map@10"] == 1
    assert gap["cosine"] == pytest.approx(np.cos(np.radians(50)), abs=1e-3)
    assert gap["centroid-distance"] == pytest.approx(np.cos(np.radians(35)) - np.cos(np.radians(85)), abs=1e-3)
    assert blurred["cosine"] > 0.99
    assert blurred["recall@1"] < 0.3
    assert none["recall@1"] == 0
    assert none["centroid-distance"] < 1e-6


def test_geometry_is_blind_to_a_turn(measured: dict[str, list[dict[str, float]]]) -> None:
    turned, inside, unrelated = measured["geometry"]
    assert turned["cka"] > 0.99 > 0.8 > turned["cosine"]
    assert inside["cka"] > 0.9 > 0.3 > inside["mutual-knn"]
    assert unrelated["cka"] < 0.05
    assert unrelated["mutual-knn"] == pytest.approx(10 / 199, abs=0.02)


def test_residuals_are_blind_to_an_offset(measured: dict[str, list[dict[str, float]]]) -> None:
    offset, shape, unrelated = measured["residual"]
    assert abs(offset["residual-mmd"]) < 0.001 < 0.4 < offset["mmd"]
    assert shape["residual-mmd"] > 0.03
    assert shape["residual-separability"] > 0.65
    assert abs(unrelated["residual-cosine"]) < 0.1 < 0.9 < offset["residual-cosine"]


def test_the_gap_as_a_vector(measured: dict[str, list[dict[str, float]]]) -> None:
    across, along, none = measured["direction"]
    assert min(across["gap-consistency"], along["gap-consistency"]) > 0.99
    assert across["gap-orthogonality"] < 0.4 < 0.7 < along["gap-orthogonality"]
    assert none["gap-consistency"] < 0.3


def test_copies_are_seen(measured: dict[str, list[dict[str, float]]]) -> None:
    new, copies, away = measured["memorisation"]
    assert abs(new["memorisation"]) < 0.002
    assert copies["memorisation"] > 0.005
    assert away["memorisation"] < -0.1


def test_every_picture_is_on_the_page_with_its_metrics(module: Any) -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert re.findall(r"\(pictures/(\w+)\.png\)", text) == [picture.name for picture in module.PICTURES]
    assert sorted(p.stem for p in FOLDER.glob("*.png")) == sorted(picture.name for picture in module.PICTURES)
    assert sum(p.stat().st_size for p in FOLDER.glob("*.png")) < 600_000


def test_every_metric_is_on_the_page() -> None:
    from gapkit.metrics.registry import METRICS

    text = PAGE.read_text(encoding="utf-8")
    names = [name for name in METRICS.names() if METRICS.origin(name) == "gapkit"]
    assert len(names) > 40
    said = {re.sub(r"@\d+$", "@k", name) if name.startswith("recall") else name for name in names}
    families = {name for name in said if name.startswith(("residual-", "mutual-knn", "cka"))}
    assert {name for name in said - families if f"`{name}`" not in text} == set()


def test_a_figure_shows_the_clouds_and_the_numbers(module: Any) -> None:
    (picture,) = [p for p in module.PICTURES if p.name == "memorisation"]
    figure = module.draw(picture)
    assert len(figure.axes) == len(picture.panels)
    for axis, panel in zip(figure.axes, picture.panels, strict=True):
        assert axis.get_title() == panel.title
        target, source, fitted = (np.asarray(c.get_offsets()) for c in axis.collections)
        np.testing.assert_allclose(target, panel.target[:, :2])
        np.testing.assert_allclose(source, panel.source[:, :2])
        np.testing.assert_allclose(fitted, panel.fitted[:, :2])
        found = module.values(panel, picture.metrics)
        lines = axis.texts[0].get_text().splitlines()
        assert lines[0].endswith(module.METRICS.get("memorisation").text(found["memorisation"]))
        assert len(lines) == len(picture.metrics)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["target", "source", "fitted targets"]
    module.plt.close(figure)


def test_the_files_are_the_same_every_time(module: Any, tmp_path: Path) -> None:
    (picture,) = [p for p in module.PICTURES if p.name == "offset"]
    for name in ("one.png", "two.png"):
        module.write(module.draw(picture), tmp_path / name)
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()
