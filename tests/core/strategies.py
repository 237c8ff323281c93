"""Random lives of a session: what may happen to it, plausible or not, with clocks that jump and daemons that end."""

from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from msgspec.structs import replace

from orchestrd.core.evidence import LOOKED_AT
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
    Restarted,
    Result,
    Revive,
    Send,
    Spawn,
    SpawnedAnother,
    Stop,
    Swept,
    Terminated,
    Verified,
)
from orchestrd.model.decision import Decision
from orchestrd.model.effect import ONCE, EffectKind
from orchestrd.model.instant import DueName
from orchestrd.model.observation import (
    Cause,
    ChangeTold,
    ChangeUntold,
    Exited,
    Reported,
    Sighted,
    Started,
    Testimony,
    Vanished,
)
from orchestrd.model.session import Session
from orchestrd.model.words import Activity, Authority, Liveness, Receipt, Until
from tests.core.interpreter import NOON, SESSION, Interpreter, spec
from tests.decisions import asks, held, shown
from tests.reports import a_report

RESULT_OF: dict[type[Any], frozenset[EffectKind]] = {
    Launched: frozenset({EffectKind.LAUNCH}),
    LaunchFailed: frozenset({EffectKind.LAUNCH}),
    Terminated: frozenset({EffectKind.TERMINATE}),
    Swept: frozenset({EffectKind.KILL}),
    Attempted: ONCE,
    Delivered: frozenset({EffectKind.DELIVER}),
    Answered: frozenset({EffectKind.ANSWER}),
    Verified: frozenset({EffectKind.VERIFY}),
    Notified: frozenset({EffectKind.NOTIFY}),
    Merged: frozenset({EffectKind.MERGE}),
    SpawnedAnother: frozenset({EffectKind.SPAWN}),
    CommandRun: frozenset({EffectKind.RUN}),
}
OBSERVERS = ("process", "tmux")


@dataclass(frozen=True)
class Happening:
    """An input that is completed when it happens: generations are relative, results belong to what is in flight."""

    input: Input

    def befall(self, life: Interpreter) -> None:
        life.give(completed(self.input, life.record))


@dataclass(frozen=True)
class Waiting:
    """Time passes; `deadline`: exactly until the next due time, which is then told to the session."""

    seconds: float
    deadline: bool = False

    def befall(self, life: Interpreter) -> None:
        if not self.deadline:
            life.wait(self.seconds)
            return
        for due in sorted(life.record.dues, key=lambda due: due.wait_s(life.now))[:1]:
            life.wait(due.wait_s(life.now))
            life.give(DuePassed(name=due.name))


@dataclass(frozen=True)
class Proposed:
    """The forge has told of the pull request of a session, as it stands now."""

    pr: Pr

    def befall(self, life: Interpreter) -> None:
        change = Change(forge="github", repository="github.com/o/r", branch="orch/aaaaaaaa", pr=self.pr)
        life.give(ChangeTold(change=change))


@dataclass(frozen=True)
class Untold:
    """No forge has told of the pull request of a session, for this reason."""

    why: str

    def befall(self, life: Interpreter) -> None:
        life.give(ChangeUntold(why=self.why))


@dataclass(frozen=True)
class Upset:
    """What happens to clock, machine and daemon."""

    kind: str

    def befall(self, life: Interpreter) -> None:
        match self.kind:
            case "day forward":
                life.jump(86_400)
            case "day back":
                life.jump(-86_400)
            case "reboot":
                life.reboot()
            case _:
                life.restart()


Act = Happening | Waiting | Proposed | Untold | Upset


def completed(input_: Input, session: Session) -> Input:
    """Turn a relative input into one about this session as it is now."""
    changes: dict[str, Any] = {}
    if isinstance(input_, Swept) and input_.exit is not None:
        changes["exit"] = replace(input_.exit, generation=session.generation + input_.exit.generation)
    if isinstance(input_, Reported):
        offset = session.hooks_offset + input_.hooks_offset
        lines = (said if said.offset is None else replace(said, offset=offset) for said in input_.testimonies)
        changes["testimonies"] = tuple(lines)
        changes["hooks_offset"] = offset
    if isinstance(input_, Result):
        kinds = RESULT_OF[type(input_)]
        mine = [effect.id for effect in session.effects if effect.kind in kinds]
        changes["effect"] = mine[0] if mine and input_.effect == "in flight" else input_.effect
    if hasattr(input_, "generation"):
        changes["generation"] = session.generation + input_.generation
    return replace(input_, **changes)


