"""Distances of distributions, and their permutation tests, beside the usual ways to get them."""

from __future__ import annotations

import time
from importlib.util import find_spec

from metric_peers.contest import WIDTH, Contest


def contests(quick: bool) -> list[Contest]:
    """All of this file."""
    n, few = (2000, 500) if quick else (10_000, 2000)
    test = f"permutation test, {1000:,} {{}}"
    found = [
        Contest("MMD", n, "scikit-learn, three `rbf_kernel`", mmd_gapkit, mmd_sklearn, 2.0),
        Contest(test.format("swaps within pairs"), few, LOOP, swaps_gapkit, swaps_loop, 100.0),
        Contest(test.format("relabellings"), few, LOOP, deals_gapkit, deals_loop, 100.0),
        Contest("Fréchet distance", n, "`scipy.linalg.sqrtm`", frechet_gapkit, frechet_scipy),
        Contest("sliced Wasserstein, 512 lines", n, "POT, the same lines", sliced_gapkit, sliced_pot),
        Contest("Sinkhorn divergence", few, "POT, three transports", sinkhorn_gapkit, sinkhorn_pot),
    ]
    if find_spec("alibi_detect"):
        found += [
            Contest("MMD", n // 2, "alibi-detect", mmd_gapkit_unpaired, mmd_alibi),
            Contest(test.format("relabellings"), few, "alibi-detect", deals_gapkit, deals_alibi, 100.0),
        ]
    return found


LOOP = "a loop that re-indexes the kernel matrix"


def mmd_gapkit(x, y):
    """Exact MMD of paired clips."""
    from gapkit.metrics import mmd

    return mmd(x, y, bandwidth=WIDTH), 1


def mmd_sklearn(x, y):
    """Three kernel matrices and their sums, same statistic."""
    import numpy as np
    from sklearn.metrics.pairwise import rbf_kernel

    total, n = 0.0, len(x)
    for a, b, sign in ((x, x, 1), (y, y, 1), (x, y, -2)):
        kernel = rbf_kernel(a, b, gamma=1 / (2 * WIDTH**2))
        total += sign * (kernel.sum(dtype=np.float64) - np.trace(kernel, dtype=np.float64)) / (n * (n - 1))
        del kernel
    return total, 1


def mmd_gapkit_unpaired(x, y):
    """Exact MMD of unrelated rows."""
    from gapkit.metrics import mmd

    return mmd(x, y, bandwidth=WIDTH, paired=False), 1


def mmd_alibi(x, y):
    """The statistic of alibi-detect's MMD drift detector."""
    from alibi_detect.utils.pytorch.distance import mmd2_from_kernel_matrix

    detector, y = _alibi(x, y, 1)
    return float(mmd2_from_kernel_matrix(detector.kernel_matrix(detector.x_ref, y), len(y), zero_diag=True)), 1


def _alibi(x, y, n_permutations):
    import torch
    from alibi_detect.cd.pytorch.mmd import MMDDriftTorch

    detector = MMDDriftTorch(x, sigma=torch.tensor([WIDTH]).numpy(), n_permutations=n_permutations, device="cpu")
    detector.x_ref = torch.from_numpy(detector.x_ref)
    return detector, torch.from_numpy(y)


def swaps_gapkit(x, y):
    """1,000 swaps within pairs."""
    from gapkit.metrics import permutation_test

    return permutation_test(x, y, bandwidth=WIDTH).value, 1


def deals_gapkit(x, y):
    """1,000 relabellings."""
    from gapkit.metrics import permutation_test

    return permutation_test(x, y, paired=False, bandwidth=WIDTH).value, 1


def swaps_loop(x, y):
    """The kernel matrix once, and each swap by its index."""
    return _loop(x, y, lambda rng, n: _swap(rng, n), paired=True)


def deals_loop(x, y):
    """The kernel matrix once, and each relabelling by its index."""
    return _loop(x, y, lambda rng, n: rng.permutation(2 * n), paired=False)


def _swap(rng, n):
    import numpy as np

    first = np.arange(n) + n * rng.integers(0, 2, n)
    return np.concatenate([first, (first + n) % (2 * n)])


def _loop(x, y, draw, *, paired, timed=20, asked=1000):
    import numpy as np
    from sklearn.metrics.pairwise import rbf_kernel

    n, rng = len(x), np.random.default_rng(0)
    start = time.process_time()
    kernel = rbf_kernel(np.concatenate([x, y]), gamma=1 / (2 * WIDTH**2))
    fixed = time.process_time() - start

    def statistic(k):
        off = k[:n, n:].sum(dtype=np.float64) - (np.trace(k[:n, n:]) if paired else 0)
        pairs = n * (n - 1)
        inside = sum(part.sum(dtype=np.float64) - np.trace(part) for part in (k[:n, :n], k[n:, n:]))
        return inside / pairs - 2 * off / (pairs if paired else n * n)

    start = time.process_time()
    for _ in range(timed):
        index = draw(rng, n)
        statistic(kernel[np.ix_(index, index)])
    loop = time.process_time() - start
    return statistic(kernel), (fixed + loop * asked / timed) / (fixed + loop)


def deals_alibi(x, y, timed=20, asked=1000):
    """The detector's own test."""
    import torch
    from alibi_detect.utils.pytorch.distance import mmd2_from_kernel_matrix

    start = time.process_time()
    detector, y = _alibi(x, y, timed)
    kernel = detector.kernel_matrix(detector.x_ref, y)
    kernel = kernel - torch.diag(kernel.diag())
    value = mmd2_from_kernel_matrix(kernel, len(y), permute=False, zero_diag=False)
    fixed = time.process_time() - start
    start = time.process_time()
    for _ in range(timed):
        mmd2_from_kernel_matrix(kernel, len(y), permute=True, zero_diag=False)
    loop = time.process_time() - start
    return float(value), (fixed + loop * asked / timed) / (fixed + loop)


def frechet_gapkit(x, y):
    """With symmetric eigenproblems."""
    from gapkit.metrics import frechet_distance

    return frechet_distance(x, y), 1


def frechet_scipy(x, y):
    """With the square root of the product."""
    import numpy as np
    from scipy.linalg import sqrtm

    (mx, sx), (my, sy) = ((v.mean(axis=0, dtype=np.float64), np.cov(v.astype(np.float64).T)) for v in (x, y))
    return float(((mx - my) ** 2).sum() + np.trace(sx + sy - 2 * np.real(sqrtm(sx @ sy)))), 1


def sliced_gapkit(x, y):
    """512 lines."""
    from gapkit.metrics import sliced_wasserstein

    return sliced_wasserstein(x, y), 1


def sliced_pot(x, y):
    """The same lines."""
    import ot

    from gapkit.metrics.pair import pair_of
    from gapkit.metrics.sliced_wasserstein import PROJECTIONS, lines

    along = lines(pair_of(x, y).y, PROJECTIONS, 0).numpy().T
    return float(ot.sliced_wasserstein_distance(x, y, projections=along)), 1


def sinkhorn_gapkit(x, y):
    """Three transports, those of a side with itself by symmetric steps."""
    from gapkit.metrics import sinkhorn_divergence

    return sinkhorn_divergence(x, y, bandwidth=WIDTH), 1


def sinkhorn_pot(x, y):
    """POT's solver of each transport, to the same mass that may miss its place."""
    import numpy as np
    import ot

    def cost(a, b):
        matrix, even = ot.dist(a.astype(np.float64), b.astype(np.float64)), np.full(len(a), 1 / len(a))
        return ot.solve(matrix, even, even, reg=0.25 * WIDTH**2, reg_type="KL", tol=1e-9, max_iter=2000).value

    return cost(x, y) - cost(x, x) / 2 - cost(y, y) / 2, 1
