"""`orch send` and `orch revive`: what became of it, in a sentence and an exit code."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from orchestrd.model.document import SendReply
from orchestrd.model.words import Receipt
from orchestrd_cli import exits
from tests.cli.fake_daemon import FakeDaemon, Result, whole
from tests.cli.told import tells_of
from tests.decisions import held
from tests.documents import a_document

Orch = Callable[..., Result]
CLAUDE: dict[str, Any] = {"agent": "claude", "runtime": "tmux", "attach": ("orch", "attach", "abcdefgh")}


def _replies(daemon: FakeDaemon, receipt: Receipt, error: str | None = None, **changes: Any) -> None:
    told = a_document(**changes)
    tells_of(daemon, told)
    reply = SendReply(session=told.id, receipt=receipt, error=error)
    daemon.answers("/v1/sessions/fix/send", whole(msgspec.json.encode(reply)))


@pytest.mark.parametrize(
    ("receipt", "changes", "code", "out", "err"),
    [
        (Receipt.SUBMITTED, CLAUDE, 0, "submitted", ""),
        (Receipt.QUEUED, CLAUDE, 0, "queued: it is typed when the agent waits again", ""),
        (Receipt.TYPED, CLAUDE, 0, "typed", "  nobody saw it taken; look: orch screen abcdefgh\n"),
        (Receipt.TYPED, {"runtime": "tmux"}, 0, "typed", ""),
        (
            Receipt.UNKNOWN,
            CLAUDE,
            1,
            "unknown: it may have been typed, or not",
            "  look before you send it again: orch screen abcdefgh\n",
        ),
        (
            Receipt.UNKNOWN,
            {},
            1,
            "unknown: it may have been typed, or not",
            "  look before you send it again: orch logs abcdefgh\n",
        ),
    ],
)
def test_each_receipt_has_its_sentence_and_its_code(
    daemon: FakeDaemon, orch: Orch, *, receipt: Receipt, changes: dict[str, Any], code: int, out: str, err: str
) -> None:
    _replies(daemon, receipt, **changes)

    done = orch("send", "fix", "go on")

    assert (done.code, done.out, done.err) == (code, f"abcdefgh  {out}\n", err)


def test_a_key_and_a_command_go_along(daemon: FakeDaemon, orch: Orch) -> None:
    _replies(daemon, Receipt.SUBMITTED, **CLAUDE)

    done = orch("send", "fix", "--key", "deploy-42", "--command", "/compact")

    assert done.code == 0
    sent = next(msgspec.json.decode(body) for body in daemon.bodies if body)
    assert (sent["message"], sent["text"], sent["is_command"]) == ("deploy-42", "/compact", True)


def test_what_went_wrong_stands_behind_it(daemon: FakeDaemon, orch: Orch) -> None:
    _replies(daemon, Receipt.UNKNOWN, "the daemon was restarted\x1b meanwhile")

    done = orch("send", "fix", "go on")

    assert done.out == "abcdefgh  unknown: it may have been typed, or not: the daemon was restarted\\x1b meanwhile\n"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {**CLAUDE, "activity": "blocked", "activity_text": "Bash: rm -rf?"},
            "orch: it is blocked: Bash: rm -rf?\n  try: orch attach abcdefgh\n",
        ),
        ({**CLAUDE, "activity": "waiting"}, "orch: it is blocked\n  try: orch attach abcdefgh\n"),
        (
            {**CLAUDE, "activity": "blocked", "activity_text": "asks: touch sold", "decision": held()},
            "orch: it is blocked: asks: touch sold\n  try: orch answer abcdefgh\n",
        ),
        (
            {**CLAUDE, "activity": "blocked", "decision": replace(held(), choices=())},
            "orch: it is blocked\n  try: orch attach abcdefgh\n",
        ),
        ({"activity": "blocked"}, "orch: it is blocked\n  try: orch logs abcdefgh\n"),
        ({"state": "completed"}, "orch: it is blocked\n  try: orch explain abcdefgh\n"),
    ],
)
def test_a_refusal_says_what_is_asked_and_where_to_answer(
    daemon: FakeDaemon, orch: Orch, changes: dict[str, Any], said: str
) -> None:
    _replies(daemon, Receipt.REFUSED, "it is blocked", **changes)

    done = orch("send", "fix", "yes")

    assert (done.code, done.out, done.err) == (exits.REFUSED, "", said)


def test_a_text_that_cannot_be_sent_is_refused_with_the_command_that_was_meant(daemon: FakeDaemon, orch: Orch) -> None:
    _replies(daemon, Receipt.REFUSED, **{**CLAUDE, "activity": "blocked", "activity_text": "Bash: rm -rf?"})
    reply = {
        "session": "abcdefgh",
        "receipt": "refused",
        "error": "no command",
        "hint": "orch send abcdefgh --command /x",
    }
    daemon.answers("/v1/sessions/fix/send", whole(msgspec.json.encode(reply)))

    done = orch("send", "fix", "--command", "x")

    assert (done.code, done.err) == (exits.REFUSED, "orch: no command\n  try: orch send abcdefgh --command /x\n")


@pytest.mark.parametrize(("receipt", "code"), [(Receipt.REFUSED, 4), (Receipt.UNKNOWN, 1), (Receipt.TYPED, 0)])
def test_a_program_reads_the_receipt_and_nothing_beside_it(
    daemon: FakeDaemon, orch: Orch, receipt: Receipt, code: int
) -> None:
    _replies(daemon, receipt, "why", **CLAUDE)

    done = orch("send", "fix", "go on", "--json")

    assert (done.code, done.err) == (code, "")
    assert msgspec.json.decode(done.out) == {"session": "abcdefgh", "receipt": receipt, "error": "why", "hint": ""}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({**CLAUDE, "conversation": "c1"}, "  it goes on with its conversation\n"),
        (CLAUDE, "  it begins a new conversation: none is on disk\n"),
        ({}, ""),
    ],
)
def test_a_revival_says_whether_the_conversation_goes_on(
    daemon: FakeDaemon, orch: Orch, changes: dict[str, Any], said: str
) -> None:
    told = a_document(state="pending", reason="revived", generation=2, **changes)
    tells_of(daemon, told)
    daemon.answers("/v1/sessions/fix/revive", whole(msgspec.json.encode(told)))

    done = orch("revive", "fix")

    assert (done.code, done.out, done.err) == (exits.OK, "abcdefgh  pending (revived)\n", said)


def test_a_revival_does_not_depend_on_what_is_looked_at_before_it(daemon: FakeDaemon, orch: Orch) -> None:
    told = a_document(state="pending", reason="revived", generation=2)
    daemon.answers("/v1/sessions/fix", whole(b'{"error": {"code": "fault", "message": "no"}}', status="500 Oops"))
    daemon.answers("/v1/sessions/fix/revive", whole(msgspec.json.encode(told)))

    done = orch("revive", "fix")

    assert (done.code, done.out) == (exits.OK, "abcdefgh  pending (revived)\n")
