"""Sessions over HTTP: each answer, and each way to be refused."""

import msgspec
import pytest

from orchestrd.api.app import App
from orchestrd.model import command as commands
from orchestrd.model.command import Kill, Revive, Send, Stop
from orchestrd.model.document import Document, SpawnRequest
from orchestrd.model.ids import SessionId
from orchestrd.model.limits import BODY_BYTES_MAX, REQUEST_BODY_S
from orchestrd.model.words import Authority, Receipt
from tests.api.fake_service import FakeClock, FakeService
from tests.asgi import Answer, call, reading
from tests.decisions import held
from tests.documents import a_document, a_request, a_spec


@pytest.fixture
async def service() -> FakeService:
    return FakeService()


@pytest.fixture
def app(service: FakeService) -> App:
    return App(service, FakeClock())


async def _spawn(app: App, request: SpawnRequest, key: str | None = None) -> Answer:
    headers = {"Idempotency-Key": request.id if key is None else key}
    return await call(app, "POST", "/v1/sessions", headers=headers, body=msgspec.json.encode(request))


async def test_a_spawn_is_created_and_answered_with_its_document(app: App) -> None:
    answer = await _spawn(app, a_request())

    assert answer.status == 201
    assert answer.headers["content-type"] == "application/json"
    assert msgspec.json.decode(answer.body, type=Document).id == "abcdefgh"


async def test_the_same_spawn_again_is_the_same_session(app: App, service: FakeService) -> None:
    first = await _spawn(app, a_request())

    second = await _spawn(app, a_request())

    assert (second.status, second.body) == (200, first.body)
    assert len(service.told) == 1


async def test_another_spawn_under_a_taken_id_is_a_conflict(app: App) -> None:
    await _spawn(app, a_request())

    answer = await _spawn(app, a_request(spec=a_spec(argv=("other",))))

    assert (answer.status, answer.json["code"], answer.json["hint"]) == (409, "conflict", "orch show abcdefgh")


@pytest.mark.parametrize("key", ["", "bbbbbbbb"])
async def test_the_idempotency_key_must_be_the_id(app: App, key: str) -> None:
    answer = await _spawn(app, a_request(), key=key)

    assert (answer.status, answer.json["code"]) == (400, "idempotency_key")


async def test_a_spawn_that_breaks_a_rule_is_told_which(app: App, service: FakeService) -> None:
    answer = await _spawn(app, a_request(spec=a_spec(name="../etc")))

    assert (answer.status, answer.json["code"]) == (400, "invalid")
    assert "begins with '.'" in answer.json["detail"]
    assert service.told == {}


async def test_fields_that_nobody_knows_are_ignored(app: App) -> None:
    body = msgspec.json.decode(msgspec.json.encode(a_request())) | {"from_the_future": {"deep": [1]}}

    answer = await call(
        app, "POST", "/v1/sessions", headers={"Idempotency-Key": "abcdefgh"}, body=msgspec.json.encode(body)
    )

    assert answer.status == 201


@pytest.mark.parametrize(
    ("body", "code", "said"),
    [
        (b"{", "malformed", "not JSON"),
        (b"\xff\xfe", "malformed", "not JSON"),
        (b'{"id": "\xff"}', "malformed", "not JSON"),
        (b'{"x": ' + b"[" * 100_000, "malformed", "not JSON"),
        (b"[]", "invalid", "got `array`"),
        (b"", "invalid", "missing required field `id`"),
        (b'{"id": 5}', "invalid", "$.id"),
        (b'{"id": "a", "spec": {"name": 7}}', "invalid", "$.spec.name"),
    ],
)
async def test_a_body_that_is_not_a_request_is_told_where(app: App, body: bytes, code: str, said: str) -> None:
    answer = await call(app, "POST", "/v1/sessions", body=body)

    assert (answer.status, answer.json["code"]) == (400, code)
    assert said in answer.json["detail"]


