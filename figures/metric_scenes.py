"""The clouds behind ``metric_pictures.py``: made so that it is known what there is to see."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Cloud = NDArray[np.float64]
N = 200


@dataclass(frozen=True)
class Panel:
    """Two clouds, pair by pair.

    Parameters
    ----------
    title : str
    source, target : array of shape (n, 2), or (n, 3) on the unit sphere
    linked : bool
        Lines join some pairs.
    original, fitted : array, optional
        For metrics that need the source before it was moved, or the targets that a bridge was fitted on.
    """

    title: str
    source: Cloud
    target: Cloud
    linked: bool = False
    original: Cloud | None = None
    fitted: Cloud | None = None


@dataclass(frozen=True)
class Picture:
    """A row of panels and what is measured on each."""

    name: str
    metrics: tuple[str, ...]
    panels: tuple[Panel, ...]


def normal(seed: int, scale: tuple[float, float] = (1.0, 1.0), n: int = N) -> Cloud:
    """A Gaussian cloud with exactly these standard deviations, mean zero and no correlation."""
    drawn = np.random.default_rng(seed).standard_normal((n, 2))
    drawn -= drawn.mean(axis=0)
    left, _, right = np.linalg.svd(drawn, full_matrices=False)
    return left @ right * np.sqrt(n) * np.array(scale)


def lumps(seed: int, places: list[tuple[float, float]], spread: float, n: int = N) -> Cloud:
    """Equal Gaussian lumps."""
    rng = np.random.default_rng(seed)
    return np.array(places)[np.arange(n) % len(places)] + spread * rng.standard_normal((n, 2))


def ring(seed: int, radius: float, n: int = N) -> Cloud:
    """Points all around, mean exactly zero."""
    rng = np.random.default_rng(seed)
    angle = rng.permutation(n) * 2 * np.pi / n
    return np.stack([np.cos(angle), np.sin(angle)], axis=1) * (radius + 0.08 * rng.standard_normal((n, 1)))


def moments_of(cloud: Cloud, like: Cloud) -> Cloud:
    """The cloud turned and stretched to exactly the mean and covariance of another."""
    centred = cloud - cloud.mean(axis=0)
    white = centred @ np.linalg.inv(np.linalg.cholesky(np.cov(centred.T))).T
    return white @ np.linalg.cholesky(np.cov(like.T)).T + like.mean(axis=0)


def dealt_out(cloud: Cloud, seed: int = 7) -> Cloud:
    """The same points, dealt out so that nobody keeps its own."""
    order = np.random.default_rng(seed).permutation(len(cloud))
    answer = np.empty_like(cloud)
    answer[order] = cloud[np.roll(order, 1)]
    return answer


def jitter(cloud: Cloud, size: float, seed: int = 11) -> Cloud:
    """The cloud with a little noise."""
    return cloud + size * np.random.default_rng(seed).standard_normal(cloud.shape)


def shift(cloud: Cloud, *by: float) -> Cloud:
    """The cloud moved as a whole."""
    return cloud + np.array(by)


def unit(cloud: Cloud) -> Cloud:
    """Rows of length one."""
    return cloud / np.linalg.norm(cloud, axis=1, keepdims=True)


def cap(seed: int, width: float = 0.5, n: int = N) -> Cloud:
    """Directions around the pole of the sphere."""
    flat = np.random.default_rng(seed).standard_normal((n, 2)) * width
    return unit(np.column_stack([flat, np.ones(n)]))


def tilted(cloud: Cloud, degrees: float) -> Cloud:
    """The sphere turned about its second axis: the pole moves to the right."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return cloud @ np.array([[c, 0, -s], [0, 1, 0], [s, 0, c]])


def circle(seed: int, degrees: float, n: int = N) -> Cloud:
    """Directions at one distance from the pole; who is who is told by the longitude alone."""
    angle = np.random.default_rng(seed).permutation(n) * 2 * np.pi / n
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.stack([s * np.cos(angle), s * np.sin(angle), np.full(n, c)], axis=1)


