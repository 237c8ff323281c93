"""Cleaning over HTTP."""

import msgspec

from orchestrd.api.app import App
from orchestrd.model.document import CleanRequest
from tests.api.fake_service import FakeClock, FakeService
from tests.asgi import call


async def test_a_clean_is_passed_on_and_answered_with_its_report() -> None:
    service = FakeService()
    request = CleanRequest(dry_run=True, sessions=("fix",))

    answer = await call(App(service, FakeClock()), "POST", "/v1/clean", body=msgspec.json.encode(request))

    assert service.cleaned == [request]
    assert answer.json == {"dry_run": False, "worktrees": [], "freed_bytes": 0, "troubles": []}


async def test_nothing_said_means_all_of_them() -> None:
    service = FakeService()

    await call(App(service, FakeClock()), "POST", "/v1/clean")

    assert service.cleaned == [CleanRequest()]


async def test_a_person_may_ask_for_text() -> None:
    answer = await call(App(FakeService(), FakeClock()), "POST", "/v1/clean", headers={"Accept": "text/plain"})

    assert answer.body == b"0 worktrees removed, 0 bytes freed\n"
