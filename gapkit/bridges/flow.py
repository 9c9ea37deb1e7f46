"""Flow matching: a velocity field that carries each source to its own target."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor

from gapkit.bridges.paired_path import PairedPathBridge
from gapkit.bridges.registry import register_bridge
from gapkit.bridges.space import Choice, Range, Space
from gapkit.diffusion.flows import SOLVERS, solve
from gapkit.diffusion.interpolants import Interpolant, straight_path
from gapkit.diffusion.samplers import Callback
from gapkit.diffusion.schedule import N_STEPS
from gapkit.errors import InputError


@register_bridge("flow")
class Flow(PairedPathBridge):
    """Learns the velocity along straight lines from sources to their targets and follows it from the source.

    Flow matching (Lipman et al., 2023, arXiv 2210.02747) with the pairs as coupling, as rectified flow (Liu et al.,
    2023, arXiv 2209.03003) begins and CrossFlow (CVPR 2025, arXiv 2412.15213) and FMA (arXiv 2510.14543) bridge
    modalities. Ours: the centred frame, the three residual blocks of `diffusion-link`, what they start from.

    The network answers with the velocity and not with the target: ``(y - x_t) / (1 - t)`` would divide what it misses
    by the time that is left. It starts at the best linear guess from the state, which does not turn it: an untrained
    bridge is `c3`.

    Parameters
    ----------
    end : float
        Time at which the solver stops, in (0, 1]. Below 1 it stops early (FMA): less of the gap is closed, more of the
        source is kept.
    sample_steps : int
        Steps from 0 to `end`.
    solver : str
        euler, or heun (second order, two calls of the network a step).
    sigma : float
        Noise that is added to the source in training, as a share of its length (noise augmentation of FMA).
    entry_noise : bool
        Add it at inference too: what the flow was trained to carry, at the cost of the source's identity.
    others
        As in `diffusion-link`.
    """

    looks = (0, 250, 500, 750)
    space: ClassVar[Space] = {
        "end": Range(0.3, 1.0),
        "sample_steps": Range(1, 10),
        "sigma": Range(0.0, 1.5),
        "entry_noise": Choice((False, True)),
        "dropout": Range(0.0, 0.7),
        "lr": Range(2e-4, 2e-3, log=True),
        "steps": Range(300, 2000, log=True),
    }
    defaults_from = (
        "by hand, 12 trainings with 5 to 9 ways of solving each; gapkit tune, soundscapes validation split, 8 "
        "settings: the defaults were chosen"
    )

    def __init__(
        self,
        *,
        end: float = 0.8,
        sample_steps: int = 3,
        solver: str = "euler",
        sigma: float = 0.6,
        entry_noise: bool = False,
        hidden: int = 1024,
        blocks: int = 3,
        dropout: float = 0.5,
        steps: int = 1000,
        batch_size: int = 256,
        lr: float = 1e-3,
        weight_decay: float = 0.01,
        ema: float = 0.995,
        patience: int = 5,
        random_state: int = 0,
        device: str = "auto",
    ) -> None:
        self.end = end
        self.sample_steps = sample_steps
        self.solver = solver
        self.sigma = sigma
        self.entry_noise = entry_noise
        self.hidden = hidden
        self.blocks = blocks
        self.dropout = dropout
        self.steps = steps
        self.batch_size = batch_size
        self.lr = lr
        self.weight_decay = weight_decay
        self.ema = ema
        self.patience = patience
        self.random_state = random_state
        self.device = device

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

    def _check_parameters(self) -> None:
        super()._check_parameters()
        if self.solver not in SOLVERS:
            raise InputError(f"{self._title}: solver must be one of {', '.join(SOLVERS)}, got {self.solver!r}")
