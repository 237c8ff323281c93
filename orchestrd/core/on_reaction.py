"""What a reaction does to its session: the attempt is counted, and what follows from it intended, in one commit."""

from collections.abc import Callable, Mapping

from msgspec.structs import replace

from orchestrd.core.attempts import drop, keep
from orchestrd.core.episode import digest_of, episode_of, name_of
from orchestrd.core.fencing import head
from orchestrd.core.notice_words import head_of_line
from orchestrd.core.on_command import revive, stop
from orchestrd.core.reaction import Kind, judge, required
from orchestrd.core.template import escalated, rendered
from orchestrd.core.turn import Turn, short
from orchestrd.core.withdrawing import withdraw_message
from orchestrd.model.command import React, Revive, Stop
from orchestrd.model.effect import Effect, EffectKind
from orchestrd.model.event import EventType
from orchestrd.model.limits import NOTICE_TEXT_CHARS_MAX
from orchestrd.model.notice import Notice, Priority
from orchestrd.model.reaction import Act, Episode, MergeOrder, Reaction, SpawnOrder
from orchestrd.model.session import Message, attempt_key
from orchestrd.model.words import Authority

ESCALATION = "escalation"
_TAKEN_BACK = frozenset({EffectKind.NOTIFY, EffectKind.RUN})  # as long as they wait


def react(turn: Turn, command: React) -> None:
    """Judge once more, on the newest record, and do what is due."""
    judgement = judge(command.reaction, turn.session, command.seen, turn.now)
    episode = judgement.episode
    if not judgement.is_due:
        return
    if episode is None:
        _end(turn, command.reaction)
    elif judgement.kind is Kind.FIRE:
        _fire(turn, command.reaction, episode, judgement.why)
    else:
        keep(turn, episode)
        if judgement.kind is Kind.ESCALATE:
            _escalate(turn, command.reaction, episode, judgement.why)


def _fire(turn: Turn, reaction: Reaction, episode: Episode, why: str) -> None:
    """The attempt stands in the ledger before anything else happens, for its own doing may end the run."""
    withdraw_message(turn, episode_of(turn.session, reaction.name), "there is news of it")
    keep(turn, episode)
    name = name_of(episode)
    turn.emit(EventType.REACTION_FIRED, source=reaction.name, to=reaction.act, message=name, text=short(why))
    turn.reaction = reaction.name
    token = _ACTS[reaction.act](turn, reaction, name, why)
    turn.reaction = None
    keep(turn, replace(episode, in_flight=token))


def _escalate(turn: Turn, reaction: Reaction, episode: Episode, why: str) -> None:
    name = attempt_key(reaction.name, digest_of(episode), ESCALATION)
    text = escalated(reaction, turn.session, turn.now, why)
    _tell(turn, reaction, reaction.escalation or reaction.priority, name, title=why, text=text)
    turn.emit(EventType.REACTION_ESCALATED, source=reaction.name, text=short(why))


def _end(turn: Turn, reaction: Reaction) -> None:
    """Its condition, or the reaction itself, holds no more: nobody is told any more who was not told already."""
    episode = episode_of(turn.session, reaction.name)
    withdraw_message(turn, episode, "it holds no more")
    for effect in turn.session.effects:
        is_begun = effect.reached or effect.attempted or effect.kind not in _TAKEN_BACK
        if effect.reaction == reaction.name and not is_begun:
            turn.drop_effect(effect.id)
    drop(turn, reaction.name)
    if episode is not None and (episode.tries or episode.is_escalated):
        turn.emit(EventType.REACTION_CLEARED, source=reaction.name)


def _send(turn: Turn, reaction: Reaction, name: str, _why: str) -> str:
    text = rendered(reaction, turn.session, turn.now)
    turn.queue(Message(id=name, text=text, authority=Authority.DAEMON, awaits_turn=True))
    return name


def _notify(turn: Turn, reaction: Reaction, name: str, why: str) -> str | None:
    text = rendered(reaction, turn.session, turn.now).strip()
    return _tell(turn, reaction, reaction.priority, name, title=why, text=text)


def _tell(turn: Turn, reaction: Reaction, priority: Priority, name: str, *, title: str, text: str) -> str | None:
    """Intend a notice. The names of two sessions' attempts may be the same, the keys of their notices never."""
    session = turn.session
    notice = Notice(
        key=f"{session.id}.{name}",
        priority=priority,
        title=head_of_line(" ".join(f"{session.spec.name}: {title}".split())),
        text=head(text, NOTICE_TEXT_CHARS_MAX),
        at=turn.now.at,
        session=session.id,
        reaction=reaction.name,
        url=session.change.url if session.change else None,
    )
    return _id(turn.perform(EffectKind.NOTIFY, notice=notice, reaction=reaction.name))


def _merge(turn: Turn, reaction: Reaction, _name: str, _why: str) -> str | None:
    change = turn.session.change
    assert change is not None, "nothing is merged that no forge has told of"
    assert change.head is not None, "nor without knowing its newest commit"
    order = MergeOrder(
        repository=change.repository,
        number=change.number,
        branch=change.branch,
        base=change.base,
        head=change.head,
        method=reaction.method,
        when=required(reaction),
    )
    return _id(turn.perform(EffectKind.MERGE, merge=order, reaction=reaction.name))


def _spawn(turn: Turn, reaction: Reaction, _name: str, _why: str) -> str | None:
    prompt = rendered(reaction, turn.session, turn.now)
    order = SpawnOrder(agent=reaction.agent or turn.session.spec.agent, prompt=prompt)
    return _id(turn.perform(EffectKind.SPAWN, spawn=order, reaction=reaction.name))


def _run(turn: Turn, reaction: Reaction, _name: str, _why: str) -> str | None:
    return _id(turn.perform(EffectKind.RUN, command=reaction.command, reaction=reaction.name))


def _stop(turn: Turn, _reaction: Reaction, _name: str, _why: str) -> None:
    stop(turn, Stop(session=turn.session.id, authority=Authority.DAEMON))


def _revive(turn: Turn, _reaction: Reaction, _name: str, _why: str) -> None:
    """Only a user may revive; and only a user's own configuration may say that it is to be done."""
    revive(turn, Revive(session=turn.session.id, authority=Authority.USER))


def _id(effect: Effect | None) -> str | None:
    return effect.id if effect else None


_ACTS: Mapping[Act, Callable[[Turn, Reaction, str, str], str | None]] = {
    Act.SEND: _send,
    Act.NOTIFY: _notify,
    Act.MERGE: _merge,
    Act.STOP: _stop,
    Act.REVIVE: _revive,
    Act.SPAWN: _spawn,
    Act.RUN: _run,
}
