import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from gapkit.errors import InputError
from gapkit.metrics import linear_separability, measure, residual_separability, separability_auc
from gapkit.metrics.folds import folds_of, item_folds
from gapkit.metrics.pair import pair_of
from gapkit.metrics.probe import PENALTY, probe_of
from gapkit.metrics.refit import refit_of
from gapkit.metrics.separability import separability_auc_of


def by_sklearn(x, y, owner, folds):
    """Accuracy and AUC, class and clip weights by hand."""
    x, y = x.astype(float), y.astype(float)
    n, share = len(x), 1 / np.bincount(owner)[owner]
    centre = (share[:, None] * y).sum(0) / n
    scale = np.sqrt((share * ((y - centre) ** 2).sum(1)).sum() / n)
    z = np.concatenate([(x - centre) / scale, (y - centre) / scale])
    label = np.repeat([1, 0], [n, len(y)])
    fold = np.concatenate([folds, folds[owner]])
    weight = np.concatenate([np.ones(n), share])
    correct, aucs, pairs = np.zeros(2), [], []
    for f in np.unique(folds):
        fit = fold != f
        # Balanced classes, total weight 1: the mean loss, so that C is the inverse penalty.
        w = np.array([weight[i] / 2 / weight[fit & (label == label[i])].sum() for i in np.flatnonzero(fit)])
        model = LogisticRegression(C=1 / PENALTY, tol=1e-10, max_iter=5000).fit(z[fit], label[fit], w)
        score = model.decision_function(z[~fit])
        hit = (score > 0) == label[~fit]
        correct += [(weight[~fit] * hit)[label[~fit] == c].sum() for c in (0, 1)]
        aucs.append(roc_auc_score(label[~fit], score, sample_weight=weight[~fit]))
        pairs.append((folds == f).sum() ** 2)
    return correct.sum() / 2 / n, np.average(aucs, weights=pairs)


@pytest.mark.parametrize("kind", ["single", "several"])
def test_sklearn_as_oracle(kind, request):
    p = request.getfixturevalue(kind)
    folds = item_folds(len(p.source), 4, 7).part
    accuracy, auc = by_sklearn(p.source, p.target, p.owner, folds)
    assert linear_separability(p.source, p.target, owner=p.owner, folds=4, seed=7) == pytest.approx(accuracy, abs=1e-9)
    # The solver stops before the last digit, where two scores of nearly the same height may change places.
    assert separability_auc(p.source, p.target, owner=p.owner, folds=folds) == pytest.approx(auc, abs=2e-3)
    x, y = p.source - p.source.mean(0), p.target - p.target.mean(0)
    if kind == "single":
        accuracy, _ = by_sklearn(x**2, y**2, p.owner, folds)
        assert residual_separability(p.source, p.target, folds=folds) == pytest.approx(accuracy, abs=1e-9)


def test_equal_sides_are_exactly_mixed(several):
    y = several.target
    for metric in (linear_separability, separability_auc, residual_separability):
        assert metric(y, y) == 0.5
    assert residual_separability(y + 1, y) == pytest.approx(0.5, abs=0.02)


def test_far_sides_are_separable_and_one_distribution_is_not():
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((2, 400, 10))
    assert linear_separability(x + 5, y) == 1.0
    assert separability_auc(x + 5, y) == 1.0
    for metric in (linear_separability, separability_auc, residual_separability):
        # Binomial noise of 800 held-out rows, four standard errors.
        assert metric(x, y) == pytest.approx(0.5, abs=0.075)
        assert metric(x, rng.standard_normal((300, 10))) == pytest.approx(0.5, abs=0.085)
    # A cloud half as wide: no straight cut, but the residual sees it.
    assert linear_separability(x / 2, y) < 0.62
    assert residual_separability(x / 2, y) > 0.8


