"""Many comparisons at once."""

from __future__ import annotations

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
    p = np.asarray(pvalues, dtype=np.float64).ravel()
    if not ((p >= 0) & (p <= 1)).all():
        raise InputError("holm: expected p-values in [0, 1]")
    order = np.argsort(p, kind="stable")
    stepped = np.minimum(1.0, np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)))
    adjusted = np.empty_like(stepped)
    adjusted[order] = stepped
    return adjusted
