"""Every place a session can stand, reached as a session gets there, and every input that can meet it."""

from collections.abc import Callable, Iterator

from orchestrd.model.change import Change, Pr
from orchestrd.model.command import (
    Admitted,
    Answer,
    Answered,
    Attempted,
    CommandRun,
    Delivered,
    DuePassed,
    HeldBack,
    Input,
    Kill,
    Launched,
    LaunchFailed,
    Merged,
    Notified,
    Placed,
    React,
    Replaced,
    Restarted,
    Revive,
    Send,
    Spawn,
    SpawnedAnother,
    Stop,
    Swept,
    Terminated,
    Verified,
)
from orchestrd.model.instant import DueName
from orchestrd.model.observation import Cause, ChangeTold, ChangeUntold, Exited, Started, Vanished
from orchestrd.model.reaction import Act as Doing
from orchestrd.model.reaction import Condition, Reaction, Seen
from orchestrd.model.session import Session
from orchestrd.model.words import Activity, Authority, Liveness, Receipt, Until
from tests.core.interpreter import NOON, SESSION, Interpreter, spec
from tests.core.strategies import (
    ATTEMPTED,
    KILL_FAILS,
    OPENING,
    UNTIL_DUE,
    Act,
    Happening,
    Proposed,
    Script,
    answer,
    ask,
    say,
    send,
    sight,
)
from tests.decisions import asks, held
from tests.reports import a_report

IN_FLIGHT = "in flight"


def exited(code: int | None = None, signal: str | None = None, error: str | None = None, **told: bool) -> Exited:
    return Exited(generation=0, observer="process", exit_code=code, exit_signal=signal, at=NOON, error=error, **told)


def vanished(cause: Cause) -> Vanished:
    return Vanished(generation=0, observer="process", cause=cause)


def swept(survivors: tuple[int, ...] = (), exit_: Exited | None = None, error: str | None = None) -> Swept:
    return Swept(effect=IN_FLIGHT, generation=0, survivors=survivors, exit=exit_, error=error)


def verified(code: int | None = 0, *, is_clean: bool | None = True) -> Verified:
    return Verified(effect=IN_FLIGHT, generation=0, exit_code=code, is_clean=is_clean, output="12 passed")


def stop(authority: Authority = Authority.USER) -> Stop:
    return Stop(session=SESSION, authority=authority)


def kill(authority: Authority = Authority.USER) -> Kill:
    return Kill(session=SESSION, authority=authority)


def revive(authority: Authority = Authority.USER) -> Revive:
    return Revive(session=SESSION, authority=authority)


BLOCKED = Condition(activity=(Activity.BLOCKED,))
SEEN = Seen(looked_at=NOON)
TELL = React(reaction=Reaction(name="tell", when=BLOCKED, act=Doing.NOTIFY), seen=SEEN)
RUN = React(reaction=Reaction(name="run", when=BLOCKED, act=Doing.RUN, command="make tidy"), seen=SEEN)
WAITS = Condition(activity=(Activity.WAITING,))
NUDGE = React(reaction=Reaction(name="nudge", when=WAITS, act=Doing.SEND, text="go on"), seen=SEEN)
BRANCH = Change(forge="github", repository="github.com/o/r", branch="orch/aaaaaaaa", pr=Pr.OPEN)