def test_the_clip_is_held_out_and_not_the_caption():
    # Rows of a clip are all but equal, and clips have random sides: a cut that saw a clip's other rows would know.
    rng = np.random.default_rng(1)
    x = rng.standard_normal((60, 100))
    y = np.concatenate([x, x, x]) + 1e-3 * rng.standard_normal((180, 100))
    assert linear_separability(x, y, owner=np.tile(np.arange(60), 3)) == pytest.approx(0.5, abs=0.1)


def test_classes_count_alike_whatever_their_size():
    rng = np.random.default_rng(2)
    x, y = rng.standard_normal((50, 3)), rng.standard_normal((1000, 3))
    assert linear_separability(x, y) == pytest.approx(0.5, abs=0.15)


def test_invariances(single):
    x, y = single.source, single.target
    q = np.linalg.qr(np.random.default_rng(3).standard_normal((6, 6)))[0]
    base = separability_auc(x, y)
    for a, b in ((x @ q, y @ q), (x + 4, y + 4), (x * 7, y * 7), (np.hstack([x, 0 * x]), np.hstack([y, 0 * y]))):
        assert separability_auc(a, b) == pytest.approx(base, abs=1e-3)


def test_folds():
    folds = item_folds(23, 5, 0).part
    assert sorted(np.bincount(folds)) == [4, 4, 5, 5, 5]
    assert len(np.unique(item_folds(3, 5, 0).part)) == 3


@pytest.mark.parametrize("folds", [1, [0, 1], np.zeros(40, dtype=int), np.linspace(0, 1, 40)])
def test_bad_folds(single, folds):
    with pytest.raises(InputError, match="fold"):
        linear_separability(single.source, single.target, folds=folds)


def test_draws_of_the_auc_stay_inside_its_range():
    # Nearly separated: what the steps of the classifiers add, to first order, would lead beyond 1.
    rng = np.random.default_rng(0)
    y = rng.standard_normal((60, 6))
    found = measure(np.ones((60, 6)), y, ["separability-auc"], n_resamples=200)["separability-auc"]
    assert found.value > 0.99
    assert found.high <= 1
    assert found.draws.max() == 1


def test_a_number_of_folds_from_numpy_is_a_number(single):
    x, y = single.source, single.target
    assert linear_separability(x, y, folds=np.int64(4)) == linear_separability(x, y, folds=4)


@pytest.mark.parametrize("paired", [True, False])
def test_influence_on_the_auc_is_its_derivative_by_the_weights(several, paired):
    """Of all comparisons inside a fold, weighed; the classifiers' own steps come on top."""
    pair = pair_of(several.source, several.target, several.owner if paired else None, paired=paired)
    found = separability_auc_of(pair)
    influences = [i - more for i, more in zip(found.influence(), refit_of(pair).of_auc(), strict=True)]
    score_x, score_y = probe_of(pair).x.scores, probe_of(pair).y.scores
    wins = pair.y.per_clip(((torch.sign(score_x[:, None] - score_y) + 1) / 2).T).T.numpy()
    fold_x, fold_y = folds_of(pair)
    wins, same = wins * (fold_x[:, None] == fold_y), fold_x[:, None] == fold_y

    def area(wx, wy):
        weights = np.outer(wx, wy)
        if paired:
            # An item that is drawn twice is not two items: its comparison with itself counts twice, not four times.
            np.fill_diagonal(weights, wx)
        return (weights * wins).sum() / (weights * same).sum()

    # Paired items weigh the same on both sides.
    moved = [(influences[0] + influences[1], (1, 1))] if paired else [(influences[0], (1, 0)), (influences[1], (0, 1))]
    ones = [np.ones(len(i)) for i in influences]
    assert found.value == pytest.approx(area(*ones))
    for influence, on in moved:
        for i in range(0, len(influence), 3):
            step = 1e-5 * (np.arange(len(influence)) == i)
            more, less = ([w + way * step if o else w for w, o in zip(ones, on, strict=True)] for way in (1, -1))
            assert float(influence[i]) / len(influence) == pytest.approx((area(*more) - area(*less)) / 2e-5, abs=1e-7)
