"""Captions of embeddings: decoders that write them, and how good they are."""
