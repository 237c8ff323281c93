"""The status table: what stands first, what is said where nobody knows, and that it fits."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from orchestrd.model.document import DaemonFacts, Document, Status, Usage
from orchestrd.model.session import Workspace
from orchestrd.model.spending import Tokens
from orchestrd.render import needs_me, status_table
from orchestrd.render.text import width
from tests.documents import NOON, a_document

NOW = NOON + timedelta(minutes=3, seconds=20)
DAEMON = DaemonFacts(
    pid=4711,
    version="0.1.0",
    epoch=3,
    started_at=NOON - timedelta(hours=5),
    home="/home/me/.orch",
    interval_s=5.0,
    max_running=10,
    sequence=99,
    rejected=0,
)


def _table(*sessions: Document, hidden: int = 0, columns: int | None = None, colour: bool = False) -> str:
    return status_table(Status(daemon=DAEMON, sessions=sessions, hidden=hidden), NOW, columns=columns, colour=colour)


def _row(told: Document) -> str:
    return _table(told).splitlines()[1]


def test_one_table_tells_it_all() -> None:
    waiting = a_document(
        "waiting2", name="docs", activity="waiting", activity_since=NOON, activity_text="which one?", agent="claude"
    )
    failed = a_document("failed22", name="failed22", state="failed", reason="exit_code", exit_code=3, generation=2)

    assert _table(a_document(prompt="mend the\nlogin"), waiting, failed, hidden=4) == (
        "ID        NAME       PROJECT  AGENT   STATE            ACTIVITY    SINCE  RUN  ABOUT\n"
        "waiting2  docs       webshop  claude  running          waiting 3m  3m     1    which one?\n"
        "failed22  -          webshop  shell   failed (exit 3)  -           3m     2    sleep 60\n"
        "abcdefgh  fix-login  webshop  shell   running          ?           3m     1    mend the login\n"
        "3 sessions: 1 failed, 1 running, 1 waiting; 4 ended not shown (orch status --all)\n"
        "daemon 4711, version 0.1.0, up 5h\n"
    )


def test_what_needs_a_person_stands_first_and_news_before_old() -> None:
    def session(name: str, minutes: int, **changes: object) -> Document:
        return a_document(name, created_at=NOON + timedelta(minutes=minutes), **changes)

    long_ago = NOW - timedelta(hours=2)
    sessions = [
        session("done", 9, state="completed", reason="exited"),
        session("oldfail", 8, state="failed", state_since=long_ago),
        session("older", 1),
        session("newer", 2),
        session("newfail", 0, state="failed"),
        session("lost", 1, state="lost", state_since=long_ago),
        session("waiting", 0, activity="waiting"),
        session("blocked", 0, activity="blocked"),
        session("stopping", 7, state="stopping", activity="waiting"),
    ]

    ids = [line.split()[0] for line in _table(*sessions).splitlines()[1:-2]]

    assert ids == [
        "blocked",
        "waiting",
        "lost",
        "newfail",
        "stopping",
        "newer",
        "older",
        "done",
        "oldfail",
    ]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"state": "lost", "reason": "contact_lost"}, "lost (contact_lost)"),
        ({"state": "failed", "reason": "signal", "exit_signal": "SIGKILL"}, "failed (SIGKILL)"),
        ({"state": "failed", "reason": "exit_unknown"}, "failed (exit_unknown)"),
        ({"state": "cancelled", "reason": "killed", "exit_signal": "SIGKILL"}, "cancelled (killed)"),
        ({"liveness": "unknown"}, "running (unknown)"),
        ({"state": "scheduled", "reason": "queued", "started_at": None}, "scheduled  -"),
        ({"state": "thinking", "reason": "new\x1bword"}, "thinking (new\\x1bword)"),
    ],
)
def test_a_state_says_its_reason_where_that_says_more(changes: dict[str, Any], said: str) -> None:
    assert said in _row(a_document(**changes))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"activity": "blocked", "activity_text": "rm -rf?"}, "rm -rf?"),
        ({"activity": "waiting"}, "sleep 60"),
        ({"activity": "limited", "activity_text": "until 3 pm", "prompt": "mend it"}, "until 3 pm"),
        ({"activity": "working", "activity_text": "tests", "prompt": "mend it"}, "mend it"),
        ({"activity": "working", "activity_text": "tests"}, "tests"),
        ({"state": "completed", "activity_text": "tests"}, "sleep 60"),
        ({"notice": "no hook has fired", "prompt": "mend it"}, "no hook has fired"),
        ({"state": "failed", "error": "there is no program 'frob'"}, "there is no program 'frob'"),
        ({"argv": ("sh", "-c", "x" * 120_000)}, "sh -c " + "x" * 73 + "…"),
        ({"argv": ()}, "-"),
    ],
)
def test_a_row_ends_with_what_it_is_about(changes: dict[str, Any], said: str) -> None:
    assert _row(a_document(**changes)).endswith(f"  {said}")


def test_what_it_is_about_is_clipped_after_the_project() -> None:
    asks = a_document(
        project="/p/tmp.DmiTGuXa1b2c", name="door", activity="waiting", activity_text="which colour is it?"
    )

    row = _table(asks, columns=80).splitlines()[1]

    assert row == "abcdefgh  door  tmp.DmiTG…  shell  running  waiting   3m     which colour is it?"


def test_who_works_without_progress_is_told_of_and_comes_before_who_works() -> None:
    stuck = a_document(activity="working", activity_since=NOON, stuck_since=NOON + timedelta(minutes=1), name="still")
    busy = a_document(activity="working", activity_since=NOON, name="busy", created_at=NOON + timedelta(minutes=2))

    rows = _table(busy, stuck).splitlines()[1:3]

    assert "working, stuck 2m" in rows[0]
    assert "busy" in rows[1]


def test_a_limit_says_until_when_as_the_clock_on_the_wall_has_it() -> None:
    today, later = NOW + timedelta(minutes=5), NOW + timedelta(days=3)
    parked = a_document(activity="limited", activity_since=NOON, limited_until=today)
    for_days = a_document(activity="limited", activity_since=NOON, limited_until=later)
    held = a_document(state="scheduled", reason="queued", started_at=None, held_until=today)

    rows = [_row(told) for told in (parked, for_days, held)]

    here, there = today.astimezone(), later.astimezone()
    assert f"  limited until {here:%H:%M}  " in rows[0]
    assert f"  limited until {there:%b} {there.day} {there:%H:%M}  " in rows[1]
    assert f"  held back until {here:%H:%M}  " in rows[2]


def test_an_activity_without_a_time_is_still_told() -> None:
    assert " limited  " in _row(a_document(activity="limited"))


@pytest.mark.parametrize("state", ["running", "starting", "stopping"])
def test_only_a_running_session_needs_a_person(state: str) -> None:
    told = a_document(state=state, activity="blocked")

    assert needs_me(told) is (state == "running")


def test_the_root_directory_has_a_name_too() -> None:
    assert "  /  " in _row(a_document(project="/"))


def test_nothing_at_all_says_how_to_begin() -> None:
    assert _table().splitlines()[0] == "no sessions; begin one: orch spawn -- COMMAND"


def test_of_a_project_without_sessions_that_alone_is_said() -> None:
    table = status_table(Status(daemon=DAEMON, sessions=(), hidden=0), NOW, project="shed")

    assert table.splitlines()[0] == "no sessions in project shed; of every project: orch status --all"


def test_only_ended_sessions_are_counted_without_a_table() -> None:
    assert _table(hidden=2).splitlines()[0] == "0 sessions; 2 ended not shown (orch status --all)"


def test_a_home_without_a_daemon_says_how_old_its_news_are() -> None:
    status = Status(daemon=None, sessions=(), hidden=0, newest_record_at=NOON)
    empty = Status(daemon=None, sessions=(), hidden=0)

    assert status_table(status, NOW).splitlines()[1] == ("no daemon answers; as of 3m ago; start it: orch daemon start")
    assert status_table(empty, NOW).splitlines()[1] == "no daemon answers; start it: orch daemon start"
    assert status_table(status, NOW, silence="the daemon (pid 7) does not answer").splitlines()[1] == (
        "the daemon (pid 7) does not answer; as of 3m ago; start it anew: orch daemon restart"
    )


def test_files_in_quarantine_are_not_kept_secret() -> None:
    daemon = DaemonFacts(**{name: getattr(DAEMON, name) for name in DAEMON.__struct_fields__} | {"rejected": 2})

    table = status_table(Status(daemon=daemon, sessions=(), hidden=0), NOW)

    assert table.endswith("up 5h, 2 files in quarantine (orch events)\n")


def test_what_does_not_work_stands_in_a_line_of_its_own() -> None:
    daemon = replace(DAEMON, trouble="cannot write the record: no space left on device")

    table = status_table(Status(daemon=daemon, sessions=(), hidden=0), NOW, columns=80)

    assert table.endswith("up 5h\ntrouble: cannot write the record: no space left on device\n")


def test_of_many_things_that_do_not_work_the_newest_are_told_and_the_others_counted() -> None:
    daemon = replace(DAEMON, trouble="one", troubles=("one", "two", "three", "four", "five"))

    table = status_table(Status(daemon=daemon, sessions=(), hidden=0), NOW, columns=80)

    assert table.endswith("up 5h\ntrouble: one\ntrouble: two\ntrouble: three\n2 troubles more: orch doctor\n")


def test_a_line_that_does_not_fit_is_broken_before_its_hint() -> None:
    status = Status(daemon=None, sessions=(a_document(),), hidden=11, newest_record_at=NOON)

    table = status_table(status, NOW, columns=56, silence="the daemon (pid 7) does not answer")

    assert table.splitlines()[2:] == [
        "1 session: 1 running",
        "11 ended not shown (orch status --all)",
        "the daemon (pid 7) does not answer",
        "as of 3m ago",
        "start it anew: orch daemon restart",
    ]


def test_colour_repeats_what_the_words_say() -> None:
    sessions = (
        a_document("blocked", activity="blocked"),
        a_document("waiting", activity="waiting"),
        a_document("running"),
        a_document("pending", state="pending"),
        a_document("done", state="completed"),
    )

    lines = _table(*sessions, colour=True).splitlines()

    assert [line[:5] for line in lines[:6]] == ["\x1b[1mI", "\x1b[31m", "\x1b[33m", "pendi", "\x1b[32m", "\x1b[2md"]
    assert all(line.endswith("\x1b[0m") for line in lines[:6])


texts = st.text(min_size=1, max_size=80)


@given(names=st.lists(texts, min_size=1, max_size=4), project=texts, agent=texts, reason=texts)
def test_any_text_fits_eighty_columns_and_moves_no_cursor(
    names: list[str], project: str, agent: str, reason: str
) -> None:
    sessions = [
        a_document(name=name, project=project, agent=agent, reason=reason, state="lost", error=name) for name in names
    ]

    table = _table(*sessions, columns=80)

    assert len(table.splitlines()) == len(names) + 3
    assert all(width(line) <= 80 for line in table.splitlines())
    assert all(line.replace("\u200d", "").isprintable() for line in table.split("\n"))


def test_a_terminal_too_narrow_for_anything_is_given_the_least() -> None:
    assert _table(a_document(), columns=1).splitlines()[1] == "abcdefgh  running  ?         sleep 60"


def test_a_window_too_narrow_for_a_row_shows_its_beginning() -> None:
    status = Status(daemon=DAEMON, sessions=(a_document(),), hidden=0)

    table = status_table(status, NOW, columns=20, lines_max=9, colour=True)

    assert table.splitlines()[1] == "\x1b[32mabcdefgh  running  …\x1b[0m"


def test_beside_memory_and_cpu_the_name_and_the_project_stay() -> None:
    told = a_document(activity="working", activity_since=NOON, prompt="mend the login, and say what was wrong")
    usage = {str(told.id): Usage(processes=2, memory_bytes=123 << 20, cpu_percent=12.5)}

    table = status_table(Status(daemon=DAEMON, sessions=(told,), hidden=0, usage=usage), NOW, columns=80)

    assert table.splitlines()[0].split() == ["ID", "NAME", "PROJECT", "STATE", "ACTIVITY", "MEMORY", "CPU", "ABOUT"]


def _in_a_worktree(session: str, branch: str) -> Document:
    workspace = Workspace(kind="worktree", path=f"/w/{session}", branch=branch)
    return a_document(session, agent="claude", workspace=workspace, prompt="mend the login, and say what was wrong")


def test_a_branch_is_told_without_what_the_row_has_already() -> None:
    ours, named = _in_a_worktree("abcdefgh", "orch/abcdefgh-fix-login"), _in_a_worktree("bbbbbbbb", "feature/x")

    head, *rows = _table(ours, named, a_document("cccccccc")).splitlines()[:4]

    at = head.index("BRANCH")
    assert [row[at:].split()[0] for row in rows] == ["fix-login", "feature/x", "-"]
    assert "BRANCH" not in _table(a_document())


@pytest.mark.parametrize(
    ("columns", "heads"),
    [
        (160, "ID NAME PROJECT BRANCH AGENT STATE ACTIVITY SINCE ABOUT"),
        (95, "ID NAME PROJECT BRANCH AGENT STATE ACTIVITY ABOUT"),
        (85, "ID NAME PROJECT AGENT STATE ACTIVITY ABOUT"),
        (80, "ID NAME PROJECT STATE ACTIVITY ABOUT"),
        (70, "ID NAME STATE ACTIVITY ABOUT"),
        (60, "ID STATE ACTIVITY ABOUT"),
    ],
)
def test_where_there_is_no_room_what_is_missed_least_is_left_out(columns: int, heads: str) -> None:
    told = replace(_in_a_worktree("abcdefgh", "orch/abcdefgh-fix-login"), activity="working", activity_since=NOON)

    table = _table(told, columns=columns).splitlines()

    assert table[0].split() == heads.split()


def test_without_a_width_no_name_is_clipped() -> None:
    assert "x" * 64 in _table(a_document(name="x" * 64))


def test_a_window_that_is_too_low_keeps_the_head_the_counts_and_those_that_matter_most() -> None:
    sessions = [a_document(f"{number:08}", name=f"n{number}") for number in range(9)]
    status = Status(daemon=DAEMON, sessions=tuple(sessions), hidden=0)

    low = status_table(status, NOW, lines_max=6).splitlines()

    assert len(low) == 6
    assert low[0].startswith("ID ")
    assert low[3] == "… and 7 more, for which the window is too low"
    assert low[4:] == ["9 sessions: 9 running", "daemon 4711, version 0.1.0, up 5h"]
    assert len(status_table(status, NOW, lines_max=12).splitlines()) == 12
    assert status_table(status, NOW, lines_max=1).splitlines()[1].startswith("00000000")


def test_what_sessions_take_of_the_machine_stands_there_when_it_was_asked_for() -> None:
    runs, unseen = a_document(), a_document("unseen22")
    over = a_document("over2222", state="completed", reason="exited")
    usage = {
        "abcdefgh": Usage(processes=2, memory_bytes=211 << 20, cpu_percent=129.6),
        "unseen22": Usage(processes=1, memory_bytes=None, cpu_percent=0.2),
    }
    status = Status(daemon=DAEMON, sessions=(runs, unseen, over), hidden=0, usage=usage)

    lines = [line.split("  ") for line in status_table(status, NOW).splitlines()]
    cells = [[cell.strip() for cell in line if cell.strip()] for line in lines]

    assert [cell for cell in cells[0] if cell in ("MEMORY", "CPU")] == ["MEMORY", "CPU"]
    assert cells[1][-3:-1] == ["211 MiB", "130%"]
    assert cells[2][-3:-1] == ["?", "0%"]
    assert cells[3][-3:-1] == ["-", "-"]
    assert "MEMORY" not in _table(runs)


def test_tokens_stand_beside_what_is_taken_of_the_machine_where_anybody_tells_of_them() -> None:
    tells = a_document(tokens=Tokens(input=1_000, output=200, cache_read=11_000, cache_write=100))
    status = Status(daemon=DAEMON, sessions=(tells, a_document("unseen22")), hidden=0, usage={})

    lines = [line.split() for line in status_table(status, NOW).splitlines()]

    column = lines[0].index("TOKENS")
    assert [line[column] for line in lines[1:3]] == ["12.3k", "-"]


def test_without_a_daemon_nobody_knows_what_they_take() -> None:
    status = Status(daemon=None, sessions=(a_document(),), hidden=0, usage={})

    assert "?       ?" in status_table(status, NOW)
