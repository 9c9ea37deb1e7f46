"""gapkit: measure, bridge and picture the modality gap between paired embeddings.

The public names load on first use, so that ``import gapkit`` costs next to nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gapkit.bridges import Bridge as Bridge
    from gapkit.bridges import bridge_names as bridge_names
    from gapkit.bridges import load_bridge as load_bridge
    from gapkit.bridges import make_bridge as make_bridge
    from gapkit.bridges import register_bridge as register_bridge
    from gapkit.checks import inspect_pairs as inspect_pairs
    from gapkit.datasets import dataset_names as dataset_names
    from gapkit.datasets import load_dataset as load_dataset
    from gapkit.embeddings import PairedEmbeddings as PairedEmbeddings
    from gapkit.files import load_pairs as load_pairs
    from gapkit.files import save_pairs as save_pairs
    from gapkit.metrics import register_metric as register_metric

__version__ = "0.1.0"

_HOME = {
    "PairedEmbeddings": "gapkit.embeddings",
    "Bridge": "gapkit.bridges",
    "bridge_names": "gapkit.bridges",
    "load_bridge": "gapkit.bridges",
    "make_bridge": "gapkit.bridges",
    "register_bridge": "gapkit.bridges",
    "register_metric": "gapkit.metrics",
    "load_pairs": "gapkit.files",
    "save_pairs": "gapkit.files",
    "load_dataset": "gapkit.datasets",
    "dataset_names": "gapkit.datasets",
    "inspect_pairs": "gapkit.checks",
}

__all__ = [*_HOME, "__version__"]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module 'gapkit' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
