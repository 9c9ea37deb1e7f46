"""Diffusion Bridge: a denoiser of target embeddings alone."""

from __future__ import annotations

from dataclasses import dataclass

from gapkit.bridges.network import ResidualBlocks
from gapkit.bridges.registry import register_bridge
from gapkit.bridges.target_denoising import WEIGHTINGS, TargetDenoisingBridge
from gapkit.diffusion.samplers import SAMPLERS
from gapkit.options import option
from gapkit.space import Choice, Range


@register_bridge("diffusion-bridge")
@dataclass(kw_only=True, eq=False, repr=False)
class DiffusionBridge(ResidualBlocks, TargetDenoisingBridge):
    """Trains a DDPM on targets only and lets the source into its reverse process half-way.

    Lee et al., "Diffusion Bridge" (CVPR 2025). From the released code: centred unit vectors times 5, cosine
    schedule with T = 1000, x0 prediction, loss weighted by the signal-to-noise ratio, the source inserted without
    noise, 5 deterministic DDIM steps. Ours: the three residual blocks of `diffusion-link` in place of the 1-D
    U-Net, so that the two differ in what they learn from and not in the network; the exact way back from the
    centred frame; the start step, which they set to 600 for CLIP on COCO.
    """

    defaults_from = (
        "the released code; start and training by cross-validation on the fitted clips of sfx; gapkit tune, "
        "soundscapes validation split, 8 settings: its choice closes more or keeps more, not both, over 3 seeds"
    )

    start: int = option(200, search=Range(30, 600, log=True))
    sample_steps: int = option(5, search=Choice((1, 5, 20)))
    sampler: str = option("ddim", one_of=SAMPLERS, search=Choice(SAMPLERS), doc="ddpm is ancestral.", after_fit=True)
    entry_noise: bool = option(
        False,
        search=Choice((False, True)),
        doc="Noise the source to `start` first (SDEdit) or insert it clean (as released).",
        after_fit=True,
    )
    weighting: str = option(
        "snr", search=Choice(WEIGHTINGS), doc="Of the squared error of x0: snr (as released, unclipped) or uniform."
    )
    lr: float = option(1e-3, search=Range(3e-4, 3e-3, log=True))
    steps: int = option(1000)
    precondition: bool = option(True, doc="Start from the best linear estimate (`gapkit.diffusion.denoiser`).")
    directions_only: bool = option(
        False,
        doc="The network sees only the direction of x_t, as the released code does by normalising before every call.",
    )
