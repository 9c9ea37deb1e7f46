"""Captions from embeddings: decoders that write them, and what they are worth."""
