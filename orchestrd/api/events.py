"""The endpoint of the event stream: where it begins, where it ends, what of it is wanted, and in which form."""

from starlette.requests import Request
from starlette.responses import Response

from orchestrd.api.reading import NDJSON, SSE, TEXT, as_number, flag, number, preferred
from orchestrd.api.stream import EventStream
from orchestrd.core.choice import Choice
from orchestrd.model.errors import RefusedError, UsageError
from orchestrd.model.event import EventType
from orchestrd.ports import Service


class Events:
    """The journal as a resource."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._streams: set[EventStream] = set()

    async def follow(self, request: Request) -> Response | EventStream:
        """Answer with the events after a cursor, for ever or up to the newest one there is now."""
        newest = self._service.facts().sequence
        since = _cursor(request)
        if since is not None and since > newest:
            raise _ahead(since, newest)
        form = preferred(request, SSE, NDJSON, TEXT)
        until = None if flag(request, "follow", default=True) else newest
        choice = Choice(until=until, sessions=await self._sessions(request), types=_types(request))
        cursor = since if since is not None else newest if until is None else 0
        if until is not None and cursor >= until:
            return Response(media_type=form, headers={"orch-cursor": str(cursor)})
        follower = self._service.follow(cursor)
        return EventStream(follower, choice, cursor=cursor, media_type=form, open_streams=self._streams)

    def close(self) -> None:
        """Bring every stream to its end."""
        for stream in tuple(self._streams):
            stream.close()

    async def _sessions(self, request: Request) -> frozenset[str] | None:
        named = request.query_params.getlist("session")
        return frozenset([await self._service.resolve_past(text) for text in named]) or None


def _types(request: Request) -> frozenset[str] | None:
    named = frozenset(request.query_params.getlist("type"))
    if unknown := named.difference(EventType):
        raise UsageError(
            f"there is no event type {min(unknown)[:40]!r}: the types are {', '.join(EventType)}",
            code="invalid",
            hint="orch events --help",
        )
    return named or None


def _cursor(request: Request) -> int | None:
    """A reader that comes back says where it was in the header; that is newer than the address it first asked for."""
    header = as_number("the header Last-Event-ID", request.headers.get("last-event-id"))
    return number(request, "since") if header is None else header


def _ahead(since: int, newest: int) -> RefusedError:
    return RefusedError(
        f"the cursor {since} is ahead of event {newest}, the newest there is: it belongs to another home",
        code="cursor_ahead",
        hint="orch events --since 0",
    )
