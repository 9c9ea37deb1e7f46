"""Metrics by name: what each is, its range and its better direction."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, get_args

from gapkit.errors import InputError
from gapkit.metrics.wording import arrow, number
from gapkit.registry import Registry

Group = Literal["closure", "residual closure", "preservation"]
Better = Literal["higher", "lower", "none"]
Need = Literal["original", "fitted"]


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
    needs : tuple of {"original", "fitted"}
        What the function takes by these keywords besides source and target: the source before it was moved (n, d),
        the targets that the bridge was fitted on (f, d). Where they are not given the metric is left out.
    instead : str
        Name of a metric that says nearly the same at a lower cost, for numbers of rows where this one takes hours.
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

    @property
    def arrow(self) -> str:
        """The better direction as a sign: ↑, ↓, → with the value aimed at, or nothing."""
        return arrow(self.better, self.best, self.range, self.scale)

    @property
    def heading(self) -> str:
        """Label, factor of the values and arrow, as tables show them."""
        factor = "" if self.scale == 1 or "×" in self.label else f"×{self.scale:g}"
        return " ".join(part for part in (self.label, factor, self.arrow) if part)

    def text(self, value: float) -> str:
        """A value as tables show it; an undefined one is a dash."""
        return number(value * self.scale, self.digits)


class _Metrics(Registry[Metric]):
    def register(self, name: str, item: Metric, origin: str | None = None) -> Metric:
        # An entry point may bring anything: what no decorator has described has no range and no direction.
        if not isinstance(item, Metric):
            raise InputError(f"metric {name!r}: expected a function decorated with @register_metric({name!r}, ...)")
        return super().register(name, item, origin)


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
) -> Callable[[Callable[..., float]], Callable[..., float]]:
    """Function decorator: register a metric under `name`.

    The function takes source (n, d) and target as numpy float32 arrays. With a keyword `owner` it gets all targets
    and the source row of each; without it, and where `needs_pairs`, the source row is repeated for each target, so
    that row i belongs to row i. Where `cost` is ``"n d"`` its interval comes from 200 resamples of the clips; state a
    larger cost to leave the interval out.

    Parameters
    ----------
    name, group, better, label, best, range, needs_pairs, cost, scale, digits, definition, reference, default,
    needs, instead
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
    for value, allowed, what in ((group, get_args(Group), "group"), (better, get_args(Better), "better")):
        if value not in allowed:
            raise InputError(f"metric {name!r}: {what}: expected one of {', '.join(allowed)}, got {value!r}")
    for need in needs:
        if need not in get_args(Need):
            raise InputError(f"metric {name!r}: needs: expected one of {', '.join(get_args(Need))}, got {need!r}")

    def add(function: Callable[..., float]) -> Callable[..., float]:
        text = definition or (inspect.getdoc(function) or name).splitlines()[0]
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
                definition=text,
                reference=reference,
                function=function,
                default=default,
                needs=needs,
                instead=instead,
            ),
        )
        return function

    return add


def metric_names(*, default: bool = False) -> list[str]:
    """Names of all metrics, those of plugins included, or only of those in the default table."""
    names = METRICS.names()
    return [name for name in names if METRICS.get(name).default] if default else names


def takes_owner(function: Callable[..., Any]) -> bool:
    """Whether a metric understands several targets a clip."""
    return "owner" in inspect.signature(function).parameters
