"""`step`: the one pure function through which every change of a session passes.

    step(session, evidence, input, now, thresholds) -> Outcome(session', evidence', events, effects, reply)

Pure: no clock, no I/O, arguments unchanged. Total: any input in any state gives an outcome, at worst the same session
with a refusal. At most one change of state an outcome, so that each is committed by itself. Inputs about another
generation, and facts about a session that has no run, change nothing at all.
"""

from typing import assert_never

from orchestrd.core import deciding, goal, on_command, on_effect, on_observation, on_result, standing
from orchestrd.core.adoption import adopted
from orchestrd.core.change import change_told, change_untold
from orchestrd.core.on_reaction import react
from orchestrd.core.turn import Outcome, Refusal, Turn
from orchestrd.model.command import (
    Admitted,
    Answer,
    Answered,
    Attempted,
    Command,
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
    ReactionResult,
    Replaced,
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
from orchestrd.model.instant import Instant
from orchestrd.model.observation import (
    ChangeTold,
    ChangeUntold,
    Evidence,
    Exited,
    Observation,
    Reported,
    Sighted,
    Started,
    Vanished,
)
from orchestrd.model.session import Session
from orchestrd.model.thresholds import Thresholds
from orchestrd.model.words import OCCUPYING

__all__ = ["Outcome", "Refusal", "step"]

USUAL = Thresholds()
RunResult = Launched | LaunchFailed | Terminated | Swept | Delivered | Answered | Verified
Occasion = Placed | HeldBack | Admitted | DuePassed | Restarted
Taken = Command | Observation | ChangeTold | ChangeUntold | React | Occasion | Result


def step(
    session: Session | None, evidence: Evidence, input_: Input, now: Instant, thresholds: Thresholds = USUAL
) -> Outcome:
    """Decide what an input does to a session."""
    if isinstance(input_, Replaced):
        record, events = adopted(input_.record, session, now)
        return Outcome(session=record, evidence=Evidence(), events=events)
    if session is None:
        if isinstance(input_, Spawn):
            return on_command.spawn(input_, evidence, now)
        return Outcome(session=None, evidence=evidence)
    turn = Turn(session, evidence, now, thresholds)
    if not _is_beside_the_point(session, evidence, input_):
        _take(turn, input_)
        if not isinstance(turn.reply, Refusal):
            standing.follow(turn)
    return turn.outcome()


def _is_beside_the_point(session: Session, evidence: Evidence, input_: Input) -> bool:
    """Facts and results speak of a run: not of another generation's, and not where there is none (any more).

    Where its end is proven, and only held back, nothing else is heard of it than that. A result belongs to an effect in
    flight: it counts once, and not where the effect was taken back meanwhile.
    """
    if isinstance(input_, Observation):
        is_over = evidence.exit is not None and not isinstance(input_, Exited | Vanished)
        return is_over or _is_of_another_run(session, input_)
    if isinstance(input_, Result) and all(effect.id != input_.effect for effect in session.effects):
        return True
    return isinstance(input_, RunResult) and _is_of_another_run(session, input_)


def _is_of_another_run(session: Session, input_: Observation | RunResult) -> bool:
    return session.state not in OCCUPYING or input_.generation != session.generation


def _take(turn: Turn, input_: Taken) -> None:
    match input_:
        case Sighted() | Started() | Exited() | Vanished() | Reported():  # first: nearly all that comes with a tick
            _take_fact(turn, input_)
        case ChangeTold():
            change_told(turn, input_.change)
        case ChangeUntold():
            change_untold(turn, input_.why)
        case Spawn() | Stop() | Kill() | Send() | Answer() | Revive():
            _take_command(turn, input_)
        case React():
            react(turn, input_)
        case Notified() | Merged() | SpawnedAnother() | CommandRun():
            _take_reaction_result(turn, input_)
        case Placed() | HeldBack() | Admitted() | DuePassed() | Restarted():
            _take_occasion(turn, input_)
        case _:
            _take_result(turn, input_)


def _take_occasion(turn: Turn, occasion: Occasion) -> None:
    match occasion:
        case Placed():
            on_result.placed(turn, occasion)
        case HeldBack():
            on_result.held_back(turn, occasion)
        case Admitted():
            on_result.admitted(turn)
        case DuePassed():
            on_result.due_passed(turn, occasion.name)
        case Restarted():
            on_result.restarted(turn)
        case _:
            assert_never(occasion)


def _take_command(turn: Turn, command: Command) -> None:
    match command:
        case Spawn():
            on_command.spawn_again(turn, command)
        case Stop():
            on_command.stop(turn, command)
        case Kill():
            on_command.kill(turn, command)
        case Send():
            on_command.send(turn, command)
        case Answer():
            deciding.answer(turn, command)
        case Revive():
            on_command.revive(turn, command)
        case _:
            assert_never(command)


def _take_fact(turn: Turn, fact: Observation) -> None:
    match fact:
        case Sighted():
            on_observation.sighted(turn, fact)
        case Started():
            on_observation.started(turn, fact)
        case Exited():
            on_observation.exited(turn, fact)
        case Vanished():
            on_observation.vanished(turn, fact)
        case Reported():
            on_observation.reported(turn, fact)
        case _:
            assert_never(fact)


def _take_reaction_result(turn: Turn, result: ReactionResult) -> None:
    match result:
        case Notified():
            on_effect.notified(turn, result)
        case Merged():
            on_effect.merged(turn, result)
        case SpawnedAnother():
            on_effect.spawned_another(turn, result)
        case CommandRun():
            on_effect.command_run(turn, result)
        case _:
            assert_never(result)


def _take_result(turn: Turn, result: RunResult | Attempted) -> None:
    match result:
        case Launched():
            on_result.launched(turn, result)
        case LaunchFailed():
            on_result.launch_failed(turn, result)
        case Terminated():
            on_result.terminated(turn, result)
        case Swept():
            on_result.swept(turn, result)
        case Attempted():
            on_result.attempted(turn, result)
        case Delivered():
            on_result.delivered(turn, result)
        case Answered():
            deciding.answered(turn, result)
        case Verified():
            goal.verified(turn, result)
        case _:
            assert_never(result)
