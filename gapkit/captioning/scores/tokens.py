"""From captions to words.

Scores change with the tokenizer: `ptb`, that of the field, is the default, and a result names the one that was used.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Literal

from gapkit.captioning.scores.absence import AbsentError
from gapkit.captioning.scores.java import INSTALL, UTF8, complaint, find_java, jar
from gapkit.errors import InputError

Tokenizer = Literal["ptb", "words"]

NAMES: dict[str, str] = {
    "ptb": "PTBTokenizer of Stanford CoreNLP 3.4.1 (pycocoevalcap), lower case, no punctuation",
    "words": "words: lower case, runs of letters and digits (gapkit); not the PTB tokenizer of published scores",
}
"""What a result calls each tokenizer."""

_WORD = re.compile(r"\w+(?:['’]\w+)*", re.UNICODE)


def tokenize(texts: Iterable[str], tokenizer: Tokenizer = "ptb", *, java: str | Path | None = None) -> dict[str, str]:
    """Words of each caption, joined by blanks.

    Parameters
    ----------
    texts : iterable of str
        Equal ones are read once.
    tokenizer : {"ptb", "words"}
        "ptb": the Penn Treebank tokenizer of Stanford CoreNLP 3.4.1 as `pycocoevalcap` carries and calls it: lower
        case, punctuation removed; one Java process for all. "words": lower case, runs of letters and digits; no Java.
    java : path, optional
        The java program.

    Returns
    -------
    dict of str to str
        By caption.

    Raises
    ------
    AbsentError
        Java or pycocoevalcap is missing, or Java stopped.
    InputError
        Unknown tokenizer.

    Examples
    --------
    >>> tokenize(["A dog's bark, twice!"], "words")
    {"A dog's bark, twice!": "a dog's bark twice"}
    """
    name_of(tokenizer)
    different = list(dict.fromkeys(texts))
    if not different:
        return {}
    read: Callable[[Sequence[str]], list[str]] = _words if tokenizer == "words" else lambda t: _ptb(t, java)
    return dict(zip(different, read(different), strict=True))


def name_of(tokenizer: Tokenizer) -> str:
    """What a result calls the tokenizer.

    Raises
    ------
    InputError
        Unknown tokenizer.
    """
    if tokenizer not in NAMES:
        raise InputError(f"tokenizer: expected one of {', '.join(NAMES)}, got {tokenizer!r}")
    return NAMES[tokenizer]


def words_of(tokens: str) -> list[str]:
    """Words of one tokenized caption; blanks alone part them, for the PTB token of "3 1/2" holds a no-break space."""
    return [word for word in tokens.split(" ") if word]


def _words(texts: Sequence[str]) -> list[str]:
    return [" ".join(_WORD.findall(text.lower())) for text in texts]


def _ptb(texts: Sequence[str], java: str | Path | None) -> list[str]:
    try:
        from pycocoevalcap.tokenizer.ptbtokenizer import PUNCTUATIONS, STANFORD_CORENLP_3_4_1_JAR
    except ImportError:
        raise AbsentError(f"the package pycocoevalcap is not installed; {INSTALL}") from None
    command = [find_java(java), *UTF8, "-cp", str(jar("tokenizer", STANFORD_CORENLP_3_4_1_JAR))]
    command += ["edu.stanford.nlp.process.PTBTokenizer", "-preserveLines", "-lowerCase", "-encoding", "UTF-8"]
    # One line a caption: a line break inside of one would shift all that follow. Other blanks are the tokenizer's.
    lines = "".join(" ".join(text.splitlines()) + "\n" for text in texts)
    try:
        done = subprocess.run(command, input=lines.encode(errors="replace"), capture_output=True, check=False)
    except OSError as error:
        raise AbsentError(f"Java could not be started ({error.strerror}); check {command[0]}") from None
    read = done.stdout.decode(errors="replace").split("\n")[:-1]
    if done.returncode != 0 or len(read) != len(texts):
        raise AbsentError(
            f"the PTB tokenizer stopped after {len(read):,} of {len(texts):,} captions (exit {done.returncode}, said: "
            f"{complaint(done.stderr)}); run again, or choose the tokenizer `words`"
        )
    removed = frozenset(PUNCTUATIONS)
    return [" ".join(word for word in words_of(line) if word not in removed) for line in read]
