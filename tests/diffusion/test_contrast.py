from __future__ import annotations

import math

import pytest
import torch

from gapkit.diffusion.contrast import contrastive_loss
from gapkit.diffusion.groups import Groups


def test_answers_that_are_all_alike_cost_log_n():
    same = torch.ones(7, 4)
    assert float(contrastive_loss(same, torch.randn(7, 4, generator=torch.Generator().manual_seed(0)))) > 0
    assert float(contrastive_loss(same, same)) == pytest.approx(math.log(7), rel=1e-6)


def test_closed_form_for_orthogonal_targets():
    eye = torch.eye(5)
    expected = -math.log(math.exp(1 / 0.5) / (math.exp(1 / 0.5) + 4))
    assert float(contrastive_loss(3 * eye, eye, temperature=0.5)) == pytest.approx(expected, rel=1e-6)


def test_rows_of_one_group_are_not_held_against_each_other():
    rows = torch.eye(3)[[0, 0, 1, 2]]
    apart = contrastive_loss(rows, rows, group=torch.tensor([0, 0, 1, 2]))
    assert apart < contrastive_loss(rows, rows)
    expected = -math.log(math.exp(10) / (math.exp(10) + 2)) * 0.5 - math.log(math.exp(10) / (math.exp(10) + 3)) * 0.5
    assert float(apart) == pytest.approx(expected, rel=1e-3)


@pytest.fixture
def source():
    return torch.tensor([[1.0, 0], [0, 1.0], [1.0, 0], [0, 1.0], [1.0, 0], [0.5, 0.5]])


def test_groups_are_equal_source_rows(source):
    groups = Groups.by_source(source)
    same = groups.of.unsqueeze(0) == groups.of.unsqueeze(1)
    assert torch.equal(same, (source.unsqueeze(0) == source.unsqueeze(1)).all(-1))


def test_any_of_reaches_every_caption_of_the_clip_and_no_other(source):
    groups = Groups.by_source(source)
    pairs = torch.arange(6).repeat(200)
    drawn = groups.any_of(pairs, torch.Generator().manual_seed(0))
    for pair, mates in ((0, {0, 2, 4}), (1, {1, 3}), (5, {5})):
        assert set(drawn[pairs == pair].tolist()) == mates


def test_means_by_hand(source):
    means = Groups.by_source(source).means(torch.arange(12.0).view(6, 2))
    assert torch.equal(means[0], torch.tensor([4.0, 5.0]))
    assert torch.equal(means[4], means[0])
    assert torch.equal(means[1], torch.tensor([4.0, 5.0]))
    assert torch.equal(means[5], torch.tensor([10.0, 11.0]))
