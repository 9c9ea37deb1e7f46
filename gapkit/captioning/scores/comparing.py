"""Two systems on the same clips."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from gapkit.captioning.scores.catalogue import SCORES, resolve
from gapkit.captioning.scores.result import CaptionScores
from gapkit.errors import InputError
from gapkit.statistics import PValue, paired_tests

if TYPE_CHECKING:
    import pandas as pd


def compare_scores(
    a: CaptionScores, b: CaptionScores, scores: str | Iterable[str] | None = None, *, p: PValue = "draws"
) -> pd.DataFrame:
    """How far two systems are apart, tested clip by clip on the same resamples.

    Parameters
    ----------
    a, b : CaptionScores
        Of the same clips in the same order, with the same number of draws and the same seed.
    scores : str or iterable of str, optional
        Names of scores or of sets; left out: all that both have with draws.
    p : {"draws", "normal"}
        See `paired_difference`.

    Returns
    -------
    DataFrame
        A row a score: score, a, b, difference (a minus b), low, high (95 % interval), p, p_holm (adjusted over these
        rows), effect (in standard deviations of the clips), better ("a", "b" or "": p_holm below .05), n.

    Raises
    ------
    InputError
        Other clips, tokenizers or draws; a score that one of them lacks; no common score.

    References
    ----------
    Holm (1979), A simple sequentially rejective multiple test procedure.
    """
    import pandas as pd

    if list(a.per_clip.index) != list(b.per_clip.index):
        raise InputError(
            "compare: the two systems were not scored on the same clips in the same order; score both anew"
        )
    if a.tokenizer != b.tokenizer or a.about.get("backend") != b.about.get("backend"):
        raise InputError(f"compare: other tokenizers or backends ({a.tokenizer}; {b.tokenizer}); score both with one")
    shared = [name for name in a.draws if name in b.draws]
    names = shared if scores is None else list(resolve(scores))
    for name in names:
        if name not in shared:
            for side in (a, b):
                _ = side[name]  # says why it is not there
            raise InputError(f"compare: {name} has no draws; score both with draws, or leave it out")
    if not names:
        raise InputError("compare: no score that both systems have with draws; score both with draws")
    if any(a.about.get(key) != b.about.get(key) for key in ("draws", "seed", "groups")):
        raise InputError(
            "compare: other resamples of the clips; score both with one number of draws, one seed and the same groups"
        )
    left, right = np.array([a[name] for name in names]), np.array([b[name] for name in names])
    n = len(a.per_clip)
    units = n if a.groups is None else a.groups.n_effective
    found = paired_tests(left - right, [a.draws[k] for k in names], [b.draws[k] for k in names], n=units, p=p)
    better = [
        _better(name, float(gap), float(adjusted))
        for name, gap, adjusted in zip(names, found["difference"], found["p_holm"], strict=True)
    ]
    return pd.DataFrame({"score": names, "a": left, "b": right, **found, "better": better, "n": n})


def _better(name: str, gap: float, p: float) -> str:
    direction = SCORES[name].better
    if not direction or not p < 0.05:
        return ""
    return "a" if (gap > 0) == (direction == "higher") else "b"
