"""Which clips fit a bridge while it is tuned, which stop its training, and which score it."""

from __future__ import annotations

from dataclasses import dataclass

from gapkit.comparison.config import StudyConfig
from gapkit.comparison.splits import HELD_OUT, hold_out, named_part, split_parts, unit_pairs, without_test
from gapkit.embeddings import PairedEmbeddings
from gapkit.errors import InputError


@dataclass(frozen=True)
class TuningParts:
    """The three parts of a search; the test split is in none of them.

    Parameters
    ----------
    fit : PairedEmbeddings
    stopping : PairedEmbeddings or None
        Clips of the fit split that a training may stop by. None where there are too few to spare any.
    scoring : PairedEmbeddings
        The validation split: it is scored, and never seen by a fit. Were it the one that training stops by, settings
        that stop early would score too well.
    rule : str
        How the parts came about, in a few words; part of the identity of a search.
    content_hash : str
        Of all clips that the search may see.
    """

    fit: PairedEmbeddings
    stopping: PairedEmbeddings | None
    scoring: PairedEmbeddings
    rule: str
    content_hash: str


def tuning_parts(pairs: PairedEmbeddings, config: StudyConfig) -> TuningParts:
    """Part the clips as a study would, leave the test clips out, and hold the stopping clips out of the fit split.

    Raises
    ------
    InputError
        No fit split, or too few clips.
    """
    seen = without_test(pairs, config)
    content_hash = seen.content_hash()
    fit, scoring, rule = _fit_and_scoring(seen, config)
    if min(len(fit), len(scoring)) < 2:
        raise InputError(
            f"{pairs.name}: expected at least 2 clips to fit and 2 to score, got {len(fit)} and {len(scoring)}; "
            "give more clips or a larger validation split"
        )
    held, rest = hold_out(fit, seed=config.seed)
    if held is None:
        return TuningParts(fit, None, scoring, f"{rule}; none to stop by", content_hash)
    return TuningParts(rest, held, scoring, f"{rule}; {HELD_OUT:.0%} of the fitted clips to stop by", content_hash)


def _fit_and_scoring(pairs: PairedEmbeddings, config: StudyConfig) -> tuple[PairedEmbeddings, PairedEmbeddings, str]:
    if pairs.split is None:
        parts = split_parts(pairs, config)
        if parts.validation is None:
            raise InputError(f"{pairs.name}: too few clips to draw a validation part from; give more clips or a split")
        return parts.fit, parts.validation, parts.rule
    if config.normalise:
        pairs = unit_pairs(pairs)
    fit = named_part(pairs, config.fit_split)
    if config.validation_split in pairs.splits:
        scoring = pairs.subset(config.validation_split)
        return fit, scoring, f"splits {config.fit_split}, {config.validation_split} of the data"
    held, rest = hold_out(fit, seed=config.seed)
    if held is None:
        raise InputError(
            f"{pairs.name}: no split {config.validation_split!r}, and too few clips in {config.fit_split!r} to hold "
            "some out; give more clips or a validation split"
        )
    return rest, held, f"no split {config.validation_split}: {HELD_OUT:.0%} of {config.fit_split} held out to score"
