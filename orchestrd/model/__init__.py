"""Floor 0, the nouns: frozen values that every other floor speaks of. Nothing here acts, waits or reads a clock."""
