"""`orch daemon reload` says what came of it, whatever became of the daemon meanwhile."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from orchestrd.client import blocking
from orchestrd.core.layout import Layout
from orchestrd.model.document import DaemonFacts, Status
from orchestrd_cli import exits, reloading
from tests.cli.fake_daemon import FakeDaemon, Result, holding, never_answering, whole
from tests.cli.told import HEALTHY

Orch = Callable[..., Result]

FACTS = DaemonFacts(
    pid=1,
    version="0",
    epoch=1,
    started_at=datetime(2026, 1, 1, tzinfo=UTC),
    home="/h",
    interval_s=5.0,
    max_running=10,
    sequence=0,
    rejected=0,
    config="/c.toml",
)


def _stands(daemon: FakeDaemon, *facts: DaemonFacts) -> None:
    """Have the daemon tell this of itself, one after the other."""
    told = [whole(msgspec.json.encode(Status(daemon=one, sessions=(), hidden=0))) for one in facts]
    daemon.answers("/v1/health", HEALTHY)
    daemon.answers("/v1/status", *told)


@pytest.mark.parametrize("after", [replace(FACTS, reloads=1), replace(FACTS, pid=2)], ids=["again", "anew"])
def test_settings_that_were_read_are_told(home: Path, orch: Orch, daemon: FakeDaemon, after: DaemonFacts) -> None:
    _stands(daemon, FACTS, FACTS, after)

    with holding(Layout(str(home)).lock):
        done = orch("daemon", "reload", "--json")

    assert (done.code, done.err) == (exits.OK, "")
    assert msgspec.convert(json.loads(done.out)["daemon"], DaemonFacts) == after


def test_a_file_that_is_not_there_was_not_read(home: Path, orch: Orch, daemon: FakeDaemon, tmp_path: Path) -> None:
    facts = replace(FACTS, config=f"{tmp_path}/config.toml")
    _stands(daemon, facts, replace(facts, reloads=1))

    with holding(Layout(str(home)).lock):
        without = orch("daemon", "reload")

    assert without.out == f"daemon 1 has read its settings; there is no {tmp_path}/config.toml\n"


def test_a_daemon_that_does_not_read_them_in_time_is_said(
    home: Path, orch: Orch, daemon: FakeDaemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reloading, "RELOAD_S", 0.1)
    _stands(daemon, FACTS)

    with holding(Layout(str(home)).lock):
        done = orch("daemon", "reload")

    assert done.code == exits.TIMED_OUT
    assert done.err == "orch: the daemon has not read its settings within 0.1 s\n  try: orch daemon logs\n"


def test_a_daemon_that_is_gone_by_then_is_said(home: Path, orch: Orch, daemon: FakeDaemon) -> None:
    _stands(daemon, FACTS)

    done = orch("daemon", "reload")

    assert done.code == exits.UNREACHABLE
    assert done.err == f"orch: no daemon runs in {home}\n  try: orch daemon start\n"


def test_a_daemon_that_hangs_is_not_taken_for_none(home: Path, orch: Orch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocking, "LOOK_ANSWER_S", 0.1)

    with holding(Layout(str(home)).lock) as hung, never_answering(home):
        done = orch("daemon", "reload")

    assert done.code == exits.UNREACHABLE
    assert done.err == f"orch: daemon {hung.pid} holds {home} and does not answer\n  try: orch daemon restart\n"
