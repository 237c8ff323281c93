"""The log in the journal of the system: real datagrams, read back as the journal reads them."""

import asyncio
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from orchestrd import journald, logs
from orchestrd.engine.tasks import Subject, TaskBag, working_for
from orchestrd.journald import JournalLogger, leads_to_journal
from orchestrd.model.errors import TransientError
from orchestrd.model.ids import SessionId
from orchestrd.model.limits import JOURNAL_FIELD_BYTES_MAX

SESSION = SessionId("abcdefgh")


class Journal:
    """The end of the socket at which the journal listens."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))

    def lines(self) -> list[dict[str, str]]:
        """Give what was logged since the last time, each line as its fields."""
        self._socket.setblocking(False)
        found = []
        try:
            while True:
                found.append(dict(_fields(self._socket.recv(1_000_000))))
        except BlockingIOError:
            return found

    def close(self) -> None:
        self._socket.close()
        self.path.unlink(missing_ok=True)


def _fields(data: bytes) -> Iterator[tuple[str, str]]:
    while data:
        name, _, rest = data.partition(b"\n")
        if b"=" in name:
            name, _, value = name.partition(b"=")
            data = rest
        else:
            size = int.from_bytes(rest[:8], "little")
            value, data = rest[8 : 8 + size], rest[8 + size + 1 :]
        yield name.decode(), value.decode()


@pytest.fixture
def journal(shallow: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Journal]:
    """Have this process's stderr lead to a journal, as far as it can see."""
    journal = Journal(shallow / "socket")
    found = os.fstat(2)
    monkeypatch.setenv(journald.VARIABLE, f"{found.st_dev}:{found.st_ino}")
    logger = JournalLogger(str(journal.path))
    monkeypatch.setattr(logs, "JournalLogger", lambda: logger)
    logs.configure()
    yield journal
    structlog.reset_defaults()
    logger._socket.close()
    journal.close()


def test_a_line_says_what_people_read_and_each_value_once_more_as_a_field(journal: Journal) -> None:
    structlog.get_logger().warning("failed", what="tick", error="the disk is full", run=None)

    (line,) = journal.lines()
    assert line == {
        "MESSAGE": "failed what=tick error=the disk is full run=None",
        "PRIORITY": "4",
        "SYSLOG_IDENTIFIER": "orchestrd",
        "ORCH_EVENT": "failed",
        "ORCH_WHAT": "tick",
        "ORCH_ERROR": "the disk is full",
        "ORCH_RUN": "None",
    }


def test_a_value_of_several_lines_ends_no_field_early(journal: Journal) -> None:
    structlog.get_logger().info("odd", text="one\nPRIORITY=0\ntwo")

    (line,) = journal.lines()
    assert line["ORCH_TEXT"] == "one\nPRIORITY=0\ntwo"
    assert line["PRIORITY"] == "6"


def test_a_trace_stands_in_the_message(journal: Journal) -> None:
    with pytest.raises(ZeroDivisionError) as caught:
        _ = 1 / 0

    logs.log_error("probe", caught.value)

    (line,) = journal.lines()
    assert line["PRIORITY"] == "3"
    assert line["MESSAGE"].startswith("failed what=probe\nTraceback")
    assert "ZeroDivisionError: division by zero" in line["MESSAGE"]


def test_a_value_without_end_is_cut(journal: Journal) -> None:
    structlog.get_logger().info("long", text="x" * 1_000_000)

    (line,) = journal.lines()
    assert len(line["ORCH_TEXT"]) == JOURNAL_FIELD_BYTES_MAX


def test_what_a_journal_did_not_take_is_counted_and_told_with_what_it_takes(journal: Journal) -> None:
    structlog.get_logger().info("before")
    journal.lines()
    journal.close()
    for _ in range(3):
        structlog.get_logger().info("into the void")
    again = Journal(journal.path)

    structlog.get_logger().info("after")
    structlog.get_logger().info("later")

    after, later = again.lines()
    assert (after["ORCH_EVENT"], after["ORCH_LOST"]) == ("after", "3")
    assert "ORCH_LOST" not in later
    again.close()


async def test_what_is_logged_on_behalf_of_a_session_bears_its_id_and_its_run(journal: Journal) -> None:
    async def work() -> None:
        structlog.get_logger().info("begun")
        with working_for(Subject(SESSION, 2)):
            structlog.get_logger().info("launched")
        bag.spawn("for nobody", nothing())
        raise TransientError("no")

    async def nothing() -> None:
        structlog.get_logger().info("idle")

    bag = TaskBag(logs.log_error)
    bag.spawn("work", work(), Subject(SESSION))
    assert await bag.drain(5)
    await asyncio.sleep(0)

    found = {line["ORCH_EVENT"]: (line.get("ORCH_SESSION"), line.get("ORCH_RUN")) for line in journal.lines()}
    assert found == {
        "begun": (SESSION, None),
        "launched": (SESSION, "abcdefgh.2"),
        "failed": (SESSION, None),
        "idle": (None, None),
    }


def test_only_the_very_stream_that_was_opened_leads_to_the_journal(tmp_path: Path) -> None:
    path = tmp_path / "stream"
    with path.open("w") as stream:
        found = os.fstat(stream.fileno())
        named = f"{found.st_dev}:{found.st_ino}"

        assert leads_to_journal(stream.fileno(), {"JOURNAL_STREAM": named})
        assert not leads_to_journal(stream.fileno(), {"JOURNAL_STREAM": "8:1"})
        assert not leads_to_journal(stream.fileno(), {})

    assert not leads_to_journal(999_999, {"JOURNAL_STREAM": named})
