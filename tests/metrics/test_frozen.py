"""Values and draws as they were before every metric became one function: `frozen.npz` holds them.

``python tests/metrics/test_frozen.py`` writes the file anew, where values change on purpose.
"""

from pathlib import Path

import numpy as np
import pytest

from gapkit.metrics import METRICS, Measures, measure, metric_names

FILE = Path(__file__).with_name("frozen.npz")

NETWORKS = {"c2st-mlp", "residual-c2st-mlp"}
"""Their training rounds otherwise on another machine; they have tests of their own."""

FIRST_ORDER = {"rmg", "residual-rmg", "unpaired-cosine", "cosine-margin", "variance-ratio"}
"""Draws that followed the resample beyond first order, and now are its first order: derivative tests hold them."""

BY_CUTS = {"separability": 0.5, "residual-separability": 0.5, "separability-margin": 0.5, "separability-auc": 2}
"""Tolerance in spreads: what chance adds to the steps of their classifiers is told from random signs and no longer from
the 16 resamples, and draws of the area are its first order. `test_refit.py` and `test_separability.py` hold both."""


def clouds(n: int, d: int, counts: np.ndarray, seed: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    concept = rng.standard_normal((n, d))
    owner = np.repeat(np.arange(n), counts)
    x = concept + 0.6 * rng.standard_normal((n, d)) + 0.4
    y = 0.9 * concept[owner] + 0.5 * rng.standard_normal((len(owner), d))
    before, fitted = x + 0.5 * rng.standard_normal((n, d)), rng.standard_normal((90, d))
    return {
        "source": x.astype(np.float32),
        "target": y.astype(np.float32),
        "owner": owner,
        "original": before.astype(np.float32),
        "fitted": fitted.astype(np.float32),
        "labels": np.arange(n) % 7,
    }


def measured(kind: str) -> Measures:
    """All metrics of one pair of clouds."""
    names = [name for name in metric_names() if name not in NETWORKS and METRICS.origin(name) == "gapkit"]
    if kind == "several targets":
        counts = np.random.default_rng(1).integers(1, 4, 210)
        return measure(**clouds(210, 5, counts, 0), metrics=names, n_resamples=16)
    if kind == "scaled":
        return measure(**clouds(205, 6, np.ones(205, int), 3), metrics=names, n_resamples=16, normalise=True)
    given = clouds(90, 4, np.random.default_rng(2).integers(1, 3, 90), 4)
    given["source"] = clouds(120, 4, np.ones(120, int), 5)["source"]
    return measure(**given | {"original": None}, metrics=names, n_resamples=16, paired=False)


KINDS = ["several targets", "scaled", "unpaired"]


@pytest.mark.parametrize("kind", KINDS)
def test_values_and_draws_are_those_of_before(kind):
    with np.load(FILE) as frozen:
        kept = {key.partition("/")[2]: frozen[key] for key in frozen.files if key.startswith(f"{kind}/")}
    found = measured(kind)
    assert set(found) == set(kept)
    for name, estimate in found.items():
        value, draws = kept[name][0], kept[name][1:]
        assert estimate.value == pytest.approx(value, rel=2e-6, abs=2e-7, nan_ok=True), name
        assert len(estimate.draws) == len(draws), name
        if len(draws) and name not in FIRST_ORDER:
            draws = draws.clip(*METRICS.get(name).range)
            atol = BY_CUTS.get(name, 1e-4) * draws.std() + 1e-7
            np.testing.assert_allclose(estimate.draws, draws, atol=atol, err_msg=name)


if __name__ == "__main__":
    np.savez_compressed(
        FILE,
        **{f"{kind}/{name}": np.array([e.value, *e.draws]) for kind in KINDS for name, e in measured(kind).items()},
    )
