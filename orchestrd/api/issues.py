"""The endpoint about issues: what is asked for somewhere else, read for whoever begins a session with it."""

from starlette.requests import Request
from starlette.responses import Response

from orchestrd.api.answering import json
from orchestrd.core.validate import problem_with_directory
from orchestrd.model.errors import UsageError
from orchestrd.ports import Service


class Issues:
    """The issues of the forges."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def read(self, request: Request) -> Response:
        """Read one, by its URL or by its number in a project."""
        directory, issue = request.query_params.get("project", ""), request.query_params.get("issue", "")
        if problem := problem_with_directory("project", directory):
            raise UsageError(problem, code="invalid", hint="orch spawn --help")
        return json(await self._service.issue(directory, issue))
