from __future__ import annotations

import re

import pytest
import torch
from torch import nn

from gapkit.errors import GapkitError, InputError
from gapkit.training import loop as module
from gapkit.training.loop import train
from gapkit.training.options import TrainingOptions
from gapkit.training.state import TrainingState


class KilledError(Exception):
    """Stands for a kill in the middle of training."""


def problem(seed=0):
    draw = torch.Generator().manual_seed(seed)
    x = torch.randn(200, 4, generator=draw)
    truth = torch.tensor([[1.0], [-2.0], [0.5], [3.0]])
    y = x @ truth
    model = nn.Linear(4, 1)
    with torch.no_grad():
        model.weight.zero_()
        model.bias.zero_()

    def loss(net):
        rows = torch.randint(len(x), (32,), generator=draw)
        return (net(x[rows]) - y[rows]).square().mean()

    def score(net):
        return float((net(x) - y).square().mean().detach())

    return model, loss, score, draw


def test_it_learns():
    model, loss, score, draw = problem()
    report = train(model, loss, TrainingOptions(600, lr=0.05, ema=0.9, weight_decay=0), generators=(draw,), score=score)
    assert score(model) < 1e-3
    assert report.steps == 600
    assert len(report.losses) == 6


def test_the_best_averaged_weights_are_kept():
    model, loss, _, draw = problem()
    # A score that is best at its third look.
    looks = iter([3.0, 2.0, 1.0, 2.0, 2.0, 2.0])
    seen = []

    def score(net):
        seen.append(net.weight.clone())
        return next(looks)

    report = train(model, loss, TrainingOptions(2000, patience=3), generators=(draw,), score=score)
    assert (report.best_step, report.steps) == (300, 600)
    assert torch.equal(model.weight, seen[2])


@pytest.mark.parametrize("stop_at", [1, 150, 399])
def test_killed_and_resumed_it_ends_with_the_same_bits(tmp_path, monkeypatch, stop_at):
    monkeypatch.setattr(module, "SAVE_EVERY_SECONDS", -1.0)
    options = TrainingOptions(400, lr=0.01)
    model, loss, score, draw = problem()
    whole = train(model, loss, options, generators=(draw,), score=score)

    resumed, loss, score, draw = problem()
    calls = 0

    def interrupted(net):
        nonlocal calls
        calls += 1
        if calls > stop_at:
            raise KilledError
        return loss(net)

    file = tmp_path / "state.safetensors"
    with pytest.raises(KilledError):
        train(resumed, interrupted, options, generators=(draw,), score=score, checkpoint=file, fingerprint="f")
    fresh, loss, score, draw = problem()
    steps = 0

    def counted(net):
        nonlocal steps
        steps += 1
        return loss(net)

    again = train(fresh, counted, options, generators=(draw,), score=score, checkpoint=file, fingerprint="f")
    assert steps == 400 - stop_at
    assert again == whole
    assert torch.equal(fresh.weight, model.weight)
    assert torch.equal(fresh.bias, model.bias)


def test_a_slow_disk_is_written_to_less_often(tmp_path, monkeypatch):
    clock, saved_at = 0.0, []
    model, loss, _, draw = problem()

    def slow(net):
        nonlocal clock
        clock += 0.5
        return loss(net)

    def write(state, path, fingerprint):
        nonlocal clock
        clock += 1.0  # ten times QUICK_SAVE: every 50 s instead of every 5
        saved_at.append(state.step)

    monkeypatch.setattr(module.time, "monotonic", lambda: clock)
    monkeypatch.setattr(TrainingState, "write", write)
    train(model, slow, TrainingOptions(320), generators=(draw,), checkpoint=tmp_path / "state", fingerprint="f")
    assert saved_at == [11, 112, 213, 314]


def test_divergence_is_said():
    model, _, _, draw = problem()
    with pytest.raises(GapkitError, match=r"diverged.*lower lr"):
        train(model, lambda net: net.weight.sum() * float("nan"), TrainingOptions(200), generators=(draw,))


def test_divergence_after_a_good_look_keeps_the_good_state():
    model, loss, _, draw = problem()
    calls = 0

    def later(net):
        nonlocal calls
        calls += 1
        return loss(net) * (float("nan") if calls > 150 else 1.0)

    report = train(model, later, TrainingOptions(400), generators=(draw,))
    assert report.best_step == 100
    assert bool(torch.isfinite(model.weight).all())


def test_progress_is_told():
    told = []
    model, loss, score, draw = problem()
    train(model, loss, TrainingOptions(250), generators=(draw,), score=score, progress=lambda *a: told.append(a))
    assert [t[:2] for t in told] == [(step, 250) for step in range(1, 251)]
    assert told[0][2] == "training"
    assert re.fullmatch(r"loss \d+\.\d{3}, held-out \d+\.\d{3}", told[-1][2])


@pytest.mark.parametrize("wrong", [{"steps": 0}, {"lr": 0.0}, {"ema": 1.0}, {"patience": -1}, {"clip": 0}])
def test_options_out_of_range(wrong):
    with pytest.raises(InputError, match=next(iter(wrong))):
        TrainingOptions(**({"steps": 10} | wrong))


def test_the_rate_rises_and_falls_or_stays():
    falling, constant = (TrainingOptions(200, lr=0.5, warmup=10, anneal=anneal) for anneal in (True, False))
    assert [constant.rate(step) for step in (0, 4, 9, 100, 199)] == pytest.approx([0.05, 0.25, 0.5, 0.5, 0.5])
    assert falling.rate(100) == pytest.approx(0.25)
    assert falling.rate(199) < 1e-3
    assert TrainingOptions(5, lr=0.5, warmup=1, anneal=False).rate(0) == 0.5
