"""`orch reactions`: which there are, what they would do to a session and why, and what they have done."""

import json
import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator
from msgspec.structs import replace

from orchestrd import schemas
from orchestrd.client import Client
from orchestrd.codec import encode_record
from orchestrd.core.layout import Layout
from orchestrd.model.change import Checks
from orchestrd.model.effect import Effect, EffectKind
from orchestrd.model.event import Event, EventType
from orchestrd.model.reaction import Episode
from orchestrd.model.reaction_document import KnownReactions
from orchestrd.model.session import Session
from orchestrd.model.words import Activity, Receipt
from orchestrd.store.files import FileStore
from orchestrd_cli import exits
from tests.changes import CHANGE
from tests.cli.fake_daemon import FakeDaemon, Result, whole
from tests.core.reacting import NOON, session_of

Orch = Callable[..., Result]

FAILING = replace(CHANGE, head="abc1234", checks=Checks.FAILING)
FIRED = Event(
    sequence=0,
    at=NOON.at,
    session=None,
    generation=1,
    type=EventType.REACTION_FIRED,
    from_=None,
    to="send",
    reason=None,
    authority=None,
    revision=None,
    source="ci-failed",
)


@pytest.fixture
def user(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the user's own file, which is not there yet."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config" / "orchestrd").mkdir(parents=True)
    return tmp_path / "config" / "orchestrd" / "config.toml"


@pytest.fixture
def kept(home: Path, user: Path) -> Callable[..., Session]:
    """Leave sessions on the disk, as a daemon that is gone has left them."""

    def keep(**facts: Any) -> Session:
        session = session_of(**facts)
        store = FileStore(Layout(str(home)))
        epoch = store.recover(NOON).home.epoch
        fired = replace(FIRED, session=session.id)
        settled = replace(fired, type=EventType.MESSAGE_SETTLED, source=None, receipt=Receipt.TYPED)
        typed = [replace(settled, message=key) for key in ("reaction.ci-failed.ab12.1", "mine")]
        merge = replace(fired, type=EventType.MERGE_SETTLED, source="ready", to="refused", error="no right")
        store.commit([replace(session, epoch=epoch, events=(fired, *typed, merge))])
        store.close()
        return session

    return keep


def _file(place: Path, session: Session) -> Path:
    file = place / f"{session.id}.json"
    file.write_bytes(encode_record(session))
    os.utime(file, (NOON.at.timestamp(), NOON.at.timestamp()))
    return file


# ---- list ------------------------------------------------------------------------------------------------------------


def test_every_reaction_is_listed_with_its_condition_and_fits_a_terminal(orch: Orch, user: Path) -> None:
    done = orch("reactions", "list")

    lines = done.out.splitlines()
    assert (done.code, done.err) == (exits.OK, "")
    assert "ci-failed           send              2, 30m apart  5       urgent  default" in lines
    assert "    when pr draft or open, checks failing" in lines
    assert max(map(len, lines)) <= 80


def test_what_a_user_has_set_says_where_and_what_is_off_says_so(orch: Orch, user: Path) -> None:
    user.write_text('[reactions.agent-idle]\nenabled = false\n[reactions.dear]\nact = "stop"\nwhen = {cost_usd = 20}\n')

    done, as_json = orch("reactions", "list"), orch("reactions", "list", "--json")

    assert "agent-idle          notify (info)     off           -       -       config.toml:2" in done.out.splitlines()
    assert "dear                stop              1             10      urgent  config.toml:5" in done.out.splitlines()
    told = json.loads(as_json.out)
    assert Draft202012Validator(schemas.read("reactions")).is_valid(told)
    dear = next(one for one in told["reactions"] if one["reaction"]["name"] == "dear")
    assert (dear["asked"], dear["origins"]) == ("a cost of $20", [f"{user}:5", f"{user}:4"])


def test_what_is_wrong_is_said_with_the_next_command(orch: Orch, user: Path) -> None:
    user.write_text("[reactions.agent-idle]\nevery = 'soon'\n")

    done = orch("reactions", "list")

    assert done.code == exits.USAGE
    assert done.err == (
        f"orch: {user}:2: 'every': 'soon' is no duration: write whole numbers with their units (d, h, m, s), the"
        ' largest first, such as "90s", "10m" or "1h30m"\n  try: orch config edit\n'
    )
    assert "agent-idle" in done.out


def test_a_daemon_that_goes_by_others_is_told_of(orch: Orch, user: Path, daemon: FakeDaemon) -> None:
    daemon.answers("/v1/health", whole(b'{"pid":1,"epoch":1,"sequence":0}'))
    daemon.answers("/v1/reactions", whole(msgspec.json.encode(KnownReactions(reactions=()))))

    done = orch("reactions", "list")

    assert (done.code, done.err) == (
        exits.OK,
        "orch: the daemon goes by what it has read before\n  try: orch daemon reload\n",
    )


def test_a_daemon_that_goes_by_the_same_since_a_reload_goes_by_no_others(orch: Orch, daemon: FakeDaemon) -> None:
    known = msgspec.json.decode(orch("reactions", "list", "--json").out, type=KnownReactions)
    since = [replace(one, reaction=replace(one.reaction, taken_at=NOON.at)) for one in known.reactions]
    daemon.answers("/v1/health", whole(b'{"pid":1,"epoch":1,"sequence":0}'))
    daemon.answers("/v1/reactions", whole(msgspec.json.encode(KnownReactions(reactions=tuple(since)))))

    done = orch("reactions", "list")

    assert (done.code, done.err) == (exits.OK, "")


# ---- test ------------------------------------------------------------------------------------------------------------


def test_a_recorded_session_is_judged_as_of_the_time_it_was_written(orch: Orch, user: Path, tmp_path: Path) -> None:
    since = NOON.at - timedelta(minutes=20)
    file = _file(tmp_path, session_of(activity=Activity.WAITING, activity_since=since, change=FAILING))

    done = orch("reactions", "test", str(file))

    assert (done.code, done.err) == (exits.OK, "")
    assert "session abcdefgh (work), by its record, as of 2026-11-20 12:00:00Z\n" in done.out
    assert "\nci-failed: would fire (send)\n" in done.out
    assert "\nagent-idle: would fire\n" in done.out
    assert "\nagent-stuck: would not\n" in done.out
    assert "\napproved-and-green: would not\n    its checks are failing" in done.out


def test_nothing_is_said_into_a_dialog_and_the_dry_run_says_so(orch: Orch, user: Path, tmp_path: Path) -> None:
    file = _file(tmp_path, session_of(activity=Activity.BLOCKED, change=FAILING))

    done = orch("reactions", "test", str(file), "ci-failed", "--json")

    told = json.loads(done.out)
    assert Draft202012Validator(schemas.read("judged_session")).is_valid(told)
    assert [(one["reaction"]["name"], one["kind"]) for one in told["judged"]] == [("ci-failed", "held")]
    assert "blocked" in told["judged"][0]["why"]


def test_a_reaction_that_there_is_not_is_named_with_what_was_meant(orch: Orch, user: Path, tmp_path: Path) -> None:
    done = orch("reactions", "test", str(_file(tmp_path, session_of())), "ci-faild")

    assert (done.code, done.out) == (exits.NOT_FOUND, "")
    assert done.err == (
        "orch: there is no reaction 'ci-faild': did you mean 'ci-failed'?\n  try: orch reactions list\n"
    )


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"{", "is no record of a session: "),
        (b'{"id":"x"}', "is no record of a session: 'x' is no id of a session"),
        (b'{"id":"abcdefgh","schema":1}', "is no record of a session: "),
        (None, "cannot be read: No such file or directory"),
    ],
)
def test_a_file_that_holds_no_record_is_refused(
    orch: Orch, user: Path, tmp_path: Path, content: bytes | None, said: str
) -> None:
    file = tmp_path / "x.json"
    if content is not None:
        file.write_bytes(content)

    done = orch("reactions", "test", str(file))

    assert done.code == (exits.USAGE if content is not None else exits.NOT_FOUND)
    assert f"{file} {said}" in done.err


