"""Captions of embeddings: how good they are."""
