"""Every metric of the registry beside an independent statement of it: numpy, scipy, scikit-learn or POT, in float64.

A metric without an oracle here fails `test_every_metric_has_an_oracle`.
"""

from functools import cache
from itertools import pairwise

import numpy as np
import ot
import pytest
import scipy.linalg
import torch
from scipy.spatial import procrustes
from scipy.spatial.distance import cdist, pdist
from sklearn.cluster import AgglomerativeClustering, KMeans
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import adjusted_rand_score, ndcg_score, roc_auc_score, v_measure_score
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler

from gapkit.metrics import METRICS, Reference, measure, metric_names
from gapkit.metrics.folds import item_folds
from gapkit.metrics.pair import pair_of
from gapkit.metrics.probe import PENALTY
from gapkit.metrics.sliced_wasserstein import lines

N, D = 210, 5
BUILT_IN = [name for name in metric_names() if METRICS.origin(name) == "gapkit"]
RNG = np.random.default_rng(0)

COUNTS = RNG.integers(1, 4, N)
OWNER = RNG.permutation(np.repeat(np.arange(N), COUNTS))
CONCEPT = RNG.standard_normal((N, D))
AVERAGE = (np.arange(N)[:, None] == OWNER) / COUNTS[:, None]
"""Clip means of target rows, (n, m)."""
SHARE = AVERAGE.sum(axis=0)
DIFFERENT = ~np.eye(N, dtype=bool)


def as_float32(values):
    """What the metrics see, in float64."""
    return values.astype(np.float32).astype(np.float64)


X = as_float32(CONCEPT + 0.6 * RNG.standard_normal((N, D)) + 0.3)
Y = as_float32(0.9 * CONCEPT[OWNER] + 0.7 * RNG.standard_normal((len(OWNER), D)))
BEFORE = as_float32(X + 0.5 * RNG.standard_normal((N, D)) + 0.4)
FITTED = as_float32(RNG.standard_normal((90, D)))
CLASS = KMeans(8, n_init=1, random_state=0).fit_predict(CONCEPT)
assert len(Y) <= 447, "up to here the median distance is that of all pairs"


def unit(v):
    return v / np.linalg.norm(v, axis=-1, keepdims=True)


XU, YU = unit(X), unit(Y)
MEANS = AVERAGE @ Y
XC, YC = X - X.mean(axis=0), Y - MEANS.mean(axis=0)
WIDTH = np.median(pdist(Y))
SIMILAR = XU @ YU.T
OWN = (AVERAGE * SIMILAR).sum(axis=1)


def squared_distance(kernel, x=X, y=Y, apart=DIFFERENT):
    """Mean kernel inside each side less twice that between, over clips `apart`; rows of a clip are averaged."""
    xx, yy, xy = kernel(x, x), AVERAGE @ kernel(y, y) @ AVERAGE.T, kernel(x, y) @ AVERAGE.T
    return (xx + yy - 2 * xy)[apart].mean()


def gaussian(width):
    return lambda a, b: rbf_kernel(a, b, gamma=1 / (2 * width**2))


def imq(a, b):
    return (1 + cdist(a, b, "sqeuclidean") / WIDTH**2) ** -0.5


def energy(a, b):
    return -cdist(a, b)


def moments():
    between = (N**2 * np.outer(MEANS.mean(0), MEANS.mean(0)) - MEANS.T @ MEANS) / (N * (N - 1))
    return np.cov(X.T), (Y * SHARE[:, None]).T @ Y / N - between


def frechet(offset):
    sx, sy = moments()
    root = np.trace(sx + sy - 2 * scipy.linalg.sqrtm(sx @ sy).real)
    return root + (((X.mean(0) - MEANS.mean(0)) ** 2).sum() if offset else 0)


def sliced(x, y):
    along = lines(pair_of(X, Y, paired=False).y, 512, 0).numpy().T.astype(np.float64)
    return ot.sliced_wasserstein_distance(x, y, np.full(N, 1 / N), SHARE / N, projections=along)


