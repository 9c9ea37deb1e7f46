"""What the bridges by reverse diffusion share: where the source enters, how it is denoised, the trajectory."""

from __future__ import annotations

import torch
from torch import Tensor

from gapkit.arrays import ArrayLike, generator, like
from gapkit.bridges.network import NetworkBridge
from gapkit.diffusion.samplers import Callback, sample
from gapkit.errors import InputError


class ReverseDiffusionBridge(NetworkBridge):
    """Inserts the source at an intermediate step of the reverse process and denoises it from there.

    Parameters are documented where they are set, in the subclasses.
    """

    start: int
    sample_steps: int
    sampler: str
    entry_noise: bool

    def trajectory(self, source: ArrayLike, n_snapshots: int = 6) -> object:
        """The source on its way: input, states of the reverse process, result.

        Parameters
        ----------
        source : array-like of shape (n, d)
        n_snapshots : int
            Wanted states, at least 2; the process has ``sample_steps + 2`` and no more are given.

        Returns
        -------
        array of shape (s, n, d)
            Unit rows in the target space. The first is the input, the last is ``transform(source)``; between them
            lie evenly chosen states, each as the direction of x_t seen from the target's mean.

        Raises
        ------
        NotFittedError, InputError
        """
        x = self._rows(source, "source", n_features=self._fitted_width())
        if n_snapshots < 2:
            raise InputError(f"{self._title}: n_snapshots must be at least 2 (input and result), got {n_snapshots}")
        states: list[Tensor] = [x]
        with torch.no_grad():
            self._denoise(x, lambda _, state: states.append(self._leave(state)))
        keep = torch.linspace(0, len(states) - 1, min(n_snapshots, len(states))).round().long().tolist()
        return like(torch.stack([states[i] for i in keep]), source)

    def _transform(self, source: Tensor) -> Tensor:
        return self._leave(self._denoise(source))

    def _denoise(self, source: Tensor, callback: Callback | None = None) -> Tensor:
        schedule = self._schedule
        times = schedule.times(self.start, self.sample_steps)
        draw = generator(self.random_state + 2, source.device)
        x = self._enter(source)
        if self.entry_noise:
            noise = torch.randn(x.shape, generator=draw, device=x.device)
            x = float(schedule.signal(self.start)) * x + float(schedule.noise(self.start)) * noise
        return sample(self.sampler, self.denoiser_, x, times, schedule, generator=draw, callback=callback)

    def _check_parameters(self) -> None:
        super()._check_parameters()
        try:
            self._schedule.times(self.start, self.sample_steps)
        except InputError as error:
            raise InputError(f"{self._title}: {error}") from None
