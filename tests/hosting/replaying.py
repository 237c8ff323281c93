"""Holds a recorded conversation again, and writes down all that comes of it."""

import json
from collections.abc import Iterator
from pathlib import Path

from orchestrd.hosting.claude import ClaudeTalk
from orchestrd.hosting.codex import CodexTalk
from orchestrd.hosting.talk import Talk

RECORDED = Path(__file__).parent / "recorded"


def talk_of(agent: str, *, is_denying: bool = False, conversation: str | None = None) -> Talk:
    """Begin a talk as a host does, which is called after nothing that changes."""
    if agent == "claude":
        return ClaudeTalk("host", environment={"HOME": "/home/one"}, is_denying=is_denying)
    return CodexTalk("host", directory="/home/one/shop", conversation=conversation, is_denying=is_denying)


def told_of(talk: Talk) -> Iterator[str]:
    """Give what is to be done, line by line, and forget it: to the agent, to people, to the daemon."""
    yield from (f"  to agent  {json.dumps(message, ensure_ascii=False)}" for message in talk.outbox.messages)
    yield from (f"  log       {line}" for entry in talk.outbox.log for line in entry.split("\n"))
    yield from (f"  fact      {json.dumps(fact, ensure_ascii=False)}" for fact in talk.outbox.facts)
    talk.outbox.clear()


def replayed(agent: str) -> Iterator[str]:
    """Give what came of each thing that the host did, or heard, in the recorded conversation."""
    talk = talk_of(agent)
    talk.begin()
    yield from told_of(talk)
    for line in (RECORDED / f"{agent}.txt").read_text().splitlines():
        what, _, said = line.partition(" ")
        if what == "<":
            if talk.unkept and talk.is_in_turn:
                talk.kept()
            talk.hear(said.encode())
        else:
            yield line
            doing, _, given = said.partition(" ")
            getattr(talk, doing)(*([given] if given else []))
        yield from told_of(talk)