def sinkhorn(x=X, y=Y):
    a, b, entropy = np.full(N, 1 / N), SHARE / N, WIDTH**2 / 4

    def cost(u, v, p, q):
        found = ot.solve(cdist(u, v, "sqeuclidean"), p, q, reg=entropy, reg_type="KL", tol=1e-10, max_iter=10_000)
        return found.value

    return cost(x, y, a, b) - cost(x, x, a, a) / 2 - cost(y, y, b, b) / 2


LABEL, WEIGHT = np.repeat([1, -1], [N, len(Y)]), np.concatenate([np.ones(N), SHARE])
FOLDS = item_folds(N, 5, 0).part
APART = FOLDS[:, None] != FOLDS
"""Clips of different folds."""


def without_fold_means(rows, owner):
    """Rows seen from the mean of their fold, clips counting the same, with the covariance that the mean took along."""
    seen = np.empty_like(rows)
    for row, clip in enumerate(owner):
        fold = np.flatnonzero(FOLDS[clip] == FOLDS)
        of_clips = np.array([rows[owner == c].mean(axis=0) for c in fold]).mean(axis=0)
        stretch = np.sqrt(len(fold) / (len(fold) - 1))
        seen[row] = rows[row] - of_clips + (stretch - 1) * (rows[owner == clip].mean(axis=0) - of_clips)
    return seen


XF, YF = without_fold_means(X, np.arange(N)), without_fold_means(Y, OWNER)
FOLD = np.concatenate([FOLDS, FOLDS[OWNER]])


def held_out(x, y):
    """Scores and lengths of the normal for rows that a logistic regression did not see, fold by fold."""
    centre = SHARE @ y / N
    z = np.concatenate([x - centre, y - centre]) / np.sqrt((SHARE * ((y - centre) ** 2).sum(1)).sum() / N)
    score, length = np.empty(len(z)), np.empty(len(z))
    for f in range(5):
        fit = f != FOLD
        w = np.where(LABEL == 1, WEIGHT / WEIGHT[fit & (LABEL == 1)].sum(), WEIGHT / WEIGHT[fit & (LABEL == -1)].sum())
        model = LogisticRegression(C=1 / PENALTY, tol=1e-10, max_iter=5000).fit(z[fit], LABEL[fit], w[fit] / 2)
        score[~fit] = model.decision_function(z[~fit])
        length[~fit] = np.linalg.norm(model.coef_)
    return score, length


def accuracy(x, y):
    return (WEIGHT * (np.sign(held_out(x, y)[0]) == LABEL)).sum() / 2 / N


def area():
    score, _ = held_out(X, Y)
    parts = [roc_auc_score(LABEL[f == FOLD], score[f == FOLD], sample_weight=WEIGHT[f == FOLD]) for f in range(5)]
    return np.average(parts, weights=np.bincount(FOLDS) ** 2)


def margin():
    score, length = held_out(X, Y)
    return (WEIGHT * LABEL * score / length).sum() / 2 / N


def network(residual=False):
    right = np.empty(len(LABEL))
    for f in range(5):
        rows = np.concatenate([X, Y])
        if residual:
            rows -= np.where(LABEL[:, None] == 1, X[f != FOLDS].mean(0), MEANS[f != FOLDS].mean(0))
        fit = f != FOLD
        scaler = StandardScaler().fit(rows[fit])
        model = MLPClassifier((20,), learning_rate_init=3e-3, max_iter=150, random_state=f, n_iter_no_change=150)
        with np.errstate(all="ignore"):
            for _ in range(60):
                model.partial_fit(scaler.transform(rows[fit]), LABEL[fit], classes=[-1, 1])
        right[~fit] = model.predict(scaler.transform(rows[~fit])) == LABEL[~fit]
    return (WEIGHT * right).sum() / 2 / N


def neighbourhoods(x=X, y=Y, label=None, k=30):
    """Share of the other side among the nearest rows of other clips, or labels, until they weigh k."""
    rows, clip = np.concatenate([x, y]), np.concatenate([np.arange(N), OWNER])
    clip = clip if label is None else label[clip]
    away = cdist(rows, rows)
    cross = np.empty(len(rows))
    for i in range(len(rows)):
        order = np.argsort(away[i], kind="stable")
        order = order[clip[order] != clip[i]]
        upto = np.minimum(np.cumsum(WEIGHT[order]), k)
        cross[i] = (np.diff(upto, prepend=0) * (LABEL[order] != LABEL[i])).sum() / k
    return cross