def board(seed: int, colour: int, n: int = N) -> Cloud:
    """Lumps on the squares of one colour of a board of four by four."""
    squares = [(x - 1.5, y - 1.5) for x in range(4) for y in range(4) if (x + y) % 2 == colour]
    return lumps(seed, squares, 0.1, n)


def _offset() -> Picture:
    target = normal(1)
    return Picture(
        "offset",
        ("centroid-distance", "mmd-linear", "separability", "c2st-knn"),
        (
            Panel("seen: an offset", shift(jitter(target, 0.2), 2.5, 0.5), target),
            Panel("missed: another width", normal(2, (0.25, 0.25)), target),
            Panel("missed: around it", normal(2, (0.3, 0.3)), ring(3, 2.0)),
            Panel("missed: unrelated pairs", normal(2), target, linked=True),
        ),
    )


def _kernel() -> Picture:
    target = normal(1)
    return Picture(
        "kernel",
        ("mmd", "energy-distance", "sliced-wasserstein", "l2i", "c2st-knn"),
        (
            Panel("seen: an offset", shift(jitter(target, 0.2), 1.5, 0), target),
            Panel("seen: another shape", ring(3, 1.7), target),
            Panel("missed: unrelated pairs", normal(2), target, linked=True),
            Panel("missed: fine grain", board(5, 0), board(6, 1)),
        ),
    )


def _frechet() -> Picture:
    target, narrow = normal(1), normal(1, (1.0, 0.05))
    few = np.random.default_rng(8).standard_normal((2, 10, 2))
    return Picture(
        "frechet",
        ("frechet", "residual-frechet", "mmd"),
        (
            Panel("seen: offset and stretch", shift(normal(2, (1.8, 0.4)), 1.5, 0), target),
            Panel("seen: stretch alone", normal(2, (1.8, 0.4)), target),
            Panel("missed: equal moments", moments_of(lumps(3, [(-1, 0), (1, 0)], 0.05), narrow), narrow),
            Panel("invented: 10 clips a side", few[0], few[1]),
        ),
    )


def _separability() -> Picture:
    line = normal(1, (1.0, 0.04))
    return Picture(
        "separability",
        ("separability", "separability-auc", "separability-margin", "c2st-knn", "c2st-mlp"),
        (
            Panel("seen: a small offset", shift(normal(2, (1.0, 0.04)), 0, 0.3), line),
            Panel("as far, says accuracy", shift(normal(2, (1.0, 0.04)), 0, 2.5), line),
            Panel("missed: no line parts them", normal(2, (0.3, 0.3)), ring(3, 2.0)),
            Panel("missed: unrelated pairs", normal(2), normal(1), linked=True),
        ),
    )


def _neighbours() -> Picture:
    target = normal(1)
    return Picture(
        "neighbours",
        ("knn-mixing", "knn-cross-share", "centroid-distance"),
        (
            Panel("seen: one neighbourhood", normal(2), target),
            Panel("seen: half of it shared", shift(normal(2) * [1, 0.8], 1.6, 0), target),
            Panel("apart", shift(normal(2), 7, 0), target),
            Panel("missed: how far apart", shift(normal(2), 40, 0), target),
        ),
    )


def _coverage() -> Picture:
    target = lumps(1, [(-1.5, 0), (1.5, 0)], 0.5)
    return Picture(
        "coverage",
        ("prdc-precision", "prdc-recall", "prdc-density", "prdc-coverage"),
        (
            Panel("the same cloud", lumps(2, [(-1.5, 0), (1.5, 0)], 0.5), target),
            Panel("half of it not reached", lumps(2, [(-1.5, 0), (-1.5, 0)], 0.5), target),
            Panel("off it", lumps(2, [(-1.5, 0), (1.5, 0)], 1.6), target),
            Panel("into the dense middles", lumps(2, [(-1.5, 0), (1.5, 0)], 0.08), target),
        ),
    )


