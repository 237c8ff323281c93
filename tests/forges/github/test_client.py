"""What goes over the wire: to whom the token goes, what is too long or too late, and what an answer costs."""

import asyncio
import contextlib
from collections.abc import Callable

import httpx
import pytest

from orchestrd.core.allowance import Meter
from orchestrd.forges.github import wire as module
from orchestrd.forges.github.client import GitHubClient, Memory
from orchestrd.forges.github.faults import UnansweredError
from orchestrd.forges.github.hosts import hosts_of
from orchestrd.forges.github.query import Wish, query
from orchestrd.forges.github.tokens import Token
from orchestrd.forges.github.wire import GRAPHQL, REST
from orchestrd.model.errors import NotFoundError, OrchestrdError, RefusedError, TransientError
from orchestrd.model.forge_settings import ForgeSettings
from orchestrd.model.limits import FORGE_ANSWER_S, FORGE_KEPT_MAX, FORGE_REQUESTS_AT_ONCE_MAX
from orchestrd.testing.clocks import FakeClock

TOKEN = "ghp_asecretofthistest"
WINDOW = ("x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset")
Answer = Callable[[httpx.Request], httpx.Response]


def client_of(answer: Answer, token: str | None = TOKEN) -> GitHubClient:
    async def find_token() -> Token | None:
        return Token(token, "the variable MINE") if token else None

    def connect() -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.MockTransport(answer))

    return GitHubClient(hosts_of(ForgeSettings())["github.com"], find_token, FakeClock(), 0.5, connect, memory=Memory())


def always(status: int, **more: object) -> Answer:
    return lambda _: httpx.Response(status, **more)  # type: ignore[arg-type]


async def test_the_token_goes_to_the_interface_and_not_to_whoever_stores_the_logs() -> None:
    seen: list[tuple[str, str | None]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append((request.url.host, request.headers.get("authorization")))
        if request.url.host == "api.github.com":
            return httpx.Response(302, headers={"location": "https://blobs.example/log?sig=1"})
        return httpx.Response(200, content=b"the log")

    told = await client_of(answer).end_of("/repos/o/r/actions/jobs/1/logs", "to read it")

    assert told == "the log"
    assert seen == [("api.github.com", f"Bearer {TOKEN}"), ("blobs.example", None)]


async def test_a_repository_that_has_moved_is_followed_on_this_host_only() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/repos/o/r":
            return httpx.Response(301, headers={"location": "https://api.github.com/repositories/7"})
        if request.url.path == "/repos/o/evil":
            return httpx.Response(301, headers={"location": "https://evil.example/repositories/7"})
        return httpx.Response(200, json={"path": request.url.path})

    client = client_of(answer)

    assert (await client.get("/repos/o/r", "to read it")).body == b'{"path":"/repositories/7"}'
    assert (await client.get("/repos/o/evil", "to read it")).status == 301


async def test_who_is_led_in_a_circle_gives_up() -> None:
    client = client_of(always(301, headers={"location": "https://api.github.com/repositories/7"}))

    with pytest.raises(TransientError, match="leads in a circle"):
        await client.get("/repos/o/r", "to read it")


async def test_an_answer_that_never_ends_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FORGE_BODY_BYTES_MAX", 10)

    with pytest.raises(TransientError, match="has more than 10 bytes"):
        await client_of(always(200, content=b"x" * 11)).get("/x", "to read it")


async def test_of_a_long_log_no_more_than_its_end_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CHECK_LOG_BYTES_KEPT", 4)

    async def pieces() -> object:
        for number in range(9):
            yield f"{number}{number}".encode()

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.host == "api.github.com":
            return httpx.Response(302, headers={"location": "https://blobs.example/log"})
        return httpx.Response(200, content=pieces())  # type: ignore[arg-type]

    assert await client_of(answer).end_of("/logs", "to read it") == "7788"


async def test_a_log_that_comes_with_the_answer_is_taken_too() -> None:
    assert await client_of(always(200, content=b"short")).end_of("/logs", "to read it") == "short"


async def test_a_store_of_logs_that_fails_is_asked_again_another_time() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.host == "api.github.com":
            return httpx.Response(302, headers={"location": "https://blobs.example/log"})
        return httpx.Response(503)

    with pytest.raises(TransientError, match=r"does not answer \(503\)"):
        await client_of(answer).end_of("/logs", "to read it")


async def test_what_does_not_answer_in_time_may_have_been_done() -> None:
    async def answer(_: httpx.Request) -> httpx.Response:
        await asyncio.sleep(10 * FORGE_ANSWER_S)
        return httpx.Response(200)

    with pytest.raises(UnansweredError, match=r"github.com did not answer to merge: TimeoutError"):
        await client_of(answer).put("/merge", {}, "to merge")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (httpx.ConnectError("refused"), "forge_unreachable"),
        (httpx.ConnectTimeout("late"), "forge_unreachable"),
        (httpx.ReadError("reset"), "unanswered"),
        (httpx.RemoteProtocolError("no http"), "unanswered"),
    ],
)
async def test_what_was_never_sent_is_told_from_what_was_never_answered(error: Exception, kind: str) -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        raise error

    client = client_of(answer)
    with pytest.raises(TransientError) as raised:
        await client.put("/merge", {}, "to merge")

    assert raised.value.code == kind
    assert client.meters[REST].closed_until > 0
    assert client.error == raised.value.message


