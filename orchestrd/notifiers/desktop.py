"""The desktop: a notification on the screen of this machine, by `notify-send`, or `osascript` on macOS.

A title and a text are arguments of a program, never part of a script or of an option; where a desktop reads markup
in them, they have none.
"""

import asyncio
import html
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from orchestrd.core.notice_words import one_notice
from orchestrd.model.errors import TransientError
from orchestrd.model.notice import Notice, Priority
from orchestrd.notifiers.context import NotifierContext
from orchestrd.notifiers.failing import failed
from orchestrd.notifiers.program import run

URGENCIES = {
    Priority.INFO: "low",
    Priority.WARNING: "normal",
    Priority.ACTION: "normal",
    Priority.URGENT: "critical",
}
BUS, RUNTIME = "DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR"
APPLESCRIPT = (
    "on run argv",
    "display notification (item 3 of argv) with title (item 2 of argv)",
    "end run",
)
_END_OF_OPTIONS = "notice"  # what comes behind the first word is no option, however it begins: `-e` would be a script


class DesktopNotifier:
    """Shows notifications where the daemon runs."""

    kind = "desktop"

    def __init__(self, context: NotifierContext) -> None:
        self.name = context.name
        self._environ = context.environ

    async def tell(self, notices: Sequence[Notice]) -> None:
        argv = await asyncio.to_thread(self._argv, one_notice(notices))
        await run(self.name, argv, self._environ, hint="orch doctor")

    async def close(self) -> None:
        """It holds nothing."""

    def _argv(self, notice: Notice) -> list[str]:
        """Raises TransientError where nothing can be shown: a desktop may come yet."""
        path = self._environ.get("PATH", os.defpath)
        if program := shutil.which("osascript", path=path):
            script = [word for line in APPLESCRIPT for word in ("-e", line)]
            return [program, *script, _END_OF_OPTIONS, notice.title, notice.text or notice.priority.value]
        program = shutil.which("notify-send", path=path)
        if program is None:
            hint = "apt install libnotify-bin"
            raise TransientError(
                f"the channel {self.name} needs notify-send, which is not on the PATH of the daemon",
                code="no_program",
                hint=hint,
            )
        if not has_session_bus(self._environ):
            hint = f"systemctl --user import-environment {BUS}"
            raise failed(self.name, f"the daemon knows of no session bus ({BUS}), so of no desktop", hint)
        text = html.escape("\n".join(filter(None, (notice.text, notice.url))), quote=False)
        return [program, "--app-name=orchestrd", f"--urgency={URGENCIES[notice.priority]}", "--", notice.title, text]


def notifier(context: NotifierContext) -> DesktopNotifier:
    """Make one."""
    return DesktopNotifier(context)


def has_session_bus(environ: Mapping[str, str]) -> bool:
    """Tell whether a program that this environment is given finds the bus of a desktop; blocking."""
    runtime = environ.get(RUNTIME)
    return BUS in environ or (runtime is not None and Path(runtime, "bus").exists())
