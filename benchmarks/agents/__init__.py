"""The real agents that are driven by the tests and measured by the benchmarks."""
