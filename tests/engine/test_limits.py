"""Usage limits over a whole daemon: parked, told to go on, other starts held back, a restart in between."""

import asyncio
from collections.abc import Iterable, Mapping
from datetime import timedelta

from msgspec.structs import replace

from orchestrd.core.evidence import HOOK, SESSION_FILE
from orchestrd.model.command import Send
from orchestrd.model.ids import SessionId
from orchestrd.model.observation import Testimony
from orchestrd.model.run import Gathered, Glimpse
from orchestrd.model.session import Spec
from orchestrd.model.words import Activity, Receipt, State
from orchestrd.testing.world import Script
from tests.engine.rig import ID, OTHER, Rig, request_of, running, survivor
from tests.engine.test_witnesses import TalkingAgent, TalkingRuntime, shows

TICK_S = 5.0


class SharingAgent(TalkingAgent):
    """An agent with an account. At its limit it is idle, and a hook says once for how many seconds."""

    resume_text: str | None = "continue"

    def account(self, spec: Spec, environment: Mapping[str, str]) -> str | None:
        return environment.get("ACCOUNT")

    def _words(self, glimpse: Glimpse) -> Iterable[Testimony]:
        word, _, seconds = (glimpse.state or b"").decode().partition(" ")
        if word != "limited":
            yield from super()._words(glimpse)
            return
        yield Testimony(observer=SESSION_FILE, allows=(Activity.WAITING, Activity.LIMITED))
        if seconds:
            until = glimpse.now + timedelta(seconds=float(seconds))
            yield Testimony(observer=HOOK, allows=(Activity.LIMITED,), limited_until=until)


def sharing(rig: Rig | None = None) -> Rig:
    rig = rig or Rig()
    rig.agents["talker"] = SharingAgent()
    rig.runtimes["terminal"] = TalkingRuntime(rig, "state")
    for session in (ID, OTHER):
        rig.scripts[session] = Script(receipt=Receipt.TYPED)
    return rig


async def spawn(rig: Rig, session: SessionId, account: str) -> None:
    request = request_of(session, agent="talker", runtime="terminal")
    await rig.service.spawn(replace(request, environment={"HOME": "/home/me", "ACCOUNT": account}))


async def limit(rig: Rig, seconds: float) -> None:
    """Let a running session meet a limit that lasts so long."""
    await rig.until(ID, State.RUNNING)
    await shows(rig, "waiting")
    rig.gatherer.found[ID] = Gathered(state=f"limited {seconds}".encode())
    rig.service.nudge(ID)
    await rig.when(lambda: rig.record().activity is Activity.LIMITED)


async def test_a_parked_session_is_told_to_go_on_when_its_limit_has_ended() -> None:
    rig = sharing()
    async with running(rig):
        await spawn(rig, ID, "talker:1")
        await limit(rig, 600)
        typed = rig.world.newest(ID).typed

        await asyncio.sleep(600 - 2 * TICK_S)
        before = list(typed)
        await asyncio.sleep(4 * TICK_S)

        assert (before, typed) == ([], ["continue"])
        assert rig.record().activity is Activity.WORKING


async def test_what_was_sent_meanwhile_is_typed_then_and_nothing_else() -> None:
    rig = sharing()
    async with running(rig):
        await spawn(rig, ID, "talker:1")
        await limit(rig, 600)

        reply = await rig.service.send(Send(session=ID, message="m1", text="and now the tests"))
        await asyncio.sleep(600 + 4 * TICK_S)

        assert reply.receipt is Receipt.QUEUED
        assert rig.world.newest(ID).typed == ["and now the tests"]


async def test_no_other_session_of_the_account_starts_until_then_and_it_says_why() -> None:
    rig = sharing()
    async with running(rig):
        await spawn(rig, ID, "talker:1")
        await limit(rig, 600)
        ends = rig.record().limited_until

        await spawn(rig, OTHER, "talker:1")
        await asyncio.sleep(600 - 4 * TICK_S)
        held, why = rig.record(OTHER), rig.service.explain(OTHER)
        started = await rig.until(OTHER, State.RUNNING)

    assert (held.state, held.held_until) == (State.SCHEDULED, ends)
    assert any(said.startswith("held back: account of agent talker is limited until ") for said in why.pending)
    assert why.session.held_until == ends
    assert started.started_at is not None
    assert ends is not None
    assert started.started_at >= ends


async def test_a_session_of_another_account_starts_at_once() -> None:
    rig = sharing()
    async with running(rig):
        await spawn(rig, ID, "talker:1")
        await limit(rig, 600)

        await spawn(rig, OTHER, "talker:2")
        await rig.until(OTHER, State.RUNNING)

        assert rig.record().activity is Activity.LIMITED


async def test_a_restarted_daemon_keeps_it_parked_and_tells_it_to_go_on() -> None:
    rig = sharing()
    async with running(rig):
        await spawn(rig, ID, "talker:1")
        await limit(rig, 600)
        again = sharing(survivor(rig))
        again.attachments = rig.attachments
    again.gatherer.found[ID] = Gathered(state=b"limited")  # or at rest, as far as that goes

    async with running(again):
        parked = again.record().activity
        await asyncio.sleep(300.0)
        still = again.record().activity
        await asyncio.sleep(400.0)

        assert (parked, still) == (Activity.LIMITED, Activity.LIMITED)
        assert again.world.newest(ID).typed == ["continue"]


class ForgetfulAgent(SharingAgent):
    """An agent whose adapter fails at telling whose account it is."""

    def account(self, spec: Spec, environment: Mapping[str, str]) -> str | None:
        raise KeyError("ACCOUNT")


async def test_who_cannot_tell_its_account_starts_all_the_same() -> None:
    rig = sharing()
    rig.agents["talker"] = ForgetfulAgent()
    async with running(rig):
        await spawn(rig, ID, "talker:1")
        await rig.until(ID, State.RUNNING)

        assert rig.record().account is None
        assert rig.said(f"nobody knows whose account {ID} uses: 'ACCOUNT'")
