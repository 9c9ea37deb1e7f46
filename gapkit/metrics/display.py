"""A row of measures as text and as HTML."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence

from gapkit.metrics.estimate import Estimate
from gapkit.metrics.registry import METRICS, Metric

STYLE = "text-align:right;font-variant-numeric:tabular-nums"


def to_text(estimates: Mapping[str, Estimate], title: str, remarks: Sequence[str]) -> str:
    """A table of three columns in blocks, one a group, and the remarks below it."""
    rows = {group: [_cells(m, e) for m, e in own] for group, own in _groups(estimates).items()}
    cells = [row for own in rows.values() for row in own]
    label = max(map(len, [*rows, *(name for name, _, _ in cells)]), default=0)
    value = max(map(len, ["value", *(text for _, text, _ in cells)]))
    spread = any(interval for _, _, interval in cells)
    width = label + 2 + value + (2 + max(len(interval) for _, _, interval in cells) if spread else 0)
    lines = [title, ""] if title else []
    for group, own in rows.items():
        lines.append(f"{group:{label}}  {'value':>{value}}{'  95 % interval' if spread else ''}")
        lines.append("─" * width)
        lines += [f"{name:{label}}  {text:>{value}}  {interval}".rstrip() for name, text, interval in own]
        lines.append("")
    lines += remarks
    return "\n".join(lines).rstrip()


def to_html(estimates: Mapping[str, Estimate], title: str, remarks: Sequence[str]) -> str:
    """The same as an HTML table; what a metric means shows where the pointer rests on its name."""
    body = []
    for group, own in _groups(estimates).items():
        body.append(f'<tr><th colspan="3" style="text-align:left">{html.escape(group)}</th></tr>')
        for metric, estimate in own:
            name, value, interval = map(html.escape, _cells(metric, estimate))
            tip = html.escape(estimate.why or metric.definition, quote=True)
            body.append(
                f'<tr><td style="text-align:left" title="{tip}">{name}</td>'
                f'<td style="{STYLE}">{value}</td><td style="{STYLE}">{interval}</td></tr>'
            )
    notes = "".join(f"<div>{html.escape(line)}</div>" for line in remarks)
    head = "<tr><th></th><th>value</th><th>95 % interval</th></tr>"
    caption = f"<caption>{html.escape(title)}</caption>" if title else ""
    return f"<div><table>{caption}<thead>{head}</thead><tbody>{''.join(body)}</tbody></table>{notes}</div>"


def _groups(estimates: Mapping[str, Estimate]) -> dict[str, list[tuple[Metric, Estimate]]]:
    """Metrics and estimates by group, groups in the order of the registry."""
    known = dict.fromkeys(METRICS.get(name).group for name in METRICS.names())
    groups: dict[str, list[tuple[Metric, Estimate]]] = {group: [] for group in known}
    for name, estimate in estimates.items():
        groups[METRICS.get(name).group].append((METRICS.get(name), estimate))
    return {group: own for group, own in groups.items() if own}


def _cells(metric: Metric, estimate: Estimate) -> tuple[str, str, str]:
    interval = ""
    if math.isfinite(estimate.low) and math.isfinite(estimate.high):
        interval = f"[{metric.text(estimate.low)}, {metric.text(estimate.high)}]"
    return metric.heading, metric.text(estimate.value), interval
