"""The engine: what keeps sessions going. It knows ports and decisions, and no adapter by name."""
