"""The forge watch, in virtual time: whom it asks about which branch, when, and what it makes of silence."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from itertools import pairwise
from typing import Any, cast

from msgspec.structs import replace

from orchestrd.core.branches import branch_of, is_watched
from orchestrd.engine.forge_watch import ForgeWatch
from orchestrd.engine.forges import Forges
from orchestrd.engine.mailbox import Mailboxes
from orchestrd.engine.roster import NO_EVIDENCE, Roster
from orchestrd.engine.troubles import Troubles
from orchestrd.model.change import Change, Pr
from orchestrd.model.errors import OrchestrdError, TransientError
from orchestrd.model.ids import SessionId
from orchestrd.model.limits import (
    CHANGES_AT_ONCE_MAX,
    CHANGES_LOOK_S,
    CHANGES_LOOK_S_MAX,
    CHANGES_NUDGED_S,
    CHECKOUTS_LOOK_S,
    CHECKOUTS_SETTLE_S,
    FORGE_LOOK_S,
    FORGE_LOOKS_AT_ONCE_MAX,
)
from orchestrd.model.observation import ChangeTold, ChangeUntold
from orchestrd.model.session import Session, Workspace
from orchestrd.model.words import State, Until
from orchestrd.ports import Checkout, Forge
from orchestrd.testing.clocks import DAWN, LoopClock
from orchestrd.testing.forge import ScriptedCheckouts, ScriptedForge
from tests.documents import a_spec
from tests.sessions import a_session

ID, OTHER, THIRD = SessionId("aaaaaaaa"), SessionId("bbbbbbbb"), SessionId("cccccccc")
SHOP, BANK = "ada/shop", "ada/bank"


class TakingMailboxes:
    """Mailboxes of sessions that take whatever is told of their change."""

    def __init__(self, roster: Roster) -> None:
        self.roster = roster
        self.told: list[tuple[SessionId, Change]] = []
        self.untold: list[tuple[SessionId, str]] = []
        self.fails: OrchestrdError | None = None

    async def submit(self, session: SessionId, input_: ChangeTold | ChangeUntold) -> None:
        if self.fails is not None:
            raise self.fails
        if isinstance(input_, ChangeUntold):
            self.untold.append((session, input_.why))
            return
        self.told.append((session, input_.change))
        known = self.roster.require(session)
        self.commit(replace(known, change=input_.change, revision=known.revision + 1))

    def commit(self, session: Session) -> None:
        self.roster.put(session, NO_EVIDENCE)
        self.roster.tell(session)


def named(*forges: ScriptedForge) -> dict[str, Forge]:
    """Give them by their names."""
    return cast("dict[str, Forge]", {forge.name: forge for forge in forges})


class Bench:
    """A forge watch with a hand on everything around it."""

    def __init__(self, *forges: ScriptedForge) -> None:
        self.forges = forges or (ScriptedForge(),)
        self.forge = self.forges[0]
        self.checkouts = ScriptedCheckouts()
        self.errors: list[tuple[str, BaseException | None]] = []
        self.roster = Roster(self.on_error)
        self.mailboxes = TakingMailboxes(self.roster)
        self.troubles = Troubles(self.on_error)
        self.seen: list[SessionId] = []
        self.in_use = Forges(named(*self.forges), self.on_error)
        self.watch = ForgeWatch(
            forges=self.in_use,
            checkouts=self.checkouts,
            roster=self.roster,
            mailboxes=cast("Mailboxes", self.mailboxes),
            clock=LoopClock(),
            troubles=self.troubles,
            remote="origin",
            on_error=self.on_error,
        )
        self.watch.on_look(self.seen.append)

    def on_error(self, what: str, error: BaseException | None) -> None:
        self.errors.append((what, error))

    def begin(self, session: SessionId = ID, repository: str | None = SHOP, **changes: Any) -> None:
        """Let a session work in a worktree of its own."""
        branch = changes.pop("branch", f"orch/{session}")
        checkout = changes.pop("checkout", {})
        path = f"/trees/{session}"
        remote = f"{self.forge.name}://{repository}" if repository else None
        usual = {"remote": remote, "lacks_remote": remote is None, "branch": branch, "head": "1", "default": "main"}
        told = usual | checkout
        self.checkouts.found[path] = Checkout(**told)
        spec = a_spec(workspace=Workspace(kind="worktree", path=path, branch=f"orch/{session}"))
        self.mailboxes.commit(a_session(session, **({"spec": spec, "created_at": DAWN.at} | changes)))

    def moves(self, session: SessionId = ID, **changes: Any) -> None:
        """Let something happen in its worktree."""
        path = f"/trees/{session}"
        self.checkouts.found[path] = replace(self.checkouts.found[path], **changes)

    def ends_turn(self, session: SessionId = ID) -> None:
        known = self.roster.require(session)
        at = (known.turn_over_at or DAWN.at) + timedelta(seconds=1)
        self.mailboxes.commit(replace(known, turn_over_at=at, revision=known.revision + 1))

    def proposes(self, branch: str, **changes: Any) -> Change:
        """Let the forge know an open pull request."""
        change = self.forge.change_of(SHOP, branch)
        self.forge.changes[branch] = change = replace(change, **({"pr": Pr.OPEN, "number": 12, "head": "1"} | changes))
        return change

    def change(self, session: SessionId = ID) -> Change | None:
        return self.roster.require(session).change

    @property
    def looked_s(self) -> list[float]:
        """When the forge was asked, in seconds since the start."""
        return [round(at, 1) for at, _, _ in self.forge.looks]


@asynccontextmanager
async def watching(bench: Bench) -> AsyncIterator[Bench]:
    await bench.watch.start()
    try:
        yield bench
    finally:
        await bench.watch.stop()


async def test_what_a_forge_tells_stands_in_the_record_and_then_counts_as_seen() -> None:
    bench = Bench()
    bench.begin()
    told = bench.proposes(f"orch/{ID}")

    async with watching(bench):
        before = bench.watch.seen_at(ID)
        await asyncio.sleep(1)

        rule = bench.watch.rule_of(bench.roster.require(ID))

    assert (before, rule) == (None, "scripted told of it 1 s ago")
    assert bench.change() == told
    assert (bench.watch.seen_at(ID), bench.seen, bench.watch.why_unknown(ID)) == (DAWN.at, [ID], None)


async def test_what_is_known_already_is_seen_again_and_told_no_second_time() -> None:
    bench = Bench()
    bench.begin()
    bench.proposes(f"orch/{ID}")

    async with watching(bench):
        await asyncio.sleep(CHANGES_LOOK_S + 2)

    assert len(bench.mailboxes.told) == 1
    assert bench.seen == [ID, ID]
    assert bench.watch.seen_at(ID) == DAWN.at + timedelta(seconds=CHANGES_LOOK_S)
    assert bench.forge.known == [bench.change()]


async def test_all_branches_of_a_repository_are_asked_for_together_at_one_pace() -> None:
    bench = Bench()
    for session in (ID, OTHER, THIRD):
        bench.begin(session)

    async with watching(bench):
        await asyncio.sleep(2 * CHANGES_LOOK_S + 1)

    assert bench.looked_s == [0.0, CHANGES_LOOK_S, 2 * CHANGES_LOOK_S]
    assert {branches for _, _, branches in bench.forge.looks} == {(f"orch/{ID}", f"orch/{OTHER}", f"orch/{THIRD}")}


async def test_a_forge_with_little_left_is_asked_as_seldom_as_it_says() -> None:
    bench = Bench()
    bench.forge.share = 4.0
    bench.begin()

    async with watching(bench):
        await asyncio.sleep(1)
        bench.watch.look_now(SHOP)
        await asyncio.sleep(4 * CHANGES_LOOK_S + CHANGES_NUDGED_S * 4 + 1)

    assert bench.looked_s == [0.0, 4 * CHANGES_NUDGED_S, 4 * CHANGES_NUDGED_S + 4 * CHANGES_LOOK_S]


async def test_a_push_is_looked_at_soon_and_a_mere_commit_is_not() -> None:
    bench = Bench()
    bench.begin()

    async with watching(bench):
        await asyncio.sleep(1)
        bench.moves(head="2")
        await asyncio.sleep(CHECKOUTS_LOOK_S)
        bench.moves(pushed="2")
        await asyncio.sleep(CHECKOUTS_LOOK_S)

    assert bench.looked_s == [0.0, 2 * CHECKOUTS_LOOK_S + CHECKOUTS_SETTLE_S]


async def test_the_end_of_a_turn_on_a_new_commit_is_looked_at_at_once() -> None:
    bench = Bench()
    bench.begin()

    async with watching(bench):
        await asyncio.sleep(6)
        bench.ends_turn()
        await asyncio.sleep(1)
        idle = list(bench.looked_s)
        bench.moves(head="2")
        bench.ends_turn()
        await asyncio.sleep(1)

    assert idle == [0.0]
    assert bench.looked_s == [0.0, 7.2]


async def test_a_session_that_comes_is_looked_at_at_once() -> None:
    bench = Bench()
    bench.begin()

    async with watching(bench):
        await asyncio.sleep(6)
        bench.begin(OTHER)
        await asyncio.sleep(1)

    assert bench.looked_s == [0.0, 6.2]


async def test_a_forge_that_calls_and_a_merge_that_is_over_are_heeded_but_not_without_bound() -> None:
    bench = Bench()
    bench.begin()

    async with watching(bench):
        for _ in range(100):
            await asyncio.sleep(0.1)
            bench.forge.nudge(SHOP)
            bench.watch.look_now("nobody/works-here")

    assert len(bench.looked_s) == 4
    assert min(later - sooner for sooner, later in pairwise(bench.looked_s)) > CHANGES_NUDGED_S - 0.1


async def test_silence_and_errors_change_nothing_and_are_told_once() -> None:
    bench = Bench()
    bench.begin()
    told = bench.proposes(f"orch/{ID}")

    async with watching(bench):
        await asyncio.sleep(1)
        seen = bench.watch.seen_at(ID)
        bench.forge.fails[SHOP] = TransientError("502 Bad Gateway")
        await asyncio.sleep(3 * CHANGES_LOOK_S)
        silent = (bench.change(), bench.watch.seen_at(ID), bench.watch.why_unknown(ID), bench.troubles.newest)
        del bench.forge.fails[SHOP]
        await asyncio.sleep(CHANGES_LOOK_S)

    assert silent[:2] == (told, seen)
    assert silent[2] == silent[3] == f"scripted tells nothing of {SHOP} since 00:00:15Z: 502 Bad Gateway"
    assert [error is None for _, error in bench.errors] == [False, True]
    assert bench.troubles.newest is None


async def test_a_field_of_one_branch_that_fails_costs_no_other_branch() -> None:
    bench = Bench()
    bench.begin()
    bench.begin(OTHER)
    bench.forge.fails[f"orch/{ID}"] = TransientError("no permission")

    async with watching(bench):
        await asyncio.sleep(1)

    assert (bench.change(ID), bench.watch.why_unknown(ID)) == (None, "no permission")
    assert bench.seen == [OTHER]


async def test_a_slow_repository_costs_another_nothing_and_is_given_up_on() -> None:
    slow, quick = ScriptedForge("slow"), ScriptedForge("quick")
    slow.takes_s = 2 * FORGE_LOOK_S
    bench = Bench(slow, quick)
    bench.begin()
    bench.begin(OTHER, checkout={"remote": f"quick://{BANK}"})

    async with watching(bench):
        await asyncio.sleep(FORGE_LOOK_S + 1)

    assert len(quick.looks) == FORGE_LOOK_S // CHANGES_LOOK_S + 1
    assert bench.watch.seen_at(OTHER) is not None
    assert f"has not answered within {FORGE_LOOK_S:g} s" in (bench.troubles.newest or "")


async def test_a_forge_that_breaks_its_promise_is_a_trouble_and_not_an_end() -> None:
    bench = Bench()
    bench.begin()
    bench.forge.fails[SHOP] = cast("OrchestrdError", ValueError("what is this"))

    async with watching(bench):
        await asyncio.sleep(1)
        del bench.forge.fails[SHOP]
        await asyncio.sleep(CHANGES_LOOK_S)

    assert bench.seen == [ID]
    assert "its adapter has failed: ValueError('what is this')" in str(bench.errors[0][1])


class BrokenForge(ScriptedForge):
    """A forge that raises whatever it is asked."""

    def repository_of(self, remote: str) -> str | None:
        raise ValueError("no idea")


class RestlessForge(ScriptedForge):
    """A forge that cannot say how long it wants to be left alone."""

    def pause_s(self, repository: str, usual_s: float) -> float:
        raise ValueError("no idea")


async def test_a_broken_forge_costs_no_other_one_anything() -> None:
    restless = RestlessForge("restless")
    bench = Bench(BrokenForge("broken"), restless, ScriptedForge())
    bench.begin(ID, checkout={"remote": f"scripted://{SHOP}"})
    bench.begin(OTHER, checkout={"remote": f"restless://{BANK}"})

    async with watching(bench):
        await asyncio.sleep(CHANGES_LOOK_S_MAX + 1)

    assert bench.seen.count(ID) == CHANGES_LOOK_S_MAX // CHANGES_LOOK_S + 1
    assert [round(at) for at, _, _ in restless.looks] == [0, CHANGES_LOOK_S_MAX]
    assert [what for what, _ in bench.errors] == ["the forge broken"]


async def test_another_branch_than_the_one_asked_for_is_not_believed() -> None:
    bench = Bench()
    bench.begin()
    bench.forge.changes[f"orch/{ID}"] = replace(bench.forge.change_of(SHOP, "someone/elses"), pr=Pr.OPEN)

    async with watching(bench):
        await asyncio.sleep(1)

    assert bench.change() is None
    assert bench.watch.why_unknown(ID) == "the forge told of the branch someone/elses instead"


async def test_the_branch_that_pull_requests_lead_into_has_none_and_costs_no_request() -> None:
    bench = Bench()
    bench.begin(branch="main")
    bench.proposes("main")

    async with watching(bench):
        await asyncio.sleep(1)

    assert bench.forge.looks == []
    change = bench.change()
    assert change is not None
    assert (change.pr, change.error) == (Pr.NONE, "main is the branch that pull requests lead into")


async def test_of_two_on_one_branch_the_older_has_its_pull_request() -> None:
    bench = Bench()
    bench.begin(ID, branch="shared", created_at=DAWN.at + timedelta(hours=1))
    bench.begin(OTHER, branch="shared")
    told = bench.proposes("shared")

    async with watching(bench):
        await asyncio.sleep(1)
        first = bench.change(OTHER), bench.change(ID)
        bench.mailboxes.commit(replace(bench.roster.require(OTHER), state=State.COMPLETED))
        await asyncio.sleep(CHANGES_LOOK_S + CHECKOUTS_LOOK_S)

    assert first[0] == told
    assert first[1] is not None
    assert (first[1].pr, first[1].error) == (Pr.NONE, f"the branch shared is that of session {OTHER}")
    assert bench.change(ID) == told


async def test_while_no_branch_is_checked_out_the_last_one_counts() -> None:
    bench = Bench()
    bench.begin(branch="feature")
    bench.proposes("feature")

    async with watching(bench):
        await asyncio.sleep(1)
        bench.moves(branch=None, head=None)
        await asyncio.sleep(CHANGES_LOOK_S)

    assert {branches for _, _, branches in bench.forge.looks} == {("feature",)}


async def test_what_was_told_of_another_branch_is_not_known_of_this_one() -> None:
    bench = Bench()
    bench.begin(branch="feature")
    bench.proposes("feature")

    async with watching(bench):
        await asyncio.sleep(1)
        bench.moves(branch="other")
        await asyncio.sleep(CHECKOUTS_LOOK_S + 1)

    assert bench.forge.known == [None]
    assert (change := bench.change()) is not None
    assert (change.branch, change.pr) == ("other", Pr.NONE)


async def test_more_branches_than_one_request_bears_are_asked_for_in_several() -> None:
    bench = Bench()
    for number in range(CHANGES_AT_ONCE_MAX + 1):
        bench.begin(SessionId(f"session{number:03}"))

    async with watching(bench):
        await asyncio.sleep(1)

    assert [len(branches) for _, _, branches in bench.forge.looks] == [CHANGES_AT_ONCE_MAX, 1]
    assert len(bench.seen) == CHANGES_AT_ONCE_MAX + 1


async def test_an_open_pull_request_of_an_ended_session_is_looked_at_seldom_until_it_is_settled() -> None:
    bench = Bench()
    told = bench.proposes(f"orch/{ID}")
    bench.begin(state=State.COMPLETED, change=told)
    bench.begin(OTHER, state=State.COMPLETED)

    async with watching(bench):
        await asyncio.sleep(CHANGES_LOOK_S_MAX - 1)
        bench.proposes(f"orch/{ID}", pr=Pr.MERGED)
        await asyncio.sleep(2 * CHANGES_LOOK_S_MAX)

    assert bench.looked_s == [0.0, CHANGES_LOOK_S_MAX]
    assert (change := bench.change()) is not None
    assert change.pr is Pr.MERGED
    assert bench.change(OTHER) is None


async def test_without_a_forge_or_a_worktree_nothing_is_done() -> None:
    idle, without = Bench(), Bench()
    idle.begin(spec=a_spec())
    without.in_use.take({})
    without.begin()

    async with watching(idle), watching(without):
        await asyncio.sleep(1_000)

    assert len(idle.checkouts.remotes) + len(without.checkouts.remotes) == 0
    assert idle.watch.why_unknown(ID) == "it works in no worktree of its own"
    assert without.watch.why_unknown(ID) == "no forge is asked: [forge] kind is none, or what it names is left out"


async def test_a_repository_that_no_forge_knows_is_said_to_be_so() -> None:
    bench = Bench()
    bench.begin(repository=None)
    bench.begin(OTHER, checkout={"remote": "elsewhere://x"})
    bench.begin(THIRD, checkout={"remote": None})
    asked = [bench.watch.why_unknown(session) for session in (ID, OTHER, THIRD)]

    async with watching(bench):
        await asyncio.sleep(1)

    assert asked == ["no forge has been asked about it yet"] * 3
    assert bench.watch.why_unknown(ID) == "its repository has no remote 'origin'"
    assert bench.watch.why_unknown(OTHER) == "no forge knows the remote of its repository"
    assert bench.watch.why_unknown(THIRD) == "git does not tell the remote of its repository, or its worktree is gone"
    assert bench.forge.looks == []


async def test_a_session_whose_goal_is_a_pull_request_hears_once_why_nothing_is_told_of_it() -> None:
    bench = Bench()
    bench.begin(repository=None)
    bench.begin(OTHER, repository=None)
    known = bench.roster.require(ID)
    bench.mailboxes.commit(replace(known, spec=replace(known.spec, until=Until.PR_OPEN)))

    async with watching(bench):
        await asyncio.sleep(3 * CHECKOUTS_LOOK_S)

    assert bench.mailboxes.untold == [(ID, "its repository has no remote 'origin'")]


async def test_of_one_that_has_ended_it_is_still_known_when_its_forge_told_of_it_last() -> None:
    bench = Bench()
    bench.begin()
    bench.proposes(f"orch/{ID}", pr=Pr.MERGED)

    async with watching(bench):
        await asyncio.sleep(1)
        bench.mailboxes.commit(replace(bench.roster.require(ID), state=State.COMPLETED))
        await asyncio.sleep(CHECKOUTS_LOOK_S)

        rule = bench.watch.rule_of(bench.roster.require(ID))
        is_known = bench.watch.seen_at(ID) is not None

    told = f"it told of it last {CHECKOUTS_LOOK_S + 1:.0f} s ago"
    assert (rule, is_known) == (f"it has ended, so scripted is not asked about it any more; {told}", True)


async def test_another_remote_counts_from_the_next_look_on() -> None:
    bench = Bench()
    bench.begin()

    async with watching(bench):
        await asyncio.sleep(1)
        bench.watch.take("upstream")
        await asyncio.sleep(1)

    assert (bench.checkouts.remotes[0], bench.checkouts.remotes[-1]) == ("origin", "upstream")


async def test_a_remote_that_is_set_while_the_worktrees_are_looked_at_leaves_nothing_told_of_another() -> None:
    bench = Bench()
    bench.begin()

    async with watching(bench):
        await asyncio.sleep(5)
        known = bench.watch.seen_at(ID)
        bench.checkouts.takes_s, bench.forge.takes_s = 1.0, FORGE_LOOK_S / 2
        bench.ends_turn()
        await asyncio.sleep(CHECKOUTS_SETTLE_S + 0.5)
        bench.moves(remote=f"scripted://{BANK}")
        bench.watch.take("upstream")
        await asyncio.sleep(5)
        unknown = bench.watch.seen_at(ID)

    assert (known is not None, unknown) == (True, None)
    assert [repository for _, repository, _ in bench.forge.looks] == [SHOP, BANK]


async def test_another_forge_of_the_name_is_asked_at_once_and_what_was_told_is_known_meanwhile() -> None:
    bench, other = Bench(), ScriptedForge()
    bench.begin()
    other.changes[f"orch/{ID}"] = bench.proposes(f"orch/{ID}", pr=Pr.OPEN)

    async with watching(bench):
        await asyncio.sleep(CHANGES_NUDGED_S + 1)
        bench.in_use.take(named(other))
        bench.watch.take("origin")
        known = bench.watch.seen_at(ID)
        await asyncio.sleep(1)
        still_known = bench.watch.seen_at(ID)

    assert known is not None
    assert still_known is not None
    assert (len(bench.forge.looks), len(other.looks), bench.forge.is_closed) == (1, 1, True)


async def test_a_look_under_way_is_finished_by_the_forge_that_began_it() -> None:
    bench, other = Bench(), ScriptedForge()
    bench.begin()
    bench.proposes(f"orch/{ID}", pr=Pr.OPEN)
    other.changes = bench.forge.changes
    bench.forge.takes_s = 2.0

    async with watching(bench):
        await asyncio.sleep(1)
        bench.in_use.take(named(other))
        bench.watch.take("origin")
        await asyncio.sleep(1.5)
        told, asked = list(bench.seen), list(other.looks)
        await asyncio.sleep(CHANGES_NUDGED_S)

    assert (told, asked) == ([ID], [])
    assert len(other.looks) == 1


async def test_what_no_forge_knows_any_more_is_as_unknown_as_after_a_start() -> None:
    bench, elsewhere = Bench(), ScriptedForge("elsewhere")
    bench.begin()
    bench.proposes(f"orch/{ID}", pr=Pr.OPEN)

    async with watching(bench):
        await asyncio.sleep(1)
        bench.forge.takes_s = 2.0
        bench.watch.look_now(SHOP)
        await asyncio.sleep(CHANGES_NUDGED_S)
        bench.in_use.take(named(elsewhere))
        bench.watch.take("origin")
        await asyncio.sleep(5)
        unknown = bench.watch.why_unknown(ID)

    assert len(bench.forge.looks) == 2
    assert (bench.watch.seen_at(ID), unknown) == (None, "no forge knows the remote of its repository")
    assert (change := bench.change()) is not None
    assert change.pr is Pr.OPEN


async def test_a_look_that_waits_for_its_place_asks_no_forge_that_is_gone() -> None:
    bench = Bench()
    for number in range(FORGE_LOOKS_AT_ONCE_MAX + 1):
        bench.begin(SessionId(f"aaaaaaa{number}"), repository=f"ada/shop{number}")
    bench.forge.takes_s = 2.0

    async with watching(bench):
        await asyncio.sleep(1)
        bench.in_use.take({})
        bench.watch.take("origin")
        await asyncio.sleep(10)

    assert len(bench.forge.looks) == FORGE_LOOKS_AT_ONCE_MAX
    assert bench.forge.is_closed


async def test_forges_come_and_go() -> None:
    bench = Bench()
    bench.in_use.take({})
    bench.begin()

    async with watching(bench):
        await asyncio.sleep(100)
        asked_nobody = bench.watch.why_unknown(ID)
        bench.in_use.take(named(bench.forge))
        bench.watch.take("origin")
        await asyncio.sleep(1)
        seen = list(bench.seen)
        bench.in_use.take({})
        bench.watch.take("origin")
        await asyncio.sleep(100)

    assert (asked_nobody, seen, len(bench.forge.looks)) == (
        "no forge is asked: [forge] kind is none, or what it names is left out",
        [ID],
        1,
    )
    assert bench.watch.seen_at(ID) is None


async def test_what_was_wrong_with_a_forge_that_is_gone_is_no_trouble_any_more() -> None:
    bench = Bench()
    bench.begin()
    bench.forge.fails[SHOP] = TransientError("502 Bad Gateway")
    bench.forge.takes_s = 2.0

    async with watching(bench):
        await asyncio.sleep(CHANGES_LOOK_S + 1)
        failing = bench.troubles.newest
        bench.in_use.take({})
        bench.watch.take("origin")
        await asyncio.sleep(10)

    assert failing is not None
    assert bench.troubles.newest is None


async def test_a_forge_that_does_not_call_is_asked_all_the_same() -> None:
    class Silent(ScriptedForge):
        def on_change(self, nudge: Callable[[str], None]) -> None:
            raise ValueError("no")

    bench = Bench(Silent())
    bench.begin()

    async with watching(bench):
        await asyncio.sleep(1)
        trouble = bench.troubles.newest
        bench.in_use.take({})
        bench.watch.take("origin")

    assert bench.seen == [ID]
    assert trouble == "the calls of the forge scripted failed: ValueError('no')"
    assert bench.troubles.newest is None


async def test_what_a_full_disk_could_not_take_is_not_seen_and_told_again() -> None:
    bench = Bench()
    bench.begin()
    bench.mailboxes.fails = TransientError("no space left on device")

    async with watching(bench):
        await asyncio.sleep(1)
        seen = list(bench.seen)
        bench.mailboxes.fails = None
        await asyncio.sleep(CHANGES_LOOK_S)

    assert (seen, bench.seen) == ([], [ID])
    assert bench.troubles.newest is None


async def test_a_session_that_is_gone_is_forgotten_with_its_repository() -> None:
    bench = Bench()
    bench.begin()
    bench.forge.fails[SHOP] = TransientError("502 Bad Gateway")

    async with watching(bench):
        await asyncio.sleep(1)
        bench.roster.remove(ID)
        await asyncio.sleep(2 * CHANGES_LOOK_S)

    assert len(bench.forge.looks) == 1
    assert (bench.troubles.newest, bench.watch.seen_at(ID)) == (None, None)


async def test_a_session_that_goes_while_it_is_looked_at_is_told_nothing() -> None:
    bench = Bench()
    bench.begin()
    bench.forge.takes_s = 2.0

    async with watching(bench):
        await asyncio.sleep(1)
        bench.roster.remove(ID)
        await asyncio.sleep(5)

    assert (bench.mailboxes.told, bench.seen) == ([], [])


async def test_a_look_under_way_keeps_nobody_from_stopping() -> None:
    bench = Bench()
    bench.begin()
    bench.forge.takes_s = 50.0

    async with watching(bench):
        await asyncio.sleep(1)

    assert asyncio.get_running_loop().time() < 2
    assert (bench.errors, bench.seen) == ([], [])


async def test_a_round_that_fails_is_not_the_last_one() -> None:
    bench = Bench()
    bench.begin()
    found, bench.checkouts.found = bench.checkouts.found, cast("Any", None)

    async with watching(bench):
        await asyncio.sleep(1)
        bench.checkouts.found = found
        await asyncio.sleep(CHECKOUTS_LOOK_S)

    assert [what for what, _ in bench.errors] == ["a round of the forge watch failed"]
    assert bench.seen == [ID]


def test_a_session_without_any_branch_has_that_of_its_worktree() -> None:
    session = a_session(ID)

    assert not is_watched(session)
    assert branch_of(session, None) is None
    assert branch_of(session, "feature") == "feature"
