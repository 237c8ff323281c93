"""What the pages about notifiers show works: the check of a signature, the JSON, and the whole notifier."""

import hmac
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest

from orchestrd import schemas
from orchestrd.core.layout import Layout
from orchestrd.model.errors import TransientError, UsageError
from orchestrd.model.notice_settings import ChannelSettings
from orchestrd.notifiers.context import NotifierContext
from orchestrd.notifiers.webhook import SIGNATURE, TIMESTAMP, signature
from orchestrd.testing.clocks import LoopClock
from orchestrd.testing.contracts.notifier import READY, STUCK
from tests.docs.pages import DOCS

PAGE = (DOCS / "notifying.md").read_text()
ADAPTERS = (DOCS / "adapters.md").read_text().partition("## A notifier")[2]
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SECRET, BODY, NOW_S = "s3cret", b'{"schema":1}', 1_767_268_800


def shown(page: str, **names: Any) -> dict[str, Any]:
    """Run the one block of Python that a page shows."""
    (code,) = BLOCK.findall(page)
    exec(compile(code, "shown", "exec", dont_inherit=True), names)
    return names


@pytest.fixture
def is_ours() -> Callable[..., bool]:
    check: Callable[..., bool] = shown(PAGE, hmac=hmac)["is_ours"]
    return check


def headers(at_s: int = NOW_S, secret: str = SECRET) -> dict[str, str]:
    return {TIMESTAMP: str(at_s), SIGNATURE: signature(secret, str(at_s), BODY)}


def test_the_check_of_a_signature_takes_what_is_ours_and_nothing_else(is_ours: Callable[..., bool]) -> None:
    assert is_ours(SECRET.encode(), headers(), BODY, NOW_S)
    assert not is_ours(SECRET.encode(), headers(secret="another"), BODY, NOW_S)
    assert not is_ours(SECRET.encode(), headers(), BODY + b" ", NOW_S)
    assert not is_ours(SECRET.encode(), headers() | {TIMESTAMP: str(NOW_S + 1)}, BODY, NOW_S)


def test_what_is_posted_again_later_is_told_by_its_age(is_ours: Callable[..., bool]) -> None:
    assert not is_ours(SECRET.encode(), headers(at_s=NOW_S - 301), BODY, NOW_S)


def test_the_json_that_is_shown_keeps_its_schema() -> None:
    (text,) = re.findall(r"^    (\{\"schema\".*?\})\n\n", PAGE, re.MULTILINE | re.DOTALL)

    jsonschema.validate(msgspec.json.decode(text), schemas.read("notices"))


def a_context(topic: str | None) -> NotifierContext:
    settings = ChannelSettings(kind="board", topic=topic)
    layout = Layout("/home/me/.orch")
    return NotifierContext(
        name="phone", settings=settings, layout=layout, clock=LoopClock(), environ={}, on_error=lambda *_: None
    )


async def test_the_notifier_that_is_shown_tells(tmp_path: Path) -> None:
    make = shown(ADAPTERS)["notifier"]
    notifier = make(a_context(f"{tmp_path}/board"))

    await notifier.tell([STUCK])
    await notifier.tell([STUCK, READY])
    await notifier.close()

    board = (tmp_path / "board").read_text()
    assert board.startswith(f"12:00 [urgent] {STUCK.title}\n{STUCK.text}\n12:01 [urgent] 2 notices: ")
    assert READY.title in board


async def test_the_notifier_that_is_shown_says_what_is_wrong(tmp_path: Path) -> None:
    make = shown(ADAPTERS)["notifier"]

    with pytest.raises(UsageError, match="phone has no topic"):
        make(a_context(None))
    with pytest.raises(TransientError, match="phone failed: No such file"):
        await make(a_context(f"{tmp_path}/no/board")).tell([STUCK])
