"""`project`: several clouds, one plane."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gapkit.arrays import ArrayLike, as_matrix
from gapkit.errors import InputError
from gapkit.given import whole
from gapkit.projections.axes import gap, lda, pca
from gapkit.projections.plane import Plane
from gapkit.projections.tsne import tsne
from gapkit.projections.umap import umap

METHODS: Mapping[str, Callable[..., Plane]] = {"pca": pca, "umap": umap, "tsne": tsne, "lda": lda, "gap": gap}
"""How a plane is found, by name."""


@dataclass(frozen=True)
class Projection:
    """Clouds in one plane.

    Parameters
    ----------
    coordinates : mapping of cloud name to array of shape (n, 2), or (s, n, 2) for a trajectory
        In the order and the shape of the clouds that were given.
    method : str
        One of `METHODS`.
    axes : pair of str
        What the two coordinates are.
    explained : pair of float, optional
        Share of the variance of all rows together that each axis holds; None where the method is not linear.
    params : mapping
        What the method was told, the seed included.
    """

    coordinates: Mapping[str, NDArray[np.float64]]
    method: str
    axes: tuple[str, str]
    explained: tuple[float, float] | None = None
    params: Mapping[str, Any] = field(default_factory=dict)

    @property
    def labels(self) -> tuple[str, str]:
        """The axes as a figure labels them: with their share of the variance, where they have one."""
        if self.explained is None:
            return self.axes
        first, second = (
            f"{axis} ({share:.0%} of variance)" for axis, share in zip(self.axes, self.explained, strict=True)
        )
        return first, second


def project(
    clouds: Mapping[str, ArrayLike], method: str = "pca", *, random_state: int = 0, **options: Any
) -> Projection:
    """Put several clouds into one plane, together: what is near in it was found on all of them at once.

    A projection shows, it does not measure: distances in it are not those of the space.

    Parameters
    ----------
    clouds : mapping of name to array-like of shape (n, d) or (s, n, d)
        One space, any numbers of rows. Three axes: the states of a trajectory.
    method : {"pca", "umap", "tsne", "lda", "gap"}
        ``pca``: the two directions of largest variance. ``umap`` and ``tsne``: neighbours stay neighbours, all else is
        free. ``lda``: the direction that tells two clouds apart best, against the largest variance across it. ``gap``:
        the same with the line between the two means.
    random_state : int
        Seed of umap and tsne: the same seed gives the same plane.
    **options
        Of the method. ``pca``: `axes_from`. ``lda``, ``gap``: `between` (two names; left out, the first and the last
        cloud), `axes_from`. ``umap``: `n_neighbors`, `min_dist`, `n_epochs`, `metric`, `same_clips`. ``tsne``:
        `perplexity`. `axes_from` names the clouds that the axes are found on; left out, all. `same_clips` names clouds
        that are the same clips in the same order: versions of a clip are then not each other's neighbours.

    Returns
    -------
    Projection

    Raises
    ------
    InputError
        An unknown method or option, clouds of different dimensions, or too few rows.

    Examples
    --------
    >>> flat = project({"source": [[1.0, 0, 0], [0, 2, 0]], "target": [[0.0, 0, 0], [0, 0, 0.5]]})
    >>> flat.coordinates["target"].shape, flat.axes
    ((2, 2), ('PC 1', 'PC 2'))
    """
    if method not in METHODS:
        raise InputError(f"projection: expected one of {', '.join(METHODS)}, got {method!r}")
    if not isinstance(clouds, Mapping):
        raise InputError(f"projection: expected a mapping of names to clouds, got {type(clouds).__name__}")
    # That of scikit-learn's t-SNE has no more digits.
    random_state = whole("projection: random_state", random_state, 0, 2**32 - 1)
    if not clouds:
        raise InputError("projection: expected at least one cloud, got none")
    rows: list[NDArray[np.float32]] = []
    shapes: dict[str, tuple[int, ...]] = {}
    for name, cloud in clouds.items():
        cloud = _with_shape(cloud, f"projection: {name}")
        shape = tuple(np.shape(cloud))
        if len(shape) not in (2, 3) or not all(shape):
            raise InputError(f"projection: {name}: expected shape (n, d), or (s, n, d) for a trajectory, got {shape}")
        flat = cloud.reshape(-1, shape[-1]) if len(shape) == 3 else cloud
        matrix = as_matrix(flat, name=f"projection: {name}").detach().cpu().numpy()
        if rows and matrix.shape[1] != rows[0].shape[1]:
            raise InputError(
                f"projection: {name}: expected {rows[0].shape[1]} dimensions as in {next(iter(clouds))}, "
                f"got {matrix.shape[1]}"
            )
        rows.append(np.asarray(matrix, dtype=np.float32))
        shapes[name] = shape
    parts = _parts(shapes)
    stacked = np.concatenate(rows)
    if len(stacked) < 3:
        raise InputError(f"projection: expected at least 3 rows in all, got {len(stacked)}")
    try:
        plane = METHODS[method](stacked, parts, random_state=random_state, **options)
    except TypeError as error:
        if "argument" not in str(error):
            raise
        raise InputError(
            f"projection {method}: {str(error).split('() ')[-1]}; see gapkit.projections.project"
        ) from None
    coordinates = {
        name: plane.coordinates[part].reshape(*shapes[name][:-1], 2).astype(np.float64) for name, part in parts.items()
    }
    return Projection(coordinates, method, plane.axes, plane.explained, {**plane.params, "random_state": random_state})


def _with_shape(cloud: Any, name: str) -> Any:
    """A list as an array; anything that has a shape as it is."""
    if hasattr(cloud, "ndim"):
        return cloud
    try:
        return np.asarray(cloud)
    except ValueError:
        as_matrix(cloud, name=name)  # says in one line what is wrong
        raise


def _parts(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, slice]:
    """Rows of each cloud among all of them."""
    parts, start = {}, 0
    for name, shape in shapes.items():
        length = int(np.prod(shape[:-1]))
        parts[name] = slice(start, start + length)
        start += length
    return parts
