"""Datasets that gapkit ships."""

from gapkit.datasets.bundled import DatasetCard, dataset_names, describe, load_dataset, load_details

__all__ = ["DatasetCard", "dataset_names", "describe", "load_dataset", "load_details"]
