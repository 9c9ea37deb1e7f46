"""What embeddings are, and what is wrong with them, before anything is measured."""

from gapkit.checks.findings import Findings, Gap, Leak, Problem, Side
from gapkit.checks.inspection import inspect_pairs, require_usable

__all__ = ["Findings", "Gap", "Leak", "Problem", "Side", "inspect_pairs", "require_usable"]
