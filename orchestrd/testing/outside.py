"""What lies beyond runs, over nothing but what a test says: what is committed, commands, and channels."""

import asyncio
from collections.abc import Callable

from orchestrd.model.ids import SessionId
from orchestrd.model.notice_settings import ChannelSettings
from orchestrd.model.session import Session, Workspace
from orchestrd.ports import CommandEnd, Tree
from orchestrd.testing.notifier import ScriptedNotifier


class ScriptedTrees:
    """Says of each directory what stands in `found`; all is committed where nothing does."""

    def __init__(self) -> None:
        self.found: dict[str, Tree] = {}

    async def tree(self, workspace: Workspace) -> Tree:
        """See the port."""
        return self.found.get(workspace.directory, Tree(is_clean=True))


class ScriptedRunner:
    """Runs nothing: each command takes `takes_s` and ends as `end` says. Those begun and cut off are noted."""

    def __init__(self) -> None:
        self.takes_s = 0.0
        self.end: Callable[[Session, str], CommandEnd] = lambda _session, _command: CommandEnd(exit_code=0)
        self.begun: list[tuple[SessionId, str]] = []
        self.cut_off: list[tuple[SessionId, str]] = []

    async def run(self, session: Session, command: str) -> CommandEnd:
        """See the port."""
        self.begun.append((session.id, command))
        try:
            await asyncio.sleep(self.takes_s)
        except asyncio.CancelledError:
            self.cut_off.append((session.id, command))
            raise
        return self.end(session, command)


class ScriptedChannels:
    """Makes channels, and keeps them by name."""

    def __init__(self) -> None:
        self.made: dict[str, ScriptedNotifier] = {}

    def make(self, name: str, settings: ChannelSettings) -> ScriptedNotifier:
        """Make one, or give it again."""
        return self.made.setdefault(name, ScriptedNotifier(name))
