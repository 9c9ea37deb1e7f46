"""Options of a bridge or a caption decoder, declared once: default, bounds, range of a search, and a line of doc.

A class that declares options is a dataclass::

    @register_bridge("flow")
    @dataclass(kw_only=True, eq=False, repr=False)
    class Flow(Bridge):
        sigma: float = option(0.6, at_least=0, search=Range(0.0, 1.5), doc="Noise at the source, as a share of it.")
        shift_: Tensor = fitted()

From the declaration come ``__init__``, the check when it is fitted, the space of `gapkit tune`,
`gapkit list bridges NAME`, the docs and the docstring. A subclass that declares an option again changes what it states
and inherits the rest.
"""

from __future__ import annotations

import dataclasses
import inspect
import math
import textwrap
from collections.abc import Mapping
from dataclasses import MISSING, dataclass
from pathlib import Path
from typing import Any, Literal

from gapkit.errors import InputError
from gapkit.given import MUST, real, whole
from gapkit.given import seed as check_seed
from gapkit.space import Choice, Range, Space

Kind = Literal["switch", "whole", "number", "choice", "seed", "text", "any"]

KIND_OF: Mapping[type, Kind] = {bool: "switch", int: "whole", float: "number", str: "text"}
"""Kind of an option by the type of its default."""

TYPE_OF: Mapping[Kind, str] = {"switch": "bool", "whole": "int", "number": "float", "seed": "int", "any": "object"}
"""Type that the docs name; the others are ``str``."""


@dataclass(frozen=True)
class Option:
    """One option of a bridge or a caption decoder.

    Parameters
    ----------
    name : str
    default : object
    doc : str
        In one or two sentences.
    kind : str
        switch, whole, number, choice, seed, text, or any: not checked here.
    at_least, above, at_most, below : float, optional
        Bounds of a number.
    one_of : tuple of str
        The values of a choice.
    also : tuple
        Values that are allowed beside those of the kind: None, or a word such as "loo".
    search : Range or Choice, optional
        What `gapkit tune` tries.
    after_fit : bool
        It may change after a fit, which it has no part in; every other one stays as it was.
    """

    name: str
    default: Any
    doc: str = ""
    kind: Kind = "any"
    at_least: float | None = None
    above: float | None = None
    at_most: float | None = None
    below: float | None = None
    one_of: tuple[str, ...] = ()
    also: tuple[str | None, ...] = ()
    search: Range | Choice | None = None
    after_fit: bool = False

    @property
    def expected(self) -> str:
        """Allowed values, in words."""
        if self.kind == "switch":
            said = "true or false"
        elif self.kind == "text":
            said = "text"
        elif self.kind == "choice":
            said = f"one of {', '.join(self.one_of)}"
        else:
            said = ("a whole number" if self.kind in ("whole", "seed") else "a number") + self.bounds
        return " or ".join([said, *(repr(value) for value in self.also)])

    @property
    def bounds(self) -> str:
        """The bounds in words, with a blank before; empty without any."""
        low, high = _first(self.at_least, self.above), _first(self.at_most, self.below)
        if low is None and high is None:
            return ""
        if low is None or high is None:
            bound = {"at_least": "of at least", "above": "above", "at_most": "of at most", "below": "below"}
            key, value = next((key, getattr(self, key)) for key in bound if getattr(self, key) is not None)
            return f" {bound[key]} {value:g}"
        if self.kind == "whole":
            return f" in {low:g}..{high:g}"
        return f" in {'(' if self.at_least is None else '['}{low:g}, {high:g}{')' if self.at_most is None else ']'}"

    @property
    def allowed(self) -> str:
        """The values that it may have, in words; empty where only the bridge knows."""
        return "" if self.kind in ("any", "text") else self.expected

    @property
    def type(self) -> str:
        """The type as the docs name it."""
        names = [TYPE_OF.get(self.kind, "str"), *("None" if value is None else repr(value) for value in self.also)]
        return " or ".join(names)

    def check(self, title: str, value: Any) -> None:
        """Refuse a value that the option cannot have.

        Parameters
        ----------
        title : str
            Whose option it is; opens the message.
        value : object

        Raises
        ------
        InputError
        """
        what = f"{title}: {self.name}"
        if any(value is other or (isinstance(value, str) and value == other) for other in self.also):
            return
        if self.kind == "seed":
            check_seed(what, value, says=MUST)
        elif self.kind == "whole":
            low, high = (None if end is None else int(end) for end in (self.at_least, self.at_most))
            whole(what, value, low, high, says=MUST)
        elif not self._allows(value):
            raise InputError(f"{what} must be {self.expected}, got {value!r}")

    def _allows(self, value: Any) -> bool:
        if self.kind == "switch":
            return value in (True, False)
        if self.kind == "text":
            return isinstance(value, (str, Path))
        if self.kind == "choice":
            return isinstance(value, str) and value in self.one_of
        if self.kind == "number":
            return not isinstance(value, bool) and self._inside(real(value))
        return True

    def _inside(self, value: float) -> bool:
        return (
            math.isfinite(value)
            and (self.at_least is None or value >= self.at_least)
            and (self.above is None or value > self.above)
            and (self.at_most is None or value <= self.at_most)
            and (self.below is None or value < self.below)
        )


