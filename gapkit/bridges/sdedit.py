"""SDEdit: noise the source to an intermediate time and denoise it as if it were a target."""

from __future__ import annotations

from gapkit.bridges.diffusion_bridge import DiffusionBridge
from gapkit.bridges.registry import register_bridge


@register_bridge("sdedit")
class SDEdit(DiffusionBridge):
    entry_noise = True
    directions_only = False
    def __init__(
        self,
        *,
        start: int = 200,
        sample_steps: int = 10,
        sampler: str = "ddpm",
        weighting: str = "uniform",
        schedule: str = "cosine",
        scale: float = 5.0,
        precondition: bool = True,
        hidden: int = 512,
        blocks: int = 3,
        steps: int = 1000,
        batch_size: int = 256,
        lr: float = 1e-3,
        weight_decay: float = 0.01,
        ema: float = 0.995,
        random_state: int = 0,
        device: str = "auto",
    ) -> None:
        self.start = start
        self.sample_steps = sample_steps
        self.sampler = sampler
        self.weighting = weighting
        self.schedule = schedule
        self.scale = scale
        self.precondition = precondition
        self.hidden = hidden
        self.blocks = blocks
        self.steps = steps
        self.batch_size = batch_size
        self.lr = lr
        self.weight_decay = weight_decay
        self.ema = ema
        self.random_state = random_state
        self.device = device
