"""Many comparisons at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gapkit.errors import InputError


def holm(pvalues: ArrayLike) -> NDArray[np.float64]:
    """Adjust p-values for the number of comparisons (family-wise, any dependence).

    Parameters
    ----------
    pvalues : array-like of shape (k,)

    Returns
    -------
    array of shape (k,)
        Adjusted p-values in the order given.

    Raises
    ------
    InputError
        A p-value outside [0, 1].

    References
    ----------
    Holm (1979), A simple sequentially rejective multiple test procedure.

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03])
    array([0.03, 0.06, 0.06])
    """
    return _stepped(pvalues, lambda left: left)


def holm_against_best(pvalues: ArrayLike) -> NDArray[np.float64]:
    """Adjust p-values of the comparisons of all other rows with the best one, which the same numbers chose.

    The best of k rows is the largest of k chances, so any of the k (k - 1) / 2 pairs might have been compared. Holm's
    step-down counts them: with m comparisons left, m + 1 rows are in play, and the next p-value is one of
    m (m + 1) / 2. Of two rows nothing was chosen, and nothing is adjusted.

    Parameters
    ----------
    pvalues : array-like of shape (k - 1,)
        Two-sided.

    Returns
    -------
    array of shape (k - 1,)
        Adjusted p-values in the order given.

    Raises
    ------
    InputError
        A p-value outside [0, 1].

    References
    ----------
    Shaffer (1986), Modified sequentially rejective multiple test procedures.

    Examples
    --------
    >>> holm_against_best([0.01, 0.04]), holm_against_best([0.03])
    (array([0.03, 0.04]), array([0.03]))
    """
    return _stepped(pvalues, lambda left: left * (left + 1) / 2)


def _stepped(pvalues: ArrayLike, counts: Callable[[Any], Any]) -> NDArray[np.float64]:
    """Step-down, smallest first; `counts` gives the factor for the number of comparisons that are left."""
    p = np.asarray(pvalues, dtype=np.float64).ravel()
    if not ((p >= 0) & (p <= 1)).all():
        raise InputError("holm: expected p-values in [0, 1]")
    order = np.argsort(p, kind="stable")
    stepped = np.minimum(1.0, np.maximum.accumulate(p[order] * counts(np.arange(len(p), 0, -1))))
    adjusted = np.empty_like(stepped)
    adjusted[order] = stepped
    return adjusted
