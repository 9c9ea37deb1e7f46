"""Encoders: sound and text (or pictures and text) to embeddings, and `embed`, which turns files into pairs."""
