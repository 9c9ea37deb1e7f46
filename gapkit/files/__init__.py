"""Reading and writing embeddings: npy, npz, safetensors, pt, parquet, h5, and captions from csv.

What a file may hold and how its arrays are named stands in ``docs/data-format.md``. Files are material, not
code: nothing is unpickled, and the sizes that a header claims are held against the file before memory is taken.
"""

from gapkit.files.provenance import write_beside
from gapkit.files.reading import holds_both_sides, load_embeddings, load_pairs, load_side
from gapkit.files.writing import save_embeddings, save_pairs

__all__ = [
    "holds_both_sides",
    "load_embeddings",
    "load_pairs",
    "load_side",
    "save_embeddings",
    "save_pairs",
    "write_beside",
]