@pytest.mark.parametrize(
    ("status", "headers", "kind", "sentence"),
    [
        (401, {}, RefusedError, "github.com does not take the token (the variable MINE): Because."),
        (403, {}, RefusedError, "the token may not: to read it: Because."),
        (
            403,
            {"x-accepted-github-permissions": "actions=read"},
            RefusedError,
            "the token may not: to read it: Because.; it needs actions=read",
        ),
        (404, {}, NotFoundError, "github.com shows no such thing to this token: to read it"),
        (500, {}, UnansweredError, "github.com failed (500) to read it"),
    ],
)
async def test_a_refusal_names_what_is_lacking(
    status: int, headers: dict[str, str], kind: type[OrchestrdError], sentence: str
) -> None:
    client = client_of(always(status, headers=headers, json={"message": "Because."}))

    with pytest.raises(kind) as error:
        await client.get("/x", "to read it")

    assert error.value.message == sentence
    assert error.value.hint in ("orch doctor", "orch config edit")
    assert TOKEN not in error.value.message


@pytest.mark.parametrize(("status", "is_of_host"), [(401, True), (502, True), (403, False), (404, False)])
async def test_what_is_wrong_with_one_thing_is_not_wrong_with_the_host(status: int, is_of_host: bool) -> None:  # noqa: FBT001 - a table
    answers = [status, 200]
    client = client_of(lambda _: httpx.Response(answers.pop(0)))

    with pytest.raises(OrchestrdError):
        await client.get("/x", "to read it")
    told = client.error
    await asyncio.sleep(600)
    await client.get("/x", "to read it")

    assert (told is not None) is is_of_host
    assert client.error is None


@pytest.mark.parametrize("status", [200, 403, 404, 429])
async def test_a_host_that_answers_again_whatever_it_answers_is_not_silent_any_more(status: int) -> None:
    answers = [502, status]
    client = client_of(lambda _: httpx.Response(answers.pop(0)))
    with pytest.raises(TransientError):
        await client.get("/x", "to read it")
    await asyncio.sleep(600)

    with contextlib.suppress(OrchestrdError):
        await client.get("/x", "to read it")

    assert client.error is None


async def test_a_host_that_wants_to_be_left_alone_is_not_broken() -> None:
    client = client_of(always(429, headers={"retry-after": "30"}))

    with pytest.raises(TransientError, match="for another 30 s"):
        await client.get("/x", "to read it")

    assert client.error is None


async def test_a_time_beyond_all_reason_closes_nothing_for_ever() -> None:
    client = client_of(always(429, headers={"retry-after": "9" * 400, **dict.fromkeys(WINDOW, "9" * 400)}))

    with pytest.raises(TransientError, match="for another 60 s"):
        await client.get("/x", "to read it")


@pytest.mark.parametrize("status", [200, 500])
async def test_an_answer_without_a_bottom_is_none(status: int) -> None:
    client = client_of(always(status, content=b'{"message":' + b"[" * 100_000))

    with pytest.raises(TransientError):
        await client.look(query("o", "r", ["fix"], []), "github.com/o/r")


async def test_without_a_token_what_is_public_can_be_read() -> None:
    client = client_of(lambda request: httpx.Response(200 if "authorization" not in request.headers else 401), None)

    assert (await client.get("/x", "to read it")).status == 200


@pytest.mark.parametrize(
    ("status", "code", "sentence"),
    [
        (
            401,
            "no_token",
            "there is no token for github.com: forge.token_env or token_file, GITHUB_TOKEN or GH_TOKEN in",
        ),
        (403, "no_right", "without a token nobody may: to read it"),
    ],
)
async def test_where_there_is_no_token_none_is_blamed(status: int, code: str, sentence: str) -> None:
    client = client_of(always(status), None)

    with pytest.raises(RefusedError, match=sentence) as error:
        await client.get("/x", "to read it")

    assert (error.value.code, error.value.hint) == (code, "orch config edit")