@cache
def mixed_without_means():
    return neighbourhoods(XF, YF, FOLDS)


def balanced(values):
    return (WEIGHT * values).sum() / 2 / N


def gap():
    x, y = XU, AVERAGE @ YU
    order = np.random.default_rng(0).permutation(N)
    gaps = np.array([(x[g] - y[g]).mean(0) for g in (order[:100], order[100:200])])
    whole = gaps.mean(0)
    beside = [np.mean([abs(unit(s[b] - s[a]) @ unit(whole)) for a, b in pairwise(order)]) for s in (x, y)]
    return float(unit(gaps[0]) @ unit(gaps[1])), np.mean(beside), np.linalg.norm(gaps, axis=1).mean()


def uniformity(pooled):
    def kernel(a, b):
        return np.exp(-2 * cdist(a, b, "sqeuclidean"))

    xx = kernel(XU, XU)[DIFFERENT].mean()
    if not pooled:
        return np.log(xx)
    yy = (AVERAGE @ kernel(YU, YU) @ AVERAGE.T)[DIFFERENT].mean()
    return np.log((xx + yy + 2 * (kernel(XU, YU) @ AVERAGE.T)[DIFFERENT].mean()) / 4)


def nearest(similar, k=10):
    similar = similar.copy()
    np.fill_diagonal(similar, -np.inf)
    return np.argsort(-similar, axis=1)[:, :k]


def mutual(a, b):
    return np.mean([len(set(i) & set(j)) / 10 for i, j in zip(nearest(a @ a.T), nearest(b @ b.T), strict=True)])


TARGET_DIRECTIONS = unit(AVERAGE @ YU)
CHANCE = 10 / (N - 1)


def hsic(k, m):
    h = np.eye(N) - 1 / N
    return np.trace(k @ h @ m @ h)


def unbiased(k, m):
    k, m = k * DIFFERENT, m * DIFFERENT
    ends = k.sum() * m.sum() / ((N - 1) * (N - 2)) - 2 / (N - 2) * k.sum(axis=0) @ m.sum(axis=1)
    return (k * m.T).sum() + ends


def aligned(k, m, criterion=hsic):
    return criterion(k, m) / np.sqrt(criterion(k, k) * criterion(m, m))


def cka_calibrated():
    k, m = X @ X.T, MEANS @ MEANS.T
    rng = np.random.default_rng(0)
    null = np.mean([aligned(k[np.ix_(o, o)], m) for o in (rng.permutation(N) for _ in range(300))])
    return (aligned(k, m) - null) / (1 - null)


def cka_rbf():
    k, m = gaussian(np.median(pdist(X)))(X, X), AVERAGE @ gaussian(WIDTH)(Y, Y) @ AVERAGE.T
    return aligned(k, m)


def cknna():
    masks = []
    for rows in (XU, TARGET_DIRECTIONS):
        mask = np.zeros((N, N))
        np.put_along_axis(mask, nearest(rows @ rows.T), 1, axis=1)
        masks.append(mask)
    k, m = XU @ XU.T, TARGET_DIRECTIONS @ TARGET_DIRECTIONS.T
    a, b = masks
    inside = [unbiased(a * k, a * k), unbiased(b * m, b * m)]
    return unbiased(a * b * k, a * b * m) / np.sqrt(inside[0] * inside[1])


def hubness():
    counts = np.bincount(np.argsort(-SIMILAR, axis=1)[:, :10].ravel(), minlength=len(Y))
    weight = SHARE / N
    away = counts - weight @ counts
    return weight @ away**3 / (weight @ away**2) ** 1.5


def spread(rows, weight):
    return weight @ ((rows - weight @ rows) ** 2).sum(1)


