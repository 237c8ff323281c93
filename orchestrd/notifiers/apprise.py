"""Apprise: Slack, Discord, email and a hundred more, by one address of its own.

The package is an extra, imported when the first notice is told, on a thread, like all that it does. An address holds
secrets, so neither it nor what Apprise says of it is repeated or logged.
"""

import asyncio
import logging
from collections.abc import Sequence
from functools import partial
from typing import Any

from orchestrd.core.notice_words import one_notice
from orchestrd.model.errors import TransientError, UsageError
from orchestrd.model.limits import NOTIFY_ANSWER_S
from orchestrd.model.notice import Notice, Priority
from orchestrd.notifiers.context import NotifierContext
from orchestrd.notifiers.failing import failed
from orchestrd.notifiers.secret import Secret
from orchestrd.notifiers.threads import on_own_thread

TYPES = {Priority.INFO: "info", Priority.WARNING: "warning", Priority.ACTION: "warning", Priority.URGENT: "failure"}
INSTALL = "pip install 'orchestrd[apprise]'"


class AppriseNotifier:
    """Tells over one address."""

    kind = "apprise"

    def __init__(self, context: NotifierContext) -> None:
        settings = context.settings
        self.name = context.name
        self._address = Secret(of="address", channel=self.name, variable=settings.url_env, file=settings.url_file)
        if not self._address.is_set:
            raise UsageError(
                f"the channel {self.name} has no url_env or url_file", code="config", hint="orch config edit"
            )
        self._environ = context.environ

    async def tell(self, notices: Sequence[Notice]) -> None:
        try:
            async with asyncio.timeout(NOTIFY_ANSWER_S):
                await on_own_thread(partial(self._tell, one_notice(notices)))
        except TimeoutError:  # its thread goes on: Apprise bounds each request of its own, and cannot be called off
            raise failed(self.name, f"its service did not answer within {NOTIFY_ANSWER_S:.0f} seconds") from None

    async def close(self) -> None:
        """It holds nothing."""

    def _tell(self, notice: Notice) -> None:
        address = self._address.read(self._environ)
        service = _imported(self.name).Apprise()
        if not service.add(address):
            raise failed(self.name, "Apprise does not know such an address")
        text = "\n".join(filter(None, (notice.text, notice.url))) or notice.title
        if not service.notify(body=text, title=notice.title, notify_type=TYPES[notice.priority], body_format="text"):
            raise failed(self.name, "its service did not take the notice")


def notifier(context: NotifierContext) -> AppriseNotifier:
    """Make one. Raises UsageError where it has no address."""
    return AppriseNotifier(context)


def _imported(channel: str) -> Any:
    """Import Apprise, and have it log nothing. Raises TransientError where it is not installed."""
    try:
        import apprise  # noqa: PLC0415 - an extra, and a big one
    except ImportError:
        told = f"the channel {channel} needs Apprise, which is not installed"
        raise TransientError(told, code="no_program", hint=INSTALL) from None
    logging.getLogger("apprise").disabled = True
    return apprise
