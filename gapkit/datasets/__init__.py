"""Datasets that gapkit ships."""

from gapkit.datasets.bundled import (
    DatasetCard,
    dataset_names,
    describe,
    load_dataset,
    load_details,
    load_groups,
    load_labels,
    load_manifest,
)

__all__ = [
    "DatasetCard",
    "dataset_names",
    "describe",
    "load_dataset",
    "load_details",
    "load_groups",
    "load_labels",
    "load_manifest",
]
