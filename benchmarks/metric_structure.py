"""Measures of neighbourhoods and structure beside the usual ways to compute them, as one Markdown table.

    python benchmarks/metric_structure.py [--n 10000] [--dim 512] [--repeat 3] [--quick]

The usual ways: scikit-learn's brute force; a similarity matrix and a full sort of its rows, as public code of
representation alignment has it; dense masks of neighbours; kernel matrices of all pairs, centred by matrix products.
Both ways compute the same number from the same float32 rows, in turns, in one process on one thread; the fastest run of
each counts, by CPU time. For neighbours the difference is the share of entries that differ: a product in float32 cannot
order rows that are nearly level. The promise is a search at least 5 times as fast as the full sort at 10,000 rows.
"""

from __future__ import annotations

import argparse
import os
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
K = 10


@dataclass(frozen=True)
class Contest:
    """One number, computed in two ways.

    Parameters
    ----------
    what, usual : str
        The measure, and how it is usually computed.
    n, dim : int
        Rows a side, and columns.
    ours, theirs : callable
        ``f(x, y)`` on float32 tensors.
    """

    what: str
    usual: str
    n: int
    dim: int
    ours: Callable[[Any, Any], Any]
    theirs: Callable[[Any, Any], Any]


@dataclass(frozen=True)
class Outcome:
    """CPU seconds of both, and the largest difference of what they return."""

    contest: Contest
    ours: float
    theirs: float
    difference: float

    @property
    def ratio(self) -> float:
        """How many times as fast gapkit is."""
        return self.theirs / self.ours


def clouds(n: int, dim: int) -> tuple[Any, Any]:
    """Two paired clouds of unit rows."""
    import torch

    rng = torch.Generator().manual_seed(0)
    concept = torch.randn(n, dim, generator=rng)
    sides = (concept + torch.randn(n, dim, generator=rng) + offset for offset in (0.0, 0.3))
    x, y = (torch.nn.functional.normalize(side, dim=1) for side in sides)
    return x, y


# The usual ways.


def full_sort(x: Any, y: Any) -> Any:
    """Cosines of all pairs, every row sorted as a whole."""
    return (x @ x.T).fill_diagonal_(-1e8).argsort(dim=1, descending=True)[:, :K]


def brute_force(x: Any, y: Any) -> Any:
    """scikit-learn."""
    from sklearn.neighbors import NearestNeighbors

    rows = x.numpy()
    found = NearestNeighbors(n_neighbors=K + 1, algorithm="brute").fit(rows).kneighbors(rows, return_distance=False)
    return found[:, 1:]


def dense_masks(x: Any, y: Any) -> float:
    """Mutual neighbours from two n x n masks."""
    import torch

    masks = [torch.zeros(len(x), len(x)).scatter_(1, full_sort(side, None), 1.0) for side in (x, y)]
    return float((masks[0] * masks[1]).sum(dim=1).div(K).mean())


def gram_cka(x: Any, y: Any) -> float:
    """Linear kernels of all pairs, centred by products with the centring matrix."""
    return _centred(x @ x.T, y @ y.T)


def gram_cka_rbf(x: Any, y: Any) -> float:
    """Gaussian kernels of all pairs, centred by products with the centring matrix."""
    import torch

    from gapkit.metrics import median_bandwidth

    kernels = (torch.exp(-(torch.cdist(side, side) ** 2) / (2 * median_bandwidth(side) ** 2)) for side in (x, y))
    return _centred(*kernels)


def _centred(left: Any, right: Any) -> float:
    import torch

    n = len(left)
    centring = torch.eye(n) - 1 / n

    def criterion(a: Any, b: Any) -> float:
        return float(((a @ centring) * (b @ centring).T).sum())

    return criterion(left, right) / (criterion(left, left) * criterion(right, right)) ** 0.5


def all_distances(x: Any, y: Any) -> tuple[float, ...]:
    """Precision, recall, density and coverage from three matrices of distances."""
    from sklearn.metrics import pairwise_distances

    a, b = y.numpy(), x.numpy()

    def radii(rows: Any) -> Any:
        import numpy as np

        return np.partition(pairwise_distances(rows, rows), 5, axis=1)[:, 5]

    across, real, fake = pairwise_distances(a, b), radii(a), radii(b)
    inside = across <= real[:, None]
    return (
        float(inside.any(axis=0).mean()),
        float((across <= fake).any(axis=1).mean()),
        float(inside.sum(axis=0).mean() / 5),
        float(inside.any(axis=1).mean()),
    )