def test_a_session_is_judged_by_its_record_where_no_daemon_answers(orch: Orch, kept: Callable[..., Session]) -> None:
    kept(change=FAILING)

    done = orch("reactions", "test", "work", "ci-failed")

    assert "\nci-failed: would fire (send)\n    its pull request is open and its checks are failing\n" in done.out
    assert done.err.startswith("orch: no daemon answers; this is from disk")


def test_an_archived_session_is_judged_as_it_was_put_away(orch: Orch, home: Path, user: Path) -> None:
    archive = home / "archive" / "abcdefgh"
    archive.mkdir(parents=True)
    _file(archive, session_of(change=FAILING))

    done = orch("reactions", "test", "abcdefgh", "ci-failed")

    assert (done.code, "as of 2026-11-20 12:00:00Z" in done.out) == (exits.OK, True)
    assert "\nci-failed: would fire (send)\n" in done.out


# ---- why -------------------------------------------------------------------------------------------------------------


def test_the_ledger_is_told_with_what_comes_next_and_what_was_done(orch: Orch, kept: Callable[..., Session]) -> None:
    episode = Episode(
        reaction="ci-failed",
        key="abc1234",
        since=NOON,
        attempts=1,
        tries=1,
        tried_at=NOON,
        failures=1,
        error="no answer",
    )
    kept(change=FAILING, episodes=(episode,))

    done = orch("reactions", "why", "work")

    lines = [line.rstrip() for line in done.out.splitlines()]
    assert "    about   abc1234" in lines
    assert "    tries   1 attempt of 2, in round 1 of 5; 1 failure" in lines
    assert "    error   no answer" in lines
    assert any(line.endswith("reaction ci-failed: send") for line in lines)
    assert any("reaction.ci-failed.ab12.1" in line for line in lines)
    assert any(line.endswith("merge refused; error: no right") for line in lines)
    assert "mine" not in done.out
    assert "agent-idle" not in done.out