def balls(part, k=5):
    def radius(rows, clip, weight):
        away, found = cdist(rows, rows), np.empty(len(rows))
        for i in range(len(rows)):
            order = np.argsort(away[i], kind="stable")
            order = order[clip[order] != clip[i]]
            found[i] = away[i, order[np.searchsorted(np.cumsum(weight[order]), k - 1e-9)]]
        return found

    away = np.where(np.arange(N)[:, None] == OWNER, np.inf, cdist(X, Y))
    in_y = away <= radius(Y, OWNER, SHARE) * (1 + 1e-6)
    in_x = away <= radius(X, np.arange(N), np.ones(N))[:, None] * (1 + 1e-6)
    return {
        "precision": in_y.any(1).mean(),
        "recall": SHARE @ in_x.any(0) / N,
        "density": (in_y @ SHARE).mean() / k,
        "coverage": SHARE @ in_y.any(0) / N,
    }[part]


def own_places():
    """Rank of each target's own source among all sources."""
    return np.array([1 + (column > column[c]).sum() for column, c in zip(SIMILAR.T, OWNER, strict=True)])


def recall(k):
    return np.mean([(OWNER[np.argsort(-row)[:k]] == i).any() for i, row in enumerate(SIMILAR)])


def average_precision():
    total = 0.0
    for i, row in enumerate(SIMILAR):
        hit = OWNER[np.argsort(-row)[:10]] == i
        total += (hit * np.cumsum(hit) / np.arange(1, 11)).sum() / min(COUNTS[i], 10)
    return total / N


def in_one_pool(score):
    """Mean over items and shares of the `score` of the cosines of a query to the pool and of its own place there."""
    rows = [(i == OWNER).nonzero()[0] for i in range(N)]
    first, others = np.array([own[0] for own in rows]), [own[1:] for own in rows]
    place, total = np.random.default_rng([0, 4]).permutation(N).argsort(), 0.0
    for share in range(11):
        by_source = place < round(share / 10 * N)
        gallery = np.where(by_source[:, None], XU, YU[first])
        for i in range(N):
            alone = YU[first[i]] if by_source[i] else XU[i]
            queries = YU[others[i]] if len(others[i]) else [alone]
            total += np.mean([score(gallery @ query, i) for query in queries]) / (11 * N)
    return total


def flipped(change_x, change_y):
    before, after = (OWNER[(x @ y.T).argmax(1)] for x, y in ((XU, YU), (unit(change_x(XU)), unit(change_y(YU)))))
    return np.mean(before != after)


def int8(rows):
    low, high = YU.min(0), YU.max(0)
    return np.clip(np.round((rows - low) / (high - low) * 255), 0, 255) / 255 * (high - low) + low


def signs():
    alike = np.sign(XU) @ np.sign(YU).T
    before = OWNER[SIMILAR.argmax(1)]
    level = alike == alike.max(axis=1, keepdims=True)
    return 1 - np.mean([(OWNER[row] == own).mean() for row, own in zip(level, before, strict=True)])


def noisy(rows):
    drawn = [torch.randn(D, generator=torch.Generator().manual_seed(i)).numpy() for i in range(N)]
    return rows + 0.05 / D**0.5 * np.array(drawn)


def class_texts(i):
    """Mean direction of the targets of each class, without those of item i."""
    means = [(AVERAGE @ YU)[(c == CLASS) & (np.arange(N) != i)].sum(0) for c in range(CLASS.max() + 1)]
    return unit(np.array(means))


def clusters(model, score):
    rows = np.concatenate([XU, AVERAGE @ YU])
    return score(np.tile(CLASS, 2), model.fit_predict(rows))


def rmg(x=XU, y=YU, apart=DIFFERENT):
    pair = (1 - (AVERAGE * (x @ y.T)).sum(1).mean()) / 2
    inside = [(x @ x.T)[apart].mean(), (AVERAGE @ (y @ y.T) @ AVERAGE.T)[apart].mean()]
    return pair / ((1 - np.mean(inside)) / 2 + pair)


def effective_rank():
    p = np.linalg.svd(XC, compute_uv=False)
    p = p / p.sum()
    return np.exp(-(p * np.log(p)).sum())


