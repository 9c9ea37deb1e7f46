"""Along a velocity field from one cloud to another: free functions over any velocity."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

from torch import Tensor

from gapkit.errors import InputError

Velocity = Callable[[Tensor, float], Tensor]
"""``velocity(x, t) -> dx/dt``, both (n, d)."""

Callback = Callable[[float, Tensor], None]
"""Called as ``callback(t, x)`` with every state, the first and the last included: the trajectory."""


def euler(velocity: Velocity, x: Tensor, times: Sequence[float], *, callback: Callback | None = None) -> Tensor:
    """Explicit Euler: first order, one call of `velocity` a step.

    Parameters
    ----------
    velocity : callable
        Right-hand side of ``dx/dt = velocity(x, t)``.
    x : Tensor of shape (n, d)
        State at ``times[0]``.
    times : sequence of float
        Monotone times of the states.
    callback : callable, optional
        Sees every state.

    Returns
    -------
    Tensor of shape (n, d)
        State at ``times[-1]``.
    """
    if callback:
        callback(times[0], x)
    for now, then in pairwise(times):
        x = x + (then - now) * velocity(x, now)
        if callback:
            callback(then, x)
    return x


def heun(velocity: Velocity, x: Tensor, times: Sequence[float], *, callback: Callback | None = None) -> Tensor:
    """Explicit trapezoid (Heun): second order, two calls of `velocity` a step.

    Parameters and return as in `euler`. `velocity` is also called at ``times[-1]``: it must be finite there.
    """
    if callback:
        callback(times[0], x)
    for now, then in pairwise(times):
        slope = velocity(x, now)
        guess = x + (then - now) * slope
        x = x + 0.5 * (then - now) * (slope + velocity(guess, then))
        if callback:
            callback(then, x)
    return x


SOLVERS: dict[str, Callable[..., Tensor]] = {"euler": euler, "heun": heun}


def solve(
    name: str, velocity: Velocity, x: Tensor, times: Sequence[float], *, callback: Callback | None = None
) -> Tensor:
    """Run a solver by name: ``"euler"`` or ``"heun"``.

    Raises
    ------
    InputError
    """
    if name not in SOLVERS:
        raise InputError(f"unknown solver {name!r}: known are {', '.join(SOLVERS)}")
    return SOLVERS[name](velocity, x, times, callback=callback)
