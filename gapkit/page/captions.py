"""The section of the captions: what people said, what each bridge's caption says."""

from __future__ import annotations

from gapkit.page.captioned import Captioned
from gapkit.page.controls import button, find, select
from gapkit.page.markup import Markup, join, tag


def captions_section(captioned: Captioned) -> Markup:
    """The section of the page; its rows are made by its script."""
    parts = {str(k): part["label"] for k, part in enumerate(captioned.parts)}
    orders = {"best": "Best first", "worst": "Worst first", "gained": "Gained most", "lost": "Lost most"}
    scores = {str(k): name for k, name in enumerate(captioned.labels)}
    first = "cider_d" if "cider_d" in captioned.scores else None
    chosen = str(captioned.scores.index(first)) if first else None
    return join(
        tag(
            "p",
            "What people said of a clip, and what the decoder says of it from each bridge's answer. Gained and lost "
            "are against the row without a bridge (identity).",
            class_="lead",
        ),
        tag(
            "div",
            select("captions-part", "Decoder", parts),
            select("captions-bridge", "Bridge", {}),
            select("captions-score", "Score", scores, chosen),
            select("captions-order", "Order", orders),
            select("captions-number", "Clips", {n: n for n in ("5", "10", "25")}),
            find("captions-search", "Search captions and names"),
            button("captions-save", "Save as CSV"),
            class_="tools",
        ),
        tag("p", id="captions-told", class_="note", role="status"),
        tag("ol", id="captions-list", class_="captioned"),
        *(tag("p", line, class_="note") for line in captioned.remarks),
    )
