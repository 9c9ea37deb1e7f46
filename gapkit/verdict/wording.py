"""The verdict in words: sentences made from the record of its numbers, none of them typed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from gapkit.report import Column, Entry
from gapkit.statistics import Difference
from gapkit.verdict.aims import LACKING, Aim, Help
from gapkit.verdict.doubt_wording import doubt_in_words
from gapkit.verdict.evidence import SHIFT
from gapkit.verdict.gap import Gap, Opening
from gapkit.verdict.phrases import column_name, interval, listed, percent, percent_entry, seconds
from gapkit.verdict.recommending import KEEP, Choice, Recommendation
from gapkit.verdict.record import Judgement

PURPOSE: dict[Aim, str] = {
    "closure": "bringing the two clouds together",
    "retrieval": "retrieval between the two sides",
    "pool": "retrieval in one pool of both sides",
    "classes": "telling classes",
}
HEAD: dict[Aim, str] = {"closure": "Closure", "retrieval": "Retrieval", "pool": "One pool", "classes": "Classes"}
NAMED = 3
"""Names that a sentence lists; of more it gives the number."""

Line = tuple[str, str]


def lines_of(verdict: Judgement) -> tuple[Line, ...]:
    """All lines of the verdict: the answer first, then what it stands on, then what not to believe.

    What is missing of the study itself goes before all.
    """
    return (
        *(("Beware", text) for text in verdict.remarks),
        ("Take", _recommended(verdict)),
        *_gap(verdict),
        *(line for own in verdict.helps for line in _helped(verdict, own)),
        *verdict.besides,
        *_absent(verdict),
        *(("Beware", doubt_in_words(own, verdict.columns)) for own in verdict.doubts),
    )


def _recommended(verdict: Judgement) -> str:
    own = verdict.recommendation
    purpose = PURPOSE[own.aim]
    if own.choice is not None:
        return " ".join(text for text in _chosen(verdict, own, own.choice) if text)
    if own.best is None:
        return {
            "no bridges": "No bridge was measured, so none can be recommended.",
            "not measured": f"Nothing can be said on {purpose}: ask for {LACKING[own.aim]}.",
            "no gap": "No bridge: there is no gap to close, beyond what two samples of targets read.",
        }[own.reason]
    most = _did(verdict, own, own.best)
    if own.reason == "no tests":
        return f"It cannot be said which bridge is the best: there are no paired tests. In value {most}."
    if own.reason == "none closes":
        return f"No bridge: none closes the gap by more than chance. In value {most}."
    if own.reason == "none keeps":
        return (
            f"No bridge: none both closes the gap by more than chance and keeps {percent(KEEP)} of R@10 within its "
            f"interval. {_closest(verdict, own)}"
        )
    told = f"No bridge: for {purpose} none is measurably better. First in value: {most}, "
    told += f"a difference of {_added(verdict, own)} from no bridge."
    return f"{told} {_could_show(verdict, own)}".strip() if own.alike else told


def _chosen(verdict: Judgement, own: Recommendation, choice: Choice) -> Iterator[str]:
    yield f"{_did(verdict, own, choice, opening=f'{choice.bridge}, for {PURPOSE[own.aim]}: it')}{_price(choice)}."
    keeping = " that keep R@10" if own.aim == "closure" and math.isfinite(choice.kept.value) else ""
    if own.reason == "only":
        enough = f" and has {percent(KEEP)} of R@10 within its interval" if keeping else ""
        yield f"It is the only bridge of the study that closes the gap{enough}."
    elif own.reason == "best":
        yield f"It is measurably better than the other {own.held - 1} bridges{keeping}."
    elif own.alike == own.held:
        yield f"The {own.held} bridges{keeping} cannot be told apart, and it is the simplest of them."
    else:
        yield f"It is the simplest of {own.alike} that cannot be told from the best of {own.held} bridges{keeping}."
    if own.best is not None and own.adds is not None:
        yield f"{own.best.bridge} would add {_added(verdict, own)}{_price(own.best)}."
    if own.alike > 1:
        yield _could_show(verdict, own)
    if own.beyond is not None:
        yield f"{_did(verdict, own, own.beyond)}, which is too little."


def _closest(verdict: Judgement, own: Recommendation) -> str:
    """The bridge that closes most, and the one that keeps most among those that close."""
    told = [f"{_did(verdict, own, choice)}{_price(choice)}" for choice in (own.best, own.beyond) if choice is not None]
    return f"{'; '.join(told)}."


def _did(verdict: Judgement, own: Recommendation, choice: Choice, *, opening: str = "") -> str:
    """What a bridge does: closes and keeps, or its value of the metric."""
    who = opening or choice.bridge
    if own.aim == "closure":
        keeps = f" and keeps {percent_entry(choice.kept)} of R@10" if math.isfinite(choice.kept.value) else ""
        return f"{who} closes {percent_entry(choice.value)} of the gap{keeps}"
    column = _column(verdict, own.aim)
    return f"{who} has {column_name(column)} {_valued(column, choice.value)}"


def _price(choice: Choice) -> str:
    return f", in {seconds(choice.seconds)}" if math.isfinite(choice.seconds) else ""


def _added(verdict: Judgement, own: Recommendation) -> str:
    """The difference of the best from the choice, with its interval."""
    assert own.adds is not None
    if own.aim == "closure":
        return f"{_points(own.adds)} of the gap"
    column = _column(verdict, own.aim)
    sign = 1.0 if column.better == "higher" else -1.0
    low, high = sorted((sign * own.adds.low, sign * own.adds.high))
    return _valued(column, Entry(sign * own.adds.value, low, high))


def _could_show(verdict: Judgement, own: Recommendation) -> str:
    """The difference that this many items show."""
    if not math.isfinite(own.shows) or own.shows <= 0:
        return ""
    if own.aim == "closure":
        what = f"{percent(own.shows)} of the gap"
    else:
        column = _column(verdict, own.aim)
        what = f"{column.text(own.shows)} of {column_name(column)}"
    return f"{verdict.n:,} items show a difference of {what} and more."


def _points(own: Difference) -> str:
    return percent_entry(Entry(own.value, own.low, own.high))


def _gap(verdict: Judgement) -> Iterator[Line]:
    gap = verdict.gap
    if gap.there is None:
        return
    told = [_opening(verdict, own) for own in gap.openings if own.open or not gap.there][:NAMED]
    sides = {own.floor.n for own in gap.openings if own.floor is not None}
    floor = f"; the floor: {min(sides):,} targets against {min(sides):,} others" if sides else ""
    said = [f"{'There is a gap' if gap.there else 'No gap beyond chance'}: {', '.join(told)}{floor}."]
    if gap.there and math.isfinite(gap.shift):
        said += list(_kind(gap))
    yield "Gap", " ".join(said)


def _opening(verdict: Judgement, own: Opening) -> str:
    column = verdict.columns[own.metric]
    text = f"{column_name(column)} {_valued(column, own.own)}"
    if own.floor is None:
        return text
    return f"{text} (floor {column.text(own.floor.value)})"


def _kind(gap: Gap) -> Iterator[str]:
    whole = f", of {percent(gap.most)} that any bridge closes" if gap.most > gap.shift else ""
    yield f"A mean shift alone closes {percent(gap.shift)}{whole}."
    more = [own for own in gap.parts if own.measurable]
    if more:
        yield f"Beside the offset {listed([f'{own.kind} ({own.bridge}) adds {_points(own.adds)}' for own in more])}."
    elif gap.parts:
        kinds = listed([own.kind for own in gap.parts], joint="or")
        yield f"The gap is an offset: nothing beside it can be shown ({kinds})."
    if gap.missing and gap.missing != (SHIFT,):
        yield f"Not asked: {listed(gap.missing)}."


def _helped(verdict: Judgement, own: Help) -> Iterator[Line]:
    """Whether bridges help for an aim; that of the recommendation has said its own part."""
    if own.gain is None:
        return
    total = len(own.better) + len(own.worse) + len(own.alike)
    if own.aim == "closure":
        if total > 1:
            close = f"{_who(own.better, total, 'close')} the gap by more than chance"
            wider = f", {len(own.worse)} widen it" if own.worse else ""
            yield HEAD[own.aim], f"{close}{wider}; in value {own.best} closes most, {percent_entry(own.value)}."
        return
    column = _column(verdict, own.aim)
    start = f"{column_name(column, start=True)} is {_valued(column, own.start)} without a bridge"
    told = [
        text
        for names, text in ((own.better, "better"), (own.worse, "worse"), (own.alike, "not measurably different"))
        for text in ([f"{text} with {_names(names, total)}"] if names else [])
    ]
    yield HEAD[own.aim], f"{start}: {'; '.join(told)}."


def _who(names: Sequence[str], total: int, verb: str) -> str:
    many = {0: f"None of {total} bridges", total: f"All {total} bridges"}.get(
        len(names), f"{len(names)} of {total} bridges"
    )
    return f"{many} {verb if len(names) > 1 else f'{verb}s'}"


def _names(names: Sequence[str], total: int) -> str:
    if len(names) > NAMED:
        return f"{'all' if len(names) == total else len(names)} {'' if len(names) == total else f'of {total} '}bridges"
    return listed(names)


def _absent(verdict: Judgement) -> Iterator[Line]:
    """One line for all aims that were not measured; the one that was asked for is told with the recommendation."""
    own = [f"{PURPOSE[aim]} ({LACKING[aim]})" for aim in verdict.absent if aim != verdict.aim]
    if own:
        yield "Unknown", f"Not measured: {'; '.join(own)}."


def _column(verdict: Judgement, aim: Aim) -> Column:
    return verdict.columns[next(own.metric for own in verdict.helps if own.aim == aim)]


def _valued(column: Column, own: Entry) -> str:
    ends = f" {interval(column.text(own.low), column.text(own.high))}" if own.has_interval else ""
    return f"{column.text(own.value)}{ends}"
