"""gapkit: measure, bridge and picture the modality gap between paired embeddings.

The public names load on first use, so that ``import gapkit`` costs next to nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gapkit.embeddings import PairedEmbeddings as PairedEmbeddings

__version__ = "0.1.0"

_HOME = {
    "PairedEmbeddings": "gapkit.embeddings",
    "Bridge": "gapkit.bridges",
    "bridge_names": "gapkit.bridges",
    "load_bridge": "gapkit.bridges",
    "make_bridge": "gapkit.bridges",
    "register_bridge": "gapkit.bridges",
}

__all__ = [*_HOME, "__version__"]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module 'gapkit' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
