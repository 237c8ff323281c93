"""What the effects that reactions intend tell a session: a notice, a merge, another session, a command.

Their results count in any state, as long as the effect is in flight; with each, the attempt that it was is over.
"""

from msgspec.structs import replace

from orchestrd.core.attempts import attempt_over
from orchestrd.core.change import change_told
from orchestrd.core.fencing import cleaned, head
from orchestrd.core.merging import lasts
from orchestrd.core.turn import Turn, short
from orchestrd.model.command import CommandRun, Merged, Notified, SpawnedAnother
from orchestrd.model.effect import Effect
from orchestrd.model.event import EventType
from orchestrd.model.limits import ERROR_CHARS_MAX, REPORT_TEXT_CHARS_MAX

_SETTLED = {True: "merged", False: "refused", None: "unknown"}


def notified(turn: Turn, result: Notified) -> None:
    """A notice was told over some channels; what nobody was told by in the end has come to nothing."""
    effect = _effect(turn, result.effect)
    key, title = (effect.notice.key, effect.notice.title) if effect.notice else (effect.id, None)
    new = tuple(channel for channel in result.reached if channel not in effect.reached)
    reached = (*effect.reached, *new)
    if new:
        turn.emit(EventType.NOTICE_TOLD, message=key, to=", ".join(new), text=title)
    if not result.is_over:
        rest = (replace(one, reached=reached) if one.id == effect.id else one for one in turn.session.effects)
        turn.change(effects=tuple(rest))
        return
    turn.drop_effect(effect.id)
    if result.error is not None:
        told = ", ".join(reached) or None
        turn.emit(EventType.NOTICE_FAILED, message=key, to=told, text=title, error=short(result.error))
    elif not reached:
        turn.emit(EventType.NOTICE_TOLD, message=key, to=None, text=title)  # to nobody: the journal has it
    attempt_over(turn, effect.id, None if reached else result.error)


def merged(turn: Turn, result: Merged) -> None:
    """A merge was tried; where nobody knows what became of it the next look at the change tells."""
    effect = _effect(turn, result.effect)
    turn.drop_effect(effect.id)
    error = short(result.error)
    is_refused = result.is_merged is False
    commit = effect.merge.head if effect.merge else None
    turn.emit(EventType.MERGE_SETTLED, source=effect.reaction, to=_SETTLED[result.is_merged], text=commit, error=error)
    refused = head(cleaned(result.words or ""), ERROR_CHARS_MAX) if is_refused and lasts(result.refusal) else None
    attempt_over(turn, effect.id, (error or "it was refused") if is_refused else None, refused=refused)
    if result.change is not None:
        change_told(turn, result.change)


def spawned_another(turn: Turn, result: SpawnedAnother) -> None:
    """Another session was begun, or not."""
    effect = _effect(turn, result.effect)
    turn.drop_effect(effect.id)
    error = short(result.error)
    turn.emit(EventType.SPAWNED_ANOTHER, source=effect.reaction, to=result.spawned, error=error)
    attempt_over(turn, effect.id, (error or "it was refused") if result.spawned is None else None)


def command_run(turn: Turn, result: CommandRun) -> None:
    """A command was run. One that failed is run again; one of which nobody knows is not."""
    effect = _effect(turn, result.effect)
    turn.drop_effect(effect.id)
    text, error = result.output[-REPORT_TEXT_CHARS_MAX:] or None, short(result.error)
    turn.emit(EventType.COMMAND_RUN, source=effect.reaction, exit_code=result.exit_code, text=text, error=error)
    has_failed = result.exit_code != 0 and not result.is_unknown
    attempt_over(turn, effect.id, (error or f"it ended with exit code {result.exit_code}") if has_failed else None)


def _effect(turn: Turn, effect: str) -> Effect:
    return next(one for one in turn.session.effects if one.id == effect)