def shuffled_again(x: Any, y: Any) -> float:
    """The null of mutual neighbours, every shuffling computed from the start."""
    import torch

    from gapkit.metrics import mutual_knn

    rng = torch.Generator().manual_seed(0)
    orders = [torch.randperm(len(x), generator=rng) for _ in range(20)]
    return sum(mutual_knn(x[order], y) for order in orders) / len(orders)


# gapkit.


def search(x: Any, y: Any) -> Any:
    """Exact neighbours by cosine."""
    from gapkit.metrics import nearest_neighbours

    return nearest_neighbours(x, k=K).indices


def _metric(name: str, **options: Any) -> Callable[[Any, Any], Any]:
    def call(x: Any, y: Any) -> Any:
        import gapkit.metrics

        return getattr(gapkit.metrics, name)(x, y, **options)

    return call


def _prdc(x: Any, y: Any) -> tuple[float, ...]:
    found = _metric("prdc", paired=False)(x, y)
    return found.precision, found.recall, found.density, found.coverage


def _shuffled(x: Any, y: Any) -> float:
    from gapkit.metrics import calibrated, mutual_knn

    return calibrated(mutual_knn, x, y, n_permutations=20).null_mean


def contests(n: int, dim: int) -> list[Contest]:
    """All of this file; those that hold several n x n matrices, or n^3 products, at half the rows."""
    half = n // 2
    return [
        Contest(f"{K} nearest neighbours", "full sort of all cosines", n, dim, search, full_sort),
        Contest(f"{K} nearest neighbours", "full sort of all cosines", half, dim, search, full_sort),
        Contest(f"{K} nearest neighbours", "scikit-learn, brute force", n, dim, search, brute_force),
        Contest("mutual kNN", "full sorts and dense masks", n, dim, _metric("mutual_knn"), dense_masks),
        Contest("mutual kNN, null of 20 shufflings", "computed again", half, dim, _shuffled, shuffled_again),
        Contest("CKA", "centred n x n kernels", half, dim, _metric("cka"), gram_cka),
        Contest("CKA, Gaussian", "centred n x n kernels", half, dim, _metric("cka_rbf"), gram_cka_rbf),
        Contest("PRDC", "three n x n distances, scikit-learn", half, dim, _prdc, all_distances),
    ]


def run(contest: Contest, repeat: int) -> Outcome:
    """Both ways in turns, the fastest run of each."""
    import torch

    torch.set_num_threads(1)
    warm = clouds(64, contest.dim)
    contest.ours(*warm), contest.theirs(*warm)  # imports are not part of it
    x, y = clouds(contest.n, contest.dim)
    seconds: list[list[float]] = [[], []]
    values: list[Any] = [None, None]
    for _ in range(repeat):
        for side, function in enumerate((contest.ours, contest.theirs)):
            began = time.process_time()
            values[side] = function(x, y)
            seconds[side].append(time.process_time() - began)
    return Outcome(contest, min(seconds[0]), min(seconds[1]), _difference(*values))


def _difference(ours: Any, theirs: Any) -> float:
    """Largest difference of two numbers, or the share of neighbours that are not the same."""
    import numpy as np

    a, b = np.asarray(ours), np.asarray(theirs)
    return float((a != b).mean()) if a.dtype.kind == "i" else float(np.abs(a - b).max())


def table(outcomes: Sequence[Outcome]) -> str:
    """Markdown, one row a contest."""
    lines = [
        "| measure | beside | rows x columns | gapkit, s | usual way, s | times as fast | difference |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {o.contest.what} | {o.contest.usual} | {o.contest.n:,} x {o.contest.dim} | {o.ours:.2f} | {o.theirs:.2f} "
        f"| {o.ratio:.1f} | {o.difference:.1g} |"
        for o in outcomes
    ]
    return "\n".join(lines)


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, default=10_000)
    parser.add_argument("--dim", type=int, default=512)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="2,000 rows, once")
    options = parser.parse_args()
    if options.quick:
        options.n, options.repeat = 2000, 1
    for name in THREADS:
        os.environ[name] = "1"
    outcomes = [run(contest, options.repeat) for contest in contests(options.n, options.dim)]
    print(f"{platform.machine()}, {os.cpu_count()} cores, 1 thread used, CPU time\n")
    print(table(outcomes))


if __name__ == "__main__":
    main()
