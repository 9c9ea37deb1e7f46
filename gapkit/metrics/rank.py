"""Effective rank: in how many directions the moved source still varies."""

from __future__ import annotations

import math
from typing import Any

import torch

from gapkit.arrays import ArrayLike
from gapkit.errors import InputError
from gapkit.metrics.cloud import FLAT, Cloud, cloud
from gapkit.metrics.pair import Pair
from gapkit.metrics.registry import metric
from gapkit.metrics.value import Influence, Value


def effective_rank(source: ArrayLike, target: Any = None, *, owner: Any = None) -> float:
    """Exponential of the entropy of the singular values of the centred rows, scaled to sum 1.

    Parameters
    ----------
    source : array-like of shape (n, d)
    target, owner
        Not looked at; all metrics are called alike.

    Returns
    -------
    float
        From 1 (all rows on one line) to min(n - 1, d); 0 where all rows are one point. Higher is better: a bridge
        that shrinks the cloud to few directions loses what tells clips apart. It grows with n.

    Raises
    ------
    InputError

    References
    ----------
    Roy & Vetterli (2007), The effective rank, EUSIPCO.

    Examples
    --------
    >>> round(effective_rank([[1, 0], [-1, 0], [0, 1], [0, -1]]), 6)
    2.0
    """
    x = cloud(source, name="source")
    if x.n < 2:
        raise InputError(f"source: expected at least 2 clips, got {x.n}; a metric compares clouds")
    return _rank(x).value


@metric(
    "effective-rank",
    label="Effective rank",
    place=180,
    group="preservation",
    better="higher",
    range=(0.0, math.inf),
    needs_pairs=False,
    cost="n d^2",
    digits=1,
    reference="Roy & Vetterli (2007), The effective rank",
    definition="Exponential of the entropy of the singular values of the centred source.",
    function=effective_rank,
)
def effective_rank_of(pair: Pair) -> Value:
    """Effective rank of the source."""
    return _rank(pair.x)


def _rank(x: Cloud) -> Value:
    """Effective rank, and how much each item pushes it.

    A resample repeats items and so always has fewer directions than the sample: bootstrapping the rank itself would
    be biased far below. Instead the eigenvalues are followed to first order: item i moves eigenvalue k of the
    covariance by z_ik^2 - lambda_k, with z its coordinate along eigenvector k.
    """
    if x.flat:
        return Value(0.0, influence=lambda: (None, None))
    d, side = x.base.shape[1], _in_range(x)
    if x.n >= d:
        gram = torch.zeros(d, d, dtype=torch.float64, device=x.base.device)
        for _, block in side.clip_blocks():
            rows = block.double()
            gram.addmm_(rows.T, rows)
    else:
        # Fewer rows than dimensions: the same from the n x n side, where coordinates are scaled eigenvectors.
        rows = side.rows.double()
        gram = rows @ rows.T
    # In float64: these are squares, and what float32 tells of a square is a singular value of 0.5 % of the largest.
    values, vectors = torch.linalg.eigh(gram)
    kept = values > values[-1] * FLAT**2
    values, vectors = values[kept], vectors[:, kept]
    singular = values.sqrt()
    share = singular / singular.sum()
    entropy = -(share * share.log()).sum()
    rank = entropy.exp()

    def influence() -> Influence:
        # d rank / d lambda_k, in units where lambda_k is the eigenvalue of n times the covariance.
        slope = -rank * (share.log() + entropy) / (2 * singular * singular.sum())
        if x.n < d:
            return x.n * (vectors.square() @ (values * slope)), None
        found = torch.empty(x.n, dtype=torch.float64, device=x.base.device)
        for items, rows in side.clip_blocks():
            found[items] = x.n * ((rows.double() @ vectors).square() @ slope)
        return found, None

    return Value(float(rank), influence=influence)


def _in_range(x: Cloud) -> Cloud:
    """The centred rows in a unit in which their squares are float32; a power of two rounds nothing."""
    exponent = math.frexp(x.reach(x.mean))[1]
    return x.centred if abs(exponent) < 32 else x.centred.changed(lambda rows: (rows.double() / 2.0**exponent).float())
