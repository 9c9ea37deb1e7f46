"""`Results` as a notebook shows them: the verdict, then the table."""

from __future__ import annotations

from html import escape

from gapkit.report import Table
from gapkit.verdict import Verdict


def results_in_html(table: Table, verdict: Verdict) -> str:
    """The verdict as a list and the table below it; what is marked is bold."""
    lines = "".join(f"<li><b>{escape(word)}</b>: {escape(text)}</li>" for word, text in verdict.lines)
    heads = [" ".join([c.label, c.factor, c.arrow, *c.note]) for c in table.columns]
    body = []
    for rows in table.blocks.values():
        for row in rows:
            texts = [
                f"<b>{column.text(entry.value)}</b>" if entry.marked else column.text(entry.value)
                for column, entry in zip(table.columns, row.entries, strict=True)
            ]
            cells = "".join(f"<td>{text}</td>" for text in texts)
            body.append(f"<tr><th>{escape(row.name)}</th>{cells}<td>{escape(row.error)}</td></tr>")
    head = "".join(f"<th>{escape(text)}</th>" for text in heads)
    caption = f"<caption>{escape(table.title)}</caption>"
    return f"<ul>{lines}</ul><table>{caption}<tr><th></th>{head}</tr>{''.join(body)}</table>"
