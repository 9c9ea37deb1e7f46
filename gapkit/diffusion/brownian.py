"""From the source end of a Brownian bridge to its target end: free functions over any predictor of the target."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor

from gapkit.diffusion.samplers import Callback, Draw, Predictor
from gapkit.diffusion.schedule import N_STEPS
from gapkit.errors import InputError

SAMPLERS = ("posterior", "mean", "implicit")


def posterior(
    predict: Predictor,
    x: Tensor,
    times: Sequence[int],
    *,
    sigma: float,
    draw: Draw | None,
    n_steps: int = N_STEPS,
    callback: Callback | None = None,
) -> Tensor:
    """Draw each state from its distribution given the one before and the predicted target.

    A Brownian bridge at ``s`` given its state at ``r > s`` and its end y has the mean ``y + (s / r) (x_r - y)`` and the
    variance ``sigma^2 s (r - s) / r``, whatever the source was (I2SB, Liu et al., 2023, arXiv 2302.05872).

    Parameters
    ----------
    predict : callable
        Predictor of the target.
    x : Tensor of shape (n, d)
        State at ``times[0]``: the source at ``n_steps``.
    times : sequence of int
        Falling times; the last is usually 0, where the state is the predicted target.
    sigma : float
        Of the bridge, as in `gapkit.diffusion.interpolants.brownian_bridge`.
    draw : callable or None
        Gives the noise; None: the mean is taken (the deterministic limit of I2SB, an ODE).
    n_steps : int
        T: time t is ``s = t / n_steps``.
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
        target = predict(x, now)
        share = then / now
        x = target + share * (x - target)
        if draw is not None and sigma > 0 and then > 0:
            x = x + sigma * math.sqrt(then / n_steps * (1 - share)) * draw(then)
        if callback:
            callback(then, x)
    return x


def implicit(
    predict: Predictor,
    x: Tensor,
    times: Sequence[int],
    *,
    sigma: float,
    draw: Draw,
    n_steps: int = N_STEPS,
    callback: Callback | None = None,
) -> Tensor:
    """Noise drawn once, in the first step, and kept: the probability-flow ODE of the bridge in exponential steps.

    DBIM (Zheng et al., 2025, arXiv 2405.15885) with eta = 0. With the predicted y the state stays
    ``s x_T + (1 - s) y + sigma sqrt(s (1 - s)) e``, where e is what the state before implies; at the source itself
    there is none yet. `x` is the source, at ``times[0] = n_steps``. Other parameters and return as in `posterior`.

    Raises
    ------
    InputError
        The first time is not that of the source.
    """
    if times[0] != n_steps:
        raise InputError(f"implicit: the first time must be that of the source ({n_steps}), got {times[0]}")
    if callback:
        callback(times[0], x)
    source = x
    for now, then in pairwise(times):
        target = predict(x, now)
        r, s = now / n_steps, then / n_steps
        if now == n_steps:
            departure = sigma * math.sqrt(s * (1 - s)) * draw(then) if s > 0 else 0 * x
        else:
            departure = math.sqrt(s * (1 - s) / (r * (1 - r))) * (x - r * source - (1 - r) * target)
        x = s * source + (1 - s) * target + departure
        if callback:
            callback(then, x)
    return x


def sample(
    name: str,
    predict: Predictor,
    x: Tensor,
    times: Sequence[int],
    *,
    sigma: float,
    draw: Draw,
    n_steps: int = N_STEPS,
    callback: Callback | None = None,
) -> Tensor:
    """Run a sampler by name: ``"posterior"``, ``"mean"`` (`posterior` without noise) or ``"implicit"``.

    Raises
    ------
    InputError
    """
    if name not in SAMPLERS:
        raise InputError(f"unknown sampler {name!r}: known are {', '.join(SAMPLERS)}")
    if name == "implicit":
        return implicit(predict, x, times, sigma=sigma, draw=draw, n_steps=n_steps, callback=callback)
    return posterior(
        predict, x, times, sigma=sigma, draw=draw if name == "posterior" else None, n_steps=n_steps, callback=callback
    )
