"""Endpoints about the worktrees of sessions."""

from starlette.requests import Request
from starlette.responses import Response

from orchestrd.api.answering import json, text
from orchestrd.api.reading import JSON, TEXT, preferred, read_body
from orchestrd.model.document import CleanRequest
from orchestrd.ports import Service
from orchestrd.render import clean_page


class Worktrees:
    """The worktrees of ended sessions, as something to be cleaned."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def clean(self, request: Request) -> Response:
        """Remove what holds nothing new, and preserve the rest first; answers when all of it is done."""
        told = await self._service.clean(await read_body(request, CleanRequest))
        return json(told) if preferred(request, JSON, TEXT) == JSON else text(clean_page(told))
