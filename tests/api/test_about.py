"""What the API tells of the daemon, and how it says that it has no answer."""

import pytest

from orchestrd import __version__
from orchestrd.api.app import App
from orchestrd.model.ids import SessionId
from tests.api.fake_service import FakeClock, FakeService
from tests.asgi import call
from tests.documents import a_document

TEXT = {"Accept": "text/plain"}


@pytest.fixture
async def service() -> FakeService:
    service = FakeService()
    service.put(a_document())
    service.put(a_document("bbbbbbbb", name="done", state="completed", reason="exited", project="/home/me/blog"))
    return service


@pytest.fixture
def app(service: FakeService) -> App:
    return App(service, FakeClock())


async def test_health_says_who_answers_and_where_the_journal_stands(app: App, service: FakeService) -> None:
    service.write()

    answer = await call(app, "GET", "/v1/health")

    assert answer.json == {"status": "ok", "pid": 4711, "epoch": 3, "sequence": 1}


async def test_the_version_is_the_package_s_own(app: App) -> None:
    answer = await call(app, "GET", "/v1/version")

    assert answer.json == {"version": __version__, "api": 1}


@pytest.mark.parametrize("path", ["/v1/status", "/v1/sessions"])
async def test_ended_sessions_are_counted_unless_asked_for(app: App, path: str) -> None:
    short = await call(app, "GET", path)
    whole = await call(app, "GET", f"{path}?all=1")

    assert ([told["id"] for told in short.json["sessions"]], short.json["hidden"]) == (["abcdefgh"], 1)
    assert (len(whole.json["sessions"]), whole.json["hidden"]) == (2, 0)
    assert short.json["daemon"]["pid"] == 4711


async def test_of_which_sessions_a_forge_is_asked_is_told_with_them(app: App, service: FakeService) -> None:
    service.asked = [SessionId("abcdefgh"), SessionId("bbbbbbbb")]

    answer = await call(app, "GET", "/v1/status")

    assert answer.json["asked_about"] == ["abcdefgh"]


@pytest.mark.parametrize("project", ["blog", "/home/me/blog", "/home/me/blog/"])
async def test_one_project_is_chosen_by_path_or_by_its_last_part(app: App, project: str) -> None:
    answer = await call(app, "GET", f"/v1/status?project={project}&all=1")

    assert [told["id"] for told in answer.json["sessions"]] == ["bbbbbbbb"]


async def test_the_table_comes_ready_for_the_terminal_that_asks(app: App) -> None:
    plain = await call(app, "GET", "/v1/status", headers=TEXT)
    coloured = await call(app, "GET", "/v1/status?width=40&colour=1", headers=TEXT)

    assert plain.headers["content-type"] == "text/plain; charset=utf-8"
    assert plain.body.startswith(b"ID        NAME       PROJECT  AGENT  STATE    ACTIVITY  SINCE  ABOUT\n")
    assert coloured.body.startswith(b"\x1b[1mID ")


async def test_quiet_is_the_number_of_sessions_that_need_a_person(app: App, service: FakeService) -> None:
    service.put(a_document("cccccccc", activity="waiting"))
    service.put(a_document("dddddddd", activity="blocked"))

    answer = await call(app, "GET", "/v1/status?quiet=1", headers=TEXT)

    assert answer.body == b"2\n"


@pytest.mark.parametrize("query", ["all=yes", "width=-1", "width=x", "width=9" + "9" * 30, "colour=2"])
async def test_a_query_that_makes_no_sense_is_named(app: App, query: str) -> None:
    answer = await call(app, "GET", f"/v1/status?{query}", headers=TEXT)

    assert (answer.status, answer.json["code"]) == (400, "invalid")
    assert query.partition("=")[0] in answer.json["detail"]


@pytest.mark.parametrize("accept", ["", "*/*", "image/png", "application/json;q=0.9, text/plain;q=0.8"])
async def test_json_is_the_answer_to_who_does_not_insist(app: App, accept: str) -> None:
    answer = await call(app, "GET", "/v1/status", headers={"Accept": accept})

    assert answer.headers["content-type"] == "application/json"


async def test_a_path_that_is_not_there_is_a_problem_too(app: App) -> None:
    answer = await call(app, "GET", "/v2/nothing")

    assert (answer.status, answer.json["code"]) == (404, "no_such_path")


async def test_a_method_that_is_not_taken_says_which_are(app: App) -> None:
    answer = await call(app, "DELETE", "/v1/sessions/abcdefgh/stop")

    assert (answer.status, answer.json["code"], answer.headers["allow"]) == (405, "method_not_allowed", "POST")


async def test_a_fault_is_answered_without_its_inside_and_logged(
    app: App, service: FakeService, capsys: pytest.CaptureFixture[str]
) -> None:
    service.fault = RuntimeError("the secret reason")

    answer = await call(app, "GET", "/v1/status")

    assert (answer.status, answer.json["code"], answer.json["hint"]) == (500, "fault", "orch daemon logs")
    assert b"secret" not in answer.body
    assert "request_failed" in capsys.readouterr().out


async def test_what_sessions_take_of_the_machine_is_told_when_it_is_asked_for(app: App) -> None:
    plain = await call(app, "GET", "/v1/status")
    wide = await call(app, "GET", "/v1/status?wide=1")
    table = await call(app, "GET", "/v1/status?wide=1", headers=TEXT)

    assert plain.json["usage"] is None
    assert wide.json["usage"] == {"abcdefgh": {"processes": 2, "memory_bytes": 1 << 20, "cpu_percent": 12.5}}
    assert "1 MiB" in table.body.decode()


async def test_what_a_shell_offers_comes_ready_too(app: App) -> None:
    answer = await call(app, "GET", "/v1/candidates?of=running&begins=fix", headers=TEXT)

    assert answer.body.decode().startswith("fix-login\trunning")
    assert (await call(app, "GET", "/v1/candidates?begins=zz")).body == b""
