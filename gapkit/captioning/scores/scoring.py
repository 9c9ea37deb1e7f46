"""`score_captions`: every score of one system, or of several beside each other."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gapkit.captioning.scores import diversity, overlap
from gapkit.captioning.scores.aac import SCORED, aac_scores
from gapkit.captioning.scores.absence import AbsentError
from gapkit.captioning.scores.catalogue import BLEU, DIVERSITY, SCORES, resolve
from gapkit.captioning.scores.combined import combine, with_parts
from gapkit.captioning.scores.found import Found
from gapkit.captioning.scores.material import Material, bring_together, check_training
from gapkit.captioning.scores.meteor import Meteor
from gapkit.captioning.scores.models import Models
from gapkit.captioning.scores.reach import ON_TOKENS
from gapkit.captioning.scores.resampling import Resamples, remarks
from gapkit.captioning.scores.similarity import similarity
from gapkit.captioning.scores.spice import spice
from gapkit.captioning.scores.tokens import Tokenizer, name_of, tokenize
from gapkit.captioning.scores.tools import Tools
from gapkit.encoders.packages import version
from gapkit.errors import InputError
from gapkit.statistics import percentile_interval

if TYPE_CHECKING:
    from gapkit.captioning.scores.result import CaptionScores


BY_MODELS = frozenset(("minilm_sim", "fer", "sbert_sim"))
"""Scores of encoders that run here."""


def score_captions(
    candidates: Mapping[str, str],
    references: Mapping[str, Sequence[str]],
    *,
    scores: str | Iterable[str] = "default",
    tokenizer: Tokenizer = "ptb",
    training: Iterable[str] | None = None,
    common: bool = False,
    tools: Tools | None = None,
    confidence: float = 0.95,
    draws: int = 1000,
    seed: int = 0,
    groups: Mapping[str, str] | None = None,
) -> CaptionScores:
    """Score the captions of one system.

    Parameters
    ----------
    candidates : mapping of str to str
        Caption of each clip, by its id.
    references : mapping of str to sequence of str
        What people said of each clip.
    scores : str or iterable of str
        Names of scores, or of sets of them: default, overlap, diversity, all. See `SCORES`.
    tokenizer : {"ptb", "words"}
        See `tokenize`. Scores with another tokenizer than "ptb" are not those of the literature.
    training : iterable of str, optional
        Captions that the system was trained on, for `novelty`.
    common : bool
        Score the clips that both sides have, with a note; otherwise a clip that only one has is refused.
    tools : Tools, optional
        Programs, jars and weights.
    confidence : float
        Level of the bootstrap intervals over clips.
    draws : int
        Number of resamples; 0 leaves the intervals out.
    seed : int
    groups : mapping of str to str, optional
        Origin of each clip, by its id: ``"rain"``, or ``"rain|dog"`` for several. Clips of one origin are resampled
        together: see `gapkit.statistics.Groups`.

    Returns
    -------
    CaptionScores
        A score that cannot be had is among its `absent`, with the reason and the remedy; it is never replaced.

    Raises
    ------
    InputError
        Unknown names, no clip, clips of one side alone, captions that are not text.
    """
    return score_systems(
        {"": candidates},
        references,
        scores=scores,
        tokenizer=tokenizer,
        training=training,
        common=common,
        tools=tools,
        confidence=confidence,
        draws=draws,
        seed=seed,
        groups=groups,
    )[""]


def score_systems(
    systems: Mapping[str, Mapping[str, str]],
    references: Mapping[str, Sequence[str]] | Mapping[str, Mapping[str, Sequence[str]]],
    *,
    scores: str | Iterable[str] = "default",
    tokenizer: Tokenizer = "ptb",
    training: Iterable[str] | None = None,
    common: bool = False,
    tools: Tools | None = None,
    confidence: float = 0.95,
    draws: int = 1000,
    seed: int = 0,
    groups: Mapping[str, str] | None = None,
) -> dict[str, CaptionScores]:
    """Score several systems: each program is started once for all.

    Parameters
    ----------
    systems : mapping of str to mapping of str to str
        Candidates of each system, by its name.
    references : mapping of str to sequence of str
        The same for all; or such a mapping for each system, by its name.

    common : bool
        Score the clips that all systems and the references have.

    Others as in `score_captions`. Clips stand in the order of the first system.

    Returns
    -------
    dict of str to CaptionScores

    Raises
    ------
    InputError
        As `score_captions`; the message names the system.
    """
    wanted = resolve(scores)
    tools = tools or Tools()
    # Both refuse what they do not know, before the work.
    percentile_interval([], confidence)
    of_words = name_of(tokenizer)
    learned = check_training(training) if training is not None and "novelty" in wanted else []
    material = {
        name: bring_together(said, _references_of(name, references), common=common, name=name, notes=notes)
        for name, (said, notes) in _in_one_order(systems, common=common).items()
    }
    theirs = tuple(name for name in wanted if tools.aac_python is not None and name in SCORED)
    needed = with_parts(name for name in wanted if name not in theirs)
    models = Models(_on_a_device(tools) if needed & BY_MODELS else tools)
    with contextlib.ExitStack() as stack:
        meteor = _start_meteor(tools, stack) if "meteor" in needed else None
        words = _tokens(material.values(), learned, needed, tokenizer, tools)
        known = None if training is None or isinstance(words, AbsentError) else frozenset(words[t] for t in learned)
        weights = Resamples(draws, seed, groups)
        later = _run_meteor(meteor, material, words, weights, stack)
        found: dict[str, Found] = {}
        about = {
            "backend": "pycocoevalcap",
            "pycocoevalcap": version("pycocoevalcap"),
            "gapkit": version("gapkit"),
            "confidence": f"{confidence:g}",
            "draws": f"{draws}",
            "seed": f"{seed}",
        }
        abouts: dict[str, dict[str, str]] = {}
        for name, one in material.items():
            found[name] = _score(one, words, known, needed, tools, models, weights(one.ids))
            abouts[name] = about | (_aac(one, theirs, tools, found[name]) if theirs else {})
        for name, answer in later.items():
            found[name].add(answer if isinstance(answer, Found) else answer.result())

    def result(name: str) -> CaptionScores:
        about = abouts[name]
        by = f"PTB of aac-metrics {about['aac-metrics']}; diversity: {of_words}" if theirs else of_words
        return _result(material[name], found[name], wanted, by, about, confidence, weights)

    return {name: result(name) for name in systems}


def _on_a_device(tools: Tools) -> Tools:
    """With ``auto`` made out; a device that is not here is refused before the work."""
    from gapkit.encoders.hub import pick_device

    return dataclasses.replace(tools, device=pick_device(tools.device, whose="scores"))


def _in_one_order(
    systems: Mapping[str, Mapping[str, str]], *, common: bool
) -> dict[str, tuple[Mapping[str, str], list[str]]]:
    """Candidates of each system, and notes; equal clips in the order of the first, so that resamples are shared.

    With `common` only clips that all systems have.

    Raises
    ------
    InputError
        There is no such clip.
    """
    first = next(iter(systems.values()), {})
    order = [key for key in first if not common or all(key in said for said in systems.values())]
    if first and not order:
        raise InputError(f"candidates of {', '.join(systems)}: expected clips that all have, got none; make ids agree")
    made: dict[str, tuple[Mapping[str, str], list[str]]] = {}
    for name, said in systems.items():
        notes = []
        if common and (others := said.keys() - set(order)):
            example = next(key for key in said if key in others)
            notes.append(f"{len(others):,} candidates that another system lacks were left out (first: {example!r})")
        same = common or said.keys() == first.keys()
        made[name] = ({key: said[key] for key in order} if same else said), notes
    return made


def _references_of(
    name: str, references: Mapping[str, Sequence[str]] | Mapping[str, Mapping[str, Sequence[str]]]
) -> Mapping[str, Sequence[str]]:
    own = references.get(name)
    return own if isinstance(own, Mapping) else references  # type: ignore[return-value]


def _aac(one: Material, theirs: Sequence[str], tools: Tools, found: Found) -> dict[str, str]:
    """Take the scores of aac-metrics; what it is."""
    about = {"backend": "aac-metrics", "aac-metrics": "(unknown)"}

    def scored() -> Found:
        scores, about["aac-metrics"] = aac_scores(one, theirs, tools)
        return scores

    found.add(_tried(theirs, scored))
    return about


Words = dict[str, str] | AbsentError


def _tokens(
    material: Iterable[Material],
    learned: Sequence[str],
    needed: set[str],
    tokenizer: Tokenizer,
    tools: Tools,
) -> Words:
    """Words of all captions in one call; why not, where that fails."""
    if not needed & ON_TOKENS:
        return {}
    texts = [text for one in material for side in (one.candidates, *one.references) for text in side]
    try:
        return tokenize([*texts, *learned], tokenizer, java=tools.java)
    except AbsentError as error:
        return error


def _start_meteor(tools: Tools, stack: contextlib.ExitStack) -> Meteor | AbsentError:
    """METEOR loads for many seconds, in a process of its own: it starts before anything else is done."""
    try:
        return stack.enter_context(Meteor(tools.java))
    except AbsentError as error:
        return error


def _run_meteor(
    meteor: Meteor | AbsentError | None,
    material: Mapping[str, Material],
    words: Words,
    weights: Resamples,
    stack: contextlib.ExitStack,
) -> dict[str, Future[Found]] | dict[str, Found]:
    """METEOR of every system, while the other scores are computed."""
    if meteor is None:
        return {}
    failed = next((part for part in (meteor, words) if isinstance(part, AbsentError)), None)
    if failed is not None or isinstance(meteor, AbsentError) or isinstance(words, AbsentError):
        return {name: Found(absent={"meteor": str(failed)}) for name in material}
    pool = ThreadPoolExecutor(1)
    # The process must end before the thread that reads from it can.
    stack.callback(pool.shutdown)
    stack.callback(meteor.close)
    return {name: pool.submit(_meteor, meteor, one, words, weights(one.ids)) for name, one in material.items()}


def _meteor(meteor: Meteor, one: Material, words: dict[str, str], weights: NDArray[np.float32]) -> Found:
    def scored() -> Found:
        counts = meteor.counts([words[t] for t in one.candidates], [[words[t] for t in s] for s in one.references])
        per_clip, corpus = meteor.scores(counts)
        return Found({"meteor": per_clip}, {"meteor": corpus}, {"meteor": meteor.resampled(counts, weights)})

    return _tried(["meteor"], scored)


def _tried(names: Iterable[str], scorer: Callable[[], Found]) -> Found:
    """What a scorer finds; where it fails its scores are absent, and the others go on."""
    try:
        return scorer()
    except AbsentError as error:
        reason = str(error)
    except Exception as error:  # a scorer of another package may fail in any way; the rest is not lost
        reason = f"failed: {type(error).__name__}: {' '.join(str(error).split())[:200]}"
    return Found(absent=dict.fromkeys(names, reason))


def _score(
    one: Material,
    words: Words,
    known: frozenset[str] | None,
    needed: set[str],
    tools: Tools,
    models: Models,
    weights: NDArray[np.float32],
) -> Found:
    """All scores but METEOR."""
    found = Found()
    for names, scorer in _scorers(one, words, known, tools, models, weights):
        asked = [name for name in names if name in needed]
        if asked:
            found.add(_tried(asked, scorer))
    return found


def _scorers(
    one: Material,
    words: Words,
    known: frozenset[str] | None,
    tools: Tools,
    models: Models,
    weights: NDArray[np.float32],
) -> Iterator[tuple[tuple[str, ...], Callable[[], Found]]]:
    """Names, and what gives them."""

    def on_words(scorer: Callable[[list[str], list[list[str]]], Found]) -> Callable[[], Found]:
        def scored() -> Found:
            if isinstance(words, AbsentError):
                raise words
            return scorer([words[t] for t in one.candidates], [[words[t] for t in said] for said in one.references])

        return scored

    yield BLEU, on_words(lambda c, r: overlap.bleu(c, r, weights))
    yield ("rouge_l",), on_words(overlap.rouge_l)
    yield ("cider_d",), on_words(overlap.cider_d)
    yield ("spice",), on_words(lambda c, r: spice(c, r, tools))
    yield DIVERSITY[:-1], on_words(diversity.vocabulary)
    yield ("self_bleu_4",), on_words(lambda c, _: diversity.self_bleu_4(c))
    yield ("novelty",), on_words(lambda c, _: diversity.novelty(c, known))
    yield ("minilm_sim",), lambda: Found({"minilm_sim": similarity(one.candidates, one.references, models.minilm)})
    yield ("fer",), lambda: Found({"fer": models.fluency.errors(one.candidates)})
    yield ("sbert_sim",), lambda: Found({"sbert_sim": similarity(one.candidates, one.references, models.sbert)})


def _means_of_some(
    values: NDArray[np.float64], known: NDArray[np.bool_], weights: NDArray[np.float32]
) -> tuple[float, NDArray[np.float64]]:
    """Mean over the clips that have a score, of all and of each resample."""
    if not known.any():
        return float("nan"), np.full(len(weights), np.nan)
    own = weights[:, known].astype(np.float64)
    with np.errstate(invalid="ignore"):
        return float(values[known].mean()), own @ values[known] / own.sum(axis=1)


def _left_out(name: str, known: NDArray[np.bool_]) -> str:
    missing = len(known) - int(known.sum())
    return f"{SCORES[name].label} is undefined for {missing:,} of {len(known):,} clips, which its mean leaves out"


def _result(
    one: Material,
    found: Found,
    wanted: tuple[str, ...],
    tokenizer: str,
    about: dict[str, str],
    confidence: float,
    resamples: Resamples,
) -> CaptionScores:
    import pandas as pd

    from gapkit.captioning.scores.result import CaptionScores

    weights, groups = resamples(one.ids), resamples.groups(one.ids)
    found.add(combine(found, wanted))
    per_clip = {name: found.per_clip[name] for name in wanted if name in found.per_clip}
    means = [name for name in per_clip if name not in found.corpus]
    draws = {name: found.draws[name] for name in wanted if name in found.draws and len(weights)}
    if means and len(weights):
        table = weights @ np.stack([per_clip[name] for name in means], axis=1) / len(one.ids)
        draws |= {name: table[:, place] for place, name in enumerate(means)}
    known = {name: np.isfinite(values) for name, values in per_clip.items()}
    some = [name for name in means if not known[name].all()]
    for name in some:
        found.corpus[name], own = _means_of_some(per_clip[name], known[name], weights)
        if len(weights):
            draws[name] = own
    rows = []
    for name in wanted:
        if name in found.corpus or name in per_clip:
            value = found.corpus[name] if name in found.corpus else float(per_clip[name].mean())
            low, high = percentile_interval(draws.get(name, ()), confidence)
            rows.append((name, value, low, high, int(known[name].sum()) if name in some else len(one.ids)))
    return CaptionScores(
        per_clip=pd.DataFrame(per_clip, index=pd.Index(one.ids, name="id")),
        corpus=pd.DataFrame(rows, columns=["score", "value", "ci_low", "ci_high", "n"]),
        absent={name: found.absent[name] for name in SCORES if name in wanted and name in found.absent},
        tokenizer=tokenizer,
        notes=(*one.notes, *(_left_out(name, known[name]) for name in some), *remarks(groups)),
        about=about if groups is None else {**about, "groups": groups.summary},
        draws={name: draws[name] for name in wanted if name in draws},
        groups=groups,
    )
