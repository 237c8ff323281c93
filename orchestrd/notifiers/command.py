"""A command: a program of the user's own, which reads the notices as JSON from its stdin."""

import shlex
from collections.abc import Sequence

from orchestrd.core.notice_words import one_notice
from orchestrd.model.errors import UsageError
from orchestrd.model.notice import Notice
from orchestrd.notifiers.body import notice_body
from orchestrd.notifiers.context import NotifierContext
from orchestrd.notifiers.program import run


class CommandNotifier:
    """Runs one program, without a shell."""

    kind = "command"

    def __init__(self, context: NotifierContext) -> None:
        if not context.settings.command:
            raise UsageError(f"the channel {context.name} has no command", code="config", hint="orch config edit")
        self.name = context.name
        self._argv = context.settings.command
        self._environ = context.environ

    async def tell(self, notices: Sequence[Notice]) -> None:
        environ, body = {**self._environ, **_variables(one_notice(notices))}, notice_body(notices)
        await run(self.name, self._argv, environ, body, hint=shlex.join(self._argv))

    async def close(self) -> None:
        """It holds nothing."""


def notifier(context: NotifierContext) -> CommandNotifier:
    """Make one. Raises UsageError where it has no command."""
    return CommandNotifier(context)


def _variables(notice: Notice) -> dict[str, str]:
    """What a short script may want to know without reading JSON; of several notices, of all of them in one."""
    return {
        "ORCH_NOTICE_KEY": notice.key,
        "ORCH_NOTICE_PRIORITY": notice.priority.value,
        "ORCH_NOTICE_SESSION": notice.session or "",
        "ORCH_NOTICE_TITLE": notice.title,
        "ORCH_NOTICE_URL": notice.url or "",
    }