def option(
    default: Any,
    *,
    doc: str | None = None,
    kind: Kind | None = None,
    at_least: float | None = None,
    above: float | None = None,
    at_most: float | None = None,
    below: float | None = None,
    one_of: tuple[str, ...] | None = None,
    also: tuple[str | None, ...] | None = None,
    search: Range | Choice | None = None,
    after_fit: bool | None = None,
) -> Any:
    """Declare an option as a field of the class; see `Option`.

    What is left out is inherited from the base that declares an option of this name. The kind, left out there too, is
    that of the default, and ``"choice"`` where `one_of` is given.

    Examples
    --------
    >>> from gapkit.bridges import make_bridge
    >>> options_of(type(make_bridge("ridge")))["alpha"].expected
    "a number above 0 or 'loo'"
    """
    given = {
        "doc": doc, "kind": kind, "at_least": at_least, "above": above, "at_most": at_most, "below": below,
        "one_of": one_of, "also": also, "search": search, "after_fit": after_fit,
    }  # fmt: skip
    stated = {key: value for key, value in given.items() if value is not None}
    return dataclasses.field(default=default, metadata={"option": stated})


def fitted(default: Any = MISSING) -> Any:
    """Declare an attribute that a fit sets: no option, and not there before unless it has a `default`."""
    return dataclasses.field(init=False) if default is MISSING else dataclasses.field(init=False, default=default)


def options_of(cls: type) -> dict[str, Option]:
    """Options of a class by name, those that it declares itself first.

    Parameters
    ----------
    cls : type
        A bridge or a caption decoder. One with an ``__init__`` of its own (a plugin's) has its parameters as options;
        of these, only those that are true or false by default are checked.
    """
    stated: dict[str, dict[str, Any]] = {}
    for base in reversed(cls.__mro__):
        for name in inspect.get_annotations(base):
            field = base.__dict__.get("__dataclass_fields__", {}).get(name)
            if field is not None and "option" in field.metadata:
                # Taken out and put in again: the nearest class comes last here.
                known = stated.pop(name, {})
                stated[name] = {**known, **field.metadata["option"], "default": field.default}
    parameters = inspect.signature(cls).parameters
    found: dict[str, Option] = {}
    for base in cls.__mro__:
        for name in inspect.get_annotations(base):
            if name in stated and name in parameters and name not in found:
                found[name] = _option(name, stated[name])
    for name, parameter in parameters.items():
        if name not in found:
            kind: Kind = "switch" if isinstance(parameter.default, bool) else "any"
            found[name] = Option(name, parameter.default, kind=kind, after_fit=True)
    return found


def _option(name: str, stated: dict[str, Any]) -> Option:
    kind = stated.pop("kind", None) or ("choice" if stated.get("one_of") else KIND_OF[type(stated["default"])])
    return Option(name, kind=kind, **stated)


class DeclaredSpace:
    """Class attribute: what `gapkit tune` may search, as the options declare it."""

    def __get__(self, bridge: object, owner: type) -> Space:
        """Parameter name to what it may be, in the order of the declarations."""
        return {name: found.search for name, found in options_of(owner).items() if found.search is not None}


def describe_options(cls: type) -> None:
    """Put the section Parameters into the docstring of a class, made of its declarations."""
    lines = ["Parameters", "----------"]
    for name, found in options_of(cls).items():
        if not found.doc:  # a parameter of a plugin, which has its own words
            continue
        allowed = f" {{{', '.join(found.one_of)}}}" if found.one_of else found.bounds
        lines.append(f"{name} : {found.type}{allowed}, default {found.default!r}")
        lines += textwrap.wrap(found.doc, 100, initial_indent="    ", subsequent_indent="    ")
    if len(lines) == 2:
        return
    said = inspect.cleandoc(cls.__doc__ or "")
    before, attributes, after = said.partition("Attributes\n----------")
    cls.__doc__ = "\n\n".join([before.rstrip(), "\n".join(lines), *([attributes + after] if attributes else [])])


def _first(*values: float | None) -> float | None:
    return next((value for value in values if value is not None), None)
