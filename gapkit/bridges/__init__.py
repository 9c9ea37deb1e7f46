"""Bridges: maps from the source embeddings into the distribution of the target embeddings."""

from gapkit.bridges.base import Bridge, FitContext
from gapkit.bridges.registry import bridge_names, load_bridge, make_bridge, register_bridge
from gapkit.options import fitted, option
from gapkit.space import Choice, Range

__all__ = [
    "Bridge",
    "Choice",
    "FitContext",
    "Range",
    "bridge_names",
    "fitted",
    "load_bridge",
    "make_bridge",
    "option",
    "register_bridge",
]
