"""From a `Page` to the one HTML file."""

from __future__ import annotations

import re
from importlib import resources
from string import Template

import gapkit
from gapkit.errors import GapkitError, InputError
from gapkit.page.content import Page, script_data
from gapkit.page.markup import Markup, content_hash, join, script_json, tag
from gapkit.page.sections import sections

FIRST = ("data.js", "theme.js", "table.js", "clips.js", "captions.js")
"""Scripts that run before Plotly is there: the tables answer while it is still being read."""
AFTER = ("cloud.js", "migration.js", "figures.js")
LARGEST = 10_000_000
"""Bytes of a page that a mailbox still takes; the command says so of a larger one."""


def to_html(page: Page) -> str:
    """The page as one file that loads nothing.

    Parameters
    ----------
    page : Page

    Returns
    -------
    str
        The same for the same page. Its policy lets run only the scripts that stand in it, each named by its hash, and
        lets nothing be loaded or sent. Text of the data is in it as escaped text or as JSON, never as markup.

    Raises
    ------
    InputError
        plotly is not installed.
    """
    plotly = _plotly()
    scripts = [*map(_asset, FIRST), plotly, *map(_asset, AFTER)]
    policy = {
        "default-src": "'none'",
        "script-src": " ".join(content_hash(script) for script in scripts),
        # Plotly styles what it draws in place, and writes a style sheet of its own.
        "style-src": "'unsafe-inline'",
        "img-src": "data: blob:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    parts = list(sections(page))
    values = {
        "policy": "; ".join(f"{key} {value}" for key, value in policy.items()),
        "version": gapkit.__version__,
        "title": join(f"{page.name} – gapkit report"),
        "name": join(page.name),
        "question": join(page.question),
        "answers": _answers(page),
        "nav": join(*(tag("a", heading, href=f"#{name}") for name, heading, _ in parts)),
        "sections": join(*(_section(name, heading, body) for name, heading, body in parts)),
        "plotly": _version(plotly),
        "css": Markup(_asset("page.css")),
        "data": script_json(script_data(page)),
        "scripts": Markup("\n".join(f"<script>{script}</script>" for script in scripts)),
    }
    return Template(_asset("page.html")).substitute(values)


def _answers(page: Page) -> Markup:
    lines = [tag("div", tag("dt", word), tag("dd", sentence)) for word, sentence in page.answers]
    return tag("dl", *lines, class_="answers") if lines else Markup("")


def _section(name: str, heading: str, body: Markup) -> Markup:
    return tag("section", tag("h2", heading, id=f"{name}-head"), body, id=name, aria_labelledby=f"{name}-head")


def _asset(name: str) -> str:
    return (resources.files("gapkit.page") / "assets" / name).read_text(encoding="utf-8")


def _plotly() -> str:
    """The library that draws, with its licence line."""
    try:
        path = resources.files("plotly") / "package_data" / "plotly.min.js"
    except ModuleNotFoundError:
        raise InputError('the page needs plotly, which is not installed; pip install "gapkit[page]"') from None
    try:
        script = path.read_text(encoding="utf-8")
    except OSError:
        raise GapkitError(f"{path}: not there; install plotly again") from None
    if "</script" in script.lower() or "<!--" in script:
        raise GapkitError(f"{path}: cannot stand inside a page; install another plotly")
    return script


def _version(plotly: str) -> str:
    found = re.search(r"plotly\.js v([\d.]+)", plotly[:400])
    return found.group(1) if found else ""
