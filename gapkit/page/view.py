"""The sections that move: the clips on their way, one by one, and in figures."""

from __future__ import annotations

from collections.abc import Mapping

from gapkit.page.content import Page
from gapkit.page.controls import bridges, button, find, scrolling, select
from gapkit.page.markup import Markup, join, tag

KEYS = "Map of clips. Left and right arrows choose a clip, plus and minus zoom, 0 shows the whole."


def migration(page: Page) -> Markup:
    """The clips in one projection, with a slider over the states of a bridge."""
    remarks = [tag("p", line, class_="note") for line in page.remarks]
    if not page.ways or not page.maps:
        return join(*remarks)
    shades = {
        "plain": "One colour a cloud",
        "cosine": f"By cosine to its {page.unit}s",
        "change": "By change of cosine",
    }
    zoom = [
        button("zoom-in", "+", label="Zoom in"),
        button("zoom-out", "−", label="Zoom out"),
        button("whole", "Whole", label="Show the whole"),
    ]
    return join(
        tag(
            "p",
            f"Each dot is a clip on its way to its {page.unit}. Distances in a plane prove nothing: the numbers under "
            "the picture are of the full space.",
            class_="lead",
        ),
        tag(
            "div",
            select("bridge", "Bridge", bridges(page)),
            select("map", "Projection", {own.name: own.label for own in page.maps}),
            select("shade", "Colour", shades),
            tag("span", *zoom, class_="zoom"),
            class_="tools",
        ),
        tag("div", _stage(page), _side(page), class_="view"),
        tag("p", id="way-note", class_="note"),
        tag("p", id="map-note", class_="note"),
        *remarks,
    )


def _stage(page: Page) -> Markup:
    clouds = {"target": f"{page.unit}s", "before": "clips before", "moved": "clips now"}
    readings = {
        "now-label": "State",
        "now-cosine": f"Mean cosine to own {page.unit}s",
        "now-centroid": "Centroid distance",
        "now-risen": "Clips nearer than before",
    }
    slider = tag(
        "input", type="range", id="slider", min="0", max="1", value="0", step="any",
        aria_label="State on the way from before to after",
    )  # fmt: skip
    picture = tag(
        "div",
        tag("canvas", id="cloud", aria_hidden="true"),
        tag("div", id="frame"),
        tag("div", id="tip", class_="tip", hidden=True),
        id="picture", class_="picture", tabindex="0", role="application", aria_label=KEYS,
    )  # fmt: skip
    return tag(
        "div",
        tag("ul", *(tag("li", text, class_=f"dot-{name}") for name, text in clouds.items()), class_="key"),
        picture,
        tag("div", id="shade-key", class_="shade-key", hidden=True),
        tag(
            "div",
            tag("div", button("play", "Play", class_="main"), slider, class_="drive"),
            tag("div", id="stops", class_="stops", role="group", aria_label="States"),
            tag(
                "dl", *(tag("div", tag("dt", text), tag("dd", id=n)) for n, text in readings.items()), class_="reading"
            ),
            class_="travel",
        ),
        class_="stage",
    )


def _side(page: Page) -> Markup:
    hint = "Choose a clip: in the picture, by a search, or in the table of clips below."
    return tag(
        "div",
        find("search", "Search captions and names" if page.unit == "caption" else "Search names"),
        tag("p", id="found-told", class_="note", role="status"),
        tag("ol", id="found", class_="found"),
        tag("div", tag("p", hint, class_="note"), id="picked", class_="picked", aria_live="polite"),
        class_="side",
    )


def clips(page: Page) -> Markup:
    """What moved most and least."""
    orders = {
        "rose": "Cosine rose most", "fell": "Cosine rose least", "far": "Turned furthest", "near": "Turned least",
    }  # fmt: skip
    heads = ["Clip", page.unit.capitalize(), "Before", "After", "Change", "Turned by"]
    row = [tag("th", head, scope="col", class_=None if k else "first") for k, head in enumerate(heads)]
    table = tag(
        "table",
        tag("caption", "Clips by how a bridge moved them", class_="hidden"),
        tag("thead", tag("tr", *row)),
        tag("tbody"),
        id="clips-table",
        class_="clips",
    )
    return join(
        tag(
            "p",
            f"Cosine of a clip to its own {page.unit}s before and after, and the angle between the two places.",
            class_="lead",
        ),
        tag(
            "div",
            select("clips-bridge", "Bridge", bridges(page)),
            select("clips-order", "First", orders),
            select("clips-number", "Rows", {n: n for n in ("10", "25", "100")}),
            button("clips-save", "Save all as CSV"),
            class_="tools",
        ),
        scrolling("Table of clips, scrolls sideways", table),
        tag("p", id="clips-note", class_="note"),
    )


def figures(page: Page) -> Markup:
    """What Plotly draws."""
    table = page.table.columns
    near = {c.name: c.label for c in table if c.better != "none" and c.group != "preservation"}
    kept = {c.name: c.label for c in table if c.better != "none" and c.group == "preservation"}
    shown = [
        _figure(
            "bars",
            "Every bridge on one metric",
            "Dot: mean over seeds. Bar: 95 % interval over clips. Best on top; anchors are hollow.",
            select("bars-metric", "Metric", {c.name: c.label for c in table}),
        )
    ]
    if near and kept:
        shown.append(
            _figure(
                "trade",
                "Closed against kept",
                "Towards the upper right a bridge closes more and keeps more. The line joins those that no other "
                "bridge beats on both; the pointer names every dot.",
                select("trade-x", "Closed", near, "cosine"),
                select("trade-y", "Kept", kept, "recall@10"),
            )
        )
    if page.ways:
        shown.append(
            _figure(
                "cosines",
                "Cosines of pairs and of strangers",
                f"Each measured clip to its own {page.unit}s and to those of another clip, before and after. Both rise "
                "where the gap is closed; what tells clips apart is the distance between the two.",
                select("cosines-bridge", "Bridge", bridges(page)),
            )
        )
    if any(len(way.states) > 2 for way in page.ways):
        measured: Mapping[str, str] = {
            "mean": f"Mean cosine to own {page.unit}s",
            "centroid": "Centroid distance",
        }
        shown.append(
            _figure(
                "path",
                "Along the way",
                "Bridges that move in steps, measured at each state, from before (0) to after (1).",
                select("path-metric", "Measured", measured),
            )
        )
    drawn = tag("div", *shown, class_="figures")
    other = [way.bridge for way in page.ways if not way.as_measured]
    if not other:
        return drawn
    told = (
        f"Cosines and ways of {', '.join(other)} are of another number of reverse steps than the study took; the first "
        "two figures are of the study."
    )
    return join(tag("p", told, class_="note"), drawn)


def _figure(name: str, title: str, caption: str, *choices: Markup) -> Markup:
    return tag(
        "figure",
        tag("h3", title),
        tag("div", *choices, class_="tools"),
        tag("div", id=f"plot-{name}", class_="plot", role="img", aria_label=f"{title}. {caption}"),
        tag("figcaption", caption),
    )
