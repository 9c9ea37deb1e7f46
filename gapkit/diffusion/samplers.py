"""From a noised vector back to a clean one: free functions over any x0 predictor."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
from torch import Tensor

from gapkit.diffusion.schedule import Schedule
from gapkit.errors import InputError

Predictor = Callable[[Tensor, int], Tensor]
"""``predict(x_t, t) -> x_0 estimate``, both (n, d)."""

Draw = Callable[[int], Tensor]
"""``draw(t)`` gives the standard normal noise, shaped like x_t, of the step that arrives at t."""

Callback = Callable[[int, Tensor], None]
"""Called as ``callback(t, x_t)`` with every state, the first and the last included: the trajectory."""


def ddim(
    predict: Predictor,
    x: Tensor,
    times: Sequence[int],
    schedule: Schedule,
    *,
    eta: float = 0.0,
    draw: Draw | None = None,
    callback: Callback | None = None,
) -> Tensor:
    """Denoising diffusion implicit model (Song et al., 2021).

    Parameters
    ----------
    predict : callable
        x0 predictor.
    x : Tensor of shape (n, d)
        State at ``times[0]``.
    times : sequence of int
        Falling times; the last is usually 0, where the state is the clean estimate.
    schedule : Schedule
    eta : float
        0: deterministic. 1: the noise of ancestral (DDPM) sampling, where `draw` is needed.
    draw : callable, optional
        Gives that noise.
    callback : callable, optional
        Sees every state.

    Returns
    -------
    Tensor of shape (n, d)
        State at ``times[-1]``.

    Raises
    ------
    InputError
        Noise asked for and no way to draw it.
    """
    if eta > 0 and draw is None:
        raise InputError("ddim: eta > 0 draws noise; pass draw")
    if callback:
        callback(times[0], x)
    for now, then in pairwise(times):
        clean = predict(x, now)
        abar, abar_then = float(schedule.alpha_bar[now]), float(schedule.alpha_bar[then])
        noise = (x - abar**0.5 * clean) / (1 - abar) ** 0.5
        sigma = eta * ((1 - abar_then) / (1 - abar) * (1 - abar / abar_then)) ** 0.5
        x = abar_then**0.5 * clean + max(1 - abar_then - sigma**2, 0.0) ** 0.5 * noise
        if sigma > 0 and draw is not None:
            x = x + sigma * draw(then)
        if callback:
            callback(then, x)
    return x


def ddpm(
    predict: Predictor,
    x: Tensor,
    times: Sequence[int],
    schedule: Schedule,
    *,
    draw: Draw,
    callback: Callback | None = None,
) -> Tensor:
    """Ancestral sampling (Ho et al., 2020) over any falling times: `ddim` with ``eta = 1``."""
    return ddim(predict, x, times, schedule, eta=1.0, draw=draw, callback=callback)


def dpm_solver(
    predict: Predictor,
    x: Tensor,
    times: Sequence[int],
    schedule: Schedule,
    *,
    callback: Callback | None = None,
) -> Tensor:
    """DPM-Solver++(2M) (Lu et al., 2022, arXiv 2211.01095): second order in the log signal-to-noise ratio.

    The step to t = 0 is of first order, since the ratio is infinite there: the state becomes the clean estimate.
    Parameters and return as in `ddim`.
    """
    if callback:
        callback(times[0], x)
    before: tuple[float, Tensor] | None = None
    for now, then in pairwise(times):
        clean = predict(x, now)
        if then == 0:
            x = clean
        else:
            lambda_now, lambda_then = (0.5 * float(schedule.snr(t).log()) for t in (now, then))
            width = lambda_then - lambda_now
            guess = clean
            if before is not None:
                ratio = (lambda_now - before[0]) / width
                guess = clean + (clean - before[1]) / (2 * ratio)
            signal, noise, noise_now = schedule.signal(then), schedule.noise(then), schedule.noise(now)
            x = (
                float(noise / noise_now) * x
                - float(signal) * float(torch.expm1(torch.tensor(-width, dtype=torch.float32))) * guess
            )
            before = (lambda_now, clean)
        if callback:
            callback(then, x)
    return x


SAMPLERS = ("ddim", "ddpm", "dpm-solver")


def sample(
    name: str,
    predict: Predictor,
    x: Tensor,
    times: Sequence[int],
    schedule: Schedule,
    *,
    draw: Draw,
    callback: Callback | None = None,
) -> Tensor:
    """Run a sampler by name: ``"ddim"``, ``"ddpm"`` or ``"dpm-solver"``.

    Raises
    ------
    InputError
    """
    if name == "ddim":
        return ddim(predict, x, times, schedule, callback=callback)
    if name == "ddpm":
        return ddpm(predict, x, times, schedule, draw=draw, callback=callback)
    if name == "dpm-solver":
        return dpm_solver(predict, x, times, schedule, callback=callback)
    raise InputError(f"unknown sampler {name!r}: known are {', '.join(SAMPLERS)}")
