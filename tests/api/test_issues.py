"""Issues over HTTP."""

import msgspec

from orchestrd.api.app import App
from orchestrd.model.issue import Comment, Issue
from tests.api.fake_service import FakeClock, FakeService
from tests.asgi import call

ISSUE = Issue(id="github.com/o/r#12", title="Fix it", body="Now.", comments=(Comment(author="ada", text="Please."),))


async def test_an_issue_is_answered_as_the_forge_tells_it() -> None:
    service = FakeService()
    service.issues["12"] = ISSUE

    answer = await call(App(service, FakeClock()), "GET", "/v1/issues?project=/home/me/shop&issue=12")

    assert answer.status == 200
    assert msgspec.json.decode(answer.body, type=Issue) == ISSUE


async def test_an_issue_that_is_not_there_is_said_with_its_hint() -> None:
    answer = await call(App(FakeService(), FakeClock()), "GET", "/v1/issues?project=/home/me/shop&issue=13")

    assert (answer.status, answer.json["code"], answer.json["hint"]) == (404, "not_found", "orch spawn --issue FILE")


async def test_a_project_is_named_from_the_root() -> None:
    answer = await call(App(FakeService(), FakeClock()), "GET", "/v1/issues?project=shop&issue=13")

    assert (answer.status, answer.json["code"]) == (400, "invalid")
