"""The diffusion engine: schedule, denoiser, samplers, trainer."""
