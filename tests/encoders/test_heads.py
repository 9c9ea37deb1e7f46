"""Heads: the loss against a plain loop, what training must reach, and that nothing global is touched."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file

from gapkit.encoders.heads import Heads, contrastive_loss, train_heads
from gapkit.errors import InputError


def matched(n: int = 300, *, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Two linear views of one latent vector a row."""
    rng = np.random.default_rng(seed)
    latent = rng.standard_normal((n, 8))
    return latent @ rng.standard_normal((8, 20)) + 3, latent @ rng.standard_normal((8, 30)) - 1


def top1(heads: Heads, x: np.ndarray, y: np.ndarray) -> float:
    similar = heads.project_source(x) @ heads.project_target(y).T
    return float((similar.argmax(axis=1) == np.arange(len(x))).mean())


def test_loss_equals_a_plain_loop():
    rng = np.random.default_rng(0)
    a, b = (rng.standard_normal((6, 4)) for _ in range(2))
    labels = [0, 0, 1, 2, 1, 0]
    total = 0.0
    for left, right in ((a, b), (b, a)):
        logits = left @ right.T / 0.1
        for i in range(6):
            positives = [j for j in range(6) if labels[j] == labels[i]]
            denominator = math.log(sum(math.exp(v - logits[i].max()) for v in logits[i])) + logits[i].max()
            total += sum(denominator - logits[i, j] for j in positives) / len(positives) / 12
    ours = contrastive_loss(torch.from_numpy(a), torch.from_numpy(b), torch.tensor(labels), 10.0)
    assert float(ours) == pytest.approx(total, rel=1e-10)


@pytest.mark.parametrize("temperature", [0.05, "learned"])
def test_heads_find_what_belongs_together(temperature):
    x, y = matched(400)
    heads = train_heads(x[:300], y[:300], temperature=temperature, hidden=64, dim=16, epochs=40, batch_size=100)
    assert top1(heads, x[300:], y[300:]) > 0.5  # chance is 0.01
    np.testing.assert_allclose(np.linalg.norm(heads.project_source(x), axis=1), 1, atol=1e-5)
    assert (heads.temperature == pytest.approx(0.05)) == (temperature == 0.05)
    assert heads.dim == 16


def test_low_temperature_leaves_a_larger_gap():
    x, y = matched()
    gaps = []
    for temperature in (0.01, 0.1):
        heads = train_heads(x, y, temperature=temperature, hidden=64, dim=32, epochs=60, batch_size=100)
        a, b = heads.project_source(x).mean(axis=0), heads.project_target(y).mean(axis=0)
        gaps.append(float(np.linalg.norm(a - b)))
    assert gaps[0] > 2 * gaps[1]


def test_rows_of_one_caption_are_positives():
    """Every caption twice: without groups the twins push each other away, with groups they do not."""
    x, y = matched(200)
    x, y = np.concatenate([x, x + 0.01]), np.concatenate([y, y])
    given = {"hidden": 32, "dim": 16, "epochs": 10, "batch_size": 400, "temperature": 0.05}
    grouped = train_heads(x, y, np.tile(np.arange(200), 2), **given)
    alone = train_heads(x, y, **given)
    assert not np.allclose(grouped.project_source(x), alone.project_source(x), atol=1e-3)
    assert grouped.meta["rows"] == 400


def test_seeded_and_without_global_state():
    x, y = matched(64)
    given = {"hidden": 16, "dim": 8, "epochs": 3, "batch_size": 32}
    torch.manual_seed(1)
    before = torch.random.get_rng_state()
    first = train_heads(x, y, seed=5, **given)
    assert torch.equal(before, torch.random.get_rng_state())
    torch.manual_seed(2)
    with torch.no_grad():  # the caller's gradient mode does not matter
        again = train_heads(x, y, seed=5, **given)
    np.testing.assert_array_equal(first.project_source(x), again.project_source(x))
    assert not np.allclose(first.project_source(x), train_heads(x, y, seed=6, **given).project_source(x))


def test_file_round_trip(tmp_path):
    x, y = matched(64)
    heads = train_heads(x, y, hidden=16, dim=8, epochs=2, batch_size=64)
    heads.save(tmp_path / "heads.safetensors")
    read = Heads.load(tmp_path / "heads.safetensors")
    np.testing.assert_array_equal(heads.project_target(y), read.project_target(y))
    assert read.temperature == heads.temperature
    assert dict(read.meta) == dict(heads.meta)
    heads.save(tmp_path / "half.safetensors", dtype=torch.float16)
    np.testing.assert_allclose(
        Heads.load(tmp_path / "half.safetensors").project_target(y), heads.project_target(y), atol=3e-3
    )


def test_what_is_no_heads_file_is_one_line(tmp_path):
    save_file({"x": np.zeros(2, np.float32)}, tmp_path / "other.safetensors")
    (tmp_path / "broken.safetensors").write_bytes(b"broken")
    for name, message in (("other", "no projection heads"), ("broken", "cannot be read"), ("absent", "cannot be read")):
        with pytest.raises(InputError, match=message):
            Heads.load(tmp_path / f"{name}.safetensors")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"temperature": 0}, "temperature must be above 0"),
        ({"temperature": "warm"}, "temperature"),
        ({"dropout": 1.0}, "dropout"),
        ({"epochs": 0}, "epochs must be a whole number"),
        ({"lr": 0.0}, "lr must be above 0"),
        ({"groups": [0] * 20}, "at least two groups"),
        ({"groups": [0, 1]}, "one group a row"),
    ],
)
def test_wrong_options_are_one_line(given, message):
    x, y = matched(20)
    with pytest.raises(InputError, match=message):
        train_heads(x, y, **given)


def test_one_row_alone_has_nothing_to_be_told_apart_from():
    x, y = matched(20)
    with pytest.raises(InputError, match="at least two groups"):
        train_heads(x[:1], y[:1])


def test_sides_of_different_length():
    x, y = matched(20)
    with pytest.raises(InputError, match="as many target as source"):
        train_heads(x, y[:10])
    heads = train_heads(x, y, hidden=4, dim=2, epochs=1)
    with pytest.raises(InputError, match="expected 20 features"):
        heads.project_source(y)