STARTING = OPENING[:2]
GONE = Happening(vanished(Cause.PROCESS_GONE))
UNKILLED = KILL_FAILS * 3
BLIND = (sight(Liveness.UNKNOWN), UNTIL_DUE)
ENDS: dict[str, tuple[Act, ...]] = {
    "completed (exited)": (*OPENING, Happening(exited(0))),
    "completed (turn_done)": (*OPENING, say(Activity.WAITING), Happening(exited(0))),
    "completed (pr_opened)": (*OPENING, Proposed(Pr.OPEN), say(Activity.WAITING), Happening(exited(0))),
    "completed (pr_merged)": (*OPENING, Proposed(Pr.MERGED), say(Activity.BLOCKED), Happening(exited(0))),
    "completed (verified)": (*OPENING, say(Activity.WAITING), Happening(verified()), Happening(exited(0))),
    "failed (launch_failed)": (
        *STARTING,
        Happening(LaunchFailed(effect=IN_FLIGHT, generation=0, error="no")),
    ),
    "failed (start_timeout)": (*STARTING, UNTIL_DUE, Happening(swept())),
    "failed (exit_code)": (*OPENING, Happening(exited(3))),
    "failed (goal_unmet)": (*OPENING, say(Activity.WAITING), Happening(verified(1)), Happening(exited(0))),
    "failed (signal)": (*OPENING, Happening(exited(signal="SIGSEGV"))),
    "failed (exit_unknown)": (*OPENING, GONE, Happening(swept())),
    "failed (setup_failed)": (*OPENING, Happening(exited(7, setup_failed=True))),
    "failed (terminal_lost)": (*OPENING, Happening(exited(signal="SIGHUP", hung_up=True))),
    "cancelled (by_user)": (Happening(stop()),),
    "cancelled (stopped)": (*OPENING, Happening(stop()), Happening(exited(0))),
    "cancelled (killed)": (*OPENING, Happening(kill()), Happening(swept())),
}
WAYS: dict[str, tuple[Act, ...]] = {
    "pending (accepted)": (),
    "pending (revived)": (*OPENING, Happening(exited(0)), Happening(revive())),
    "scheduled (queued)": OPENING[:1],
    "starting (admitted)": STARTING,
    "starting (admitted) its deadline missed": (*STARTING, UNTIL_DUE),
    "starting (admitted) being swept": (*STARTING, GONE),
    "running (started)": OPENING,
    "running (started) working": (*OPENING, say(Activity.WORKING)),
    "running (started) waiting, typed into": (*OPENING, say(Activity.WAITING), send("m")),
    "running (started) blocked": (*OPENING, say(Activity.BLOCKED)),
    "running (started) blocked on a decision": (*OPENING, ask(held())),
    "running (started) blocked, a person being told": (*OPENING, say(Activity.BLOCKED), Happening(TELL)),
    "running (started) blocked, a command being run": (*OPENING, say(Activity.BLOCKED), Happening(RUN)),
    "running (started) waiting, told to go on": (*OPENING, say(Activity.WAITING), Happening(NUDGE)),
    "running (started) answered": (*OPENING, ask(held()), answer("allow")),
    "running (started) being answered": (*OPENING, ask(held()), answer("allow"), ATTEMPTED),
    "running (started) typing": (*OPENING, send("m"), Happening(Attempted(effect=IN_FLIGHT))),
    "running (started) unseen": (*OPENING, sight(Liveness.UNKNOWN)),
    "running (started) being swept": (*OPENING, GONE),
    "running (started) until turn": OPENING,
    "running (started) until pr_open": (*OPENING, Proposed(Pr.DRAFT), say(Activity.WAITING)),
    "running (started) until pr_merged, its exit held back": (*OPENING, Happening(exited(0))),
    "running (started) until verify": OPENING,
    "running (started) until verify, being verified": (*OPENING, say(Activity.WAITING)),
    "running (started) until verify, found red": (*OPENING, say(Activity.WAITING), Happening(verified(1))),
    "running (started) until verify, its exit held back": (*OPENING, Happening(exited(0))),
    "running (recovered)": (*OPENING, *BLIND, sight(Liveness.ALIVE)),
    "stopping (stop_requested) during the start": (*STARTING, Happening(stop())),
    "stopping (stop_requested)": (*OPENING, Happening(stop())),
    "stopping (stop_requested) being killed": (*OPENING, Happening(stop()), UNTIL_DUE),
    "stopping (kill_requested)": (*OPENING, Happening(kill())),
    "stopping (kill_requested) after two failed kills": (*OPENING, Happening(kill()), *KILL_FAILS * 2),
    "stopping (goal_met)": (*OPENING, say(Activity.WAITING)),
    "lost (contact_lost)": (*OPENING, *BLIND),
    "lost (contact_lost) being swept": (*OPENING, *BLIND, GONE),
    "lost (kill_failed) when swept": (*OPENING, GONE, *UNKILLED),
    "lost (kill_failed) when swept during the start": (*STARTING, GONE, *UNKILLED),
    "lost (kill_failed) when too slow to start": (*STARTING, UNTIL_DUE, *UNKILLED),
    "lost (kill_failed) when stopped": (*OPENING, Happening(stop()), UNTIL_DUE, *UNKILLED),
    "lost (kill_failed) when killed": (*OPENING, Happening(kill()), *UNKILLED),
    "lost (kill_failed) when its goal was met": (*OPENING, say(Activity.WAITING), UNTIL_DUE, *UNKILLED),
    **ENDS,
    "completed (exited), a person being told": (*OPENING, say(Activity.BLOCKED), Happening(TELL), Happening(exited(0))),
}
GOALS = {
    **{name: Until.TURN for name in WAYS if "turn" in name or "goal" in name},
    **{name: Until.PR_OPEN for name in WAYS if "pr_open" in name},
    **{name: Until.PR_MERGED for name in WAYS if "pr_merged" in name},
    **{name: Until.VERIFY for name in WAYS if "verif" in name or "unmet" in name},
}


