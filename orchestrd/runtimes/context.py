"""What a runtime may need of the daemon that makes it."""

from msgspec import Struct

from orchestrd.core.layout import Layout
from orchestrd.ports import Clock
from orchestrd.runtimes.scopes import Scopes


class RuntimeContext(Struct, frozen=True, kw_only=True):
    """Where the home has what, what time it is, and a scope of systemd for each run, where there are scopes."""

    layout: Layout
    clock: Clock
    scopes: Scopes | None = None
