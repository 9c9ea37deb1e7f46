"""Joint projections: several clouds of embeddings in one plane, to be looked at."""

from gapkit.projections.projection import METHODS, Projection, project

__all__ = ["METHODS", "Projection", "project"]
