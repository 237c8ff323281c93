"""One issue, one session: decided where spawns are accepted, also where many come at once."""

import asyncio

import pytest
from msgspec.structs import replace

from orchestrd.model.errors import RefusedError
from orchestrd.model.event import EventType
from orchestrd.model.ids import SessionId
from orchestrd.model.words import State
from orchestrd.testing.world import Script
from tests.engine.rig import ID, OTHER, Rig, request_of, running

ISSUE = "github.com/o/r#12"


async def test_a_second_session_for_an_issue_is_refused_and_says_who_works_on_it() -> None:
    async with running() as rig:
        await rig.run(ID, issue=ISSUE)

        with pytest.raises(RefusedError) as refused:
            await rig.spawn(OTHER, issue=ISSUE)

        assert refused.value.code == "duplicate_issue"
        assert ID in refused.value.message
        assert refused.value.hint.startswith(f"orch show {ID}")
        assert rig.state(OTHER) is None
        assert rig.attachments.read_secret(OTHER) == {}


async def test_another_issue_and_none_are_no_duplicates() -> None:
    async with running() as rig:
        await rig.run(ID, issue=ISSUE)

        other = await rig.run(OTHER, issue="github.com/o/r#13")
        third = await rig.run("cccccccc")

        assert (other.spec.issue, third.spec.issue) == ("github.com/o/r#13", None)


async def test_who_insists_begins_another_one() -> None:
    async with running() as rig:
        await rig.run(ID, issue=ISSUE)

        told, is_new = await rig.service.spawn(replace(request_of(OTHER, issue=ISSUE), is_forced=True))

        assert (told.issue, is_new) == (ISSUE, True)


async def test_the_same_spawn_once_more_is_no_duplicate_of_itself() -> None:
    async with running() as rig:
        await rig.run(ID, issue=ISSUE)

        _, is_new = await rig.service.spawn(request_of(ID, issue=ISSUE))

        assert not is_new


async def test_an_issue_is_free_again_when_its_session_has_ended_and_proposes_nothing() -> None:
    async with running() as rig:
        await rig.run(ID, Script(exits_after_s=1.0), issue=ISSUE)
        await rig.until(ID, State.COMPLETED)

        told = await rig.spawn(OTHER, issue=ISSUE)

        assert told.issue == ISSUE


async def test_of_many_that_come_at_once_one_is_accepted() -> None:
    async with running() as rig:
        names = [SessionId(letter * 8) for letter in "abcdef"]
        spawns = [asyncio.ensure_future(rig.spawn(name, issue=ISSUE)) for name in names]

        await asyncio.wait(spawns)

        refused = [spawn.exception() for spawn in spawns]
        assert sum(error is None for error in refused) == 1
        assert all(isinstance(error, RefusedError | None) for error in refused)
        assert sum(rig.state(name) is not None for name in names) == 1


async def test_of_those_that_were_spooled_the_first_is_begun_and_the_others_are_told_of() -> None:
    rig = Rig()
    rig.prepare_home()
    rig.spool_spawn(ID, at_ns=1, issue=ISSUE)
    rig.spool_spawn(OTHER, at_ns=2, issue=ISSUE)

    async with running(rig):
        await rig.until(ID, State.RUNNING)

        assert rig.state(OTHER) is None
        (rejected,) = rig.events(EventType.COMMAND_REJECTED)
        assert rejected.session == OTHER
        assert f"works on {ISSUE} already" in (rejected.error or "")
        assert rig.inbox() == ()
