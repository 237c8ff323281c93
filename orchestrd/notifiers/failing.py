"""How a channel says that it failed, and may work again: by the name that its user has given it."""

from orchestrd.model.errors import TransientError


def failed(channel: str, why: str, hint: str = "orch config edit") -> TransientError:
    """Make the error (`channel_failed`)."""
    return TransientError(f"the channel {channel} failed: {why}", code="channel_failed", hint=hint)
