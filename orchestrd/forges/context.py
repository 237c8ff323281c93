"""What a forge may need of the daemon that makes it."""

from collections.abc import Callable, Mapping

from msgspec import Struct, field

from orchestrd.core.layout import Layout
from orchestrd.model.forge_settings import ForgeSettings
from orchestrd.ports import Clock, Forge
from orchestrd.ports.git import Git

OnError = Callable[[str, BaseException | None], None]  # what goes wrong; null: that this is over


class ForgeContext(Struct, frozen=True, kw_only=True):
    """Where the home has what, what time it is, what the user has set, the daemon's own environment, and its one git.

    A forge is made on a thread, or before the loop has anything to do, and imports what is slow only when it is asked
    something. What it lacks (a token) costs an answer, and never its making. It is made anew when it is set otherwise:
    `before` has the forges in use until then, by their names, for what of their knowledge still applies. What they were
    asked they go on with, side by side with the new ones; so nothing of theirs is taken away.
    """

    layout: Layout
    clock: Clock
    settings: ForgeSettings
    environ: Mapping[str, str]
    git: Git
    on_error: OnError
    before: Mapping[str, Forge] = field(default_factory=dict)
