"""orchestrd keeps coding-agent sessions running, tells the truth about each one, and acts on it."""

__version__ = "0.1.0"
