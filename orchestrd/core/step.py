"""`step`: the one pure function through which every change of a session passes.

    step(session, evidence, input, now) -> Outcome(session', evidence', events, effects, reply)

Pure: no clock, no I/O, arguments unchanged. Total: any input in any state gives an outcome, at worst the same session
with a refusal. At most one change of state an outcome, so that each is committed by itself. Inputs about another
generation, and facts about a session that has no run, change nothing at all.
"""

from typing import assert_never

from orchestrd.core import on_command, on_observation, on_result
from orchestrd.core.turn import Outcome, Refusal, Turn
from orchestrd.model.command import (
    Admitted,
    Attempted,
    Delivered,
    DuePassed,
    Input,
    Kill,
    Launched,
    LaunchFailed,
    Placed,
    Revive,
    Send,
    Spawn,
    Stop,
    Swept,
    Terminated,
)
from orchestrd.model.instant import Instant
from orchestrd.model.observation import Evidence, Exited, Reported, Sighted, Started, Vanished
from orchestrd.model.session import Session
from orchestrd.model.words import WAITING_FOR_A_RUN

__all__ = ["Outcome", "Refusal", "step"]

Fact = Started | Exited | Vanished | Sighted | Reported
RunResult = Launched | LaunchFailed | Terminated | Swept | Delivered


def step(session: Session | None, evidence: Evidence, input_: Input, now: Instant) -> Outcome:
    """Decide what an input does to a session."""
    if session is None:
        if isinstance(input_, Spawn):
            return on_command.spawn(input_, evidence, now)
        return Outcome(session=None, evidence=evidence)
    turn = Turn(session, evidence, now)
    if not _is_beside_the_point(session, input_):
        _take(turn, input_)
    return turn.outcome()


def _is_beside_the_point(session: Session, input_: Input) -> bool:
    """Facts and results speak of a run: not of another generation's, and not where there is none (any more)."""
    if isinstance(input_, Fact | RunResult):
        has_run = not session.is_terminal and session.state not in WAITING_FOR_A_RUN
        return not has_run or input_.generation != session.generation
    return False


def _take(turn: Turn, input_: Input) -> None:
    match input_:
        case Spawn():
            on_command.spawn_again(turn, input_)
        case Stop():
            on_command.stop(turn, input_)
        case Kill():
            on_command.kill(turn, input_)
        case Send():
            on_command.send(turn, input_)
        case Revive():
            on_command.revive(turn, input_)
        case Sighted():
            on_observation.sighted(turn, input_)
        case Started():
            on_observation.started(turn, input_)
        case Exited():
            on_observation.exited(turn, input_)
        case Vanished():
            on_observation.vanished(turn, input_)
        case Reported():
            on_observation.reported(turn, input_)
        case Placed():
            on_result.placed(turn)
        case Admitted():
            on_result.admitted(turn)
        case DuePassed():
            on_result.due_passed(turn, input_.name)
        case Launched():
            on_result.launched(turn, input_)
        case LaunchFailed():
            on_result.launch_failed(turn, input_)
        case Terminated():
            on_result.terminated(turn, input_)
        case Swept():
            on_result.swept(turn, input_)
        case Attempted():
            on_result.attempted(turn, input_)
        case Delivered():
            on_result.delivered(turn, input_)
        case _:
            assert_never(input_)