def _cosine() -> Picture:
    target = unit(jitter(circle(1, 35), 0.03))
    return Picture(
        "cosine",
        ("cosine", "cosine-margin", "recall@10", "effective-rank", "uniformity-pooled"),
        (
            Panel("a gap", unit(jitter(circle(1, 85), 0.03, 12)), target, linked=True),
            Panel("closed", unit(jitter(circle(1, 35), 0.03, 12)), target, linked=True),
            Panel("fooled: collapse", np.repeat([[0.0, 0.0, 1.0]], N, axis=0), target, linked=True),
            Panel("seen: unrelated pairs", unit(jitter(circle(2, 35), 0.03, 12)), target, linked=True),
        ),
    )


def _retrieval() -> Picture:
    target = circle(1, 35)
    return Picture(
        "retrieval",
        ("recall@1", "map@10", "cosine", "centroid-distance", "rmg"),
        (
            Panel("missed: a gap, order kept", circle(1, 85), target, linked=True),
            Panel("seen: pairs blurred", unit(jitter(target, 0.06)), target, linked=True),
            Panel("seen: no gap, no pairs", dealt_out(target), target, linked=True),
        ),
    )


def _geometry() -> Picture:
    rng = np.random.default_rng(5)
    centres = unit(np.array([[0.7, 0, 1], [-0.6, 0.6, 1], [-0.3, -0.7, 1], [0.1, 0.9, 0.6]]))
    group = np.arange(N) % 4
    target = unit(centres[group] + 0.1 * rng.standard_normal((N, 3)))
    inside = target.copy()
    for g in range(4):
        inside[group == g] = dealt_out(target[group == g], g)
    return Picture(
        "geometry",
        ("cka", "mutual-knn", "procrustes-distance", "cosine"),
        (
            Panel("missed: turned as a whole", unit(jitter(tilted(target, 50), 0.01)), target, linked=True),
            Panel("groups kept, inside mixed", inside, target, linked=True),
            Panel("seen: unrelated pairs", dealt_out(target), target, linked=True),
        ),
    )


def _residual() -> Picture:
    target = normal(1)
    return Picture(
        "residual",
        ("residual-cosine", "residual-mmd", "residual-separability", "mmd"),
        (
            Panel("missed: an offset", shift(jitter(target, 0.2), 2.5, 0.5), target, linked=True),
            Panel("seen: another shape", shift(target * [1.8, 0.4], 2.5, 0.5), target, linked=True),
            Panel("seen: unrelated pairs", shift(normal(2), 2.5, 0.5), target, linked=True),
        ),
    )


def _direction() -> Picture:
    n = 400
    flat = np.column_stack([normal(1, (0.3, 0.06), n), np.ones(n)])
    either = np.random.default_rng(3).choice([-0.4, 0.4], size=(2, n))
    ways = [flat + np.outer(sign, [0.0, 1.0, 0.0]) for sign in either]
    return Picture(
        "direction",
        ("gap-consistency", "gap-orthogonality", "centroid-distance"),
        (
            Panel("one vector, across", unit(shift(flat, 0, 0.9, 0)), unit(flat), linked=True),
            Panel("one vector, along", unit(shift(flat, 0.9, 0, 0)), unit(flat), linked=True),
            Panel("no common direction", unit(ways[0]), unit(ways[1]), linked=True),
        ),
    )


def _memorisation() -> Picture:
    fitted, target = cap(9, 0.5, 40), cap(1)
    nearest = fitted[(target @ fitted.T).argmax(axis=1)]
    return Picture(
        "memorisation",
        ("memorisation", "cosine"),
        (
            Panel("as new targets", unit(jitter(target, 0.05)), target, fitted=fitted),
            Panel("seen: fitted ones repeated", nearest, target, fitted=fitted),
            Panel("seen: away from all", unit(tilted(target, 70)), target, fitted=fitted),
        ),
    )


PICTURES = tuple(
    make()
    for make in (
        _offset, _kernel, _frechet, _separability, _neighbours, _coverage, _cosine, _retrieval, _geometry, _residual,
        _direction, _memorisation,
    )
)  # fmt: skip
"""All pictures, in the order of the page."""
