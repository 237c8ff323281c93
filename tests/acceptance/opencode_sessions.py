"""The real OpenCode under a real daemon."""

from tests.acceptance.daemon import Home
from tests.acceptance.processes import until
from tests.acceptance.real_sessions import START_S, RealSessions

__all__ = ["START_S", "OpenCodeSessions"]


class OpenCodeSessions(RealSessions):
    """Sessions of OpenCode, which asks before it is interrupted."""

    def __init__(self, home: Home) -> None:
        super().__init__(home, "opencode")

    def interrupt(self, session: str) -> None:
        """Press Escape twice in its terminal."""
        self.press(session, "Escape")
        until(lambda: "again to interrupt" in self.screen(session), "it asks once more")
        self.press(session, "Escape")
