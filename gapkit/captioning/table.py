"""The results of a caption study in rows and columns, as people read them."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from gapkit.captioning.results import ROW, CaptionResults
from gapkit.captioning.scores.catalogue import SCORES
from gapkit.report.markdown import escape


def caption_table(
    results: CaptionResults, scores: Sequence[str] | None = None, *, score: str = "cider_d"
) -> list[dict[str, str]]:
    """One record a row of the study.

    Parameters
    ----------
    results : CaptionResults
    scores : sequence of str, optional
        Columns; left out: all.
    score : str
        The one that is shown with its interval and with its gain over no bridge.

    Returns
    -------
    list of dict
        protocol, training, bridge, gain (in per cent, with its 95 % interval), then the scores times 100, counts as
        they are.
    """
    summary, gains = results.summary(), results.gains(score)
    names = [name for name in dict.fromkeys(summary["score"]) if scores is None or name in scores]
    names.sort(key=lambda name: name != score)
    rows = []
    for keys, own in summary.groupby(ROW, sort=False):
        found = gains[(gains[ROW] == list(keys)).all(axis=1)]
        values = own.set_index("score")
        row = dict(zip(ROW, map(str, keys), strict=True))
        row["gain"] = "" if found.empty else _gain(found.iloc[0])
        for name in names:
            row[name] = "" if name not in values.index else _value(values.loc[name], interval=name == score)
        rows.append(row)
    return rows


def to_markdown(rows: Sequence[dict[str, str]]) -> str:
    """Records as a Markdown table."""
    if not rows:
        return ""
    heads = list(rows[0])
    lines = ["| " + " | ".join(map(escape, heads)) + " |", "|" + "---|" * len(heads)]
    lines += ["| " + " | ".join(escape(row[head]) for head in heads) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def _value(row: pd.Series, *, interval: bool) -> str:
    if pd.isna(row["value"]):
        return ""
    shown = SCORES[str(row.name)].shown
    text = shown(row["value"])
    if not interval or pd.isna(row["ci_low"]):
        return text
    return f"{text} [{shown(row['ci_low'])}, {shown(row['ci_high'])}]"


def _gain(row: pd.Series) -> str:
    if pd.isna(row["gain"]):
        return ""
    # Without a bridge a resample may score nothing, and what is gained over that is no number.
    known = "" if pd.isna(row["low"]) else f" [{row['low']:+.1%}, {row['high']:+.1%}]"
    return f"{row['gain']:+.1%}{known}"
