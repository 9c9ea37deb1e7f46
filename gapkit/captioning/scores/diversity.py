"""What the captions are like as a set: their words, how often they repeat each other, whether they are new."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence

import numpy as np

from gapkit.captioning.scores.absence import AbsentError
from gapkit.captioning.scores.found import Found
from gapkit.captioning.scores.java import INSTALL
from gapkit.captioning.scores.tokens import words_of

Run = tuple[str, ...]


def vocabulary(candidates: Sequence[str], references: Sequence[Sequence[str]]) -> Found:
    """Words, vocabulary, distinct runs and distinct captions.

    Parameters
    ----------
    candidates : sequence of n str
        Words, joined by blanks.
    references : sequence of n sequences of str
    """
    words = [words_of(text) for text in candidates]
    spoken = {word for clip in words for word in clip}
    known = {word for said in references for text in said for word in words_of(text)}
    found = Found(per_clip={"words": np.array([len(clip) for clip in words], dtype=np.float64)})
    found.corpus = {"vocabulary": float(len(spoken)), "distinct_captions": len(set(candidates)) / len(candidates)}
    shares = {
        "vocabulary_ratio": (len(spoken), len(known), "no reference holds a word"),
        "distinct_1": (*_distinct(words, 1), "no candidate holds a word"),
        "distinct_2": (*_distinct(words, 2), "no candidate holds two words"),
    }
    for name, (part, whole, reason) in shares.items():
        if whole:
            found.corpus[name] = part / whole
        else:
            found.absent[name] = f"undefined: {reason}"
    return found


def self_bleu_4(candidates: Sequence[str]) -> Found:
    """BLEU-4 of each caption against those of all other clips, by pycocoevalcap's arithmetic.

    The work grows with the number of words: of all other captions BLEU asks only how often one of them has a run, at
    most, and which is closest in length.

    Raises
    ------
    AbsentError
        One clip alone, or pycocoevalcap is not installed.
    """
    try:
        from pycocoevalcap.bleu.bleu_scorer import BleuScorer, cook_test, precook
    except ImportError:
        raise AbsentError(f"the package pycocoevalcap is not installed; {INSTALL}") from None
    if len(candidates) < 2:
        raise AbsentError("self-BLEU is undefined for one clip: there is no other to hold it against; score more")
    cooked = [precook(text) for text in candidates]
    most: dict[Run, tuple[int, int, int]] = {}
    for place, (_, counts) in enumerate(cooked):
        for run, count in counts.items():
            first, second, whose = most.get(run, (0, 0, -1))
            most[run] = (count, first, place) if count > first else (first, max(second, count), whose)
    lengths = Counter(length for length, _ in cooked)
    scorer = BleuScorer(n=4)
    for place, (text, (length, counts)) in enumerate(zip(candidates, cooked, strict=True)):
        others = [other for other, clips in lengths.items() if clips > (other == length)]
        elsewhere = {run: most[run][1] if most[run][2] == place else most[run][0] for run in counts}
        scorer.ctest.append(cook_test(text, (others, elsewhere)))
        scorer.crefs.append(None)
    _, per_clip = scorer.compute_score(option="closest")
    return Found(per_clip={"self_bleu_4": np.array(per_clip[3])})


def novelty(candidates: Sequence[str], training: Collection[str] | None) -> Found:
    """Whether each caption is none of the training captions, 1 or 0; the words count, not case or punctuation.

    Raises
    ------
    AbsentError
        No training captions were given.
    """
    if training is None:
        raise AbsentError("needs the captions that the system was trained on; give them (training)")
    known = frozenset(training)
    return Found(per_clip={"novelty": np.array([float(text not in known) for text in candidates])})


def _distinct(words: Iterable[Sequence[str]], n: int) -> tuple[int, int]:
    runs = Counter(tuple(clip[i : i + n]) for clip in words for i in range(len(clip) - n + 1))
    return len(runs), runs.total()
