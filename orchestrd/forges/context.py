"""What a forge may need of the daemon that makes it."""

from collections.abc import Callable, Mapping

from msgspec import Struct

from orchestrd.core.layout import Layout
from orchestrd.model.forge_settings import ForgeSettings
from orchestrd.ports import Clock
from orchestrd.ports.git import Git

OnError = Callable[[str, BaseException | None], None]  # what goes wrong; null: that this is over


class ForgeContext(Struct, frozen=True, kw_only=True):
    """Where the home has what, what time it is, what the user has set, the daemon's own environment, and its one git.

    A forge is made before the loop has anything to do, and imports what is slow only when it is asked something. What
    it lacks (a token) costs an answer, and never its making.
    """

    layout: Layout
    clock: Clock
    settings: ForgeSettings
    environ: Mapping[str, str]
    git: Git
    on_error: OnError
