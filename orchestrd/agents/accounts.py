"""Whose usage limit a session shares: a name for an account that tells nobody who it is, or by which key.

The name is the agent's, and a part of the digest of what the agent is let in by. Two sessions that are let in by the
same have the same name; nobody can tell the key from it.
"""

import hashlib
from collections.abc import Mapping, Sequence

_DIGITS = 12


def account_name(agent: str, environment: Mapping[str, str], ways: Sequence[Sequence[str]]) -> str | None:
    """Name the account by the first way in whose first variable is set; null where none is."""
    for way in ways:
        if environment.get(way[0]):
            told = "\0".join(f"{name}={environment.get(name, '')}" for name in way)
            return f"{agent}:{hashlib.sha256(told.encode('utf-8', 'surrogateescape')).hexdigest()[:_DIGITS]}"
    return None
