"""Noise by row: its distribution, and what it depends on."""

from __future__ import annotations

import pytest
import torch
from scipy import stats

from gapkit.diffusion.noise import row_noise


@pytest.fixture
def rows():
    return torch.nn.functional.normalize(torch.randn(2000, 33, generator=torch.Generator().manual_seed(0)), dim=1)


def test_standard_normal_by_every_column_and_row(rows):
    noise = row_noise(rows, 3)
    assert noise.shape == rows.shape
    assert noise.dtype == torch.float32
    assert stats.kstest(noise.flatten().numpy(), "norm").pvalue > 1e-3
    assert noise.mean(0).abs().max() < 5 / 2000**0.5
    assert (noise.square().mean(0) - 1).abs().max() < 5 * (2 / 2000) ** 0.5


def test_columns_rows_seeds_and_streams_are_uncorrelated(rows):
    noise = row_noise(rows, 0)
    across = torch.corrcoef(noise.T) - torch.eye(33)
    assert across.abs().max() < 5 / 2000**0.5
    for other in (row_noise(rows, 1), row_noise(rows, 0, stream=1), noise.roll(1, 0), row_noise(-rows, 0)):
        r = torch.corrcoef(torch.stack([noise.flatten(), other.flatten()]))[0, 1]
        assert abs(float(r)) < 5 / noise.numel() ** 0.5


def test_a_row_keeps_its_noise_wherever_it_stands(rows):
    noise = row_noise(rows, 7, stream=2)
    order = torch.randperm(len(rows), generator=torch.Generator().manual_seed(1))
    assert torch.equal(row_noise(rows[order], 7, stream=2), noise[order])
    assert torch.equal(row_noise(rows[5:6], 7, stream=2), noise[5:6])


def test_a_small_change_of_a_row_changes_its_noise(rows):
    other = rows.clone()
    other[:, 0] = torch.nextafter(other[:, 0], torch.ones(len(other)))
    assert not torch.isclose(row_noise(rows, 0), row_noise(other, 0)).all(dim=1).any()


def test_zero_has_one_noise_whatever_its_sign():
    assert torch.equal(row_noise(torch.zeros(1, 4), 0), row_noise(-torch.zeros(1, 4), 0))


def test_both_values_of_a_pair_swap_places(rows):
    swapped = rows[:, torch.randperm(33, generator=torch.Generator().manual_seed(2))]
    assert not torch.equal(row_noise(rows, 0), row_noise(swapped, 0))
