"""What the real agents say to a host, as recorded, and all that a host makes of it."""

import json
from collections.abc import Callable

import pytest

from orchestrd.agents.host_lines import read_host, read_provider
from orchestrd.model.words import Activity
from tests.hosting.replaying import RECORDED, replayed

AGENTS = ("claude", "codex")
TURNS = [  # of both, in this order; Claude Code goes on
    *("waiting", "working", "waiting"),
    *("working", "blocked", "working", "waiting"),  # allowed
    *("working", "blocked", "working", "waiting"),  # denied
    *("working", "blocked", "waiting"),  # interrupted while it asks
    *("working", "waiting"),  # interrupted while it answers
    *("working", "waiting"),  # refused by its provider
    *("working", "limited"),
]


def facts(agent: str) -> list[bytes]:
    told = [line.split(maxsplit=1)[1] for line in replayed(agent) if line.startswith("  fact")]
    return [json.dumps({"at": 1_795_231_637.5, "host": json.loads(fact)}).encode() for fact in told]


@pytest.mark.parametrize("agent", AGENTS)
def test_what_comes_of_a_conversation(agent: str, golden: Callable[..., None]) -> None:
    golden(RECORDED / f"{agent}.told.txt", "\n".join(replayed(agent)) + "\n")


@pytest.mark.parametrize("agent", AGENTS)
def test_each_edge_is_told_and_nothing_that_was_not_there(agent: str) -> None:
    words: list[str] = []
    for line in facts(agent):
        said = read_host(line, len(line))
        assert said is not None, line
        word = str((read_provider(line, len(line)) or said).allows[0])
        words += [word] if words[-1:] != [word] else []

    assert words[: len(TURNS)] == TURNS


@pytest.mark.parametrize("agent", AGENTS)
def test_what_is_asked_what_is_spent_and_who_it_is_can_be_read(agent: str) -> None:
    said = [word for line in facts(agent) if (word := read_host(line, 0)) is not None]

    assert {word.version for word in said} >= {{"claude": "2.1.197", "codex": "0.169.0"}[agent]}
    assert any(word.conversation for word in said)
    assert [word.prompt for word in said if word.prompt][:2] == ["hello", "sell one"]
    asked = [word.decision for word in said if word.allows == (Activity.BLOCKED,)]
    assert {choice.key for decision in asked if decision for choice in decision.choices} >= {"allow", "deny"}
    totals = [spent.tokens.input + spent.tokens.cache_read for word in said for spent in word.spent if spent.is_total]
    assert totals == sorted(totals) != []
    assert all(word.is_turn_over == (b'"over"' in line) for word, line in zip(said, facts(agent), strict=True))


def test_of_a_limit_the_provider_says_when_it_ends_and_the_host_that_its_agent_waits() -> None:
    line = next(line for line in facts("codex") if b'"limited"' in line)
    provider, host = read_provider(line, 0), read_host(line, 0)

    assert provider is not None
    assert host is not None
    assert (provider.allows, host.allows) == ((Activity.LIMITED,), (Activity.WAITING, Activity.LIMITED))
    assert provider.limited_until is not None


def test_what_no_host_has_written_is_none_of_its_words() -> None:
    lines = (
        b'{"at":1,"host":{"edge":"dancing"}}',
        b'{"at":1,"claude":{}}',
        b'{"report":"waiting"}',
        b"",
        b'{"host":1}',
    )

    assert [read_host(line, 0) or read_provider(line, 0) for line in lines] == [None] * len(lines)
