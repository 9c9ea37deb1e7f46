"""One step of training, eager and recorded."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from gapkit.training.steps import WARMUP, EagerStep, PartedLoss, RecordedStep


def parts(device="cpu", **adam):
    model = nn.Linear(3, 3)
    with torch.no_grad():
        model.weight.copy_(torch.eye(3))
        model.bias.zero_()
    model.to(device)
    draw = torch.Generator(device).manual_seed(0)

    def loss(m):
        x = torch.randn(16, 3, generator=draw, device=device)
        return (m(x) + x).square().mean()

    live = list(model.parameters())
    return model, PartedLoss.whole(loss), torch.optim.AdamW(live, **adam), live, draw


def test_an_eager_step_takes_the_given_rate_and_leaves_no_gradient():
    model, loss, optimizer, live, _ = parts(lr=1.0, weight_decay=0.0)
    before = model.weight.detach().clone()
    step = EagerStep(model, loss, optimizer, live, clip=1.0, half=False)
    value = step(0.0, 0)
    assert torch.equal(model.weight, before)
    assert float(value) > 0
    step(0.01, 1)
    # The first update of Adam has the size of the rate, whatever the gradient.
    moved = (model.weight.detach() - before).abs()
    assert float(moved.max()) == pytest.approx(0.01, rel=0.2)
    assert all(p.grad is None for p in live)


def test_steps_lower_the_loss():
    model, loss, optimizer, live, _ = parts(lr=0.05)
    step = EagerStep(model, loss, optimizer, live, clip=10.0, half=False)
    values = [float(step(0.05, i)) for i in range(100)]
    assert sum(values[-10:]) < 0.1 * sum(values[:10])


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_recorded_step_does_what_the_eager_one_does():
    settings = {"lr": torch.tensor(0.05), "capturable": True, "fused": True}
    ends = []
    for kind in (EagerStep, RecordedStep):
        model, loss, optimizer, live, draw = parts("cuda", **(settings | {"lr": torch.tensor(0.05, device="cuda")}))
        more = {"generator": draw} if kind is RecordedStep else {}
        step = kind(model, loss, optimizer, live, clip=1.0, half=False, **more)
        values = [float(step(0.05, i)) for i in range(3 * WARMUP)]
        ends.append((model.weight.detach().cpu(), values))
    torch.testing.assert_close(ends[0][0], ends[1][0])
    assert ends[0][1] == pytest.approx(ends[1][1], rel=1e-4)
