"""Metrics by name: what each is, its range and its better direction.

gapkit's own metrics are functions of a `Pair` under `@metric`, each in its own file: every module of this package that
does not begin with an underscore is imported when a name is first looked up, and so no list has to be kept. `place`
says where a metric stands in tables. A plain function of two arrays, as plugins have them, goes under
`@register_metric`; its draws come from calling it again on resampled items.

`@metric(..., residual=Residual(...))` names the same function a second time, as measured without means: see
`energy.py`. A metric with a parameter is registered in a loop over a `functools.partial`: see `retrieval.py`.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal, TypeVar, get_args

from gapkit.arrays import ArrayLike
from gapkit.errors import InputError
from gapkit.metrics.fold_centring import fold_centred
from gapkit.metrics.kernels import Kernels
from gapkit.metrics.pair import Pair, pair_of
from gapkit.metrics.value import Value
from gapkit.metrics.wording import arrow, number
from gapkit.registry import Registry

Group = Literal["closure", "residual closure", "preservation"]
Better = Literal["higher", "lower", "none"]
Need = Literal["original", "fitted", "labels"]

Centring = Literal["none", "mean", "folds"]
"""Taken off before it is measured: nothing, the mean of each side, or the mean of each fold."""

OfPair = Callable[[Pair], Value]
"""A metric as gapkit's own are written."""

F = TypeVar("F", bound=Callable[..., Value])


@dataclass(frozen=True)
class Residual:
    """The same metric after means are removed, as ``residual-NAME`` in the group "residual closure".

    Parameters
    ----------
    label, definition, place, default, centring
        See `Metric`; all else is as without centring. "folds" suits a metric that compares rows of different items: it
        has no floor then. "mean" suits one that looks at pairs, or fits something to a whole side.
    function : callable, optional
        The residual metric of arrays, as `gapkit.metrics` has it; left out, it is made.
    """

    label: str
    definition: str
    place: float = math.inf
    default: bool = False
    centring: Centring = "mean"
    function: Callable[..., float] | None = None


@dataclass(frozen=True)
class Metric:
    """One metric as tables and docs know it.

    Parameters
    ----------
    name : str
        What it is asked for by: ``"recall@10"``.
    label : str
        What tables print.
    group : {"closure", "residual closure", "preservation"}
    better : {"higher", "lower", "none"}
        Direction in which a bridge improves; "none" where the number is context for another.
    best : float or None
        The value that cannot be improved on, where there is one.
    range : (float, float)
        Least and largest value.
    needs_pairs : bool
        Clip i of the source must be clip i of the target.
    cost : str
        How work grows: ``"n d"``, ``"n^2 d"``.
    scale : float
        Factor that tables multiply by.
    digits : int
        Decimals that tables print, after scaling.
    definition : str
        One line.
    reference : str
        Where it comes from; empty for gapkit's own.
    function : callable
        ``f(source, target) -> float``, with a keyword `owner` where it understands several targets a clip.
    default : bool
        Part of the table in the terminal.
    needs : tuple of {"original", "fitted", "labels"}
        What the function takes by these keywords besides source and target: the source before it was moved (n, d),
        the targets that the bridge was fitted on (f, d), the class of each item (n,). Where they are not given the
        metric is left out.
    instead : str
        Name of a metric that says nearly the same at a lower cost, for numbers of rows where this one takes hours.
    place : float
        Where it stands in tables, lowest first; gapkit's own have 10, 20, 30 and so on.
    of_pair : callable, optional
        The metric of a `Pair`; None where only `function` is known.
    centring : {"none", "mean", "folds"}
        `of_pair` is given the pair as it is, without each side's mean, or without that of each fold.
    kernels : Kernels, optional
        Kernels that `of_pair` asks the pair for.
    holds_rows : bool
        Holds all rows of both sides; other metrics read them block by block.
    in_folds : bool
        Fits on folds of the items, and says what is true of the others.
    """

    name: str
    label: str
    group: Group
    better: Better
    best: float | None
    range: tuple[float, float]
    needs_pairs: bool
    cost: str
    scale: float
    digits: int
    definition: str
    reference: str
    function: Callable[..., float]
    default: bool
    needs: tuple[Need, ...] = ()
    instead: str = ""
    place: float = math.inf
    of_pair: OfPair | None = None
    centring: Centring = "none"
    kernels: Kernels | None = None
    holds_rows: bool = False
    in_folds: bool = False

    @property
    def arrow(self) -> str:
        """The better direction as a sign: ↑, ↓, → with the value aimed at, or nothing."""
        return arrow(self.better, self.best, self.range, self.scale)

    @property
    def heading(self) -> str:
        """Label, factor of the values and arrow, as tables show them."""
        factor = "" if self.scale == 1 or "×" in self.label else f"×{self.scale:g}"
        return " ".join(part for part in (self.label, factor, self.arrow) if part)

    def seen(self, pair: Pair) -> Pair:
        """The pair that `of_pair` is given."""
        return without_means(pair, self.centring)

    def text(self, value: float) -> str:
        """A value as tables show it; an undefined one is a dash."""
        return number(value * self.scale, self.digits)


