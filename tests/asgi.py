"""Calls an ASGI app without a server, in virtual time, streams included."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from starlette.types import ASGIApp, Message


class Answer:
    """A whole answer."""

    def __init__(self, messages: list[Message]) -> None:
        self.status: int = messages[0]["status"]
        self.headers = {name.decode(): value.decode() for name, value in messages[0]["headers"]}
        self.body = b"".join(message["body"] for message in messages[1:])

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.body)


class Reader:
    """One open stream: what the app sends arrives in `chunk`, what the reader does reaches the app."""

    def __init__(self, scope: dict[str, Any]) -> None:
        self.scope = scope
        self._arrived: asyncio.Queue[Message] = asyncio.Queue()
        self._leaving: asyncio.Queue[Message] = asyncio.Queue()
        self.may_send = asyncio.Event()
        self.may_send.set()

    async def receive(self) -> Message:
        return await self._leaving.get()

    async def send(self, message: Message) -> None:
        await self.may_send.wait()
        self._arrived.put_nowait(message)

    def hang_up(self) -> None:
        self._leaving.put_nowait({"type": "http.disconnect"})

    async def message(self) -> Message:
        return await self._arrived.get()

    async def chunk(self) -> bytes:
        body: bytes = (await self.message())["body"]
        return body

    def is_drained(self) -> bool:
        return self._arrived.empty()


async def call(
    app: ASGIApp,
    method: str,
    target: str,
    *,
    headers: Mapping[str, str] | None = None,
    body: bytes | Iterable[bytes] = b"",
    is_whole: bool = True,
) -> Answer:
    """Make one request and wait for the whole answer; a body in parts is sent part by part, or never to its end."""
    parts = [body] if isinstance(body, bytes) else list(body)
    incoming = [
        {"type": "http.request", "body": part, "more_body": n < len(parts) or not is_whole}
        for n, part in enumerate(parts, start=1)
    ]
    sent: list[Message] = []

    async def receive() -> Message:
        if not incoming:
            await asyncio.Event().wait()
        return incoming.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    await app(_scope(method, target, headers or {}), receive, send)
    return Answer(sent)


@asynccontextmanager
async def reading(
    app: ASGIApp, target: str, headers: Mapping[str, str] | None = None, *, method: str = "GET"
) -> AsyncIterator[Reader]:
    """Open a stream; leaving the block hangs up and waits until the app has noticed."""
    reader = Reader(_scope(method, target, headers or {}))

    async def serve() -> None:
        await app(reader.scope, reader.receive, reader.send)

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(serve(), name=f"{method} {target}")
        yield reader
        reader.may_send.set()
        reader.hang_up()


def _scope(method: str, target: str, headers: Mapping[str, str]) -> dict[str, Any]:
    path, _, query = target.partition("?")
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "scheme": "http",
        "query_string": query.encode(),
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        "server": None,
        "client": None,
        "state": {},
    }
