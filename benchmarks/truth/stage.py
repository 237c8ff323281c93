"""A stage for plays: a home with a real daemon, which has hooks or has none, and a subscriber who notes what it claims.

All of it lies below `.venv/truth`, for one of the agents reads nothing that lies where others may write. Whatever was
started is ended, and all that was written is gone, when the stage is taken down.
"""

import contextlib
import itertools
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from benchmarks.daemons import Daemon
from benchmarks.homes import temporary_home
from benchmarks.tmux import Tmux
from benchmarks.truth.listening import Listener
from orchestrd.core.layout import Layout

PLACE = Path(__file__).resolve().parents[2] / ".venv" / "truth"
_numbers = itertools.count(1)


class Stage(Struct, frozen=True, kw_only=True):
    """What all plays on one stage share."""

    daemon: Daemon
    listener: Listener
    tmux: Tmux
    users: Path
    has_hooks: bool
    tick_s: float

    @property
    def layout(self) -> Layout:
        """Where everything of the daemon's home lies."""
        return self.daemon.layout

    def place_for_user(self) -> Path:
        """Give a directory that nobody uses yet."""
        return self.users / str(next(_numbers))


@contextlib.contextmanager
def set_up(*, has_hooks: bool, tick_s: float) -> Iterator[Stage]:
    """Set a stage up with a daemon that runs."""
    PLACE.mkdir(parents=True, exist_ok=True)
    with temporary_home(PLACE) as layout:
        _configure(layout, has_hooks=has_hooks)
        daemon = Daemon(layout, interval_s=tick_s)
        with contextlib.closing(daemon):
            daemon.start()
            with Listener(layout.socket) as listener:
                yield Stage(
                    daemon=daemon,
                    listener=listener,
                    tmux=Tmux(layout.tmux_socket),
                    users=Path(layout.home).parent / "users",
                    has_hooks=has_hooks,
                    tick_s=tick_s,
                )


def _configure(layout: Layout, *, has_hooks: bool) -> None:
    """Say so in the file of settings, as a user would."""
    place = Path(layout.home, "config", "orchestrd")
    place.mkdir(parents=True)
    (place / "config.toml").write_text(f"[daemon]\nhooks = {str(has_hooks).lower()}\n")