generation = st.sampled_from([0, 0, 0, 0, 0, 0, 0, -1, 1])
effect = st.sampled_from(["in flight", "in flight", "in flight", "in flight", "1.999"])
authority = st.sampled_from(Authority)
observer = st.sampled_from(OBSERVERS)
moment = st.timedeltas(min_value=-2 * (NOON - NOON.replace(hour=11)), max_value=2 * (NOON - NOON.replace(hour=11))).map(
    lambda delta: NOON + delta
)
text = st.text(max_size=5)
maybe_text = st.none() | text


def built(kind: type[Any], **fields: SearchStrategy[Any]) -> SearchStrategy[Any]:
    return st.builds(kind, **fields)


ends: SearchStrategy[tuple[int | None, str | None]] = st.sampled_from(
    [(0, None), (3, None), (None, "SIGKILL"), (None, None)]
)
exits: SearchStrategy[Exited] = st.builds(
    lambda generation, observer, end, at, error: Exited(
        generation=generation, observer=observer, exit_code=end[0], exit_signal=end[1], at=at, error=error
    ),
    generation,
    observer,
    ends,
    moment,
    st.sampled_from([None, None, "left behind: pid 4711"]),
)
commands = st.one_of(
    st.just(Spawn(session=SESSION, spec=spec())),
    built(Stop, session=st.just(SESSION), authority=authority, grace_s=st.none() | st.floats()),
    built(Kill, session=st.just(SESSION), authority=authority),
    built(Send, session=st.just(SESSION), message=st.sampled_from("abcdef"), text=text, authority=authority),
    built(Revive, session=st.just(SESSION), authority=authority),
    built(
        Answer,
        session=st.just(SESSION),
        decision=st.sampled_from(["d1", "d2", "k1"]),
        choice=st.sampled_from(["allow", "deny", "other", "yes", "1", "9"]),
        text=st.sampled_from([None, None, "not this"]),
        authority=authority,
    ),
)
sightings = built(Sighted, generation=generation, observer=observer, verdict=st.sampled_from(Liveness))
proofs = exits | built(Vanished, generation=generation, observer=observer, cause=st.sampled_from(Cause))
testimonies = built(
    Testimony,
    observer=st.sampled_from([*sorted(LOOKED_AT), "hook", "report", "transcript"]),
    rank=st.integers(min_value=0, max_value=5),
    trusted_s=st.sampled_from([None, 60.0]),
    allows=st.lists(st.sampled_from(Activity), unique=True, max_size=2).map(tuple),
    at=st.none() | moment,
    text=maybe_text,
    is_turn_over=st.booleans(),
    prompt=maybe_text,
    conversation=maybe_text,
    limited_until=st.none() | moment,
    decision=st.sampled_from([None, None, held("d1"), held("d2"), shown("k1")]),
)
reports = st.one_of(
    st.builds(
        a_report,
        st.sampled_from(Activity),
        at=moment,
        offset=st.sampled_from([0, 7, 14]),
        text=maybe_text,
        generation=generation,
    ),
    built(
        Reported,
        generation=generation,
        testimonies=st.lists(testimonies, max_size=3, unique_by=lambda said: said.observer).map(tuple),
        transcript_offset=st.sampled_from([0, 7]),
        malformed=st.sampled_from([0, 1]),
    ),
)
starts = built(Started, generation=generation, observer=observer, pid=st.just(4711), at=moment)
results = st.one_of(
    built(Launched, effect=effect, generation=generation, handle=text),
    built(LaunchFailed, effect=effect, generation=generation, error=text, screen=maybe_text),
    built(Terminated, effect=effect, generation=generation, nothing_runs=st.booleans()),
    built(
        Swept,
        effect=effect,
        generation=generation,
        survivors=st.sampled_from([(), (), (4711,)]),
        exit=st.none() | exits,
        error=st.sampled_from([None, None, "cannot read /proc"]),
    ),
    built(Attempted, effect=effect),
    built(Delivered, effect=effect, generation=generation, receipt=st.sampled_from(Receipt), error=maybe_text),
    built(Answered, effect=effect, generation=generation, receipt=st.sampled_from(Receipt), error=maybe_text),
    built(
        Verified,
        effect=effect,
        generation=generation,
        exit_code=st.sampled_from([0, 0, 1, None]),
        is_clean=st.sampled_from([True, True, False, None]),
        output=text,
        error=maybe_text,
    ),
)
lane: SearchStrategy[Any] = st.sampled_from(
    [Placed(account="a:1", resume_text="continue"), HeldBack(until=NOON), Admitted()]
)
dues = built(DuePassed, name=st.sampled_from(DueName))
facts = sightings | reports | starts | proofs
inputs = commands | facts | results | lane | dues | st.just(Restarted())

