"""What a notifier may need of the daemon that makes it."""

from collections.abc import Callable, Mapping

from msgspec import Struct

from orchestrd.core.layout import Layout
from orchestrd.model.notice_settings import ChannelSettings
from orchestrd.ports import Clock

OnError = Callable[[str, BaseException | None], None]  # what goes wrong; null: that this is over


class NotifierContext(Struct, frozen=True, kw_only=True):
    """The channel to make: the user's own name of it and what is set of it; and what the daemon has for all of them.

    One is made for each channel, and again when what is set of it has changed. A channel that cannot be used as it is
    set raises UsageError when it is made; secrets are read when something is to be told, for they may come later.
    """

    name: str
    settings: ChannelSettings
    layout: Layout
    clock: Clock
    environ: Mapping[str, str]
    on_error: OnError
