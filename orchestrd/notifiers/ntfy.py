"""ntfy: a topic of ntfy.sh, or of a server of one's own.

A notice bears its key as the id of its sequence: told twice, it takes its own place in the app. (A server older than
2.16 shows it twice.)
"""

import asyncio
from collections.abc import Sequence

import msgspec

from orchestrd.core.notice_words import one_notice, within_bytes
from orchestrd.model.errors import UsageError
from orchestrd.model.limits import NTFY_TEXT_BYTES_MAX
from orchestrd.model.notice import Notice, Priority
from orchestrd.notifiers.context import NotifierContext
from orchestrd.notifiers.posting import Poster
from orchestrd.notifiers.secret import Secret

SERVER = "https://ntfy.sh"
PRIORITIES = {Priority.INFO: 2, Priority.WARNING: 3, Priority.ACTION: 4, Priority.URGENT: 5}
TAGS = {
    Priority.INFO: "information_source",
    Priority.WARNING: "warning",
    Priority.ACTION: "bell",
    Priority.URGENT: "rotating_light",
}


class NtfyNotifier:
    """Publishes to one topic."""

    kind = "ntfy"

    def __init__(self, context: NotifierContext) -> None:
        settings = context.settings
        if not settings.topic:
            raise UsageError(f"the channel {context.name} has no topic", code="config", hint="orch config edit")
        self.name = context.name
        self._topic = settings.topic
        self._server = settings.url
        self._url = Secret(of="URL", channel=self.name, variable=settings.url_env, file=settings.url_file)
        self._token = Secret(of="token", channel=self.name, variable=settings.token_env, file=settings.token_file)
        self._environ = context.environ
        self._poster = Poster(self.name)

    async def tell(self, notices: Sequence[Notice]) -> None:
        url, token = await asyncio.to_thread(self._read)
        headers = {"Content-Type": "application/json"}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        body = msgspec.json.encode(_published(self._topic, one_notice(notices)))
        await self._poster.post(url or self._server or SERVER, body, headers, (url, token))

    async def close(self) -> None:
        await self._poster.close()

    def _read(self) -> tuple[str | None, str | None]:
        return self._url.read(self._environ), self._token.read(self._environ)


def notifier(context: NotifierContext) -> NtfyNotifier:
    """Make one. Raises UsageError where it has no topic."""
    return NtfyNotifier(context)


def _published(topic: str, notice: Notice) -> dict[str, object]:
    """Word a message as the server takes it; an empty text would be told as one of its own."""
    message = {
        "topic": topic,
        "title": notice.title,
        "message": within_bytes(notice.text or notice.title, NTFY_TEXT_BYTES_MAX),
        "priority": PRIORITIES[notice.priority],
        "tags": [TAGS[notice.priority]],
        "sequence_id": notice.key,
    }
    return message if notice.url is None else {**message, "click": notice.url}
