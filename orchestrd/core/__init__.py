"""Floor 1, the decisions: pure functions over the nouns. No asyncio, no clock, no I/O, no logging."""
