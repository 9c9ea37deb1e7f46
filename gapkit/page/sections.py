"""The sections of the page, top to bottom."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from gapkit.checks import Findings
from gapkit.page.content import Page
from gapkit.page.grid import BLOCKS, grid, meanings, tools
from gapkit.page.markup import Markup, data_address, join, tag

KINDS = {"csv": "text/csv", "md": "text/markdown", "tex": "application/x-tex", "json": "application/json"}


def sections(page: Page) -> Iterator[tuple[str, str, Markup]]:
    """Id, heading and content of each section."""
    yield "table", "The table", _table(page)
    yield "migration", "On the way", _migration(page)
    if page.ways:
        yield "clips", "Clip by clip", _clips(page)
    yield "figures", "In pictures", _figures(page)
    yield "checks", "Data checks", _checks(page.findings)
    yield "computed", "How it was computed", _computed(page)
    yield "files", "Files", _files(page)


def _table(page: Page) -> Markup:
    failed = tag("ul", *(tag("li", line) for line in page.failures), class_="checks") if page.failures else ""
    notes = [tag("p", line, class_="note") for line in page.table.notes]
    marks = "★ best of the bridges, underlined the second; anchors do not compete. "
    return join(
        tag("p", page.table.title, class_="note"),
        tools(page.table),
        tag("div", grid(page.table, page.definitions), class_="scroll", tabindex="0", role="region",
            aria_label="Table of bridges, scrolls sideways"),
        tag("p", id="table-told", class_="note", role="status"),
        failed,
        tag("p", marks, "A column head sorts, best first.", class_="note"),
        *notes,
        meanings(page.table, page.definitions),
    )  # fmt: skip


def _migration(page: Page) -> Markup:
    remarks = [tag("p", line, class_="note") for line in page.remarks]
    if not page.ways or not page.maps:
        return join(*remarks)
    shades = {
        "plain": "One colour a cloud",
        "cosine": f"By cosine to its {page.unit}s",
        "change": "By change of cosine",
    }
    stage = tag(
        "div",
        tag("ul", *(tag("li", text, class_=f"dot-{name}") for name, text in
                    (("target", f"{page.unit}s"), ("before", "clips before"), ("moved", "clips now"))),
            class_="key"),
        tag("div",
            tag("canvas", id="cloud", aria_hidden="true"),
            tag("div", id="frame"),
            tag("div", id="tip", class_="tip", hidden=True),
            id="picture", class_="picture", tabindex="0", role="application",
            aria_label="Map of clips. Arrow keys left and right choose a clip, plus and minus zoom, 0 shows the whole."),
        tag("div", id="shade-key", class_="shade-key", hidden=True),
        tag("div",
            tag("div",
                tag("button", "Play", type="button", id="play", class_="main"),
                tag("input", type="range", id="slider", min="0", max="1", value="0", step="any",
                    aria_label="State on the way from before to after"),
                class_="drive"),
            tag("div", id="stops", class_="stops", role="group", aria_label="States"),
            tag("dl", *(join(tag("div", tag("dt", text), tag("dd", id=name))) for name, text in (
                ("now-label", "State"), ("now-cosine", "Mean cosine to own " + f"{page.unit}s"),
                ("now-centroid", "Centroid distance"), ("now-risen", "Clips nearer than before"))), class_="reading"),
            class_="travel"),
        class_="stage",
    )  # fmt: skip
    side = tag(
        "div",
        tag("label", tag("span", f"Search {page.unit}s and names" if page.unit == "caption" else "Search names",
                         class_="label"), tag("input", type="search", id="search", autocomplete="off")),
        tag("p", id="found-told", class_="note", role="status"),
        tag("ol", id="found", class_="found"),
        tag("div", tag("p", "Choose a clip: in the picture, by a search, or in the table of clips below.",
                       class_="note"), id="picked", class_="picked", aria_live="polite"),
        class_="side",
    )  # fmt: skip
    return join(
        tag("p", "Each dot is a clip on its way to its ", page.unit, ". Distances in a plane prove nothing: "
            "the numbers under the picture are of the full space.", class_="lead"),
        tag("div",
            _select("bridge", "Bridge", _bridges(page)),
            _select("map", "Projection", {own.name: own.label for own in page.maps}),
            _select("shade", "Colour", shades),
            tag("span", *(tag("button", text, type="button", id=name, aria_label=label, title=label) for name, text, label
                          in (("zoom-in", "+", "Zoom in"), ("zoom-out", "−", "Zoom out"), ("whole", "Whole", "Show all"))),
                class_="zoom"),
            class_="tools"),
        tag("div", stage, side, class_="view"),
        tag("p", id="way-note", class_="note"),
        tag("p", id="map-note", class_="note"),
        *remarks,
    )  # fmt: skip


def _clips(page: Page) -> Markup:
    orders = {
        "rose": "Cosine rose most", "fell": "Cosine rose least", "far": "Turned furthest", "near": "Turned least",
    }  # fmt: skip
    heads = ["Clip", page.unit.capitalize(), "Before", "After", "Change", "Turned by"]
    return join(
        tag("p", f"Cosine of a clip to its own {page.unit}s before and after, and the angle between the two places.",
            class_="lead"),
        tag("div",
            _select("clips-bridge", "Bridge", _bridges(page)),
            _select("clips-order", "First", orders),
            _select("clips-number", "Rows", {n: n for n in ("10", "25", "100")}),
            tag("button", "Save all as CSV", type="button", id="clips-save"),
            class_="tools"),
        tag("div",
            tag("table",
                tag("caption", "Clips by how a bridge moved them", class_="hidden"),
                tag("thead", tag("tr", *(tag("th", head, scope="col", class_="first" if not k else None)
                                         for k, head in enumerate(heads)))),
                tag("tbody"), id="clips-table", class_="clips"),
            class_="scroll", tabindex="0", role="region", aria_label="Table of clips, scrolls sideways"),
    )  # fmt: skip


def _figures(page: Page) -> Markup:
    metrics = {c.name: c.label for c in page.table.columns}
    near = {c.name: c.label for c in page.table.columns if c.better != "none" and c.group != "preservation"}
    kept = {c.name: c.label for c in page.table.columns if c.better != "none" and c.group == "preservation"}
    shown = [
        _figure("bars", "Every bridge on one metric",
                "Dot: mean over seeds. Bar: 95 % interval over clips. Best on top; anchors are hollow.",
                _select("bars-metric", "Metric", metrics))
    ]  # fmt: skip
    if near and kept:
        shown.append(
            _figure("trade", "Closed against kept",
                    "Towards the upper right a bridge closes more and keeps more. The line joins those that no other "
                    "bridge beats on both.",
                    join(_select("trade-x", "Closed", near, _first(near, "cosine")),
                         _select("trade-y", "Kept", kept, _first(kept, "recall@10"))))
        )  # fmt: skip
    if page.ways:
        shown.append(
            _figure("cosines", "Cosines of pairs and of strangers",
                    f"Each measured clip to its own {page.unit}s and to those of another clip, before and after. "
                    "What matters is the distance between the two after.",
                    _select("cosines-bridge", "Bridge", _bridges(page)))
        )  # fmt: skip
    if any(len(way.states) > 2 for way in page.ways):
        shown.append(
            _figure("path", "Along the way",
                    "Bridges that move in steps, measured at each state, from before (0) to after (1).",
                    _select("path-metric", "Measured", {"mean": f"Mean cosine to own {page.unit}s",
                                                        "centroid": "Centroid distance"}))
        )  # fmt: skip
    return tag("div", *shown, class_="figures")


def _figure(name: str, title: str, caption: str, choice: Markup) -> Markup:
    return tag(
        "figure",
        tag("h3", title),
        tag("div", choice, class_="tools"),
        tag("div", id=f"plot-{name}", class_="plot", role="img", aria_label=f"{title}. {caption}"),
        tag("figcaption", caption),
    )


def _checks(findings: Findings) -> Markup:
    problems = [tag("li", tag("b", f"{p.severity}: "), p.message) for p in findings.problems]
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
        tag("tr", tag("th", name, scope="row", class_="first"), *(tag("td", v) for v in own))
        for name, own in rows.items()
    ]
    head = tag("tr", tag("td", class_="first"), tag("th", "Source", scope="col"), tag("th", "Target", scope="col"))
    splits = ", ".join(f"{name} {count:,}" for name, count in findings.splits.items()) or "none"
    return join(
        tag("p", f"{findings.clips:,} clips with {findings.targets:,} targets; splits: {splits}.", class_="lead"),
        tag("div", tag("table", tag("caption", "Both sides", class_="hidden"), tag("thead", head), tag("tbody", *body)),
            class_="scroll narrow", tabindex="0", role="region", aria_label="Both sides, scrolls sideways"),
        tag("ul", *problems, class_="checks") if problems else tag("p", "Nothing wrong was found."),
    )  # fmt: skip


def _computed(page: Page) -> Markup:
    groups = [
        tag("div", tag("h3", heading), tag("dl", *(join(tag("dt", k), tag("dd", v)) for k, v in own.items())))
        for heading, own in page.facts.items()
    ]
    return join(
        tag("div", *groups, class_="facts"),
        tag("details", tag("summary", "Every fitted bridge: parameters and times"), _cells(page.cells)),
        tag("details", tag("summary", "The manifest"),
            tag("pre", page.files.get("manifest.json", ""), tabindex="0", role="region", aria_label="Manifest")),
    )  # fmt: skip


def _cells(cells: Sequence[Mapping[str, str]]) -> Markup:
    heads = [name for name in (cells[0] if cells else ()) if any(own[name] for own in cells)]
    body = [
        tag(
            "tr",
            *(tag("th", own[h], scope="row", class_="first") if h == "bridge" else tag("td", own[h]) for h in heads),
        )
        for own in cells
    ]
    return tag(
        "div",
        tag("table", tag("thead", tag("tr", *(tag("th", h.capitalize(), scope="col") for h in heads))),
            tag("tbody", *body), class_="cells"),
        class_="scroll", tabindex="0", role="region", aria_label="Fitted bridges, scrolls sideways",
    )  # fmt: skip


def _files(page: Page) -> Markup:
    links = [
        tag("li", tag("a", name, href=data_address(KINDS[name.rsplit(".", 1)[1]], text), download=name))
        for name, text in page.files.items()
    ]
    return tag("ul", *links, class_="downloads")


def _bridges(page: Page) -> dict[str, str]:
    """Bridges that the view moves; the anchors among them come last and say so."""
    order = sorted(page.ways, key=lambda way: (way.block == "anchor", len(way.states) == 2))
    return {
        way.bridge: way.bridge + (f" ({BLOCKS[way.block].lower().removesuffix('s')})" if way.block == "anchor" else "")
        for way in order
    }


def _select(name: str, label: str, options: Mapping[str, str], chosen: str | None = None) -> Markup:
    own = [tag("option", text, value=value, selected=value == chosen) for value, text in options.items()]
    return tag("label", tag("span", label, class_="label"), tag("select", *own, id=name))


def _first(options: Mapping[str, str], wanted: str) -> str:
    return wanted if wanted in options else next(iter(options))
