"""The ASGI app: every route of the API, over the Service port and nothing else.

It decides nothing: it reads a request, asks the service, and writes down the answer or the error. Each request is
bounded in size and time, and no error leaves without a stable code; what nobody expected is logged and answered as
`fault`.
"""

import structlog
from starlette.requests import ClientDisconnect
from starlette.routing import Route, Router
from starlette.types import Message, Receive, Scope, Send

from orchestrd.api.about import About
from orchestrd.api.answering import FAULT, answer_problem, problem
from orchestrd.api.events import Events
from orchestrd.api.issues import Issues
from orchestrd.api.notices import Notices
from orchestrd.api.sessions import Sessions
from orchestrd.api.worktrees import Worktrees
from orchestrd.ports import Clock, Service

log = structlog.get_logger()


class App:
    """The whole API of one daemon."""

    def __init__(self, service: Service, clock: Clock) -> None:
        about, sessions, self._events = About(service, clock), Sessions(service, clock), Events(service)
        self._router = Router(
            [
                Route("/v1/health", about.health),
                Route("/v1/version", about.version),
                Route("/v1/status", about.status),
                Route("/v1/agents", about.agents),
                Route("/v1/reactions", about.reactions),
                Route("/v1/candidates", about.candidates),
                Route("/v1/sessions", sessions.collection, methods=["GET", "POST"]),
                Route("/v1/sessions/{ref}", sessions.show),
                Route("/v1/sessions/{ref}/explain", sessions.explain),
                Route("/v1/sessions/{ref}/reactions", sessions.reactions),
                Route("/v1/sessions/{ref}/screen", sessions.screen),
                Route("/v1/sessions/{ref}/send", sessions.send, methods=["POST"]),
                Route("/v1/sessions/{ref}/answer", sessions.answer, methods=["POST"]),
                Route("/v1/sessions/{ref}/stop", sessions.stop, methods=["POST"]),
                Route("/v1/sessions/{ref}/kill", sessions.kill, methods=["POST"]),
                Route("/v1/sessions/{ref}/revive", sessions.revive, methods=["POST"]),
                Route("/v1/sessions/{ref}/archive", sessions.archive, methods=["POST"]),
                Route("/v1/issues", Issues(service).read),
                Route("/v1/notices", Notices(service).tell, methods=["POST"]),
                Route("/v1/clean", Worktrees(service).clean, methods=["POST"]),
                Route("/v1/events", self._events.follow),
            ],
            redirect_slashes=False,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; an error after the answer has begun cuts it off, so that nobody takes it for whole."""
        is_answering = False

        async def sending(message: Message) -> None:
            nonlocal is_answering
            is_answering = True
            await send(message)

        try:
            await self._router({**scope, "app": self}, receive, sending)
        except ClientDisconnect:
            return
        except Exception as error:
            told = problem(error)
            if told.status == FAULT.status:
                log.exception("request_failed", method=scope["method"], path=scope["path"])
            if not is_answering:
                await answer_problem(told, error)(scope, receive, send)

    def close_streams(self) -> None:
        """End every open event stream; each is told its proper end."""
        self._events.close()
