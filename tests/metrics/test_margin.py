import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from gapkit.metrics import Reference, measure, separability_margin
from gapkit.metrics.cloud import Cloud
from gapkit.metrics.folds import item_folds
from gapkit.metrics.probe import PENALTY


def by_sklearn(x, y, owner, folds):
    """Signed distances of held-out rows from the cut of each fold, in units of the target's spread."""
    x, y = x.astype(float), y.astype(float)
    n, share = len(x), 1 / np.bincount(owner)[owner]
    centre = (share[:, None] * y).sum(0) / n
    scale = np.sqrt((share * ((y - centre) ** 2).sum(1)).sum() / n)
    z, label = np.concatenate([x - centre, y - centre]) / scale, np.repeat([1, -1], [n, len(y)])
    fold, weight = np.concatenate([folds, folds[owner]]), np.concatenate([np.ones(n), share])
    total = 0.0
    for f in np.unique(folds):
        fit = fold != f
        w = np.array([weight[i] / 2 / weight[fit & (label == label[i])].sum() for i in np.flatnonzero(fit)])
        model = LogisticRegression(C=1 / PENALTY, tol=1e-10, max_iter=5000).fit(z[fit], label[fit], w)
        away = (z[~fit] @ model.coef_[0] + model.intercept_) / np.linalg.norm(model.coef_)
        total += (weight[~fit] * label[~fit] * away).sum()
    return total / 2 / n


@pytest.mark.parametrize("kind", ["single", "several"])
def test_sklearn_as_oracle(kind, request):
    p = request.getfixturevalue(kind)
    folds = item_folds(len(p.source), 4, 7).part
    margin = separability_margin(p.source, p.target, owner=p.owner, folds=4, seed=7)
    assert margin == pytest.approx(by_sklearn(p.source, p.target, p.owner, folds), rel=2e-3)


def test_it_goes_on_where_accuracy_is_one():
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((2, 300, 8))
    shift = np.zeros(8)
    for gap in (10.0, 20.0, 40.0):
        shift[0] = gap
        # Half the distance of the means, over the root of the trace of the covariance.
        assert separability_margin(x + shift, y) == pytest.approx(gap / 2 / np.sqrt(8), rel=0.1)
    assert separability_margin(x, y) == pytest.approx(0, abs=0.05)
    assert separability_margin(y, y) == 0.0


def test_invariances(single):
    x, y = single.source, single.target
    q = np.linalg.qr(np.random.default_rng(3).standard_normal((6, 6)))[0]
    base = separability_margin(x, y)
    for a, b in ((x @ q, y @ q), (x + 4, y + 4), (x * 7, y * 7)):
        assert separability_margin(a, b) == pytest.approx(base, abs=2e-3)


def test_the_interval_is_found_block_by_block(single, monkeypatch):
    # The rows of a file may be more than the memory holds.
    reference = Reference.from_target(single.target, n_resamples=20, normalise=True, max_memory=3200)
    whole, rows = [], Cloud.rows.fget
    monkeypatch.setattr(Cloud, "rows", property(lambda side: whole.append(side.change is not None) or rows(side)))
    found = measure(single.source, reference, ["separability-margin"])["separability-margin"]
    assert found.low < found.value < found.high
    assert not any(whole)
