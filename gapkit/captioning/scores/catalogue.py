"""The scores of captions: what each is, its range and direction, what it misses, where it comes from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from gapkit.errors import InputError
from gapkit.registry import nearest_of

Better = Literal["higher", "lower", ""]


@dataclass(frozen=True)
class Score:
    """What is known about one score.

    Parameters
    ----------
    name : str
    label : str
        As tables call it.
    range : tuple of float
    better : {"higher", "lower", ""}
        Empty where neither is.
    definition, misses, reference : str
    per_clip : bool
        Whether a clip has one of its own; otherwise it is of the whole set alone.
    """

    name: str
    label: str
    range: tuple[float, float]
    better: Better
    definition: str
    misses: str
    reference: str
    per_clip: bool = True

    def shown(self, value: float) -> str:
        """The value as tables print it: times 100, a count as it is.

        Examples
        --------
        >>> SCORES["cider_d"].shown(0.2967), SCORES["words"].shown(9.254), SCORES["vocabulary"].shown(12345.0)
        ('29.7', '9.254', '12345')
        """
        if self.range[1] == _INFINITE:
            return f"{value:.0f}" if value >= 9999.5 else f"{value:.4g}"
        return f"{100 * value:.1f}"


_INFINITE = float("inf")
_PAPINENI = "Papineni et al. (2002), BLEU"
_FENSE = "Zhou et al. (2022), Can audio captions be evaluated with image caption metrics?"


def _bleu(n: int) -> Score:
    words = {1: "words", 2: "runs of up to 2 words", 3: "runs of up to 3 words", 4: "runs of up to 4 words"}[n]
    return Score(
        f"bleu_{n}",
        f"BLEU-{n}",
        (0.0, 1.0),
        "higher",
        f"Precision of {words} against all references, times a penalty for being short; of the set, not a mean.",
        "synonyms, meaning; on one clip it is coarse" + (", 0 where no run of 4 matches" if n == 4 else ""),
        _PAPINENI,
    )


_ALL = (
    *(_bleu(n) for n in (1, 2, 3, 4)),
    Score(
        "rouge_l",
        "ROUGE-L",
        (0.0, 1.0),
        "higher",
        "F-measure (beta 1.2) of the longest common subsequence, best precision and best recall over the references.",
        "synonyms, meaning, order that differs",
        "Lin (2004), ROUGE",
    ),
    Score(
        "meteor",
        "METEOR",
        (0.0, 1.0),
        "higher",
        "Alignment by word, stem, synonym and paraphrase to the best reference, less a penalty for broken order; "
        "of the set from summed counts, not a mean.",
        "languages other than English",
        "Denkowski & Lavie (2014), METEOR universal",
    ),
    Score(
        "cider_d",
        "CIDEr-D",
        (0.0, 10.0),
        "higher",
        "Cosine of tf-idf weighted runs of 1 to 4 words, mean over references; idf from the references of the set.",
        "synonyms; it depends on the set: other clips, other idf; undefined for one clip",
        "Vedantam et al. (2015), CIDEr",
    ),
    Score(
        "spice",
        "SPICE",
        (0.0, 1.0),
        "higher",
        "F-measure of the objects, attributes and relations parsed out of the captions.",
        "fluency; order of events in time",
        "Anderson et al. (2016), SPICE",
    ),
    Score(
        "spider",
        "SPIDEr",
        (0.0, 5.5),
        "higher",
        "(CIDEr-D + SPICE) / 2.",
        "what both miss; CIDEr-D decides, its numbers are larger",
        "Liu et al. (2017), SPIDEr",
    ),
    Score(
        "fer",
        "Fluency errors",
        (0.0, 1.0),
        "lower",
        "Share of captions in which the error detector of FENSE sees an error with probability above .9.",
        "errors unlike those that it was trained on",
        _FENSE,
    ),
    Score(
        "spider_fl",
        "SPIDEr-FL",
        (0.0, 5.5),
        "higher",
        "SPIDEr, times .1 where the error detector sees an error.",
        "as SPIDEr and fer",
        "DCASE 2023, task 6a",
    ),
    Score(
        "sbert_sim",
        "Sentence-BERT",
        (-1.0, 1.0),
        "higher",
        "Mean cosine to the references in the sentence encoder of FENSE.",
        "fluency; negation and order",
        _FENSE,
    ),
    Score(
        "fense",
        "FENSE",
        (-1.0, 1.0),
        "higher",
        "sbert_sim, times .1 where the error detector sees an error.",
        "as sbert_sim and fer",
        _FENSE,
    ),
    Score(
        "minilm_sim",
        "MiniLM",
        (-1.0, 1.0),
        "higher",
        "Mean cosine to the references in all-MiniLM-L6-v2. Not FENSE: another encoder, no error detector.",
        "fluency; negation and order",
        "Reimers & Gurevych (2019), Sentence-BERT",
    ),
    Score(
        "words",
        "Words",
        (0.0, _INFINITE),
        "",
        "Words a caption.",
        "everything but length",
        "–",
    ),
    Score(
        "vocabulary",
        "Vocabulary",
        (0.0, _INFINITE),
        "",
        "Number of different words of all captions.",
        "quality; grows with the number of clips",
        "–",
        per_clip=False,
    ),
    Score(
        "vocabulary_ratio",
        "Vocabulary ratio",
        (0.0, _INFINITE),
        "",
        "Different words of all captions per different word of all references.",
        "quality; several references a clip have more words than one caption can",
        "–",
        per_clip=False,
    ),
    Score(
        "distinct_1",
        "Distinct-1",
        (0.0, 1.0),
        "",
        "Different words per word of all captions.",
        "quality; falls with the number of clips",
        "Li et al. (2016), A diversity-promoting objective",
        per_clip=False,
    ),
    Score(
        "distinct_2",
        "Distinct-2",
        (0.0, 1.0),
        "",
        "Different runs of 2 words per run of 2 words of all captions.",
        "quality; falls with the number of clips",
        "Li et al. (2016), A diversity-promoting objective",
        per_clip=False,
    ),
    Score(
        "distinct_captions",
        "Distinct captions",
        (0.0, 1.0),
        "",
        "Different captions per caption.",
        "quality; captions that differ by a word",
        "–",
        per_clip=False,
    ),
    Score(
        "self_bleu_4",
        "Self-BLEU-4",
        (0.0, 1.0),
        "",
        "Mean over captions of BLEU-4 against the captions of all other clips: high where all say the same.",
        "quality; rises with the number of clips",
        "Zhu et al. (2018), Texygen",
    ),
    Score(
        "novelty",
        "Novelty",
        (0.0, 1.0),
        "",
        "Share of captions that are not, word for word, a training caption.",
        "captions copied but for a word",
        "–",
    ),
)
SCORES: dict[str, Score] = {score.name: score for score in _ALL}
"""Every score by its name, in the order of tables."""

BLEU = ("bleu_1", "bleu_2", "bleu_3", "bleu_4")
OVERLAP = (*BLEU, "rouge_l", "cider_d")
"""Scores that are arithmetic on tokens."""

DIVERSITY = ("words", "vocabulary", "vocabulary_ratio", "distinct_1", "distinct_2", "distinct_captions", "self_bleu_4")

SETS = {
    "default": (*BLEU, "rouge_l", "meteor", "cider_d", "spice", "spider", "spider_fl", "fense", *DIVERSITY),
    "overlap": OVERLAP,
    "diversity": (*DIVERSITY, "novelty"),
    "all": tuple(SCORES),
}
"""Names of several scores at once. The default leaves out what needs another encoder or the training captions."""


def resolve(scores: str | Iterable[str]) -> tuple[str, ...]:
    """Names of scores, in the order of tables, from names of scores and of sets.

    Raises
    ------
    InputError
        A name that is neither; the nearest are offered.
    """
    asked = [scores] if isinstance(scores, str) else list(scores)
    chosen: set[str] = set()
    for name in asked:
        if name in SETS:
            chosen.update(SETS[name])
        elif name in SCORES:
            chosen.add(name)
        else:
            raise InputError(f"unknown caption score {name!r}: {nearest_of(name, [*SETS, *SCORES])}")
    if not chosen:
        raise InputError(f"no caption score was asked for; known: {', '.join([*SETS, *SCORES])}")
    return tuple(name for name in SCORES if name in chosen)
