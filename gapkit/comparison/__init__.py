"""The study: bridges x seeds x metrics to one table of results."""

from gapkit.comparison.alone import fit_alone, measure_gap, measure_pairs
from gapkit.comparison.config import StudyConfig, read_config
from gapkit.comparison.progress import Progress
from gapkit.comparison.results import Difference, Results
from gapkit.comparison.study import run_study

__all__ = [
    "Difference",
    "Progress",
    "Results",
    "StudyConfig",
    "fit_alone",
    "measure_gap",
    "measure_pairs",
    "read_config",
    "run_study",
]