class _Metrics(Registry[Metric]):
    def register(self, name: str, item: Metric, origin: str | None = None) -> Metric:
        # An entry point may bring anything: what no decorator has described has no range and no direction.
        if not isinstance(item, Metric):
            raise InputError(f"metric {name!r}: expected a function decorated with @register_metric({name!r}, ...)")
        return super().register(name, item, origin)

    def _load_all(self) -> None:
        super()._load_all()
        self._items = dict(sorted(self._items.items(), key=lambda named: named[1].place))


METRICS: Registry[Metric] = _Metrics("metric", "gapkit.metrics", "gapkit.metrics")


def register_metric(
    name: str,
    *,
    group: Group,
    better: Better,
    label: str | None = None,
    best: float | None = None,
    range: tuple[float, float] = (-math.inf, math.inf),  # noqa: A002
    needs_pairs: bool = True,
    cost: str = "n d",
    scale: float = 1.0,
    digits: int = 3,
    definition: str | None = None,
    reference: str = "",
    default: bool = True,
    needs: tuple[Need, ...] = (),
    instead: str = "",
    place: float = math.inf,
) -> Callable[[Callable[..., float]], Callable[..., float]]:
    """Function decorator: register a metric under `name`.

    The function takes source (n, d) and target as numpy float32 arrays. With a keyword `owner` it gets all targets
    and the source row of each; without it, and where `needs_pairs`, the source row is repeated for each target, so
    that row i belongs to row i. Where `cost` is ``"n d"`` its interval comes from 200 resamples of the clips; state a
    larger cost to leave the interval out.

    Parameters
    ----------
    name, group, better, label, best, range, needs_pairs, cost, scale, digits, definition, reference, default,
    needs, instead, place
        See `Metric`; `definition` left out is the first line of the docstring, `label` the name.

    Raises
    ------
    InputError
        An unknown group, direction or need, or a name that is taken.

    Examples
    --------
    ::

        @register_metric("largest-product", group="closure", better="higher")
        def largest_product(source, target):
            "Largest dot product of a pair."
            return float((source * target).sum(axis=1).max())
    """
    _check(name, group, better, needs)

    def add(function: Callable[..., float]) -> Callable[..., float]:
        METRICS.register(
            name,
            Metric(
                name=name,
                label=label or name,
                group=group,
                better=better,
                best=best,
                range=range,
                needs_pairs=needs_pairs,
                cost=cost,
                scale=scale,
                digits=digits,
                definition=definition or _first_line(function, name),
                reference=reference,
                function=function,
                default=default,
                needs=needs,
                instead=instead,
                place=place,
            ),
        )
        return function

    return add


