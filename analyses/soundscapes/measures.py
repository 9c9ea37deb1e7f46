"""The numbers of the dataset card."""

from __future__ import annotations

import numpy as np

from gapkit.embeddings import PairedEmbeddings
from gapkit.metrics import centroid_distance, cosine, linear_separability, recall_at_k, unpaired_cosine


def measure_split(pairs: PairedEmbeddings) -> dict[str, float]:
    """Gap and retrieval of one split before any bridge.

    Retrieval is source to target among one caption a clip (the first), so that its chance is k / n; ``recall_at_1_all``
    and ``recall_at_10_all`` search all captions.
    """
    source, target, owner = pairs.source, pairs.target, pairs.owner
    first = np.unique(owner, return_index=True)[1]
    assert pairs.captions is not None
    return {
        "clips": len(pairs),
        "captions": pairs.n_targets,
        "distinct_captions": len(np.unique(pairs.captions)),
        "centroid_distance": centroid_distance(source, target, owner=owner),
        "paired_cosine": cosine(source, target, owner=owner),
        "unpaired_cosine": unpaired_cosine(source, target, owner=owner),
        "separability": linear_separability(source, target, owner=owner),
        "recall_at_1": recall_at_k(source, target[first], k=1),
        "recall_at_10": recall_at_k(source, target[first], k=10),
        "recall_at_1_all": recall_at_k(source, target, owner=owner, k=1),
        "recall_at_10_all": recall_at_k(source, target, owner=owner, k=10),
    }


def shared_captions(pairs: PairedEmbeddings, fitted: PairedEmbeddings) -> int:
    """How many captions of `pairs` are word for word among those of `fitted`."""
    assert pairs.captions is not None
    return int(np.isin(pairs.captions, fitted.captions).sum())
