"""The sections of the page, top to bottom."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from gapkit.checks import Findings
from gapkit.page.captions import captions_section
from gapkit.page.content import Page
from gapkit.page.controls import scrolling
from gapkit.page.grid import grid, meanings, tools
from gapkit.page.markup import Markup, data_address, join, tag
from gapkit.page.view import clips, figures, migration

KINDS = {"csv": "text/csv", "md": "text/markdown", "tex": "application/x-tex", "json": "application/json"}


def sections(page: Page) -> Iterator[tuple[str, str, Markup]]:
    """Id, heading and content of each section."""
    yield "table", "The table", _table(page)
    yield "migration", "On the way", migration(page)
    if page.ways:
        yield "clips", "Clip by clip", clips(page)
    if page.captioned is not None:
        yield "captions", "What captions say", captions_section(page.captioned)
    yield "figures", "In pictures", figures(page)
    yield "checks", "Data checks", _checks(page.findings)
    yield "computed", "How it was computed", _computed(page)
    yield "files", "Files", _files(page)


def _table(page: Page) -> Markup:
    marks = "★ cannot be told from the best of the bridges; anchors do not compete. A column head sorts, best first."
    return join(
        tag("p", page.table.title, class_="note"),
        tools(page.table),
        scrolling("Table of bridges, scrolls sideways", grid(page.table, page.definitions)),
        tag("p", id="table-told", class_="note", role="status"),
        tag("ul", *(tag("li", line) for line in page.failures), class_="checks") if page.failures else "",
        *(tag("p", line, class_="note") for line in (marks, *page.table.notes)),
        meanings(page.table, page.definitions),
    )


def _checks(findings: Findings) -> Markup:
    sides = (findings.source, findings.target)
    rows = {
        "Rows × dimensions": [f"{s.rows:,} × {s.dim:,}" for s in sides],
        "Stored as": [s.dtype or "–" for s in sides],
        "Length of rows": [f"{s.norm_mean:.4g}" + (" (unit)" if s.unit else "") for s in sides],
        "Mean cosine between rows": [f"{s.mean_cosine:.3f}" for s in sides],
        "Effective rank": [f"{s.effective_rank:.1f}" for s in sides],
        "Repeated rows": [f"{s.duplicates:,}" for s in sides],
        "NaN or infinite rows": [f"{s.non_finite:,}" for s in sides],
        "Zero rows": [f"{s.zero:,}" for s in sides],
        "Constant dimensions": [f"{s.constant:,}" for s in sides],
    }
    body = [
        tag("tr", tag("th", name, scope="row", class_="first"), *(tag("td", text) for text in own))
        for name, own in rows.items()
    ]
    head = tag("tr", tag("td", class_="first"), *(tag("th", name, scope="col") for name in ("Source", "Target")))
    table = tag("table", tag("caption", "Both sides", class_="hidden"), tag("thead", head), tag("tbody", *body))
    splits = ", ".join(f"{name} {count:,}" for name, count in findings.splits.items()) or "none"
    problems = [tag("li", tag("b", f"{p.severity}: "), p.message) for p in findings.problems]
    return join(
        tag("p", f"{findings.clips:,} clips with {findings.targets:,} targets; splits: {splits}.", class_="lead"),
        scrolling("Both sides, scrolls sideways", table, class_="narrow"),
        tag("ul", *problems, class_="checks") if problems else tag("p", "Nothing wrong was found."),
    )


def _computed(page: Page) -> Markup:
    groups = [
        tag("div", tag("h3", heading), tag("dl", *(join(tag("dt", k), tag("dd", v)) for k, v in own.items())))
        for heading, own in page.facts.items()
    ]
    manifest = tag(
        "pre", page.files.get("manifest.json", ""), tabindex="0", role="region", aria_label="Manifest, scrolls"
    )
    return join(
        tag("div", *groups, class_="facts"),
        tag("details", tag("summary", "Every fitted bridge: parameters and times"), _cells(page.cells)),
        tag("details", tag("summary", "The manifest"), manifest),
    )


def _cells(cells: Sequence[Mapping[str, str]]) -> Markup:
    heads = [name for name in (cells[0] if cells else ()) if any(own[name] for own in cells)]
    body = []
    for own in cells:
        first = tag("th", own["bridge"], scope="row", class_="first")
        body.append(tag("tr", first, *(tag("td", own[name]) for name in heads if name != "bridge")))
    head = tag("tr", *(tag("th", name.capitalize(), scope="col") for name in heads))
    table = tag("table", tag("thead", head), tag("tbody", *body), class_="cells")
    return scrolling("Fitted bridges, scrolls sideways", table)


def _files(page: Page) -> Markup:
    links = [
        tag("li", tag("a", name, href=data_address(KINDS[name.rsplit(".", 1)[1]], text), download=name))
        for name, text in page.files.items()
    ]
    return tag("ul", *links, class_="downloads")
