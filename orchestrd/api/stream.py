"""The event stream of one reader: journal lines in the form it asked for, at its own pace.

A follower feeds it from the journal, so a reader that is slow or dead holds up nobody: `send` waits for that reader
alone, and what it has not read stays on disk. All lines that are pending at a wake-up leave in one chunk. A reader that
hangs up is noticed while there is nothing to send; its follower is closed then, as it is when the daemon stops.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence

from starlette.types import Message, Receive, Scope, Send

from orchestrd.api.reading import NDJSON, SSE, TEXT
from orchestrd.core.choice import Choice, head_of
from orchestrd.ports import Follower
from orchestrd.render import event_line


def as_events(lines: Iterable[bytes]) -> bytes:
    """Write lines as server-sent events, whose id is the cursor to come back with."""
    return b"".join(b"id: %d\ndata: %b\n\n" % (head_of(line).cursor, line) for line in lines)


def as_lines(lines: Iterable[bytes]) -> bytes:
    """Write lines as they stand in the journal."""
    return b"\n".join((*lines, b""))


def as_text(lines: Iterable[bytes]) -> bytes:
    """Write lines for people."""
    return "".join(event_line(line) + "\n" for line in lines).encode()


FORMS: dict[str, Callable[[Iterable[bytes]], bytes]] = {SSE: as_events, NDJSON: as_lines, TEXT: as_text}


class EventStream:
    """One answer to `GET /v1/events`; an ASGI app of its own."""

    def __init__(
        self, follower: Follower, choice: Choice, *, cursor: int, media_type: str, open_streams: "set[EventStream]"
    ) -> None:
        self._follower = follower
        self._cursor = cursor
        self._choice = choice
        self._media_type = media_type
        self._form = FORMS[media_type]
        self._is_closed = False
        self._is_whole = choice.until is None  # without a last number any end is a proper one
        self._open_streams = open_streams
        open_streams.add(self)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until the reader, the follower or the choice comes to its end.

        An answer that is to have a last number and has not reached it is cut off, so that nobody takes it for whole.
        """
        try:
            await send(self._head())
            async with asyncio.TaskGroup() as tasks:
                watch = tasks.create_task(self._watch(receive), name="event stream: watch for hang-up")
                await self._pump(send)
                watch.cancel()
            if self._is_whole:
                await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            self.close()
            self._open_streams.discard(self)

    def close(self) -> None:
        """Come to an end: nothing more is sent but what says so."""
        self._is_closed = True
        self._follower.close()

    async def _pump(self, send: Send) -> None:
        """Send page by page. The end is always the follower's own, so that it can let go of what it holds."""
        async for lines in self._follower:
            if self._is_closed:
                continue
            if chunk := self._form(self._chosen(lines)):
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
            if self._is_complete(lines):
                self._is_whole = True
                self.close()

    def _chosen(self, lines: Sequence[bytes]) -> Sequence[bytes]:
        """Leave out what is not wanted. For a reader who wants everything no line is looked into: many are such."""
        if self._choice.is_everything:
            return lines
        return [line for line in lines if self._choice.takes(head_of(line))]

    async def _watch(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self.close()

    def _is_complete(self, lines: Sequence[bytes]) -> bool:
        until = self._choice.until
        return until is not None and bool(lines) and head_of(lines[-1]).cursor >= until

    def _head(self) -> Message:
        headers = [
            (b"content-type", self._media_type.encode() + b"; charset=utf-8"),
            (b"cache-control", b"no-store"),
            (b"orch-cursor", b"%d" % self._cursor),  # where to go on from, should not even one line arrive
        ]
        return {"type": "http.response.start", "status": 200, "headers": headers}
