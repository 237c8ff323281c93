"""Deliveries of webhooks: only what is signed is read, once, and all it does is to have a look come at once."""

import hmac
import json
from hashlib import sha256
from pathlib import Path
from typing import Never

import pytest

from orchestrd.forges.github.adapter import GitHubForge
from orchestrd.model.errors import RefusedError, UsageError
from orchestrd.model.limits import DELIVERIES_KNOWN_MAX
from orchestrd.testing.clocks import LoopClock
from tests.forges.github.surroundings import forge_at

SECRET = "a secret of this test"
PUSH = {"repository": {"html_url": "https://github.com/O/r"}}


class Bench:
    """A forge that webhooks come to, and what it had looked at."""

    def __init__(self, **settings: object) -> None:
        environ = {"HOOK": SECRET, "PATH": "", "HOME": "/nowhere"}
        self.forge: GitHubForge = forge_at(None, LoopClock(), environ=environ, connect=_never, **settings)
        self.nudged: list[str] = []
        self.forge.on_change(self.nudged.append)

    async def take(
        self, told: object, event: str = "push", *, secret: str = SECRET, delivery: str = "d1", **more: str
    ) -> None:
        body = told if isinstance(told, bytes) else json.dumps(told).encode()
        signature = "sha256=" + hmac.new(secret.encode(), body, sha256).hexdigest()
        headers = {"x-hub-signature-256": signature, "x-github-event": event, "x-github-delivery": delivery}
        await self.forge.take_delivery(headers | more, body)


def _never() -> Never:
    raise AssertionError("nothing is asked")


@pytest.fixture
async def bench() -> Bench:
    return Bench(webhook_secret_env="HOOK")


@pytest.mark.parametrize("event", ["push", "check_run", "pull_request_review", "status"])
async def test_a_delivery_has_its_repository_looked_at(bench: Bench, event: str) -> None:
    await bench.take(PUSH, event)

    assert bench.nudged == ["github.com/o/r"]


async def test_a_delivery_that_comes_again_does_nothing(bench: Bench) -> None:
    await bench.take(PUSH)
    await bench.take(PUSH)
    await bench.take(PUSH, delivery="of whoever has overheard it")
    await bench.take(PUSH | {"after": "another commit"})

    assert bench.nudged == ["github.com/o/r"] * 2


async def test_only_so_many_deliveries_are_remembered(bench: Bench) -> None:
    for number in range(DELIVERIES_KNOWN_MAX + 1):
        await bench.take(PUSH | {"after": number})
    await bench.take(PUSH | {"after": 0})

    assert len(bench.nudged) == DELIVERIES_KNOWN_MAX + 2


@pytest.mark.parametrize(
    "headers",
    [
        {"x-hub-signature-256": "sha256=" + "0" * 64},
        {"x-hub-signature-256": ""},
        {"x-hub-signature-256": "sha256=ü"},
    ],
)
async def test_what_is_not_signed_with_the_secret_is_refused_and_not_read(
    bench: Bench, headers: dict[str, str]
) -> None:
    with pytest.raises(RefusedError) as error:
        await bench.take(b"{", **headers)

    assert error.value.code == "bad_signature"
    assert bench.nudged == []


async def test_a_body_that_was_changed_is_refused(bench: Bench) -> None:
    with pytest.raises(RefusedError):
        await bench.take(PUSH, secret="another")

    assert bench.nudged == []


async def test_without_a_secret_every_delivery_is_refused() -> None:
    bench = Bench()

    with pytest.raises(RefusedError, match="webhooks are not taken without a secret") as error:
        await bench.take(PUSH, secret="")

    assert (error.value.code, error.value.hint) == ("no_secret", "orch config edit")


async def test_where_a_secret_should_be_is_not_told_to_who_sends_a_delivery(tmp_path: Path) -> None:
    bench = Bench(webhook_secret_file=str(tmp_path / "secret"))

    with pytest.raises(RefusedError, match="the secret of webhooks is not there") as error:
        await bench.take(PUSH)

    assert (error.value.code, error.value.hint) == ("no_secret", "orch doctor")
    assert str(tmp_path) not in repr(error.value)


async def test_a_secret_may_be_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("fromafile\n")
    bench = Bench(webhook_secret_file=str(tmp_path / "secret"))

    await bench.take(PUSH, secret="fromafile")

    assert bench.nudged == ["github.com/o/r"]


@pytest.mark.parametrize(
    ("told", "event"),
    [
        ({"zen": "Keep it simple."}, "ping"),
        ({"repository": {"html_url": "https://gitlab.com/o/r"}}, "push"),
        (PUSH, "star"),
    ],
)
async def test_what_is_of_no_interest_is_taken_and_does_nothing(bench: Bench, told: object, event: str) -> None:
    await bench.take(told, event)

    assert bench.nudged == []


@pytest.mark.parametrize("told", [b"no json", {"repository": "o/r"}, {"repository": {"html_url": 3}}, []])
async def test_a_signed_delivery_that_names_no_repository_is_an_error(bench: Bench, told: object) -> None:
    with pytest.raises(UsageError, match="names no repository"):
        await bench.take(told)
