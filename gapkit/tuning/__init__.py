"""The search of a bridge's own parameters: how far each setting closes the gap, and what it keeps."""

from gapkit.tuning.pairs_curve import PairsCurve, pairs_curve
from gapkit.tuning.result import TuningResult
from gapkit.tuning.search import tune_bridge
from gapkit.tuning.space import read_space
from gapkit.tuning.trials import Trial, choose, frontier
from gapkit.verdict.shares import closure

__all__ = [
    "PairsCurve",
    "Trial",
    "TuningResult",
    "choose",
    "closure",
    "frontier",
    "pairs_curve",
    "read_space",
    "tune_bridge",
]
