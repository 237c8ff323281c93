"""Whatever an agent may say: nothing raises, and all that comes of it can be written."""

import json
import re

from hypothesis import given
from hypothesis import strategies as st

from tests.hosting.replaying import RECORDED, told_of
from tests.hosting.talking import AGENTS, begun, every_agent

# The words of both protocols, as they were recorded: names of fields, and what stands in them.
WORDS = st.sampled_from(
    sorted(
        {word for agent in AGENTS for word in re.findall(r'"([\w/]{2,40})"', (RECORDED / f"{agent}.txt").read_text())}
    )
)
LEAVES = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20), WORDS)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(WORDS, inner, max_size=6)),
    max_leaves=30,
)


@every_agent
@given(messages=st.lists(VALUES, max_size=6), replies=st.lists(st.text(max_size=12), max_size=2))
def test_nothing_that_is_said_raises_and_all_that_comes_of_it_can_be_written(
    agent: str, messages: list[object], replies: list[str]
) -> None:
    talk = begun(agent)
    talk.send("hello")

    for message in messages:
        talk.hear(json.dumps(message).encode())
    for reply in (*replies, "allow", "1"):
        talk.answer(reply)

    assert all(isinstance(line, str) for line in told_of(talk))


@every_agent
@given(line=st.binary(max_size=200))
def test_no_bytes_raise(agent: str, line: bytes) -> None:
    talk = begun(agent)

    talk.hear(line)

    list(told_of(talk))
