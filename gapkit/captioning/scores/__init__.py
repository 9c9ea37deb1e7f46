"""How good captions are: BLEU, ROUGE-L, METEOR, CIDEr-D, SPICE and their kin, embeddings, diversity.

The scorers are those of `pycocoevalcap` where it has them. What each score is stands in `SCORES` and in
``docs/captioning.md``.
"""

from gapkit.captioning.scores.catalogue import SCORES, SETS, Score
from gapkit.captioning.scores.combined import penalised, spider
from gapkit.captioning.scores.comparing import compare_scores
from gapkit.captioning.scores.result import CaptionScores
from gapkit.captioning.scores.scoring import score_captions, score_systems
from gapkit.captioning.scores.tokens import tokenize
from gapkit.captioning.scores.tools import Tools

__all__ = [
    "SCORES",
    "SETS",
    "CaptionScores",
    "Score",
    "Tools",
    "compare_scores",
    "penalised",
    "score_captions",
    "score_systems",
    "spider",
    "tokenize",
]
