import numpy as np
import pytest

from gapkit.errors import InputError
from gapkit.metrics import (
    METRICS,
    c2st_mlp,
    centroid_distance,
    energy_distance,
    frechet_distance,
    measure,
    residual_c2st_mlp,
    residual_frechet_distance,
    residual_of,
    rmg,
)
from gapkit.metrics.mmd import mmd


def test_it_takes_the_mean_of_each_side_off(several):
    p = several
    expected = residual_frechet_distance(p.source, p.target, owner=p.owner)
    assert residual_of(frechet_distance, p.source + 3, p.target, owner=p.owner) == pytest.approx(expected, rel=1e-4)
    # Unrelated rows, each side by itself.
    x, y = p.source[:20], p.target
    assert residual_of(energy_distance, x + 3, y) == pytest.approx(
        energy_distance(x - x.mean(axis=0), y - y.mean(axis=0)), abs=1e-6
    )


def test_what_is_left_has_no_offset(several):
    p = several
    assert residual_of(centroid_distance, p.source, p.target, owner=p.owner) == pytest.approx(0, abs=1e-6)
    shifted = residual_of(rmg, p.source + 5, p.target - 5, owner=p.owner)
    assert shifted == pytest.approx(residual_of(rmg, p.source, p.target, owner=p.owner), abs=1e-5)


def test_options_reach_the_metric(single):
    x, y = single.source - single.source.mean(0), single.target - single.target.mean(0)
    assert residual_of(mmd, single.source, single.target, bandwidth=0.7) == pytest.approx(
        mmd(x, y, bandwidth=0.7), abs=1e-6
    )
    with pytest.raises(InputError, match=r"expected a function such as gapkit\.metrics\.l2i, got 'mmd'"):
        residual_of("mmd", x, y)


def test_the_network_sees_shape_and_no_offset():
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((2, 250, 6))
    assert residual_c2st_mlp(x + 3, y, rounds=10) == pytest.approx(0.5, abs=0.08)
    assert residual_c2st_mlp(x / 2 + 3, y, rounds=15) > 0.7
    # Centred by all clips, those held out lean the other way.
    z = rng.standard_normal((2, 200, 64))
    assert residual_of(c2st_mlp, *z, rounds=10) < residual_c2st_mlp(*z, rounds=10)
    assert residual_c2st_mlp(*z, rounds=10) == pytest.approx(0.5, abs=0.08)


def test_in_a_row_they_are_what_the_functions_are(several):
    p = several
    names = [
        "residual-l2i", "residual-rmg", "residual-mmd-multi", "residual-mmd-imq", "residual-sinkhorn-divergence",
        "residual-knn-mixing", "residual-knn-cross-share", "residual-c2st-mlp",
    ]  # fmt: skip
    found = measure(p.source, p.target, names, owner=p.owner, n_resamples=40)
    for name in names:
        expected = METRICS.get(name).function(p.source, p.target, owner=p.owner)
        assert found[name].value == pytest.approx(expected, abs=1e-6)
        assert found[name].draws.size == 40
        assert np.ptp(found[name].draws) > 0
    assert found["residual-l2i"].low < found["residual-l2i"].value < found["residual-l2i"].high
    alone = measure(p.source[:20], p.target, names, paired=False, n_resamples=0)
    assert set(alone.left_out) == {"residual-l2i", "residual-rmg"}
    one_point = measure(np.ones_like(p.source), p.target, names[:2], owner=p.owner, n_resamples=0)
    assert np.isfinite(one_point["residual-l2i"].value)
    assert "nothing is left after its mean is removed" in one_point["residual-rmg"].why