waits = st.builds(Waiting, st.sampled_from([0.5, 5.0, 12.0, 70.0])) | st.just(Waiting(0.0, deadline=True))
proposals = st.sampled_from(Pr).map(Proposed) | st.just(Untold("502"))
upsets = st.sampled_from([Upset("day forward"), Upset("day back"), Upset("reboot"), Upset("restart")])
acts: SearchStrategy[Act] = st.one_of(
    inputs.map(Happening), facts.map(Happening), results.map(Happening), waits, waits, proposals, upsets
)


def sight(verdict: Liveness, observer: str = "process") -> Happening:
    return Happening(Sighted(generation=0, observer=observer, verdict=verdict))


def say(activity: Activity) -> Happening:
    return Happening(a_report(activity, at=NOON, offset=7, generation=0))


def ask(decision: Decision) -> Happening:
    return Happening(asks(decision, at=NOON, offset=7, generation=0))


def answer(choice: str, decision: str = "d1", text: str | None = None) -> Happening:
    return Happening(Answer(session=SESSION, decision=decision, choice=choice, text=text))


def send(message: str) -> Happening:
    return Happening(Send(session=SESSION, message=message, text=message))


# Every life but a few begins the usual way, or most of them would end before they have begun.
OPENING: tuple[Act, ...] = (
    Happening(Placed()),
    Happening(Admitted()),
    Happening(Launched(effect="in flight", generation=0, handle="h")),
    Happening(Started(generation=0, observer="process", pid=4711, at=NOON)),
    sight(Liveness.ALIVE),
)
UNTIL_DUE = Waiting(0.0, deadline=True)
ATTEMPTED = Happening(Attempted(effect="in flight"))
EXIT = Happening(Exited(generation=0, observer="process", exit_code=0, exit_signal=None, at=NOON))
KILL_FAILS: tuple[Act, ...] = (
    Happening(Swept(effect="in flight", generation=0, survivors=(4711,), exit=None)),
    UNTIL_DUE,
)
# What hangs together, and chance would hardly ever put together.
MOTIFS: tuple[tuple[Act, ...], ...] = (
    (sight(Liveness.UNKNOWN), sight(Liveness.UNKNOWN, "tmux"), UNTIL_DUE),
    (sight(Liveness.DEAD), Waiting(6.0), sight(Liveness.DEAD), Waiting(6.0), sight(Liveness.DEAD)),
    (Happening(Kill(session=SESSION)), *KILL_FAILS, *KILL_FAILS, *KILL_FAILS),
    (Happening(Vanished(generation=0, observer="process", cause=Cause.PROCESS_GONE)), *KILL_FAILS),
    (Happening(Stop(session=SESSION)), UNTIL_DUE),
    (say(Activity.WAITING), send("g"), Happening(Attempted(effect="in flight"))),
    (Happening(Delivered(effect="in flight", generation=0, receipt=Receipt.SUBMITTED)),),
    (say(Activity.WORKING), send("h"), send("i"), say(Activity.WAITING), Happening(Attempted(effect="in flight"))),
    (say(Activity.WORKING),),
    (UNTIL_DUE, Happening(Swept(effect="in flight", generation=0))),
    (say(Activity.WAITING), send("j"), say(Activity.BLOCKED)),
    (EXIT, Happening(Revive(session=SESSION)), *OPENING),
    (ask(held("d1")), answer("allow"), ATTEMPTED),
    (ask(held("d1")), ask(held("d2")), answer("deny", "d2", "not this"), say(Activity.WORKING)),
    (Happening(Answered(effect="in flight", generation=0, receipt=Receipt.SUBMITTED)),),
    (UNTIL_DUE,),
    (say(Activity.WAITING), Happening(Verified(effect="in flight", generation=0, exit_code=0, is_clean=True))),
    (say(Activity.WAITING), Happening(Verified(effect="in flight", generation=0, exit_code=1)), say(Activity.WORKING)),
    (EXIT, Happening(Verified(effect="in flight", generation=0, exit_code=0, is_clean=True)), EXIT),
    (Proposed(Pr.MERGED), say(Activity.WAITING)),
)


@dataclass(frozen=True)
class Script:
    """A life that can be lived again: the goal, then what befalls the session."""

    until: Until
    acts: tuple[Act, ...]

    def live(self) -> Interpreter:
        life = Interpreter()
        life.spawn(self.until)
        for act in self.acts:
            act.befall(life)
        return life


scripts: SearchStrategy[Script] = st.builds(
    lambda until, opening, parts: Script(until, (*OPENING[:opening], *(act for part in parts for act in part))),
    st.sampled_from(Until),
    st.sampled_from([0, 2, 4, 5, 5]),
    st.lists(st.sampled_from(MOTIFS) | acts.map(lambda act: (act,)), min_size=8, max_size=30),
)
