"""No error leaves the API without the next command to try, whatever the route and whatever was wrong."""

import pytest

from orchestrd.api import answering, connection
from orchestrd.api.app import App
from orchestrd.model.document import Problem
from orchestrd.model.limits import BODY_BYTES_MAX
from tests.api.fake_service import FakeClock, FakeService
from tests.asgi import call
from tests.documents import a_document

ROUTES = (
    *(
        "/v1/health",
        "/v1/version",
        "/v1/agents",
        "/v1/status",
        "/v1/sessions",
        "/v1/sessions/abc",
        "/v1/sessions/abc/explain",
    ),
    *(f"/v1/sessions/abc/{verb}" for verb in ("send", "stop", "kill", "revive")),
    *("/v1/events", "/v1/nowhere"),
)
WRONG = "all=x&since=x&follow=x&quiet=x&type=x"
BODIES = (b"{", b'{"authority": 1}', b"[]", b"\xff", b"[" * 100_000, b" " * (BODY_BYTES_MAX + 1))


@pytest.fixture
async def app() -> App:
    service = FakeService()
    service.put(a_document())
    return App(service, FakeClock())


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
async def test_every_problem_has_a_hint(app: App, route: str, method: str) -> None:
    strange = route.replace("abc", "nobody")
    targets = [target for path in (route, strange) for target in (f"{path}?{WRONG}", f"{path}?type=x&follow=0")]
    bodies = BODIES if method == "POST" else (b"",)

    answers = [await call(app, method, target, body=body) for target in targets for body in bodies]

    problems = [answer.json for answer in answers if answer.status >= 400]
    assert [told for told in problems if not (told.get("hint") and told["code"])] == []
    assert problems or route in ("/v1/health", "/v1/version", "/v1/agents", "/v1/sessions/abc/revive")


def test_so_has_every_problem_that_is_written_down_beforehand() -> None:
    ready = [told for module in (answering, connection) for told in vars(module).values() if isinstance(told, Problem)]

    assert len(ready) == 5
    assert all(told.hint for told in ready)
