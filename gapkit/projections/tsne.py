"""t-SNE, as scikit-learn computes it."""

from __future__ import annotations

import numpy as np

from gapkit.given import positive
from gapkit.projections.plane import Parts, Plane, Rows


def tsne(rows: Rows, parts: Parts, *, random_state: int = 0, perplexity: float = 30.0) -> Plane:
    """Neighbours stay neighbours; begins at the principal components.

    `perplexity` is lowered where there are fewer than three times as many rows.
    """
    from sklearn.manifold import TSNE

    width = min(positive("projection tsne: perplexity", perplexity), (len(rows) - 1) / 3)
    model = TSNE(perplexity=width, init="pca" if rows.shape[1] > 1 else "random", random_state=random_state, n_jobs=1)
    coordinates = model.fit_transform(rows)
    return Plane(np.asarray(coordinates), ("t-SNE 1", "t-SNE 2"), None, {"perplexity": width})
