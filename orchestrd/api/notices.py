"""The endpoint by which a person tries the channels."""

from starlette.requests import Request
from starlette.responses import Response

from orchestrd.api.answering import json, text
from orchestrd.api.reading import JSON, TEXT, preferred, read_body
from orchestrd.model.notice_document import NoticeRequest
from orchestrd.ports import Service
from orchestrd.render.notices import reply_lines


class Notices:
    """Notices to people, told by hand."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def tell(self, request: Request) -> Response:
        """Have one told now; answers when every channel has."""
        told = await self._service.notify(await read_body(request, NoticeRequest))
        return json(told) if preferred(request, JSON, TEXT) == JSON else text(reply_lines(told))
