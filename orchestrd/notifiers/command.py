"""A command: a program of the user's own, which reads the notices as JSON from its stdin."""

import shlex
from collections.abc import Sequence

from orchestrd.core.fencing import cleaned
from orchestrd.core.notice_words import one_notice
from orchestrd.model.errors import TransientError, UsageError
from orchestrd.model.limits import NOTIFY_ANSWER_S
from orchestrd.model.notice import Notice
from orchestrd.notifiers.body import notice_body
from orchestrd.notifiers.context import NotifierContext
from orchestrd.notifiers.program import Ended, run


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
        try:
            ended = await run(self._argv, {**self._environ, **_variables(one_notice(notices))}, notice_body(notices))
        except OSError as error:
            raise self._failed(f"{self._argv[0]} cannot be run: {error.strerror}") from None
        if ended.code != 0:
            raise self._failed(f"{self._argv[0]} {how_it_ended(ended)}")

    async def close(self) -> None:
        """It holds nothing."""

    def _failed(self, why: str) -> TransientError:
        told = f"the channel {self.name} failed: {why}"
        return TransientError(told, code="channel_failed", hint=shlex.join(self._argv))


def notifier(context: NotifierContext) -> CommandNotifier:
    """Make one. Raises UsageError where it has no command."""
    return CommandNotifier(context)


def how_it_ended(ended: Ended) -> str:
    """Say how a program failed, with the last line that it has said."""
    if ended.code is None:
        return f"was not done after {NOTIFY_ANSWER_S:.0f} seconds and was killed"
    how = f"ended with {ended.code}" if ended.code > 0 else f"was ended by signal {-ended.code}"
    last = next((line for line in reversed(cleaned(ended.said).splitlines()) if line.strip()), "")
    return f"{how}: {last.strip()}" if last else how


def _variables(notice: Notice) -> dict[str, str]:
    """What a short script may want to know without reading JSON; of several notices, of all of them in one."""
    return {
        "ORCH_NOTICE_KEY": notice.key,
        "ORCH_NOTICE_PRIORITY": notice.priority.value,
        "ORCH_NOTICE_SESSION": notice.session or "",
        "ORCH_NOTICE_TITLE": notice.title,
        "ORCH_NOTICE_URL": notice.url or "",
    }
