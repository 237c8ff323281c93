"""The verifier in the engine: each turn that is over is verified once, and what is called off counts for nothing."""

from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from orchestrd.model.command import Stop
from orchestrd.model.effect import EffectKind
from orchestrd.model.event import EventType
from orchestrd.model.words import Reason, State, Until
from orchestrd.ports import CommandEnd, Tree
from orchestrd.testing.world import Script
from tests.engine.rig import ID, Rig, running, survivor

WORKING, WAITING = b'{"report":"working"}', b'{"report":"waiting"}'
GOAL = {"until": Until.VERIFY, "verify": "make test"}
ONE_TURN = Script(reports=((1.0, WORKING), (10.0, WAITING)))
TWO_TURNS = Script(reports=((1.0, WORKING), (10.0, WAITING), (60.0, WORKING), (90.0, WAITING)))


def ends_with(*codes: int | None) -> Iterator[CommandEnd]:
    for code in codes:
        yield CommandEnd(exit_code=code, output=f"exit {code}")


def verdicts(rig: Rig) -> list[str | None]:
    return [event.to for event in rig.events(EventType.VERIFIED)]


async def test_a_session_is_completed_once_its_command_is_green_on_a_tree_where_all_is_committed() -> None:
    async with running() as rig:
        ends = ends_with(1, 0)
        rig.runner.end = lambda _session, _command: next(ends)

        await rig.run(ID, TWO_TURNS, **GOAL)
        ended = await rig.until(ID, State.COMPLETED)

        assert ended.reason is Reason.VERIFIED
        assert verdicts(rig) == ["red", "green"]
        assert rig.runner.begun == [(ID, "make test"), (ID, "make test")]
        assert ended.verification is not None
        assert (ended.verification.output, ended.verification.is_clean) == ("exit 0", True)


async def test_what_is_not_committed_is_told_with_the_output_and_keeps_it_running() -> None:
    async with running() as rig:
        rig.trees.found["/home/me/webshop"] = Tree(head="c0ffee", is_clean=False, error="not committed: 'a.py'")

        await rig.run(ID, ONE_TURN, **GOAL)
        await rig.when(lambda: rig.record().verification)

        known = rig.record().verification
        assert known is not None
        assert rig.state() is State.RUNNING
        assert (known.exit_code, known.head, known.is_green) == (0, "c0ffee", False)
        assert "commit your work (not committed: 'a.py')" in (known.error or "")


async def test_a_verification_is_called_off_when_the_agent_works_again_and_made_anew_after_that_turn() -> None:
    async with running() as rig:
        rig.runner.takes_s = 55.0

        await rig.run(ID, TWO_TURNS, **GOAL)
        await rig.until(ID, State.COMPLETED)

        assert rig.runner.cut_off == [(ID, "make test")]
        assert len(rig.runner.begun) == 2
        assert verdicts(rig) == ["green"]


async def test_a_stop_ends_the_verification_that_is_under_way() -> None:
    async with running() as rig:
        rig.runner.takes_s = 600.0
        await rig.run(ID, ONE_TURN, **GOAL)
        await rig.when(lambda: rig.runner.begun)

        await rig.service.stop(Stop(session=ID))
        await rig.until(ID, State.CANCELLED)

        assert rig.runner.cut_off == [(ID, "make test")]
        assert verdicts(rig) == []


async def test_a_daemon_that_stops_cuts_it_off_and_the_next_one_begins_it_again() -> None:
    async with running() as rig:
        rig.runner.takes_s = 600.0
        await rig.run(ID, ONE_TURN, **GOAL)
        await rig.when(lambda: rig.runner.begun)
    again = survivor(rig)

    async with running(again):
        ended = await again.until(ID, State.COMPLETED)

        assert rig.runner.cut_off == [(ID, "make test")]
        assert [effect.kind for effect in ended.effects] == []
        assert (ended.reason, verdicts(again)) == (Reason.VERIFIED, ["green"])


async def test_an_agent_that_exits_is_verified_then() -> None:
    async with running() as rig:
        rig.runner.takes_s = 30.0

        await rig.run(ID, Script(exits_after_s=5.0), **GOAL)
        ended = await rig.until(ID, State.COMPLETED, State.FAILED)

        assert (ended.reason, ended.exit_code) == (Reason.VERIFIED, 0)
        assert rig.runner.begun == [(ID, "make test")]


@pytest.mark.parametrize("code", [1, None])
async def test_an_agent_that_exits_with_its_work_undone_has_failed_with_the_next_command(code: int | None) -> None:
    async with running() as rig:
        rig.runner.end = lambda _session, _command: CommandEnd(
            exit_code=code, error="was ended" if code is None else None
        )

        await rig.run(ID, Script(exits_after_s=5.0), **GOAL)
        ended = await rig.until(ID, State.COMPLETED, State.FAILED)

        assert (ended.state, ended.reason) == (State.FAILED, Reason.GOAL_UNMET)
        assert (ended.error or "").endswith(f"go on with: orch revive {ID}")


async def test_a_record_that_another_hand_has_robbed_of_its_command_is_never_green() -> None:
    async with running() as rig:
        rig.runner.end = lambda _session, command: CommandEnd(exit_code=0 if command == "make test" else 1)
        rig.runner.takes_s = 30.0
        await rig.run(ID, ONE_TURN, **GOAL)
        record = await rig.when(lambda: rig.record() if rig.runner.begun else None)
        effects = tuple(replace(effect, id="1.99") for effect in record.effects if effect.kind is EffectKind.VERIFY)

        rig.edit(replace(record, revision=record.revision + 1, spec=replace(record.spec, verify=None), effects=effects))
        await rig.when(lambda: rig.record().verification)

        assert verdicts(rig) == ["red"]
        assert rig.runner.begun[-1] == (ID, "false")
