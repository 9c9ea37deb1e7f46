from __future__ import annotations

import math

import pytest
import torch

from gapkit.diffusion.schedule import cosine_schedule, linear_schedule, make_schedule
from gapkit.errors import InputError


@pytest.mark.parametrize("schedule", [cosine_schedule(), linear_schedule()], ids=["cosine", "linear"])
def test_variance_is_preserved_and_signal_only_falls(schedule):
    t = torch.arange(schedule.n_steps + 1)
    torch.testing.assert_close(schedule.signal(t) ** 2 + schedule.noise(t) ** 2, torch.ones(1001, dtype=torch.float64))
    assert float(schedule.alpha_bar[0]) == 1
    assert bool((schedule.alpha_bar.diff() < 0).all())
    assert 0 < float(schedule.alpha_bar[-1]) < 1e-3


def test_cosine_reproduces_the_table_of_alpha_bar():
    # The released Diffusion Bridge code counts from 0: its t is ours less 1.
    for t, expected in {120: 0.961, 240: 0.858, 360: 0.706, 400: 0.648, 480: 0.525, 600: 0.341, 800: 0.094}.items():
        assert float(cosine_schedule().alpha_bar[t]) == pytest.approx(expected, abs=1.5e-3)


def test_linear_reproduces_the_product_of_betas():
    product = math.prod(1 - (1e-4 + (0.02 - 1e-4) * i / 999) for i in range(1000))
    assert float(linear_schedule().alpha_bar[-1]) == pytest.approx(product, rel=1e-9)


def test_times_fall_evenly_to_zero():
    assert cosine_schedule().times(50, 5) == [50, 40, 30, 20, 10, 0]
    assert cosine_schedule().times(3, 3) == [3, 2, 1, 0]


@pytest.mark.parametrize(("start", "steps"), [(0, 1), (1001, 5), (5, 6), (5, 0)])
def test_times_out_of_range(start, steps):
    with pytest.raises(InputError, match="must lie in"):
        cosine_schedule().times(start, steps)


def test_unknown_schedule():
    with pytest.raises(InputError, match="known are cosine, linear"):
        make_schedule("sigmoid")
