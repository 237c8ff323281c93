"""What is asked and answered when a person tries the channels: `orch notify`."""

from msgspec import Struct

from orchestrd.model.notice import Priority


class NoticeRequest(Struct, frozen=True, kw_only=True):
    """Tell this now, whatever the hour. `channels`: over these; else over all that `priority` is routed to.

    Neither: over all that are on. `key` is minted by the client.
    """

    key: str
    text: str
    channels: tuple[str, ...] = ()
    priority: Priority | None = None


class ChannelReply(Struct, frozen=True, kw_only=True):
    """What one channel answered: it was told, or why not, and the next command."""

    channel: str
    kind: str
    is_told: bool
    error: str | None = None
    hint: str = ""


class NoticeReply(Struct, frozen=True, kw_only=True):
    """What each channel answered, in the order in which they are set."""

    channels: tuple[ChannelReply, ...]
