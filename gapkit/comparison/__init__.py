"""The study: bridges x seeds x metrics to one table of results."""

from gapkit.comparison.alone import fit_alone, measure_gap, measure_pairs
from gapkit.comparison.config import StudyConfig, read_config
from gapkit.comparison.gap_matrix import GapMatrix, gap_matrix
from gapkit.comparison.merged_folder import merge_runs
from gapkit.comparison.results import Results
from gapkit.comparison.run import Run, open_run
from gapkit.comparison.study import run_study
from gapkit.comparison.two_studies import TwoStudies, diff_runs
from gapkit.comparison.verifying import Check, Verification, verify_run
from gapkit.statistics import Difference
from gapkit.study.progress import Progress

__all__ = [
    "Check",
    "Difference",
    "GapMatrix",
    "Progress",
    "Results",
    "Run",
    "StudyConfig",
    "TwoStudies",
    "Verification",
    "diff_runs",
    "fit_alone",
    "gap_matrix",
    "measure_gap",
    "measure_pairs",
    "merge_runs",
    "open_run",
    "read_config",
    "run_study",
    "verify_run",
]
