"""Elements that several sections share."""

from __future__ import annotations

from collections.abc import Mapping

from gapkit.page.content import Page
from gapkit.page.markup import Markup, tag


def select(name: str, label: str, options: Mapping[str, str], chosen: str | None = None) -> Markup:
    """A choice with its label; `chosen` is that of the options which is selected first, if it is among them."""
    own = [tag("option", text, value=value, selected=value == chosen) for value, text in options.items()]
    return tag("label", tag("span", label, class_="label"), tag("select", *own, id=name))


def boxes(legend: str, name: str, options: Mapping[str, str]) -> Markup:
    """Checkboxes, all checked."""
    own = [
        tag("label", tag("input", type="checkbox", name=name, value=value, checked=True), text)
        for value, text in options.items()
    ]
    return tag("fieldset", tag("legend", legend), *own)


def find(name: str, label: str) -> Markup:
    """A search field with its label."""
    return tag("label", tag("span", label, class_="label"), tag("input", type="search", id=name, autocomplete="off"))


def button(name: str, text: str, *, label: str | None = None, class_: str | None = None) -> Markup:
    """A button; `label` says more than its text does."""
    return tag("button", text, type="button", id=name, aria_label=label, title=label, class_=class_)


def scrolling(label: str, content: Markup, *, class_: str = "") -> Markup:
    """A box that scrolls sideways, by keys too."""
    return tag("div", content, class_=f"scroll {class_}".strip(), tabindex="0", role="region", aria_label=label)


def bridges(page: Page) -> dict[str, str]:
    """Bridges that the page moves: those in steps first, anchors last."""
    order = sorted(page.ways, key=lambda way: (way.block == "anchor", len(way.states) == 2))
    return {way.bridge: f"{way.bridge} (anchor)" if way.block == "anchor" else way.bridge for way in order}
