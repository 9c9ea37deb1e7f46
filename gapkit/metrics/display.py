"""A row of measures as text and as HTML."""

from __future__ import annotations

import html
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from gapkit.metrics.registry import METRICS, Metric

if TYPE_CHECKING:
    from gapkit.metrics.measures import Estimate, Measures

STYLE = "text-align:right;font-variant-numeric:tabular-nums"


def to_text(measures: Measures) -> str:
    """A table of three columns in blocks, one a group, and below it what is undefined or left out."""
    rows = {group: [_cells(m, e) for m, e in own] for group, own in _groups(measures).items()}
    cells = [row for own in rows.values() for row in own]
    label = max(map(len, [*rows, *(name for name, _, _ in cells)]), default=0)
    value = max(map(len, ["value", *(text for _, text, _ in cells)]))
    spread = any(interval for _, _, interval in cells)
    width = label + 2 + value + (2 + max(len(interval) for _, _, interval in cells) if spread else 0)
    lines = [measures.title, ""] if measures.title else []
    for group, own in rows.items():
        lines.append(f"{group:{label}}  {'value':>{value}}{'  95 % interval' if spread else ''}")
        lines.append("─" * width)
        lines += [f"{name:{label}}  {text:>{value}}  {interval}".rstrip() for name, text, interval in own]
        lines.append("")
    lines += _notes(measures)
    return "\n".join(lines).rstrip()


def to_html(measures: Measures) -> str:
    """The same as an HTML table; what a metric means shows where the pointer rests on its name."""
    body = []
    for group, own in _groups(measures).items():
        body.append(f'<tr><th colspan="3" style="text-align:left">{html.escape(group)}</th></tr>')
        for metric, estimate in own:
            name, value, interval = map(html.escape, _cells(metric, estimate))
            tip = html.escape(estimate.why or metric.definition, quote=True)
            body.append(
                f'<tr><td style="text-align:left" title="{tip}">{name}</td>'
                f'<td style="{STYLE}">{value}</td><td style="{STYLE}">{interval}</td></tr>'
            )
    notes = "".join(f"<div>{html.escape(line)}</div>" for line in _notes(measures))
    head = "<tr><th></th><th>value</th><th>95 % interval</th></tr>"
    caption = f"<caption>{html.escape(measures.title)}</caption>" if measures.title else ""
    return f"<div><table>{caption}<thead>{head}</thead><tbody>{''.join(body)}</tbody></table>{notes}</div>"


def _groups(measures: Measures) -> dict[str, list[tuple[Metric, Estimate]]]:
    """Metrics and estimates by group, groups in the order of the registry."""
    known = dict.fromkeys(METRICS.get(name).group for name in METRICS.names())
    groups: dict[str, list[tuple[Metric, Estimate]]] = {group: [] for group in known}
    for name, estimate in measures.items():
        groups[METRICS.get(name).group].append((METRICS.get(name), estimate))
    return {group: own for group, own in groups.items() if own}


def _cells(metric: Metric, estimate: Estimate) -> tuple[str, str, str]:
    interval = ""
    if math.isfinite(estimate.low) and math.isfinite(estimate.high):
        interval = f"[{metric.text(estimate.low)}, {metric.text(estimate.high)}]"
    return metric.heading, metric.text(estimate.value), interval


def _notes(measures: Measures) -> Iterator[str]:
    for name, estimate in measures.items():
        if estimate.why:
            yield f"undefined: {name}: {estimate.why}"
    yield from dict.fromkeys(f"no intervals: {e.no_interval}" for e in measures.values() if e.no_interval)
    yield from measures.cautions
    for name, reason in measures.failed.items():
        yield f"failed: {name}: {reason}"
    why: dict[str, list[str]] = {}
    for name, reason in measures.left_out.items():
        why.setdefault(reason, []).append(name)
    for reason, names in why.items():
        yield f"left out ({reason}): {', '.join(names)}"
