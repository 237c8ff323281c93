"""Endpoints about the daemon and all its sessions at once."""

from msgspec.structs import replace
from starlette.requests import Request
from starlette.responses import Response

from orchestrd import __version__
from orchestrd.api.answering import json, text
from orchestrd.api.reading import JSON, TEXT, flag, number, preferred
from orchestrd.core.document import status
from orchestrd.model.document import Health, Status, Version
from orchestrd.ports import Clock, Service
from orchestrd.render import candidates, needs_me, status_table
from orchestrd.render.offering import ALL
from orchestrd.render.reactions import reactions_table


def status_asked(service: Service, request: Request) -> Status:
    """Give the sessions that a request wants to see."""
    with_ended = flag(request, "all", default=False)
    project = request.query_params.get("project")
    asked_about = service.asked_about()
    return status(service.documents(), service.facts(), with_ended=with_ended, project=project, asked_about=asked_about)


class About:
    """Health, version and status."""

    def __init__(self, service: Service, clock: Clock) -> None:
        self._service = service
        self._clock = clock

    async def health(self, request: Request) -> Response:
        """Say that the loop turns; whoever reads this knows it."""
        facts = self._service.facts()
        return json(Health(pid=facts.pid, epoch=facts.epoch, sequence=facts.sequence))

    async def version(self, request: Request) -> Response:
        """Say which orchestrd answers."""
        return json(Version(version=__version__))

    async def status(self, request: Request) -> Response:
        """Tell of the daemon and its sessions: JSON, or as text: the table, or how many need a person."""
        told = status_asked(self._service, request)
        if flag(request, "wide", default=False):
            told = replace(told, usage=dict(await self._service.usage({session.id for session in told.sessions})))
        if preferred(request, JSON, TEXT) == JSON:
            return json(told)
        if flag(request, "quiet", default=False):
            return text(f"{sum(map(needs_me, told.sessions))}\n")
        table = status_table(
            told,
            self._clock.now().at,
            project=request.query_params.get("project"),
            columns=number(request, "width"),
            lines_max=number(request, "height"),
            colour=flag(request, "colour", default=False),
        )
        return text(table)

    async def agents(self, request: Request) -> Response:
        """Tell which agents can be driven."""
        return json(self._service.agents())

    async def reactions(self, request: Request) -> Response:
        """Tell which reactions there are."""
        told = self._service.reactions()
        return json(told) if preferred(request, JSON, TEXT) == JSON else text(reactions_table(told))

    async def candidates(self, request: Request) -> Response:
        """Name what a shell can offer where a session, or a project, is to be typed."""
        of, begins = request.query_params.get("of", ALL), request.query_params.get("begins", "")
        session = request.query_params.get("session", "")
        told = candidates(self._service.documents(), self._clock.now().at, of=of, begins=begins, session=session)
        return text(told)