def stands() -> Iterator[tuple[str, Interpreter]]:
    """Give every stand by its name, with the life that led there, a little later than its last deadline."""
    for name, acts in WAYS.items():
        life = Script(GOALS.get(name, Until.EXIT), acts).live()
        assert name.startswith(f"{life.record.state} ({life.record.reason})"), (name, life.record)
        life.wait(120.0)
        yield name, life


def _by(make: Callable[[Authority], Input], what: str) -> dict[str, Input]:
    return {f"{what} by {authority}": make(authority) for authority in Authority}


INPUTS: dict[str, Input | Callable[[Session], Input]] = {
    "the same spawn": lambda session: Spawn(session=SESSION, spec=session.spec),
    "another spawn": Spawn(session=SESSION, spec=spec(grace_s=1.0)),
    **_by(stop, "stop"),
    **_by(kill, "kill"),
    **_by(revive, "revive"),
    "send": Send(session=SESSION, message="n", text="go on"),
    "send again": Send(session=SESSION, message="m", text="m"),
    "answer allow": Answer(session=SESSION, decision="d1", choice="allow"),
    "answer 2, with a text": Answer(session=SESSION, decision="d1", choice="2", text="not this"),
    "answer to another decision": Answer(session=SESSION, decision="d2", choice="allow"),
    "answer by no choice": Answer(session=SESSION, decision="d1", choice="9"),
    "placed": Placed(),
    "held back": HeldBack(until=NOON),
    "admitted": Admitted(),
    "restarted": Restarted(),
    "replaced": lambda session: Replaced(record=session),
    **{f"sighted {verdict}": sight(verdict).input for verdict in Liveness},
    "started": Started(generation=0, observer="process", pid=4711, at=NOON),
    "exited 0": exited(0),
    "exited 3": exited(3),
    "exited by SIGTERM": exited(signal="SIGTERM"),
    "exited, never ran": exited(error="cannot start it"),
    "exited 0, leaving 4711": exited(0, error="left behind: pid 4711"),
    "exited 0 in another generation": Exited(generation=1, observer="process", exit_code=0, exit_signal=None, at=NOON),
    **{f"vanished, {cause}": vanished(cause) for cause in Cause},
    **{f"reported {activity}": a_report(activity, at=NOON, offset=7, generation=0) for activity in Activity},
    "launched": Launched(effect=IN_FLIGHT, generation=0, handle="h"),
    "launch failed": LaunchFailed(effect=IN_FLIGHT, generation=0, error="no such directory"),
    "terminated": Terminated(effect=IN_FLIGHT, generation=0),
    "terminated, nothing runs": Terminated(effect=IN_FLIGHT, generation=0, nothing_runs=True),
    "swept clean": swept(),
    "swept clean, exit 3": swept(exit_=exited(3)),
    "swept, 4711 left": swept((4711,)),
    "swept, 4711 left, exit 3": swept((4711,), exited(3)),
    "sweep failed": swept(error="cannot read /proc"),
    "attempted": Attempted(effect=IN_FLIGHT),
    **{
        f"delivered, {receipt}": Delivered(effect=IN_FLIGHT, generation=0, receipt=receipt)
        for receipt in Receipt
        if receipt is not Receipt.QUEUED
    },
    **{
        f"answered, {receipt}": Answered(effect=IN_FLIGHT, generation=0, receipt=receipt)
        for receipt in (Receipt.SUBMITTED, Receipt.REFUSED, Receipt.UNKNOWN)
    },
    "change told": ChangeTold(change=BRANCH),
    "change untold": ChangeUntold(why="502"),
    "react, telling when it is blocked": TELL,
    "react, telling it to go on when it waits": NUDGE,
    "notified": Notified(effect=IN_FLIGHT, reached=("phone",)),
    "notified, of one channel so far": Notified(effect=IN_FLIGHT, reached=("phone",), is_over=False),
    "notified, nobody": Notified(effect=IN_FLIGHT, error="phone: no answer"),
    "notified, without a channel": Notified(effect=IN_FLIGHT),
    "merged": Merged(effect=IN_FLIGHT, is_merged=True),
    "spawned another": SpawnedAnother(effect=IN_FLIGHT),
    "command run": CommandRun(effect=IN_FLIGHT, exit_code=0),
    "command run, exit 3": CommandRun(effect=IN_FLIGHT, exit_code=3),
    "verified, green": verified(),
    "verified, red": verified(1),
    "verified, not all committed": verified(is_clean=False),
    "asked for a decision": asks(held("d2"), at=NOON, offset=7, generation=0),
    **{f"due {name}": DuePassed(name=name) for name in DueName},
}
