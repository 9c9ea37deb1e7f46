"""The bootstrap as weight matrices beside `scipy.stats.bootstrap`: the same statistic, the same number of draws."""

from __future__ import annotations

from metric_peers.contest import Contest

DRAWS = 1000


def contests(quick: bool) -> list[Contest]:
    """All of this file."""
    n = 1000 if quick else 5000
    peer = "`scipy.stats.bootstrap`"
    return [
        Contest(f"intervals of 8 means over clips, B = {DRAWS:,}", n, f"{peer}, one by one", means, means_scipy),
        Contest(
            f"interval of the centroid distance, B = {DRAWS:,}", n, f"{peer}, 20 draws timed", centroid, centroid_scipy
        ),
    ]


def _values(x, y):
    """Eight numbers a clip, as metrics that are means over clips have them; (n, 8)."""
    return (x * y).reshape(len(x), 8, -1).sum(axis=2)


def means(x, y):
    """One matrix of weights for all of them."""
    from gapkit.statistics import bootstrap_weights, percentile_interval

    values = _values(x, y)
    draws = bootstrap_weights(len(x), DRAWS, 0) @ values / len(x)
    return [percentile_interval(column) for column in draws.T], 1


def means_scipy(x, y):
    """Percentile intervals, a call each."""
    import numpy as np
    from scipy.stats import bootstrap

    found = [
        bootstrap((column,), np.mean, n_resamples=DRAWS, method="percentile", rng=0).confidence_interval
        for column in _values(x, y).T
    ]
    return [(each.low, each.high) for each in found], 1


def centroid(x, y):
    """Value and interval by `measure`, the reference included."""
    from gapkit.metrics import measure

    found = measure(x, y, ["centroid-distance"], n_resamples=DRAWS)["centroid-distance"]
    return (found.low, found.high), 1


def centroid_scipy(x, y, timed=20):
    """The statistic called for each draw, as a statistic of rows must be."""
    import numpy as np
    from scipy.stats import bootstrap

    def distance(index):
        index = index.astype(np.int64)
        return float(np.linalg.norm(x[index].mean(axis=0) - y[index].mean(axis=0)))

    found = bootstrap((np.arange(len(x)),), distance, vectorized=False, n_resamples=timed, method="percentile", rng=0)
    return (found.confidence_interval.low, found.confidence_interval.high), DRAWS / timed
