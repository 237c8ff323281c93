"""The reactions that are configured, as the engine takes them: durations in seconds, and what is unset as it is meant.

`packaged` is the lowest layer of the configuration: the reactions of orchestrd itself, as a user would write them.
"""

from functools import cache
from importlib import resources

from msgspec.structs import asdict

from orchestrd.config.reading import Layer
from orchestrd.core.duration import seconds_of
from orchestrd.model.notice import Priority
from orchestrd.model.origin import Kind
from orchestrd.model.reaction import Act, Condition, Reaction
from orchestrd.model.reaction_settings import ConditionSettings, ReactionSettings
from orchestrd.model.settings import Configuration


@cache
def packaged() -> Layer:
    """Give the lowest layer."""
    content = (resources.files("orchestrd.config") / "reactions.toml").read_bytes()
    return Layer(kind=Kind.DEFAULT, file=None, content=content)


def reactions_of(configuration: Configuration) -> tuple[Reaction, ...]:
    """Give every reaction that is configured, those that are off too, ours first."""
    return tuple(_reaction(name, settings) for name, settings in configuration.reactions.items())


def _reaction(name: str, settings: ReactionSettings) -> Reaction:
    return Reaction(
        name=name,
        when=condition_of(settings.when),
        act=settings.act,
        is_on=settings.enabled,
        text=settings.text,
        command=settings.command or "",
        agent=settings.agent or "",
        method=settings.method,
        priority=settings.priority,
        after_s=seconds_of(settings.after),
        attempts=settings.attempts,
        every_s=seconds_of(settings.every),
        backoff=settings.backoff,
        rounds=settings.rounds,
        escalation=escalation_of(settings),
        escalate_after_s=_seconds(settings.escalate_after),
    )


def condition_of(when: ConditionSettings) -> Condition:
    """Give a condition as it is judged."""
    plain = {name: value for name, value in asdict(when).items() if name not in ("silent", "unread", "age")}
    return Condition(**plain, silent_s=_seconds(when.silent), unread_s=_seconds(when.unread), age_s=_seconds(when.age))


def escalation_of(settings: ReactionSettings) -> Priority | None:
    """Say how a person is told in the end; null: not at all. Who only tells a person anyway has told already."""
    match settings.escalation:
        case None:
            return None if settings.act == Act.NOTIFY else Priority.URGENT
        case "none":
            return None
        case priority:
            return Priority(priority)


def _seconds(duration: str | None) -> float | None:
    return None if duration is None else seconds_of(duration)
