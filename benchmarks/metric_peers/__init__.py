"""Measures beside their peers; `benchmarks/metrics.py` runs them."""
