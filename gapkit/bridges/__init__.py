"""Bridges: maps from the source embeddings into the distribution of the target embeddings."""

from gapkit.bridges.base import Bridge, FitContext
from gapkit.bridges.registry import bridge_names, load_bridge, make_bridge, register_bridge

__all__ = ["Bridge", "FitContext", "bridge_names", "load_bridge", "make_bridge", "register_bridge"]
