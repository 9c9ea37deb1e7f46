"""Sentence embeddings: how near a caption lies to its references."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from gapkit.encoders.minilm import MinilmText


def similarity(
    candidates: Sequence[str], references: Sequence[Sequence[str]], encoder: MinilmText
) -> NDArray[np.float64]:
    """Mean cosine of each caption to its references.

    Parameters
    ----------
    candidates : sequence of n str
        Read as they are; an empty one scores 0.
    references : sequence of n sequences of str
    encoder : MinilmText
        Equal captions are embedded once.

    Returns
    -------
    array of shape (n,)
        In [-1, 1]; higher is nearer.

    References
    ----------
    Reimers & Gurevych (2019), Sentence-BERT. Zhou et al. (2022), Can audio captions be evaluated with image caption
    metrics?
    """
    texts = list(dict.fromkeys([*candidates, *(text for said in references for text in said)]))
    place = {text: row for row, text in enumerate(texts)}
    rows = encoder.features(texts)
    return np.array(
        [
            float((rows[[place[text] for text in said]] @ rows[place[candidate]]).mean()) if candidate.strip() else 0.0
            for candidate, said in zip(candidates, references, strict=True)
        ]
    )
