"""BLEU, ROUGE-L and CIDEr-D: the scorers of pycocoevalcap."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gapkit.captioning.scores.absence import AbsentError
from gapkit.captioning.scores.catalogue import BLEU
from gapkit.captioning.scores.found import Found
from gapkit.captioning.scores.java import INSTALL

TINY, SMALL = 1e-15, 1e-9
"""What pycocoevalcap adds above and below, so that nothing is divided by 0."""


def bleu(candidates: Sequence[str], references: Sequence[Sequence[str]], weights: NDArray[np.float32]) -> Found:
    """BLEU-1 to BLEU-4, of the set and a clip.

    Parameters
    ----------
    candidates : sequence of n str
        Words, joined by blanks.
    references : sequence of n sequences of str
    weights : array of shape (B, n)
        How often each clip occurs in each resample.

    Raises
    ------
    AbsentError
        pycocoevalcap is not installed.
    """
    try:
        from pycocoevalcap.bleu.bleu_scorer import BleuScorer
    except ImportError:
        raise AbsentError(f"the package pycocoevalcap is not installed; {INSTALL}") from None
    scorer = BleuScorer(n=4)
    for candidate, said in zip(candidates, references, strict=True):
        scorer += (candidate, list(said))
    corpus, per_clip = scorer.compute_score(option="closest")
    found = Found(
        per_clip={name: np.array(values) for name, values in zip(BLEU, per_clip, strict=True)},
        corpus={name: float(value) for name, value in zip(BLEU, corpus, strict=True)},
    )
    draws = corpus_bleu(scorer.ctest, weights)
    found.draws = {name: draws[:, place] for place, name in enumerate(BLEU)}
    return found


def corpus_bleu(counts: Sequence[dict[str, object]], weights: NDArray[np.float32]) -> NDArray[np.float64]:
    """BLEU of each resample, (B, 4), from what `BleuScorer` counted in each clip."""
    sums = {}
    for key in ("correct", "guess"):
        sums[key] = weights @ np.array([clip[key] for clip in counts], dtype=np.float64)
    length = np.array([clip["testlen"] for clip in counts], dtype=np.float64)
    closest = [min((abs(r - t), r) for r in clip["reflen"])[1] for clip, t in zip(counts, length, strict=True)]  # type: ignore[attr-defined]
    ratio = (weights @ length + TINY) / (weights @ np.array(closest, dtype=np.float64) + SMALL)
    precision = np.cumsum(np.log((sums["correct"] + TINY) / (sums["guess"] + SMALL)), axis=1)
    scores: NDArray[np.float64] = np.exp(precision / np.arange(1, 5) + np.minimum(0, 1 - 1 / ratio)[:, None])
    return scores


def rouge_l(candidates: Sequence[str], references: Sequence[Sequence[str]]) -> Found:
    """ROUGE-L of each clip.

    Raises
    ------
    AbsentError
        pycocoevalcap is not installed.
    """
    try:
        from pycocoevalcap.rouge.rouge import Rouge
    except ImportError:
        raise AbsentError(f"the package pycocoevalcap is not installed; {INSTALL}") from None
    scorer = Rouge()
    pairs = zip(candidates, references, strict=True)
    # Split at blanks, nothing is one empty word, which nothing else would match in full.
    values = [float(scorer.calc_score([said], list(refs))) if said else 0.0 for said, refs in pairs]
    return Found(per_clip={"rouge_l": np.array(values)})


def cider_d(candidates: Sequence[str], references: Sequence[Sequence[str]]) -> Found:
    """CIDEr-D of each clip; the idf is that of these references, also in resamples.

    Raises
    ------
    AbsentError
        One clip alone, references without a word, or pycocoevalcap is not installed.
    """
    try:
        from pycocoevalcap.cider.cider_scorer import CiderScorer
    except ImportError:
        raise AbsentError(f"the package pycocoevalcap is not installed; {INSTALL}") from None
    if len(candidates) < 2:
        raise AbsentError(
            "CIDEr-D is undefined for one clip: its idf counts in how many clips a word occurs; score more"
        )
    if not any(text for said in references for text in said):
        raise AbsentError("CIDEr-D is undefined: no reference holds a word")
    scorer = CiderScorer(n=4, sigma=6.0)
    for candidate, said in zip(candidates, references, strict=True):
        scorer += (candidate, list(said))
    return Found(per_clip={"cider_d": np.asarray(scorer.compute_score()[1], dtype=np.float64)})
