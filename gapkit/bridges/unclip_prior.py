"""The diffusion prior of unCLIP: targets generated from noise, guided, and the best of several samples."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from gapkit.arrays import generator
from gapkit.bridges.conditional import ConditionalBridge
from gapkit.bridges.registry import register_bridge
from gapkit.diffusion.guidance import guided
from gapkit.diffusion.samplers import Callback
from gapkit.errors import InputError
from gapkit.options import option
from gapkit.space import Choice, Range


@register_bridge("unclip-prior")
@dataclass(kw_only=True, eq=False, repr=False)
class UnCLIPPrior(ConditionalBridge):
    """Generates targets from pure noise given the source, and keeps the sample that is closest to the source.

    After the diffusion prior of DALL-E 2 (Ramesh et al., 2022, arXiv 2204.06125), which goes from a caption to an image
    embedding: x0 prediction with plain squared error, cosine schedule with T = 1000, the condition left out of 10 % of
    the training rows, guidance at sampling, two samples of which the one closer to the condition stays. Ours: the
    residual blocks of `diffusion-link` in place of a causal transformer over caption tokens, centred vectors, few
    steps, estimates kept at the length of clean vectors.
    """

    defaults_from = (
        "by hand, 16 trainings; gapkit tune, soundscapes validation split, 8 settings: the defaults were chosen"
    )

    candidates: int = option(
        2,
        at_least=1,
        doc="Samples drawn for each source; the one with the highest cosine to it, each seen from its own centre, "
        "is kept.",
        after_fit=True,
    )
    guidance: float = option(
        3.0,
        kind="number",
        search=Range(0.0, 5.0),
        doc="Weight of classifier-free guidance (`gapkit.diffusion.guidance`); 0: none. More: closer to the pair, "
        "less spread.",
        after_fit=True,
    )
    condition_dropout: float = option(
        0.1,
        at_least=0,
        below=1,
        search=Range(0.05, 0.3),
        doc="Share of rows that are trained without their condition. Guidance needs it above 0.",
    )
    sample_steps: int = option(5, search=Choice((2, 3, 5, 10)))
    sampler: str = option("ddpm")
    scale: float = option(
        5.0,
        search=Range(2.0, 20.0, log=True),
        doc="Length of the vectors that noise of variance one is added to. DALL-E 2's is sqrt(d), which gives "
        "coordinates of variance one. With the preconditioned network, which rescales its input at every "
        "time, it only moves the signal-to-noise ratio along the schedule.",
    )
    lr: float = option(1e-3, search=Range(3e-4, 3e-3, log=True))

    def _loss(self, x: Tensor, y: Tensor, draw: torch.Generator) -> Callable[[nn.Module], Tensor]:
        errors = self._errors(y.device)
        n = self.batch_size

        def loss(model: nn.Module) -> Tensor:
            rows = torch.randint(len(y), (n,), generator=draw, device=y.device)
            t, noise = self._times_and_noise(n, draw)
            # Zeros are the same to the network as no condition.
            heard = torch.rand(n, 1, generator=draw, device=y.device, dtype=torch.float32) >= self.condition_dropout
            return errors(model, y[rows], t, noise, x[rows] * heard).mean()

        return loss

    def _score(self, x: Tensor, y: Tensor) -> Callable[[nn.Module], float]:
        errors = self._errors(y.device)
        t, noise = self._times_and_noise(len(y), generator(self.random_state, y.device, stream="held-out noise"))
        return lambda model: float(errors(model, y, t, noise, x).mean())

    def _travel(self, source: Tensor, callback: Callback | None = None, sample: int = 0) -> Tensor:
        n, k = len(source), self.candidates
        given = self._enter(source).repeat(k, 1)
        draws = [self._noise(source, sample * k + i) for i in range(k)]
        predict = guided(
            lambda x, t: self.denoiser_(x, t, given), lambda x, t: self.denoiser_(x, t, None), self.guidance
        )
        states: list[tuple[int, Tensor]] = []
        end = self._generate(
            predict,
            lambda t: torch.cat([draw(t) for draw in draws]),
            (lambda t, x: states.append((t, x))) if callback else None,
        )
        best = F.cosine_similarity(end, given).view(k, n).argmax(dim=0)
        kept = best * n + torch.arange(n, device=end.device)
        if callback:
            for t, state in states:
                callback(t, state[kept])
        return end[kept]

    def _check_parameters(self) -> None:
        super()._check_parameters()
        if self.guidance != 0 and not self.condition_dropout:
            raise InputError(
                f"{self._title}: guidance needs rows trained without their condition; "
                "set condition_dropout above 0, or guidance to 0"
            )
