"""Endpoints about one session: spawn, show, explain, its screen, the commands, and its archive."""

from starlette.requests import Request
from starlette.responses import Response

from orchestrd.api.about import status_asked
from orchestrd.api.answering import json, text
from orchestrd.api.reading import JSON, TEXT, preferred, read_body
from orchestrd.model.command import Answer, Kill, Revive, Send, Stop
from orchestrd.model.document import AnswerRequest, Screen, SendRequest, SpawnRequest, StopRequest
from orchestrd.model.errors import UsageError
from orchestrd.model.ids import SessionId
from orchestrd.ports import Clock, Service
from orchestrd.render import explanation_page, session_page
from orchestrd.render.reactions import judged_page


class Sessions:
    """The sessions as a resource."""

    def __init__(self, service: Service, clock: Clock) -> None:
        self._service = service
        self._clock = clock

    async def collection(self, request: Request) -> Response:
        """List the sessions, or begin one."""
        if request.method == "POST":
            return await self._spawn(request)
        return json(status_asked(self._service, request))

    async def show(self, request: Request) -> Response:
        """Show one session."""
        told = self._service.document(await self._resolved(request))
        if preferred(request, JSON, TEXT) == JSON:
            return json(told)
        return text(session_page(told, self._clock.now().at))

    async def explain(self, request: Request) -> Response:
        """Say why its row says what it says."""
        told = self._service.explain(await self._resolved(request))
        if preferred(request, JSON, TEXT) == JSON:
            return json(told)
        return text(explanation_page(told, self._clock.now().at))

    async def reactions(self, request: Request) -> Response:
        """Say what each reaction comes to for it."""
        told = self._service.judge(await self._resolved(request))
        return json(told) if preferred(request, JSON, TEXT) == JSON else text(judged_page(told))

    async def screen(self, request: Request) -> Response:
        """Show what its terminal shows now, or showed at its end."""
        session = await self._resolved(request)
        shown = await self._service.screen(session)
        if preferred(request, TEXT, JSON) == JSON:
            return json(Screen(session=session, screen=shown))
        return text(shown)

    async def send(self, request: Request) -> Response:
        """Type a text into the agent."""
        session, body = await self._resolved(request), await read_body(request, SendRequest)
        require_same_key(request, body.message, "orch send --help")
        command = Send(
            session=session,
            message=body.message,
            text=body.text,
            authority=body.authority,
            is_command=body.is_command,
        )
        return json(await self._service.send(command))

    async def answer(self, request: Request) -> Response:
        """Answer the decision that it waits for."""
        session, body = await self._resolved(request), await read_body(request, AnswerRequest)
        command = Answer(
            session=session, decision=body.decision, choice=body.choice, text=body.text, authority=body.authority
        )
        return json(await self._service.answer(command))

    async def stop(self, request: Request) -> Response:
        """Ask it to end."""
        session, body = await self._resolved(request), await read_body(request, StopRequest)
        command = Stop(session=session, authority=body.authority, grace_s=body.grace_s)
        return json(await self._service.stop(command))

    async def kill(self, request: Request) -> Response:
        """Force it to end."""
        session, body = await self._resolved(request), await read_body(request, StopRequest)
        return json(await self._service.stop(Kill(session=session, authority=body.authority)))

    async def revive(self, request: Request) -> Response:
        """Start a new run of it."""
        session, body = await self._resolved(request), await read_body(request, StopRequest)
        return json(await self._service.revive(Revive(session=session, authority=body.authority)))

    async def archive(self, request: Request) -> Response:
        """Put it away."""
        return json(await self._service.archive(await self._service.resolve_past(request.path_params["ref"])))

    async def _spawn(self, request: Request) -> Response:
        body = await read_body(request, SpawnRequest)
        require_same_key(request, body.id, "orch spawn --help", is_needed=True)
        told, is_new = await self._service.spawn(body)
        return json(told, 201 if is_new else 200)

    async def _resolved(self, request: Request) -> SessionId:
        return await self._service.resolve_present(request.path_params["ref"])


def require_same_key(request: Request, key: str, hint: str, *, is_needed: bool = False) -> None:
    """Raise UsageError where the header names another key than the body."""
    header = request.headers.get("idempotency-key")
    if header != key and (is_needed or header is not None):
        raise UsageError(
            f"the Idempotency-Key is {header!r} and the id in the body {key[:40]!r}: send the same in both",
            code="idempotency_key",
            hint=hint,
        )