def metric(
    name: str,
    *,
    group: Group,
    better: Better,
    label: str,
    definition: str,
    best: float | None = None,
    range: tuple[float, float] = (-math.inf, math.inf),  # noqa: A002
    needs_pairs: bool = True,
    cost: str = "n d",
    scale: float = 1.0,
    digits: int = 3,
    reference: str = "",
    default: bool = True,
    needs: tuple[Need, ...] = (),
    instead: str = "",
    place: float = math.inf,
    kernels: Kernels | None = None,
    holds_rows: bool = False,
    in_folds: bool = False,
    function: Callable[..., float] | None = None,
    residual: Residual | None = None,
) -> Callable[[F], F]:
    """Function decorator: register a metric of a `Pair` under `name`.

    Parameters
    ----------
    name, group, better, label, definition, best, range, needs_pairs, cost, scale, digits, reference, default, needs,
    instead, place, kernels, holds_rows, in_folds
        See `Metric`. Draws end where `range` does.
    function : callable, optional
        The same metric of arrays, as `gapkit.metrics` has it; left out, it is made.
    residual : Residual, optional
        Also register it as measured without means.

    Raises
    ------
    InputError
        An unknown group, direction or need, or a name that is taken.
    """
    _check(name, group, better, needs)

    def add(of_pair: F) -> F:
        made = Metric(
            name=name,
            label=label,
            group=group,
            better=better,
            best=best,
            range=range,
            needs_pairs=needs_pairs,
            cost=cost,
            scale=scale,
            digits=digits,
            definition=definition,
            reference=reference,
            function=function or _of_arrays(of_pair, needs_pairs=needs_pairs),
            default=default,
            needs=needs,
            instead=instead,
            place=place,
            of_pair=of_pair,
            kernels=kernels,
            holds_rows=holds_rows,
            in_folds=in_folds,
        )
        METRICS.register(name, made)
        if residual is not None:
            rest = f"residual-{name}"
            function_of_rest = residual.function or _of_arrays(
                of_pair, needs_pairs=needs_pairs, centring=residual.centring
            )
            known: dict[str, Any] = {**vars(residual), "function": function_of_rest}
            METRICS.register(rest, replace(made, name=rest, group="residual closure", **known))
        return of_pair

    return add


def without_means(pair: Pair, centring: Centring) -> Pair:
    """The pair with what `centring` names taken off."""
    return {"none": lambda: pair, "mean": lambda: pair.centred, "folds": lambda: fold_centred(pair)}[centring]()


def _of_arrays(of_pair: OfPair, *, needs_pairs: bool, centring: Centring = "none") -> Callable[..., float]:
    """The metric with arrays around it."""

    def function(source: ArrayLike, target: ArrayLike, *, owner: ArrayLike | None = None, **needed: Any) -> float:
        pair = pair_of(source, target, owner, paired=True if needs_pairs else None, **needed)
        return of_pair(without_means(pair, centring)).value

    written = of_pair.func if isinstance(of_pair, partial) else of_pair
    function.__module__, function.__qualname__ = written.__module__, written.__qualname__
    return function


def _check(name: str, group: str, better: str, needs: tuple[str, ...]) -> None:
    for value, allowed, what in ((group, get_args(Group), "group"), (better, get_args(Better), "better")):
        if value not in allowed:
            raise InputError(f"metric {name!r}: {what}: expected one of {', '.join(allowed)}, got {value!r}")
    for need in needs:
        if need not in get_args(Need):
            raise InputError(f"metric {name!r}: needs: expected one of {', '.join(get_args(Need))}, got {need!r}")


def _first_line(function: Callable[..., Any], name: str) -> str:
    return (inspect.getdoc(function) or name).splitlines()[0]


def metric_names(*, default: bool = False) -> list[str]:
    """Names of all metrics, those of plugins included, or only of those in the default table."""
    names = METRICS.names()
    return [name for name in names if METRICS.get(name).default] if default else names


def takes_owner(function: Callable[..., Any]) -> bool:
    """Whether a metric understands several targets a clip."""
    return "owner" in inspect.signature(function).parameters