UNPAIRED = (SIMILAR @ AVERAGE.T)[DIFFERENT].mean()

ORACLES = {
    "cosine": OWN.mean,
    "unpaired-cosine": lambda: UNPAIRED,
    "cosine-margin": lambda: OWN.mean() - UNPAIRED,
    "share-risen": lambda: ((AVERAGE * (unit(BEFORE) @ YU.T)).sum(1) < OWN).mean(),
    "centroid-distance": lambda: np.linalg.norm(X.mean(0) - MEANS.mean(0)),
    "mmd": lambda: squared_distance(gaussian(WIDTH)),
    "mmd-multi": lambda: np.mean([squared_distance(gaussian(f * WIDTH)) for f in (0.25, 0.5, 1, 2, 4)]),
    "mmd-imq": lambda: squared_distance(imq),
    "mmd-linear": lambda: squared_distance(np.inner),
    "mmd-rff": lambda: squared_distance(gaussian(WIDTH)),
    "energy-distance": lambda: squared_distance(energy),
    "frechet": lambda: frechet(True),
    "sliced-wasserstein": lambda: sliced(X, Y),
    "sinkhorn-divergence": sinkhorn,
    "separability": lambda: accuracy(X, Y),
    "separability-auc": area,
    "separability-margin": margin,
    "c2st-knn": lambda: balanced((1 - np.sign(np.round(neighbourhoods() - 0.5, 9))) / 2),
    "c2st-mlp": network,
    "rmg": rmg,
    "l2i": lambda: (AVERAGE * cdist(X, Y)).sum(1).mean(),
    "alignment": lambda: (AVERAGE * cdist(XU, YU, "sqeuclidean")).sum(1).mean(),
    "knn-mixing": lambda: balanced(1 / (neighbourhoods() ** 2 + (1 - neighbourhoods()) ** 2)),
    "knn-cross-share": lambda: balanced(neighbourhoods()),
    "gap-length": lambda: gap()[2],
    "gap-consistency": lambda: gap()[0],
    "gap-orthogonality": lambda: gap()[1],
    "uniformity": lambda: uniformity(False),
    "uniformity-pooled": lambda: uniformity(True),
    "residual-cosine": lambda: (AVERAGE * (unit(XC) @ unit(YC).T)).sum(1).mean(),
    "residual-mmd": lambda: squared_distance(gaussian(WIDTH), XF, YF, APART),
    "residual-energy-distance": lambda: squared_distance(energy, XF, YF, APART),
    "residual-frechet": lambda: frechet(False),
    "residual-sliced-wasserstein": lambda: sliced(XC, YC),
    "residual-l2i": lambda: (AVERAGE * cdist(XC, YC)).sum(1).mean(),
    "residual-rmg": lambda: rmg(unit(XF), unit(YF), APART),
    "residual-mmd-multi": lambda: np.mean(
        [squared_distance(gaussian(f * WIDTH), XF, YF, APART) for f in (0.25, 0.5, 1, 2, 4)]
    ),
    "residual-mmd-imq": lambda: squared_distance(imq, XF, YF, APART),
    "residual-sinkhorn-divergence": lambda: sinkhorn(XC, YC),
    "residual-knn-mixing": lambda: balanced(1 / (mixed_without_means() ** 2 + (1 - mixed_without_means()) ** 2)),
    "residual-knn-cross-share": lambda: balanced(mixed_without_means()),
    "residual-c2st-mlp": lambda: network(residual=True),
    "residual-separability": lambda: accuracy(XC**2, YC**2),
    "recall@1": lambda: recall(1),
    "recall@5": lambda: recall(5),
    "recall@10": lambda: recall(10),
    "map@10": average_precision,
    "recall-back@1": lambda: SHARE @ (own_places() <= 1) / N,
    "recall-back@5": lambda: SHARE @ (own_places() <= 5) / N,
    "recall-back@10": lambda: SHARE @ (own_places() <= 10) / N,
    "map-back@10": lambda: SHARE @ np.where(own_places() <= 10, 1 / own_places(), 0) / N,
    "recall-pooled@1": lambda: in_one_pool(lambda found, i: (found >= found[i]).sum() <= 1),
    "recall-pooled@5": lambda: in_one_pool(lambda found, i: (found >= found[i]).sum() <= 5),
    "recall-pooled@10": lambda: in_one_pool(lambda found, i: (found >= found[i]).sum() <= 10),
    "ndcg-pooled@10": lambda: in_one_pool(lambda found, i: ndcg_score([np.arange(N) == i], [found], k=10)),
    "flip-int8@1": lambda: flipped(int8, int8),
    "flip-binary@1": signs,
    "flip-noise@1": lambda: flipped(noisy, np.array),
    "zero-shot-accuracy": lambda: np.mean([np.argmax(class_texts(i) @ XU[i]) == CLASS[i] for i in range(N)]),
    "cluster-ari": lambda: clusters(KMeans(8, n_init=10, random_state=0), adjusted_rand_score),
    "cluster-nmi": lambda: clusters(KMeans(8, n_init=10, random_state=0), v_measure_score),
    "cluster-ari-ward": lambda: clusters(AgglomerativeClustering(8), adjusted_rand_score),
    "cluster-nmi-ward": lambda: clusters(AgglomerativeClustering(8), v_measure_score),
    "effective-rank": effective_rank,
    "mutual-knn": lambda: mutual(XU, TARGET_DIRECTIONS),
    "mutual-knn-calibrated": lambda: (mutual(XU, TARGET_DIRECTIONS) - CHANCE) / (1 - CHANCE),
    "mutual-knn-kept": lambda: mutual(XU, unit(BEFORE)),
    "cka": lambda: aligned(X @ X.T, MEANS @ MEANS.T),
    "cka-debiased": lambda: aligned(X @ X.T, MEANS @ MEANS.T, unbiased),
    "cka-calibrated": cka_calibrated,
    "cka-rbf": cka_rbf,
    "cka-kept": lambda: aligned(X @ X.T, BEFORE @ BEFORE.T),
    "cknna": cknna,
    "procrustes-distance": lambda: procrustes(MEANS, X)[2],
    "hubness": hubness,
    "variance-ratio": lambda: spread(X, np.full(N, 1 / N)) / spread(Y, SHARE / N),
    "prdc-precision": lambda: balls("precision"),
    "prdc-recall": lambda: balls("recall"),
    "prdc-density": lambda: balls("density"),
    "prdc-coverage": lambda: balls("coverage"),
    "memorisation": lambda: (XU @ unit(FITTED).T).max(1).mean() - SHARE @ (YU @ unit(FITTED).T).max(1) / N,
}

