"""Flow matching: a velocity field that carries each source to its own target."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from gapkit.bridges.paired_path import PairedPathBridge
from gapkit.bridges.registry import register_bridge
from gapkit.diffusion.flows import SOLVERS, solve
from gapkit.diffusion.interpolants import Interpolant, straight_path
from gapkit.diffusion.samplers import Callback
from gapkit.diffusion.schedule import N_STEPS
from gapkit.options import option
from gapkit.space import Choice, Range


@register_bridge("flow")
@dataclass(kw_only=True, eq=False, repr=False)
class Flow(PairedPathBridge):
    """Learns the velocity along straight lines from sources to their targets and follows it from the source.

    Flow matching (Lipman et al., 2023, arXiv 2210.02747) with the pairs as coupling, as rectified flow (Liu et al.,
    2023, arXiv 2209.03003) begins and CrossFlow (CVPR 2025, arXiv 2412.15213) and FMA (arXiv 2510.14543) bridge
    modalities. Ours: the centred frame, the three residual blocks of `diffusion-link`, what they start from.

    The network answers with the velocity and not with the target: ``(y - x_t) / (1 - t)`` would divide what it misses
    by the time that is left. It starts at the best linear guess from the state, which does not turn it: an untrained
    bridge is `c3`.
    """

    looks = (0, 250, 500, 750)
    defaults_from = (
        "by hand, 12 trainings with 5 to 9 ways of solving each; gapkit tune, soundscapes validation split, 8 "
        "settings: the defaults were chosen"
    )

    end: float = option(0.8, search=Range(0.3, 1.0))
    sample_steps: int = option(3, search=Range(1, 10))
    solver: str = option(
        "euler", one_of=tuple(SOLVERS), doc="heun is of second order: two calls of the network a step.", after_fit=True
    )
    sigma: float = option(
        0.6,
        search=Range(0.0, 1.5),
        doc="Noise that is added to the source in training, as a share of its length (noise augmentation of FMA).",
    )
    entry_noise: bool = option(
        False,
        search=Choice((False, True)),
        doc="Add it at inference too: what the flow was trained to carry, at the cost of the source's identity.",
        after_fit=True,
    )
    steps: int = option(1000)

    def _path(self) -> tuple[Interpolant, Interpolant]:
        return straight_path(self._spread)

    def _travel(self, source: Tensor, callback: Callback | None = None, sample: int = 0) -> Tensor:
        times = [tick / N_STEPS for tick in self._ticks]
        x = self._enter(source)
        if self.entry_noise:
            x = x + self._spread * self._noise(source, sample)(-1)

        def velocity(state: Tensor, t: float) -> Tensor:
            answer: Tensor = self.denoiser_(state, round(N_STEPS * t))
            return answer

        seen = None if callback is None else lambda t, state: callback(round(N_STEPS * t), state)
        return solve(self.solver, velocity, x, times, callback=seen)
