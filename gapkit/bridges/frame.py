"""The sphere seen from a centre: directions around the mean of one modality, and the exact way back.

Embeddings live on the unit sphere, each modality in a cone around its own mean. What methods that "centre" work
on are the directions ``u = (x - centre) / |x - centre|``. Adding a centre to such a direction and normalising does
not lead back to where it came from, because residuals differ in length. The length is known, though: of all points
``centre + r u`` exactly one with ``r > 0`` lies on the sphere.
"""

from __future__ import annotations

from torch import Tensor

from gapkit.arrays import unit_rows


def to_frame(points: Tensor, centre: Tensor) -> Tensor:
    """Directions in which unit vectors lie from `centre`.

    Parameters
    ----------
    points : Tensor of shape (n, d)
        Rows of length one.
    centre : Tensor of shape (d,)
        A mean of such rows, so shorter than one.

    Returns
    -------
    Tensor of shape (n, d)
        Rows of length one.
    """
    return unit_rows(points - centre)


def from_frame(directions: Tensor, centre: Tensor) -> Tensor:
    """Undo `to_frame`: the unit vectors that lie from `centre` in `directions`.

    Solves ``|centre + r u| = 1`` for ``r > 0``: ``r = -c.u + sqrt((c.u)^2 + 1 - |c|^2)``.

    Examples
    --------
    >>> import torch
    >>> centre = torch.tensor([0.5, 0.0])
    >>> points = torch.tensor([[0.6, 0.8], [0.0, -1.0]])
    >>> torch.allclose(from_frame(to_frame(points, centre), centre), points)
    True
    """
    along = directions @ centre
    length = -along + (along.square() + 1 - centre.square().sum()).clamp_min(0).sqrt()
    return unit_rows(centre + length.unsqueeze(1) * directions)