@pytest.mark.parametrize(
    ("body", "kind", "sentence"),
    [
        ({"errors": [{"message": "oops"}]}, TransientError, "did not tell of github.com/o/r: oops"),
        ({"data": None}, TransientError, "it told nothing"),
        ({"errors": [{"type": "FORBIDDEN", "message": "SSO"}]}, RefusedError, "may not read github.com/o/r: SSO"),
        ({"errors": [{"type": "NOT_FOUND"}]}, NotFoundError, "shows no repository github.com/o/r to this token"),
        ({"errors": [{"type": "RATE_LIMITED"}]}, TransientError, "is not asked for another 60 s"),
        ([], TransientError, "is no answer of GitHub"),
    ],
)
async def test_a_query_of_which_nothing_was_told_is_an_error(
    body: object, kind: type[OrchestrdError], sentence: str
) -> None:
    client = client_of(always(200, json=body))

    with pytest.raises(kind, match=sentence):
        await client.look(query("o", "r", ["fix"], []), "github.com/o/r")


async def test_what_a_query_has_really_cost_is_what_counts() -> None:
    rate = {"cost": 7, "limit": 5_000, "remaining": 4_993, "resetAt": "2026-01-01T01:00:00Z"}
    headers = {"x-ratelimit-limit": "5000", "x-ratelimit-remaining": "4993", "x-ratelimit-reset": "4000000000"}
    client = client_of(always(200, headers=headers, json={"data": {"rateLimit": rate, "repository": {}}}))

    for _ in range(2):
        await client.look(query("o", "r", ["fix"], []), "github.com/o/r")

    assert client.meters[GRAPHQL].ours == 7 + 6 + 7  # of the first, what others may have spent counts as ours


@pytest.mark.parametrize("date", ["Thu, 01 Jan 2026 00:50:00 GMT", "no date", ""])
async def test_when_a_window_ends_is_told_by_the_clock_of_github(date: str) -> None:
    reset = 1_767_229_200  # 2026-01-01T01:00:00Z
    headers = {
        "x-ratelimit-limit": "60",
        "x-ratelimit-remaining": "59",
        "x-ratelimit-reset": str(reset),
        "date": date,
    }
    client = client_of(always(200, headers=headers))

    await client.get("/x", "to read it")

    assert client.meters[REST].resets_at == (600.0 if date.startswith("Thu") else 3_600.0)


async def test_only_so_many_requests_are_under_way_at_once() -> None:
    under_way, most = 0, 0

    async def answer(_: httpx.Request) -> httpx.Response:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(1)
        under_way -= 1
        return httpx.Response(200)

    client = client_of(answer)  # type: ignore[arg-type]
    async with asyncio.TaskGroup() as tasks:
        for number in range(20):
            tasks.create_task(_read(client, f"/{number}"))

    assert most == FORGE_REQUESTS_AT_ONCE_MAX


async def test_only_so_many_answers_are_kept_in_case_they_are_still_the_newest() -> None:
    asked: list[bool] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append("if-none-match" in request.headers)
        return httpx.Response(304 if asked[-1] else 200, headers={"etag": '"1"'}, content=b"" if asked[-1] else b"x")

    client = client_of(answer)
    for number in range(FORGE_KEPT_MAX + 1):
        await client.get(f"/{number}", "to read it")
    first, last = await client.get("/0", "to read it"), await client.get(f"/{FORGE_KEPT_MAX}", "to read it")

    assert asked[-2:] == [False, True]
    assert (first.body, last.body, last.status) == (b"x", b"x", 200)


async def test_nothing_is_sent_that_the_allowance_does_not_have() -> None:
    client = client_of(always(200))
    client.meters[REST] = Meter(limit=60, remaining=30, ours=30, resets_at=3_600.0)

    with pytest.raises(TransientError, match=r"github.com is not asked for another 3601 s") as error:
        await client.get("/x", "to read it")

    assert error.value.code == "forge_spent"
    await client.close()


def test_names_from_outside_are_no_part_of_a_query() -> None:
    asked = query("o", "r", ['") { x }', "b"], [Wish(number=7, contexts=True, words=True)])

    assert '") { x }' not in asked.text
    assert asked.variables == {"owner": "o", "name": "r", "b0": '") { x }', "b1": "b"}
    assert asked.cost == 1


async def _read(client: GitHubClient, path: str) -> None:
    await client.get(path, "to read it")
