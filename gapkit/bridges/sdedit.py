"""SDEdit: noise the source to an intermediate time and denoise it as if it were a target."""

from __future__ import annotations

from dataclasses import dataclass

from gapkit.bridges.network import ResidualBlocks
from gapkit.bridges.registry import register_bridge
from gapkit.bridges.target_denoising import WEIGHTINGS, TargetDenoisingBridge
from gapkit.diffusion.samplers import SAMPLERS
from gapkit.options import option
from gapkit.space import Choice, Range


@register_bridge("sdedit")
@dataclass(kw_only=True, eq=False, repr=False)
class SDEdit(ResidualBlocks, TargetDenoisingBridge):
    """Hides the source under noise until source and target can no longer be told apart, and denoises to a target.

    Meng et al., "SDEdit" (ICLR 2022, arXiv 2108.01073), made for images: ``x_t = sqrt(abar_t) x + sqrt(1 - abar_t) e``
    at an intermediate time, then the reverse stochastic process of a model that knows targets alone. The training is
    that of `diffusion-bridge`, which came later and inserts the source as it is, without noise, into a deterministic
    process. Ours: the centred frame, the network, few ancestral steps in place of an SDE solver, the start.
    """

    entry_noise = True
    in_default = False
    defaults_from = (
        "by hand, 6 trainings with up to 36 entries each; gapkit tune, soundscapes validation split, 8 settings: "
        "its choice was no better over 3 seeds"
    )

    start: int = option(
        80,
        search=Range(20, 400, log=True),
        doc="Time t that the source is noised to, 1..1000. Later: closer to the targets, less of the source. One "
        "knob with `scale`.",
    )
    sample_steps: int = option(3, search=Choice((1, 3, 10)))
    sampler: str = option(
        "ddpm",
        one_of=SAMPLERS,
        search=Choice(SAMPLERS),
        doc="ddpm (ancestral: the reverse SDE), ddim or dpm-solver (its deterministic flow; the entry still draws "
        "noise).",
        after_fit=True,
    )
    weighting: str = option(
        "snr",
        search=Choice(WEIGHTINGS),
        doc="Of the squared error of x0 in training: snr, which makes it the error of the noise (the loss of Ho "
        "et al., 2020, whose models SDEdit uses), or uniform.",
    )
    lr: float = option(1e-3, search=Range(3e-4, 3e-3, log=True))
    steps: int = option(800)
    precondition: bool = option(True, doc="Start from the best linear estimate (`gapkit.diffusion.denoiser`).")
