"""The places and figures that pages name are those of the program."""

import re

from orchestrd.core.layout import Layout
from orchestrd.model import limits
from tests.docs.pages import DOCS

MIB = 1024 * 1024
DAY_S = 24 * 3_600
FILES, OPERATING, TROUBLESHOOTING, CONCEPTS = (
    (DOCS / f"{name}.md").read_text() for name in ("files", "operating", "troubleshooting", "concepts")
)


def _sentences(text: str) -> str:
    """Give a page with its lines put together."""
    return " ".join(text.split())


def test_every_place_of_a_home_is_told_of() -> None:
    layout = Layout("")
    places = {path.removeprefix("/").partition("/")[0] for path in (*layout.directories(), layout.worktrees)} - {""}
    places |= {path.rpartition("/")[2] for path in (layout.socket, layout.nudge, layout.lock, layout.tmux_socket)}

    assert {place for place in places if not re.search(rf"\b{re.escape(place)}\b", FILES)} == set()


def test_the_bounds_are_those_that_hold_by_default() -> None:
    rows = dict(re.findall(r"^\| ([^|]+) \| ([^|]+) \| [^|]+ \|$", OPERATING, re.MULTILINE))
    journal = f"{limits.JOURNAL_SEGMENTS_KEPT} segments of {limits.JOURNAL_SEGMENT_BYTES // MIB} MiB"

    assert rows["sessions that run at a time"] == str(limits.MAX_RUNNING)
    assert rows["output kept of a session, and the daemon's log"] == f"{limits.LOG_BYTES_MAX // MIB} MiB"
    assert rows["events kept"] == journal
    assert rows["ended sessions in sight"] == f"{limits.ARCHIVE_AFTER_S / DAY_S:g} days"
    assert rows["messages that wait for one session"] == str(limits.MESSAGES_MAX)
    assert rows["connections to the daemon"] == str(limits.CONNECTIONS_MAX)
    assert journal in FILES
    assert f"{limits.LOG_BYTES_MAX // MIB} MiB" in FILES


def test_the_figures_within_sentences_are_those_that_hold() -> None:
    assert f"{limits.MAX_RUNNING} sessions run at a time" in _sentences(TROUBLESHOOTING)
    assert f"at most {limits.SOCKET_PATH_BYTES_MAX} bytes" in _sentences(TROUBLESHOOTING)
    assert f"force after {limits.DAEMON_STOP_S:g} seconds" in _sentences(TROUBLESHOOTING)
    assert (limits.DEAD_SAMPLES, limits.WORKING_TRUSTED_S, limits.WITNESS_LAG_S) == (3, 3_600, 1)
    assert "three dead ones in a row" in _sentences(CONCEPTS)
    assert "believed for an hour" in _sentences(TROUBLESHOOTING)
    assert f"{limits.TICK_S:g} s unless it is set otherwise" in _sentences(CONCEPTS)


def test_there_is_help_for_many_symptoms_and_something_to_type_for_each() -> None:
    symptoms = re.findall(r"^### (.+)$", TROUBLESHOOTING, re.MULTILINE)
    sections = re.split(r"^### .+$", TROUBLESHOOTING, flags=re.MULTILINE)[1:]

    assert len(symptoms) == len(set(symptoms)) >= 25
    assert [name for name, told in zip(symptoms, sections, strict=True) if not re.search("`|try: ", told)] == []
