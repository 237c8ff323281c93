"""What is said where a client and a daemon of different versions meet; it imports nothing that costs."""

from orchestrd import __version__


def notice(theirs: str | None) -> str | None:
    """Say that daemon and client are of different versions, or null."""
    if theirs in (None, __version__):
        return None
    return f"the daemon is version {theirs}, this is {__version__}: orch daemon restart (sessions go on)"
