"""A webhook: the notices as JSON, posted to a URL, and signed where there is a secret.

The signature is over the time and the body, so that whoever takes it can tell a replay by its age: the header
`X-Orchestrd-Signature` is `sha256=` and the HMAC-SHA256, in hexadecimal, of what `X-Orchestrd-Timestamp` says (seconds
since 1970), a full stop, and the body. `Idempotency-Key` is the same whenever the same is told again.
"""

import asyncio
import hashlib
import hmac
from collections.abc import Sequence

from orchestrd.core.notice_words import one_notice
from orchestrd.model.errors import TransientError, UsageError
from orchestrd.model.notice import Notice
from orchestrd.notifiers.body import notice_body
from orchestrd.notifiers.context import NotifierContext
from orchestrd.notifiers.posting import Poster
from orchestrd.notifiers.secret import Secret

SIGNATURE, TIMESTAMP = "X-Orchestrd-Signature", "X-Orchestrd-Timestamp"


class WebhookNotifier:
    """Posts to one URL."""

    kind = "webhook"

    def __init__(self, context: NotifierContext) -> None:
        settings = context.settings
        self.name = context.name
        self._url = settings.url
        self._secret_url = Secret(of="URL", channel=self.name, variable=settings.url_env, file=settings.url_file)
        if self._url is None and not self._secret_url.is_set:
            raise UsageError(
                f"the channel {self.name} has no url, url_env or url_file", code="config", hint="orch config edit"
            )
        self._secret = Secret(of="secret", channel=self.name, variable=settings.secret_env, file=settings.secret_file)
        self._environ = context.environ
        self._clock = context.clock
        self._poster = Poster(self.name)

    async def tell(self, notices: Sequence[Notice]) -> None:
        hidden, secret = await asyncio.to_thread(self._read)
        url = hidden or self._url
        if url is None or not url.startswith(("https://", "http://")):
            raise TransientError(
                f"the URL of the channel {self.name} is none of http", code="no_secret", hint="orch config edit"
            )
        body = notice_body(notices)
        headers = {"Content-Type": "application/json", "Idempotency-Key": one_notice(notices).key}
        if secret is not None:
            timestamp = str(int(self._clock.now().at.timestamp()))
            headers |= {TIMESTAMP: timestamp, SIGNATURE: signature(secret, timestamp, body)}
        await self._poster.post(url, body, headers, (hidden, secret))

    async def close(self) -> None:
        await self._poster.close()

    def _read(self) -> tuple[str | None, str | None]:
        return self._secret_url.read(self._environ), self._secret.read(self._environ)


def notifier(context: NotifierContext) -> WebhookNotifier:
    """Make one. Raises UsageError where it has no URL."""
    return WebhookNotifier(context)


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """Sign a body and the time at which it is posted."""
    return f"sha256={hmac.new(secret.encode(), f'{timestamp}.'.encode() + body, hashlib.sha256).hexdigest()}"