NEAR = {
    # Random features, shuffled pairs and starting weights: within their own chance.
    "mmd-rff": 0.003,
    "cka-calibrated": 2e-3,
    "c2st-mlp": 0.06,
    "residual-c2st-mlp": 0.06,
    # Solvers stop before the last digit, where two scores of nearly one height may change places.
    "separability-auc": 1e-3,
    "separability-margin": 1e-3,
}


@cache
def expected(name):
    return float(ORACLES[name]())


def test_every_metric_has_an_oracle():
    assert set(ORACLES) == set(BUILT_IN)


@pytest.mark.parametrize("name", BUILT_IN)
def test_oracle(name):
    metric = METRICS.get(name)
    extra = {"original": BEFORE, "fitted": FITTED, "labels": CLASS}
    alone = metric.function(X, Y, owner=OWNER, **{need: extra[need] for need in metric.needs})
    assert alone == pytest.approx(expected(name), abs=NEAR.get(name, 1e-5))
    assert metric.range[0] <= alone <= metric.range[1]


def test_measured_together_they_are_the_same():
    reference = Reference.from_target(Y, owner=OWNER, fitted=FITTED, labels=CLASS, n_resamples=0)
    found = measure(X, reference, BUILT_IN, original=BEFORE)
    assert list(found) == BUILT_IN
    for name in BUILT_IN:
        if name not in NEAR:
            assert found[name].value == pytest.approx(expected(name), abs=1e-5), name
