"""`orch agents`: the daemon's agents, and which of them are installed where the caller stands."""

import json
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from orchestrd.model.agent import Capabilities
from orchestrd.model.document import KnownAgent, KnownAgents
from orchestrd_cli import agents as verb
from tests.cli.fake_daemon import FakeDaemon, Result, whole

Orch = Callable[..., Result]

AGENTS = tuple(
    KnownAgent(name=name, needs_terminal=True, capabilities=Capabilities(tested=tested), witnesses=())
    for name, tested in (("crumb", "1.0"), ("gone", "3.1"), ("mute", "1.0"), ("shell", None))
)


@pytest.fixture(autouse=True)
def _installed(daemon: FakeDaemon, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Install two agents and something that has the name of the shell agent, and have a daemon know four."""
    for name, script in (("crumb", "echo crumb version 1.2.3-beta"), ("mute", "exit 1"), ("shell", "exit 9")):
        install(tmp_path, name, script)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    daemon.answers("/v1/agents", whole(msgspec.json.encode(KnownAgents(agents=AGENTS))))


WAITS_FOR_ALL = """touch "$0.asked"; until [ $(ls "${0%/*}" | grep -c asked) = 6 ]; do sleep 0.05; done; echo 1.0"""


def install(place: Path, name: str, script: str) -> None:
    (place / name).write_text(f"#!/bin/sh\n{script}\n")
    (place / name).chmod(0o755)


def known(*names: str) -> bytes:
    tested = Capabilities(tested="1.0")
    agents = [KnownAgent(name=name, needs_terminal=True, capabilities=tested, witnesses=()) for name in names]
    return whole(msgspec.json.encode(KnownAgents(agents=tuple(agents))))


def test_all_programs_are_asked_side_by_side_so_that_no_slow_one_takes_the_time_of_another(
    orch: Orch, daemon: FakeDaemon, tmp_path: Path
) -> None:
    names = [f"slow{n}" for n in range(6)]
    for name in names:
        install(tmp_path, name, WAITS_FOR_ALL)
    daemon.answers("/v1/agents", known(*names))

    ended = orch("agents", "--json")

    assert [agent["version"] for agent in json.loads(ended.out)["agents"]] == ["1.0"] * 6


def test_a_program_that_says_no_version_in_time_is_a_question_mark(
    orch: Orch, daemon: FakeDaemon, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path, "asleep", "exec sleep 60")
    daemon.answers("/v1/agents", known("asleep"))
    monkeypatch.setattr(verb, "VERSION_ANSWER_S", 0.2)

    ended = orch("agents")

    assert ended.out.splitlines()[1].split()[:2] == ["asleep", "?"]


def test_each_agent_is_told_with_the_program_that_is_found_and_its_version(orch: Orch, tmp_path: Path) -> None:
    ended = orch("agents", "--json")

    assert ended.code == 0
    assert [(agent["name"], agent["program"], agent["version"]) for agent in json.loads(ended.out)["agents"]] == [
        ("crumb", str(tmp_path / "crumb"), "1.2.3-beta"),
        ("gone", None, None),
        ("mute", str(tmp_path / "mute"), None),
        ("shell", None, None),
    ]


def test_a_person_reads_a_table(orch: Orch) -> None:
    ended = orch("agents")

    assert ended.code == 0
    assert [line.split()[:3] for line in ended.out.splitlines()] == [
        ["AGENT", "VERSION", "TESTED"],
        ["crumb", "1.2.3-beta", "1.0"],
        ["gone", "not", "found"],
        ["mute", "?", "1.0"],
        ["shell", "-", "-"],
    ]