def test_where_nothing_was_done_that_is_said(orch: Orch, kept: Callable[..., Session]) -> None:
    kept()

    all_, one = orch("reactions", "why", "work"), orch("reactions", "why", "work", "agent-stuck")

    assert "nothing is under way: the condition of no reaction holds" in all_.out
    assert "agent-stuck: would not" in one.out
    assert "reaction ci-failed" not in one.out


def test_the_client_judges_without_a_daemon(home: Path, kept: Callable[..., Session]) -> None:
    kept(change=FAILING)

    told = Client(str(home), use_daemon=False).judge("work")

    assert (told.session, told.is_recorded) == ("abcdefgh", True)
    assert {one.reaction.name: one.kind for one in told.judged}["ci-failed"] == "fire"


def test_nobody_is_said_to_be_told_where_no_daemon_runs(home: Path, user: Path, kept: Callable[..., Session]) -> None:
    user.write_text('[reactions.runs]\nact = "notify"\nwhen = {state = "running"}\n')
    notify = Effect(id="1.1", kind=EffectKind.NOTIFY, generation=1, reaction="runs")
    begun = Episode(reaction="runs", key="1", since=NOON, key_since=NOON, attempts=1, tries=1, in_flight="1.1")
    kept(effects=(notify,), episodes=(begun,))

    client = Client(str(home), use_daemon=False)
    explained, judged = client.explain("work"), client.judge("work").judged

    assert explained.pending == ("a person is to be told (reaction runs): it waits for a daemon",)
    (told,) = (one.why for one in judged if one.reaction.name == "runs")
    assert told == "it is running; its newest attempt is still under way; it waits for a daemon"
