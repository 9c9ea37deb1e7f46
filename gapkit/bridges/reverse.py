"""What the bridges by reverse diffusion share: where the source enters and how it is denoised."""

from __future__ import annotations

from torch import Tensor

from gapkit.bridges.stepping import SteppingBridge
from gapkit.diffusion.samplers import Callback
from gapkit.diffusion.samplers import sample as run_sampler
from gapkit.errors import InputError


class ReverseDiffusionBridge(SteppingBridge):
    """Inserts the source at an intermediate step of the reverse process and denoises it from there.

    Parameters are documented where they are set, in the subclasses.
    """

    start: int
    sample_steps: int
    sampler: str
    entry_noise: bool

    def _travel(self, source: Tensor, callback: Callback | None = None, sample: int = 0) -> Tensor:
        schedule = self._schedule
        times = schedule.times(self.start, self.sample_steps)
        x, draw = self._insert(source, sample), self._noise(source, sample)
        return run_sampler(self.sampler, self.denoiser_, x, times, schedule, draw=draw, callback=callback)

    def _insert(self, source: Tensor, sample: int) -> Tensor:
        """The state at `start`: the source in the frame, noised or not."""
        schedule = self._schedule
        x = self._enter(source)
        if self.entry_noise:
            noise = self._noise(source, sample)(-1)
            x = float(schedule.signal(self.start)) * x + float(schedule.noise(self.start)) * noise
        return x

    def _check_parameters(self) -> None:
        super()._check_parameters()
        try:
            self._schedule.times(self.start, self.sample_steps)
        except InputError as error:
            raise InputError(f"{self._title}: {error}") from None
