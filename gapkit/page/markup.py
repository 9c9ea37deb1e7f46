"""HTML from Python: elements that escape what they hold, and data that cannot leave their script element."""

from __future__ import annotations

import base64
import hashlib
import html
import json
from typing import Any

_ESCAPES = {ord(c): f"\\u{ord(c):04x}" for c in "<>&\u2028\u2029"}
_VOID = frozenset({"img", "input", "meta"})


class Markup(str):
    """Text that is HTML already; every other text is escaped."""

    __slots__ = ()


def tag(name: str, /, *children: object, **attributes: object) -> Markup:
    """One element.

    Parameters
    ----------
    name : str
    *children : str or Markup
        Plain text is escaped, `Markup` is not.
    **attributes
        ``data_value`` becomes ``data-value``, ``class_`` becomes ``class``; None leaves an attribute out, True gives it
        without a value.

    Returns
    -------
    Markup

    Examples
    --------
    >>> tag("p", "a < b", class_="note")
    '<p class="note">a &lt; b</p>'
    """
    given = []
    for key, value in attributes.items():
        if value is None or value is False:
            continue
        key = key.rstrip("_").replace("_", "-")
        given.append(f" {key}" if value is True else f' {key}="{html.escape(str(value))}"')
    opened = f"<{name}{''.join(given)}>"
    return Markup(opened if name in _VOID else f"{opened}{join(*children)}</{name}>")


def join(*children: object) -> Markup:
    """Children one after another, plain text escaped."""
    return Markup("".join(c if isinstance(c, Markup) else html.escape(str(c), quote=False) for c in children))


def script_json(content: Any) -> Markup:
    r"""JSON for a ``<script type="application/json">``.

    No ``<``, ``>``, ``&`` or line separator stands in it as itself, so no text can end the element or open a comment.

    Raises
    ------
    ValueError
        A number that JSON does not know (NaN, infinity).

    Examples
    --------
    >>> print(script_json(["</script>"]))
    ["\u003c/script\u003e"]
    """
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return Markup(text.translate(_ESCAPES))


def content_hash(script: str) -> str:
    """What a Content-Security-Policy names a script by: its SHA-256."""
    digest = hashlib.sha256(script.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def data_address(kind: str, content: str) -> str:
    """A ``data:`` address that holds `content` itself."""
    return f"data:{kind};base64,{base64.b64encode(content.encode('utf-8')).decode()}"
