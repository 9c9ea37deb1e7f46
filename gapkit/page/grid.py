"""The table of bridges as HTML that a script can sort and filter."""

from __future__ import annotations

import math
from collections.abc import Mapping

from gapkit.page.controls import boxes, button, find
from gapkit.page.markup import Markup, join, tag
from gapkit.report import Column, Entry, Row, Table
from gapkit.report.table import BLOCKS


def grid(table: Table, definitions: Mapping[str, str]) -> Markup:
    """The table itself, one column a metric under a row of groups."""
    groups: dict[str, int] = {}
    for column in table.columns:
        groups[column.group] = groups.get(column.group, 0) + 1
    over = [tag("th", group, colspan=span, scope="colgroup", data_group=group) for group, span in groups.items()]
    heads = [_head(column, definitions.get(column.name, "")) for column in table.columns]
    first = tag("th", tag("button", "Bridge", type="button", class_="sort"), scope="col", class_="first",
                data_column="bridge", data_label="bridge", data_better="lower")  # fmt: skip
    body = [_row(row, block, table.columns) for block, rows in table.blocks.items() for row in rows]
    return tag(
        "table",
        tag("caption", table.title, class_="hidden"),
        tag(
            "thead",
            tag("tr", tag("td", class_="first"), *over, class_="groups"),
            tag("tr", first, *heads),
        ),
        tag("tbody", *body),
        id="bridges",
    )


def tools(table: Table) -> Markup:
    """What filters the table."""
    groups = list(dict.fromkeys(column.group for column in table.columns))
    return tag(
        "div",
        find("table-find", "Find a bridge"),
        boxes("Rows", "block", {block: BLOCKS[block].capitalize() for block in table.blocks}),
        boxes("Columns", "group", {group: group.capitalize() for group in groups}),
        boxes("Numbers", "intervals", {"on": "Intervals"}),
        button("unsort", "Order of the study"),
        class_="tools",
    )


def meanings(table: Table, definitions: Mapping[str, str]) -> Markup:
    """What each column is, folded away."""
    own = [(f"{c.label} {c.factor} {c.arrow}", definitions[c.name]) for c in table.columns if c.name in definitions]
    if not own:
        return Markup("")
    listed = [join(tag("dt", head), tag("dd", text)) for head, text in own]
    arrows = "↑ higher is better, ↓ lower is better, → the value aimed at."
    return tag("details", tag("summary", "What each column means"), tag("p", arrows, class_="note"),
               tag("dl", *listed, class_="terms"))  # fmt: skip


def _head(column: Column, definition: str) -> Markup:
    text = " ".join(part for part in (column.label, column.factor) if part)
    arrow = join(" ", tag("span", column.arrow, class_="arrow")) if column.arrow else ""
    note = join(" ", tag("span", ", ".join(column.note), class_="interval")) if column.note else ""
    return tag(
        "th",
        tag("button", text, arrow, note, type="button", class_="sort", title=definition or None),
        scope="col",
        data_column=column.name,
        data_label=column.label,
        data_group=column.group,
        data_better=column.better,
    )


def _row(row: Row, block: str, columns: tuple[Column, ...]) -> Markup:
    kind = tag("span", block, class_="block")
    head = tag("th", row.name, kind, scope="row", class_="first", data_column="bridge", data_value=row.name)
    if row.empty:
        cells = [tag("td", f"failed: {row.error}" if row.error else "–", colspan=len(columns), class_="failed")]
    else:
        cells = [_cell(entry, column) for entry, column in zip(row.entries, columns, strict=True)]
    return tag("tr", head, *cells, data_block=block)


def _cell(entry: Entry, column: Column) -> Markup:
    known = not math.isnan(entry.value)
    number = tag("span", column.text(entry.value), class_="number best" if entry.marked else "number")
    hidden = tag("span", " (not told from the best)", class_="hidden") if entry.marked else ""
    interval = ""
    if entry.has_interval:
        interval = tag("span", f"{column.text(entry.low)} – {column.text(entry.high)}", class_="interval")
    return tag(
        "td", number, hidden, interval, data_column=column.name, data_group=column.group,
        data_value=repr(entry.value) if known else None,
    )  # fmt: skip