async def test_a_body_beyond_the_bound_is_refused_as_soon_as_it_is_beyond(app: App) -> None:
    part = b" " * (BODY_BYTES_MAX // 4 + 1)

    answer = await call(app, "POST", "/v1/sessions", body=[part] * 400)

    assert (answer.status, answer.json["code"]) == (413, "too_large")


async def test_half_a_body_is_waited_for_only_so_long(app: App) -> None:
    answer = await call(app, "POST", "/v1/sessions", body=b"{", is_whole=False)

    assert (answer.status, answer.json["code"]) == (408, "slow_body")
    assert f"{REQUEST_BODY_S:g} s" in answer.json["detail"]


async def test_a_client_that_leaves_before_its_body_is_complete_is_owed_nothing(app: App) -> None:
    async with reading(app, "/v1/sessions", method="POST") as client:
        client.hang_up()

    assert client.is_drained()


@pytest.mark.parametrize("ref", ["abcdefgh", "abc", "fix-login"])
async def test_a_session_is_shown_by_id_prefix_or_name(app: App, service: FakeService, ref: str) -> None:
    service.put(a_document())

    answer = await call(app, "GET", f"/v1/sessions/{ref}")

    assert (answer.status, answer.json["id"]) == (200, "abcdefgh")


async def test_a_session_is_shown_as_a_page_to_who_asks_for_text(app: App, service: FakeService) -> None:
    service.put(a_document())

    answer = await call(app, "GET", "/v1/sessions/abc", headers={"Accept": "text/plain"})

    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert b"fix-login" in answer.body


async def test_an_unknown_session_is_not_found_and_says_what_to_try(app: App) -> None:
    answer = await call(app, "GET", "/v1/sessions/nobody")

    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json == {
        "title": "There is no such thing",
        "status": 404,
        "code": "not_found",
        "detail": "there is no session 'nobody'",
        "hint": "orch status --all",
    }


async def test_an_ambiguous_word_lists_its_candidates(app: App, service: FakeService) -> None:
    service.put(a_document("abcdefgh"))
    service.put(a_document("abcdefg2"))

    answer = await call(app, "GET", "/v1/sessions/abc")

    assert (answer.status, answer.json["code"]) == (400, "ambiguous")
    assert answer.json["candidates"] == ["abcdefg2", "abcdefgh"]


@pytest.mark.parametrize("accept", ["application/json", "text/plain"])
async def test_a_row_is_explained_in_either_form(app: App, service: FakeService, accept: str) -> None:
    service.put(a_document())

    answer = await call(app, "GET", "/v1/sessions/abc/explain", headers={"Accept": accept})

    assert answer.headers["content-type"].startswith(accept)
    assert b"in 3 s it is killed" in answer.body


async def test_what_reactions_come_to_is_told_in_either_form(app: App, service: FakeService) -> None:
    service.put(a_document())

    plain = await call(app, "GET", "/v1/sessions/abc/reactions", headers={"Accept": "text/plain"})
    as_json = await call(app, "GET", "/v1/sessions/abc/reactions")

    assert b"ci-failed: waits\n    its checks are failing; it waits\n" in plain.body
    assert (as_json.json["session"], as_json.json["is_recorded"]) == ("abcdefgh", False)
    assert [(one["reaction"]["name"], one["kind"]) for one in as_json.json["judged"]] == [("ci-failed", "waiting")]


async def test_the_reactions_are_told_in_either_form(app: App, service: FakeService) -> None:
    plain = await call(app, "GET", "/v1/reactions", headers={"Accept": "text/plain"})
    as_json = await call(app, "GET", "/v1/reactions")

    assert plain.body.splitlines()[1:] == [
        b"ci-failed  send  1      10      urgent  default",
        b"    when checks failing",
    ]
    assert as_json.json["reactions"][0]["asked"] == "checks failing"


async def test_a_screen_is_text_and_on_request_a_document(app: App, service: FakeService) -> None:
    service.put(a_document())

    plain = await call(app, "GET", "/v1/sessions/abc/screen")
    as_json = await call(app, "GET", "/v1/sessions/abc/screen", headers={"Accept": "application/json"})

    assert (plain.headers["content-type"], plain.body) == ("text/plain; charset=utf-8", b"the screen of abcdefgh\n")
    assert as_json.json == {"session": "abcdefgh", "screen": "the screen of abcdefgh\n"}


async def test_a_stop_carries_its_grace_and_who_asked(app: App, service: FakeService) -> None:
    service.put(a_document())

    answer = await call(app, "POST", "/v1/sessions/abc/stop", body=b'{"grace_s": 2.5, "authority": "agent"}')

    assert (answer.status, answer.json["state"]) == (200, "stopping")
    assert service.commands == [Stop(session=SessionId("abcdefgh"), grace_s=2.5, authority=Authority.AGENT)]


async def test_a_stop_needs_no_body(app: App, service: FakeService) -> None:
    service.put(a_document())

    answer = await call(app, "POST", "/v1/sessions/abc/stop")

    assert answer.status == 200
    assert service.commands == [Stop(session=SessionId("abcdefgh"))]


async def test_a_grace_beyond_the_bound_is_refused(app: App, service: FakeService) -> None:
    service.put(a_document())

    answer = await call(app, "POST", "/v1/sessions/abc/stop", body=b'{"grace_s": 1e9}')

    assert (answer.status, answer.json["code"], service.commands) == (400, "invalid", [])


@pytest.mark.parametrize("verb", ["stop", "kill"])
async def test_what_has_ended_cannot_be_ended(app: App, service: FakeService, verb: str) -> None:
    service.put(a_document(state="completed", reason="exited"))

    answer = await call(app, "POST", f"/v1/sessions/abc/{verb}")

    assert (answer.status, answer.json["code"]) == (409, "already_ended")


async def test_kill_and_revive_reach_the_service(app: App, service: FakeService) -> None:
    service.put(a_document())

    killed = await call(app, "POST", "/v1/sessions/abc/kill")
    revived = await call(app, "POST", "/v1/sessions/abc/revive")

    assert (killed.json["state"], revived.json["generation"]) == ("stopping", 2)
    assert service.commands == [Kill(session=SessionId("abcdefgh")), Revive(session=SessionId("abcdefgh"))]


async def test_a_message_is_answered_with_its_receipt(app: App, service: FakeService) -> None:
    service.put(a_document())
    service.receipt = Receipt.TYPED

    answer = await call(app, "POST", "/v1/sessions/abc/send", body=b'{"message": "m1", "text": "go on"}')

    assert (answer.json["session"], answer.json["receipt"]) == ("abcdefgh", "typed")
    assert service.commands == [Send(session=SessionId("abcdefgh"), message="m1", text="go on")]


async def test_a_command_of_the_agents_own_is_one(app: App, service: FakeService) -> None:
    service.put(a_document())
    body = b'{"message": "m1", "text": "/compact", "is_command": true}'

    await call(app, "POST", "/v1/sessions/abc/send", body=body, headers={"idempotency-key": "m1"})

    assert service.commands == [Send(session=SessionId("abcdefgh"), message="m1", text="/compact", is_command=True)]


async def test_the_key_in_the_head_of_a_message_must_be_that_of_its_body(app: App, service: FakeService) -> None:
    service.put(a_document())
    body = b'{"message": "m1", "text": "go on"}'

    answer = await call(app, "POST", "/v1/sessions/abc/send", body=body, headers={"idempotency-key": "m2"})

    assert (answer.status, answer.json["code"], service.commands) == (400, "idempotency_key", [])


async def test_a_message_with_a_nul_is_refused(app: App, service: FakeService) -> None:
    service.put(a_document())

    answer = await call(app, "POST", "/v1/sessions/abc/send", body=b'{"message": "m1", "text": "a\\u0000"}')

    assert (answer.status, answer.json["code"], service.commands) == (400, "invalid", [])


async def test_an_answer_is_answered_with_its_receipt(app: App, service: FakeService) -> None:
    service.put(a_document())
    body = b'{"decision": "d1", "choice": "deny", "text": "no"}'

    answer = await call(app, "POST", "/v1/sessions/abc/answer", body=body)

    assert (answer.json["decision"], answer.json["choice"], answer.json["receipt"]) == ("d1", "deny", "submitted")
    assert service.commands == [commands.Answer(session=SessionId("abcdefgh"), decision="d1", choice="deny", text="no")]


async def test_the_choices_that_a_shell_offers_are_those_of_one_session(app: App, service: FakeService) -> None:
    service.put(a_document(activity="blocked", decision=held()))

    told = await call(app, "GET", "/v1/candidates?of=choices&session=abc&begins=a")

    assert told.body == b"allow\tYes\n"


async def test_an_ended_session_is_archived_and_then_said_to_be(app: App, service: FakeService) -> None:
    service.put(a_document(state="completed"))

    answer = await call(app, "POST", "/v1/sessions/abcd/archive")
    again = await call(app, "POST", "/v1/sessions/abcdefgh/archive")
    shown = await call(app, "GET", "/v1/sessions/abcdefgh")

    kept = "/home/me/.orch/archive/abcdefgh"
    assert answer.json == {"session": "abcdefgh", "path": kept, "worktree": None}
    assert again.json == answer.json
    assert (shown.status, shown.json["code"], shown.json["hint"]) == (404, "archived", f"ls {kept}")
    assert kept in shown.json["detail"]


async def test_a_session_that_goes_on_is_not_archived(app: App, service: FakeService) -> None:
    service.put(a_document())

    answer = await call(app, "POST", "/v1/sessions/abcdefgh/archive")

    assert (answer.status, answer.json["code"]) == (409, "not_ended")
