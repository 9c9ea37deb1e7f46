"""Measures of neighbourhoods and structure beside the usual ways to compute them.

A product in float32 cannot order rows that are nearly level: for neighbours the difference is the share of entries
that are not the same.
"""

from __future__ import annotations

from metric_peers.contest import Contest

K = 10


def contests(quick: bool) -> list[Contest]:
    """All of this file; those that hold several n x n matrices, or n^3 products, at half the rows."""
    n = 1000 if quick else 5000
    nearest, sort = f"{K} nearest neighbours", "all cosines, rows fully sorted"
    return [
        Contest(nearest, n, sort, neighbours, full_sort, 5.0),
        Contest(nearest, 2 * n, sort, neighbours, full_sort, 5.0),
        Contest(nearest, n, "scikit-learn, brute force", neighbours, brute_force),
        Contest("mutual kNN", n, "full sorts and dense masks", mutual, dense_masks, 5.0),
        Contest("its null, 20 shufflings", n, "computed again, 2 timed", shuffled, shuffled_again, 5.0),
        Contest("CKA, linear", n // 2, "centred n x n kernels", cka, gram_cka),
        Contest("CKA, Gaussian", n // 2, "centred n x n kernels", cka_rbf, gram_cka_rbf),
        Contest("precision, recall, density, coverage", n, "scikit-learn, three matrices", prdc, all_distances),
    ]


def neighbours(x, y):
    """Exact neighbours by cosine."""
    from gapkit.metrics import nearest_neighbours

    return nearest_neighbours(x, k=K).indices.numpy(), 1


def full_sort(x, y):
    """As public code of representation alignment has it."""
    return _sorted(x).numpy(), 1


def brute_force(x, y):
    """scikit-learn."""
    from sklearn.neighbors import NearestNeighbors

    found = NearestNeighbors(n_neighbors=K + 1, algorithm="brute").fit(x).kneighbors(x, return_distance=False)
    return found[:, 1:], 1


def mutual(x, y):
    """Mutual neighbours by two searches."""
    from gapkit.metrics import mutual_knn

    return mutual_knn(x, y, k=K), 1


def dense_masks(x, y):
    """Mutual neighbours from two n x n masks."""
    import torch

    masks = [torch.zeros(len(x), len(x)).scatter_(1, _sorted(side), 1.0) for side in (x, y)]
    return float((masks[0] * masks[1]).sum(dim=1).div(K).mean()), 1


def shuffled(x, y):
    """The null of mutual neighbours: whoever is nearest stays so under another number."""
    from gapkit.metrics import calibrated, mutual_knn

    return calibrated(mutual_knn, x, y, n_permutations=20).null_mean, 1


def shuffled_again(x, y, timed=2, asked=20):
    """The same with every shuffling computed from the start."""
    import torch

    from gapkit.metrics import mutual_knn

    rng = torch.Generator().manual_seed(0)
    orders = [torch.randperm(len(x), generator=rng).numpy() for _ in range(timed)]
    return sum(mutual_knn(x[order], y) for order in orders) / timed, asked / timed


def cka(x, y):
    """In feature space."""
    from gapkit.metrics import cka

    return cka(x, y), 1


def cka_rbf(x, y):
    """Tile by tile."""
    from gapkit.metrics import cka_rbf

    return cka_rbf(x, y), 1


def gram_cka(x, y):
    """Linear kernels of all pairs, centred by products with the centring matrix."""
    import torch

    a, b = torch.from_numpy(x), torch.from_numpy(y)
    return _centred(a @ a.T, b @ b.T), 1


def gram_cka_rbf(x, y):
    """Gaussian kernels of all pairs, centred by products with the centring matrix."""
    import torch

    from gapkit.metrics import median_bandwidth

    sides = [torch.from_numpy(side) for side in (x, y)]
    kernels = (torch.exp(-(torch.cdist(side, side) ** 2) / (2 * median_bandwidth(side) ** 2)) for side in sides)
    return _centred(*kernels), 1


def prdc(x, y):
    """All four from one pass over the pairs of both sides."""
    from gapkit.metrics import prdc

    found = prdc(x, y, paired=False)
    return (found.precision, found.recall, found.density, found.coverage), 1


def all_distances(x, y):
    """All four from three matrices of distances."""
    import numpy as np
    from sklearn.metrics import pairwise_distances

    def radii(rows):
        return np.partition(pairwise_distances(rows, rows), 5, axis=1)[:, 5]

    across, real, fake = pairwise_distances(y, x), radii(y), radii(x)
    inside = across <= real[:, None]
    return (
        float(inside.any(axis=0).mean()),
        float((across <= fake).any(axis=1).mean()),
        float(inside.sum(axis=0).mean() / 5),
        float(inside.any(axis=1).mean()),
    ), 1


def _sorted(rows):
    import torch

    x = torch.from_numpy(rows)
    return (x @ x.T).fill_diagonal_(-1e8).argsort(dim=1, descending=True)[:, :K]


def _centred(left, right):
    import torch

    n = len(left)
    centring = torch.eye(n) - 1 / n

    def criterion(a, b):
        return float(((a @ centring) * (b @ centring).T).sum())

    return criterion(left, right) / (criterion(left, left) * criterion(right, right)) ** 0.5
