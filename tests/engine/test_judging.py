"""What the reactions of a daemon come to for a session: asked of it while it runs, and nothing done about it."""

import pytest
from msgspec.structs import replace

from orchestrd.core.reaction import Kind
from orchestrd.model.errors import NotFoundError
from orchestrd.model.notice_settings import ChannelSettings, NotifySettings
from orchestrd.model.reaction import Act, Condition, Reaction
from orchestrd.model.words import Activity, State
from tests.engine.rig import ID, running

OLD = Reaction(name="old", when=Condition(age_s=3_600.0), act=Act.STOP)
RUNS = Reaction(name="runs", when=Condition(state=(State.RUNNING,)), act=Act.NOTIFY, is_on=False)
BLOCKED = Reaction(name="blocked", when=Condition(activity=(Activity.BLOCKED,)), act=Act.NOTIFY)


async def test_each_reaction_is_judged_by_what_the_daemon_has_seen() -> None:
    async with running(reactions=(OLD, RUNS, BLOCKED)) as rig:
        await rig.run()
        revision = rig.record().revision

        told = rig.service.judge(ID)

        assert rig.record().revision == revision
    assert {one.reaction.name: one.kind for one in told.judged} == {
        "old": Kind.NOTHING,
        "runs": Kind.NOTHING,
        "blocked": Kind.UNKNOWN,
    }
    assert {one.reaction.name: one.why for one in told.judged}["runs"] == "it is switched off"
    assert (told.session, told.is_recorded) == (ID, False)


async def test_other_settings_bring_other_reactions_into_force() -> None:
    async with running(reactions=(OLD,)) as rig:
        before = rig.service.reactions()
        rig.engine.take(replace(rig.settings, reactions=(BLOCKED,)))
        after = rig.service.reactions()

    assert [one.asked for one in before.reactions] == ["begun 1h ago"]
    assert [(one.reaction.name, one.done) for one in after.reactions] == [("blocked", "notify (info)")]


async def test_what_is_put_off_by_quiet_hours_is_not_said_to_be_told_now() -> None:
    runs = replace(RUNS, is_on=True)
    channels = {"phone": ChannelSettings(kind="desktop")}
    async with running(reactions=(runs,), channels=channels, notify=NotifySettings(quiet="00:00-23:59")) as rig:
        await rig.run()
        await rig.when(lambda: rig.record().effects)

        explained, (told,) = rig.service.explain(ID), rig.service.judge(ID).judged

    wait = "it waits for the end of quiet hours, 23:59"
    assert explained.pending == (f"a person is to be told (reaction runs): {wait}",)
    assert told.why == f"it is running; its newest attempt is still under way; {wait}"


async def test_the_next_attempt_of_a_reaction_is_still_to_come() -> None:
    later = replace(RUNS, is_on=True, after_s=30.0)
    async with running(reactions=(later,)) as rig:
        await rig.run()
        await rig.when(lambda: rig.record().episodes)

        explained = rig.service.explain(ID)

    waits = "attempt 1 of 1 is made in 30s, once that has lasted 30s"
    assert explained.pending == (f"reaction runs: it is running; {waits}",)


async def test_nobody_cannot_be_judged() -> None:
    async with running() as rig:
        with pytest.raises(NotFoundError):
            rig.service.judge(ID)
