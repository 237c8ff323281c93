"""Telling people by hand over HTTP."""

import msgspec

from orchestrd.api.app import App
from orchestrd.model.notice import Priority
from orchestrd.model.notice_document import NoticeRequest
from tests.api.fake_service import FakeClock, FakeService
from tests.asgi import call

REQUEST = NoticeRequest(key="notify.1", text="hello", priority=Priority.URGENT)


async def test_a_notice_is_passed_on_and_answered_with_what_each_channel_said() -> None:
    service = FakeService()

    answer = await call(App(service, FakeClock()), "POST", "/v1/notices", body=msgspec.json.encode(REQUEST))

    assert service.noticed == [REQUEST]
    assert answer.json == {
        "channels": [{"channel": "phone", "kind": "ntfy", "is_told": True, "error": None, "hint": ""}]
    }


async def test_a_person_may_ask_for_text() -> None:
    headers = {"Accept": "text/plain"}

    answer = await call(
        App(FakeService(), FakeClock()), "POST", "/v1/notices", body=msgspec.json.encode(REQUEST), headers=headers
    )

    assert answer.body == b"phone  ntfy  told\n"


async def test_a_priority_that_is_none_is_refused() -> None:
    body = b'{"key": "k", "text": "hello", "priority": "loud"}'

    answer = await call(App(FakeService(), FakeClock()), "POST", "/v1/notices", body=body)

    assert answer.status == 400
    assert answer.json["code"] == "invalid"
