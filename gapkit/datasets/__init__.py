"""Datasets that gapkit ships."""
