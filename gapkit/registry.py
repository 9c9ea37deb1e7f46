"""Finding things by name: what gapkit ships, and what other installed packages add by entry points."""

from __future__ import annotations

import difflib
import importlib
import pkgutil
import re
import unicodedata
import warnings
from collections.abc import Collection, Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Generic, TypeVar

from gapkit.errors import InputError

T = TypeVar("T")


def nearest_of(name: str, known: Collection[str]) -> str:
    """What a message about an unknown name offers: the nearest known ones, or all where none is near.

    Examples
    --------
    >>> nearest_of("ridgee", ["ridge", "cca"]), nearest_of("x", ["ridge", "cca"])
    ('did you mean ridge?', 'known: ridge, cca')
    """
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    return f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(known)}"


def meant(name: str, labels: Mapping[str, str]) -> str | None:
    """The known name that a name as people write it stands for; None where it is none or several.

    Case, accents, arrows, factors and the choice of hyphen, underscore or space make no difference, nor whether the
    name or the label of the tables is given.

    Parameters
    ----------
    name : str
    labels : mapping of str to str
        What tables print for each known name; empty where they print the name.

    Examples
    --------
    >>> labels = {"recall@10": "R@10", "recall-back@10": "R@10 back", "mmd": "MMD² ×1000"}
    >>> [meant(name, labels) for name in ("R@10", "r@10_back", "MMD²", "Recall@10", "R@5")]
    ['recall@10', 'recall-back@10', 'mmd', 'recall@10', None]
    """
    if name in labels:
        return name
    for spellings in ({known: {_plain(known)} for known in labels}, {k: _spellings(v) for k, v in labels.items()}):
        found = [known for known, own in spellings.items() if _plain(name) in own]
        if len(found) == 1 and _plain(name):
            return found[0]
    return None


def _spellings(label: str) -> set[str]:
    return {_plain(label), _plain(re.sub(r"[²³]", "", label))}


def _plain(text: str) -> str:
    """Letters, digits and @ in lower case, with one hyphen for whatever stands between them."""
    text = re.sub(r"×\d+|→.*", " ", text)
    letters = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return re.sub(r"[^a-z0-9@]+", "-", letters.casefold()).strip("-")


class Registry(Generic[T]):
    """Names of one kind of thing.

    Parameters
    ----------
    kind : str
        What is registered, as error messages call it: ``"bridge"``.
    package : str
        The package whose modules register the built-in ones when imported.
    group : str
        Entry-point group through which other packages add theirs.
    """

    def __init__(self, kind: str, package: str, group: str) -> None:
        self.kind = kind
        self.package = package
        self.group = group
        self._items: dict[str, T] = {}
        self._origins: dict[str, str] = {}
        self._loaded = False

    def register(self, name: str, item: T, origin: str | None = None) -> T:
        """Add `item` under `name`. The same name twice is an error, unless the same source is imported again."""
        known = self._items.get(name)
        if known is not None and _source(known) != _source(item):
            raise InputError(
                f"{self.kind} {name!r}: registered twice, by {_source(known)} and {_source(item)}; rename one"
            )
        self._items[name] = item
        self._origins.setdefault(name, origin or _top(_source(item)))
        return item

    def names(self) -> list[str]:
        """All names, built-in ones first in the order of their modules, then those of plugins."""
        self._load()
        return list(self._items)

    def name_of(self, name: str) -> str:
        """The registered name that a name as people write it stands for: ``R@10`` is ``recall@10``.

        Raises
        ------
        InputError
            Nothing has this name; the nearest names are offered.
        """
        self._load()
        found = meant(name, self.labels())
        if found is None:
            raise InputError(f"unknown {self.kind} {name!r}: {nearest_of(name, self._items)}")
        return found

    def labels(self) -> dict[str, str]:
        """Labels that tables print, by name; empty where they print the name."""
        self._load()
        return {name: str(getattr(item, "label", "")) for name, item in self._items.items()}

    def get(self, name: str) -> T:
        """The thing of that name, in any spelling of it.

        Raises
        ------
        InputError
            Nothing has this name; the nearest names are offered.
        """
        self._load()
        return self._items[name] if name in self._items else self._items[self.name_of(name)]

    def origin(self, name: str) -> str:
        """The distribution that registered `name`."""
        return self._origins[self.name_of(name)]

    def _load(self) -> None:
        if self._loaded:
            return
        self._loaded = True  # first: a module may look something up while it is imported
        try:
            self._load_all()
        except BaseException:  # Ctrl-C in between: what is missing is loaded at the next look
            self._loaded = False
            raise

    def _load_all(self) -> None:
        package = importlib.import_module(self.package)
        for module in pkgutil.iter_modules(package.__path__):
            if not module.name.startswith("_"):
                importlib.import_module(f"{self.package}.{module.name}")
        for point in sorted(entry_points(group=self.group), key=lambda p: p.name):
            self._load_plugin(point)

    def _name(self, name: str, item: T) -> None:
        """Tell a class what it is called, as a decorator does: what it saves must find it again."""
        if isinstance(item, type) and self._items.get(vars(item).get("name", "")) is not item:
            item.name = name  # type: ignore[attr-defined]

    def _load_plugin(self, point: EntryPoint) -> None:
        owner = point.dist.name if point.dist else point.value
        try:
            before = self._items.get(point.name)
            item = point.load()
            known = self._items.get(point.name)
            # A module or a function that registers by decorator needs nothing more than its import.
            if known is None or (known is before and _top(_source(known)) != _top(point.value)):
                self.register(point.name, item, origin=owner)
                self._name(point.name, item)
            self._origins[point.name] = owner
        except Exception as error:  # a plugin may fail in any way, and none may take gapkit down
            warnings.warn(
                f"{self.kind} plugin {point.name!r} of package {owner!r} could not be loaded "
                f"({type(error).__name__}: {error}); it is left out",
                RuntimeWarning,
                stacklevel=2,
            )


def _top(path: str) -> str:
    """The top-level package of ``package.module:name`` or ``package.module.name``."""
    return path.partition(":")[0].partition(".")[0]


def _source(item: object) -> str:
    item = getattr(item, "function", item)
    return f"{getattr(item, '__module__', type(item).__module__)}.{getattr(item, '__qualname__', type(item).__name__)}"
