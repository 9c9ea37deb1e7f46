from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F  # noqa: N812

from gapkit.diffusion.linear import Linear, linear

pytestmark = pytest.mark.skipif(
    not (torch.backends.mkl.is_available() and torch.backends.mkldnn.is_available()),
    reason="a torch without MKL or oneDNN",
)


def normal(*shape, seed=0, dtype=torch.float32):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def layer(n_in=24, n_out=40, *, bias=True):
    made = Linear(n_in, n_out, bias=bias)
    with torch.no_grad():
        made.weight.copy_(normal(n_out, n_in, seed=1))
        if bias:
            made.bias.copy_(normal(n_out, seed=2))
    return made


def gradients(f, *inputs):
    return torch.autograd.grad((f(*inputs) ** 2).sum(), inputs)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("n", [1, 7, 256])
def test_product_and_gradients_are_those_of_float64(prefer_onednn, n, bias):
    made, x = layer(bias=bias), normal(n, 24, seed=3).requires_grad_()
    wide = [p.detach().double().requires_grad_() for p in (x, *made.parameters())]
    out = made(x)
    (out**2).sum().backward()
    torch.testing.assert_close(out, F.linear(*wide).float())
    for got, expected in zip((x, *made.parameters()), gradients(F.linear, *wide), strict=True):
        torch.testing.assert_close(got.grad, expected.float(), rtol=1e-4, atol=1e-3)
    assert len(prefer_onednn) == 3


def test_it_can_be_differentiated_twice(prefer_onednn):
    x, weight = normal(5, 4).requires_grad_(), normal(3, 4, seed=1).requires_grad_()

    def penalty(f):
        slope = torch.autograd.grad((f(x, weight) ** 2).sum(), x, create_graph=True)[0]
        return torch.autograd.grad((slope**2).sum(), (x, weight))

    torch.testing.assert_close(penalty(linear), penalty(F.linear))
    assert len(prefer_onednn) > 3


def test_only_the_gradients_that_are_asked_for_are_multiplied(prefer_onednn):
    made = layer()
    made(normal(6, 24)).sum().backward()
    assert made.weight.grad.shape == (40, 24)
    assert len(prefer_onednn) == 2


def test_what_onednn_is_not_for_goes_the_way_of_torch(prefer_onednn):
    made = layer()
    assert made(normal(0, 24)).shape == (0, 40)
    torch.testing.assert_close(made(normal(2, 3, 24)), F.linear(normal(2, 3, 24), made.weight, made.bias))
    assert made(normal(24)).shape == (40,)
    with torch.autocast("cpu", torch.bfloat16):
        assert made(normal(5, 24)).dtype == torch.bfloat16
    assert layer().double()(normal(5, 24, dtype=torch.float64)).dtype == torch.float64
    assert prefer_onednn == []
    made(normal(5, 24))
    assert prefer_onednn == [(5, 24)]
