"""Options are declared once; constructor, check, search space, list and docs follow."""

from __future__ import annotations

import importlib.util
import inspect
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from conformance import toy_pairs
from sklearn.base import clone

from gapkit.bridges import Bridge, Choice, Range, bridge_names, fitted, option
from gapkit.bridges.registry import BRIDGES
from gapkit.errors import InputError
from gapkit.options import Option, describe_options, options_of

SOURCE, TARGET = toy_pairs()
DOCS = Path(__file__).resolve().parents[1] / "docs"


@dataclass(kw_only=True, eq=False, repr=False)
class Base(Bridge):
    """A bridge with options of every kind."""

    needs_pairs = False

    share: float = option(0.5, at_least=0, below=1, search=Range(0.0, 0.9), doc="How far.")
    count: int = option(3, at_least=1, at_most=9, doc="How often.")
    form: str = option("round", one_of=("round", "square"), doc="Which form.")
    flag: bool = option(False, search=Choice((False, True)), doc="Whether at all.")
    limit: float | None = option(None, kind="number", above=0, also=(None,), doc="How much at most.")
    random_state: int = option(0, kind="seed", doc="Seed.")

    centre_: object = fitted()

    def _fit(self, source, target, context):
        self.centre_ = source.mean(dim=0)

    def _transform(self, source):
        return source


@dataclass(kw_only=True, eq=False, repr=False)
class Derived(Base):
    """The same with another default."""

    extra: int = option(1, at_least=0, search=Range(0, 4), doc="One more.")
    count: int = option(5, search=Range(1, 9))


def test_the_constructor_takes_the_options_and_nothing_else():
    assert set(inspect.signature(Base).parameters) == {"share", "count", "form", "flag", "limit", "random_state"}
    assert Base().get_params() == {
        "share": 0.5, "count": 3, "form": "round", "flag": False, "limit": None, "random_state": 0,
    }  # fmt: skip
    assert not hasattr(Base(), "centre_")
    assert clone(Base(share=0.1)).share == 0.1


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"share": 1.0}, "share must be a number in [0, 1), got 1.0"),
        ({"share": -0.1}, "share must be a number in [0, 1), got -0.1"),
        ({"share": float("nan")}, "share must be a number in [0, 1), got nan"),
        ({"share": "0.5"}, "share must be a number in [0, 1), got '0.5'"),
        ({"share": True}, "share must be a number in [0, 1), got True"),
        ({"count": 0}, "count must be a whole number in 1..9, got 0"),
        ({"count": 2.5}, "count must be a whole number in 1..9, got 2.5"),
        ({"form": "oval"}, "form must be one of round, square, got 'oval'"),
        ({"form": ["round"]}, "form must be one of round, square, got ['round']"),
        ({"flag": "no"}, "flag must be true or false, got 'no'"),
        ({"limit": 0}, "limit must be a number above 0 or None, got 0"),
        ({"limit": "none"}, "limit must be a number above 0 or None, got 'none'"),
        ({"random_state": "a"}, "random_state must be a whole number"),
    ],
)
@pytest.mark.parametrize("how", ["given", "set later"])
def test_what_an_option_cannot_be_is_refused_at_the_fit(given, words, how):
    bridge = Base(**given) if how == "given" else Base().set_params(**given)
    with pytest.raises(InputError, match="bridge 'Base': ") as caught:
        bridge.fit(SOURCE, TARGET)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("given", [{"limit": 2}, {"limit": None}, {"share": np.float32(0.25)}, {"count": np.int64(9)}])
def test_what_it_can_be_is_not(given):
    Base(**given).fit(SOURCE, TARGET)


def test_a_subclass_changes_what_it_states_and_inherits_the_rest():
    count = options_of(Derived)["count"]
    assert (count.default, count.at_least, count.at_most, count.doc) == (5, 1, 9, "How often.")
    assert list(Derived.space) == ["extra", "count", "share", "flag"]
    assert options_of(Base)["count"].default == 3
    assert "count" not in Base.space


def test_the_docstring_lists_them_before_what_is_learned():
    @dataclass(kw_only=True, eq=False, repr=False)
    class Told(Base):
        """Summary.

        Attributes
        ----------
        centre_ : Tensor
        """

    describe_options(Told)
    said = inspect.getdoc(Told)
    assert said.index("share : float in [0, 1), default 0.5") < said.index("Attributes")
    assert said.startswith("Summary.")


def test_a_plugin_with_a_constructor_of_its_own_has_its_switches_checked():
    class Plugin(Bridge):
        needs_pairs = False

        def __init__(self, share=0.5, flag=False):
            self.share = share
            self.flag = flag

        def _fit(self, source, target, context):
            pass

        def _transform(self, source):
            return source

    assert options_of(Plugin)["share"] == Option("share", 0.5, after_fit=True)
    Plugin(share="as it likes").fit(SOURCE, TARGET)
    with pytest.raises(InputError, match="flag must be true or false, got 'yes'"):
        Plugin(flag="yes").fit(SOURCE, TARGET)


@pytest.mark.parametrize("name", bridge_names())
def test_every_option_says_what_it_does_and_its_default_is_allowed(name):
    for found in options_of(BRIDGES.get(name)).values():
        assert found.doc, found.name
        found.check(name, found.default)


def test_the_page_of_options_is_what_the_code_says():
    spec = importlib.util.spec_from_file_location("bridge_options", DOCS / "tables" / "bridge_options.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.OUT.read_text(encoding="utf-8") == module.page(), "run docs/tables/bridge_options.py"
