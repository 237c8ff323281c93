"""Stand-ins for the world outside, for tests and benchmarks: clocks that obey, and runs that follow a script."""
