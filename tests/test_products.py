from __future__ import annotations

import pytest
import torch

from gapkit import products
from gapkit.products import by_onednn, product

needs_onednn = pytest.mark.skipif(
    not (torch.backends.mkl.is_available() and torch.backends.mkldnn.is_available()),
    reason="a torch without MKL or oneDNN",
)


def normal(*shape, seed=0, dtype=torch.float32):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


@needs_onednn
@pytest.mark.parametrize("plus", [True, False])
@pytest.mark.parametrize("n", [1, 7, 256])
def test_a_product_by_onednn_is_that_of_float64(prefer_onednn, n, plus):
    left, right, more = normal(n, 24), normal(40, 24, seed=1), normal(40, seed=2) if plus else None
    wide = left.double() @ right.double().T + (more.double() if plus else 0)
    torch.testing.assert_close(product(left, right, more), wide.float(), rtol=1e-5, atol=1e-5)
    assert prefer_onednn[0] == (n, 24)


@needs_onednn
def test_columns_as_they_lie_need_no_copy(prefer_onednn):
    left, right = normal(24, 6).T, normal(24, 9, seed=1).T
    torch.testing.assert_close(product(left, right), left @ right.T)
    assert prefer_onednn == [(6, 24)]


@needs_onednn
@pytest.mark.parametrize(
    "right",
    [
        normal(9, 48)[:, :24],
        normal(24, 18)[:, 9:].T,
        normal(18, 24)[::2],
        normal(1, 24).expand(9, 24),
        normal(40).as_strided((9, 24), (1, 1)),
    ],
    ids=["columns", "rows of a transpose", "every other row", "one row", "overlapping"],
)
def test_rows_that_lie_apart_are_brought_together(prefer_onednn, monkeypatch, right):
    given, operator = [], products._operator()
    monkeypatch.setattr(products, "_operator", lambda: lambda *args: given.append(args[1]) or operator(*args))
    left = normal(6, 24, seed=1)
    torch.testing.assert_close(product(left, right), left @ right.T)
    # What lies apart would take oneDNN a thousand times as long.
    assert given[0].is_contiguous()


@needs_onednn
@pytest.mark.parametrize("plus", [normal(18)[::2], normal(1).expand(9)], ids=["every other", "one number"])
def test_what_is_added_may_lie_apart(prefer_onednn, plus):
    left, right = normal(6, 24, seed=1), normal(9, 24, seed=2)
    torch.testing.assert_close(product(left, right, plus), left @ right.T + plus)
    assert prefer_onednn == [(6, 24)]


@needs_onednn
def test_what_onednn_is_not_for_goes_the_way_of_torch(prefer_onednn):
    left, right, more = normal(6, 24), normal(9, 24, seed=1), normal(9, seed=2)
    expected = torch.addmm(more, left, right.T)
    assert product(left[:0], right).shape == (0, 9)
    torch.testing.assert_close(product(left.double(), right.double(), more.double()).float(), expected)
    with torch.autocast("cpu", torch.bfloat16):
        assert product(left, right).dtype == torch.bfloat16
    assert prefer_onednn == []


@needs_onednn
def test_the_switch_of_torch_turns_it_off(prefer_onednn, monkeypatch):
    left, right = normal(6, 24), normal(9, 24, seed=1)
    assert by_onednn(left, right)
    monkeypatch.setattr(torch.backends.mkldnn, "enabled", False)
    assert not by_onednn(left, right)
    assert torch.equal(product(left, right), left @ right.T)
    assert prefer_onednn == []


@pytest.mark.parametrize(
    ("maker", "capability"), [("GenuineIntel", "AVX512"), ("", "AVX512"), ("AuthenticAMD", "AVX2")]
)
def test_other_processors_multiply_as_torch_does(monkeypatch, maker, capability):
    monkeypatch.setattr(products, "processor_maker", lambda: maker)
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: capability)
    products._operator.cache_clear()
    try:
        left, right, more = normal(6, 24), normal(9, 24, seed=1), normal(9, seed=2)
        assert not by_onednn(left, right)
        room = torch.empty(6, 9)
        assert product(left, right, more, out=room) is room
        assert torch.equal(room, torch.addmm(more, left, right.T))
    finally:
        products._operator.cache_clear()


def test_a_torch_without_the_operator_multiplies_by_itself(monkeypatch):
    monkeypatch.setattr(products, "processor_maker", lambda: "AuthenticAMD")
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX512")
    monkeypatch.setattr(torch.ops, "mkldnn", object())
    products._operator.cache_clear()
    try:
        assert not by_onednn(normal(6, 24), normal(9, 24))
    finally:
        products._operator.cache_clear()
