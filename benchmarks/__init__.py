"""Measurements of orchestrd, run by `python -m benchmarks`."""
