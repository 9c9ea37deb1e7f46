"""The bootstrap as weight matrices beside `scipy.stats.bootstrap`: the same statistic, the same number of draws."""

from __future__ import annotations

from metric_peers.contest import Contest

DRAWS = 1000


def contests(quick: bool) -> list[Contest]:
    """All of this file."""
    n = 1000 if quick else 5000
    rows = 200 if quick else 1000
    return [
        Contest(f"interval of the paired cosine, B = {DRAWS:,}", n, "`scipy.stats.bootstrap`", cosine, cosine_scipy),
        Contest(
            f"interval of the centroid distance, B = {DRAWS:,}", rows, "`scipy.stats.bootstrap`, 20 draws timed",
            centroid, centroid_scipy,
        ),
    ]  # fmt: skip


def cosine(x, y):
    """Value and interval, the reference included."""
    return _interval("cosine", x, y), 1


def centroid(x, y):
    """Value and interval, the reference included."""
    return _interval("centroid-distance", x, y)[1:], 1


def cosine_scipy(x, y):
    """Percentile intervals of a mean over clips."""
    import numpy as np
    from scipy.stats import bootstrap

    each = (x * y).sum(axis=1) / np.linalg.norm(x, axis=1) / np.linalg.norm(y, axis=1)
    found = bootstrap((each,), np.mean, n_resamples=DRAWS, method="percentile", rng=0).confidence_interval
    return (float(each.mean()), found.low, found.high), 1


def centroid_scipy(x, y, timed=20):
    """The statistic called for each draw, as a statistic of rows must be."""
    import numpy as np
    from scipy.stats import bootstrap

    def distance(index):
        index = index.astype(np.int64)
        return float(np.linalg.norm(x[index].mean(axis=0) - y[index].mean(axis=0)))

    found = bootstrap((np.arange(len(x)),), distance, vectorized=False, n_resamples=timed, method="percentile", rng=0)
    return (found.confidence_interval.low, found.confidence_interval.high), DRAWS / timed


def _interval(name, x, y):
    from gapkit.metrics import measure

    found = measure(x, y, [name], n_resamples=DRAWS)[name]
    return found.value, found.low, found.high
