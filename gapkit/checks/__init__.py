"""What embeddings are, and what is wrong with them, before anything is measured."""

from gapkit.checks.findings import Findings, Gap, Leak, Problem, Side
from gapkit.checks.fitted import fitted_items, moved_warnings
from gapkit.checks.inspection import inspect_pairs, require_usable

__all__ = [
    "Findings",
    "Gap",
    "Leak",
    "Problem",
    "Side",
    "fitted_items",
    "inspect_pairs",
    "moved_warnings",
    "require_usable",
]
