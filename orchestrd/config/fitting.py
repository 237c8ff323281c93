"""What no key can say alone: whether a reaction, a channel or a route makes sense as a whole, with all layers folded.

Invariant: what does not make sense is taken out as a whole, and said at the line that is to blame, or at the first that
a user has written of it.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from orchestrd.config.checking import meant
from orchestrd.config.keys import key_of
from orchestrd.config.reactions import condition_of, escalation_of
from orchestrd.config.reading import SAY_WHEN, did_you_mean, mistake
from orchestrd.core.possible import impossible
from orchestrd.core.terminal import COMMAND
from orchestrd.model.limits import CHANNELS_MAX, REACTIONS_MAX
from orchestrd.model.notice import Priority
from orchestrd.model.notice_settings import TOPIC, ChannelSettings
from orchestrd.model.origin import Kind, Mistake, Setting
from orchestrd.model.reaction import Act
from orchestrd.model.reaction_settings import ConditionSettings, ReactionSettings

Settings = Mapping[str, Setting]

_AT_MOST = {"reactions": REACTIONS_MAX, "channels": CHANNELS_MAX}
_ONLY_FOR = {  # keys that the other acts make no use of
    "text": (Act.SEND, Act.NOTIFY, Act.SPAWN),
    "command": (Act.RUN,),
    "agent": (Act.SPAWN,),
    "method": (Act.MERGE,),
}
_USED_BY: Mapping[str, frozenset[str]] = {  # by the kinds of channels that are ours
    "desktop": frozenset(),
    "ntfy": frozenset({"url", "url_env", "url_file", "topic", "token_env", "token_file"}),
    "webhook": frozenset({"url", "url_env", "url_file", "secret_env", "secret_file"}),
    "command": frozenset({"command"}),
    "apprise": frozenset({"url_env", "url_file"}),
}
_LISTENING = "forge.webhook_listen"
_CHANNEL_KEYS = frozenset().union(*_USED_BY.values())
_ONE_OF_EACH = ("url", "token", "secret")  # keys of a channel that can be given in several ways


class Misfit(Struct, frozen=True):
    """Why something makes no sense, and the keys of it that are to blame; none: none more than the others."""

    keys: tuple[str, ...]
    cause: str


class _Entry(Struct, frozen=True, kw_only=True):
    """A reaction or a channel, as all layers have it."""

    name: str
    tree: Mapping[str, Any]
    names: Mapping[str, bool]  # of all in its section, and whether each is ours
    written: Mapping[str, Setting]  # by a user


def fitted(settings: Settings, broken: Collection[str]) -> tuple[Settings, tuple[Mistake, ...]]:
    """Take out what does not make sense, and say why. Of what is `broken` something was refused, and said, before."""
    wrong: dict[str, Mistake] = {}
    for section, known in (("reactions", _reaction_misfits), ("channels", _channel_misfits)):
        names = _names(settings, section)
        for place, name in enumerate(names):
            entry = _entry(settings, section, name, names)
            misfits = (_too_many(section, place), known(entry)) if entry.written else ()  # ours make sense
            for misfit in _first(*misfits):
                wrong[f"{section}.{name}."] = mistake(_blamed(entry, misfit).origin, misfit.cause)
    wrong |= _lost_routes(settings, broken) | _odd_forge(settings, broken) | _never_put_off(settings)
    kept = {key: setting for key, setting in settings.items() if not key.startswith(tuple(wrong))}
    return kept, tuple(said for owner, said in wrong.items() if owner not in broken)


def _reaction_misfits(entry: _Entry) -> Iterator[Misfit]:
    reaction, name = msgspec.convert(entry.tree, ReactionSettings), entry.name
    if reaction.when == ConditionSettings():
        ours = [other for other, is_ours in entry.names.items() if is_ours]
        guess = None if name in ours else meant(name, ours)
        ending = did_you_mean(guess) or f": {SAY_WHEN}"
        yield Misfit((), f"the reaction '{name}' has no condition ('when'){ending}")
    match reaction.act:
        case Act.RUN if not (reaction.command or "").strip():
            yield Misfit(("act",), f"the reaction '{name}' is to run a command, and names none: set its 'command'")
        case Act.SPAWN if not reaction.text.strip():
            yield Misfit(("act",), f"the reaction '{name}' is to begin another session: set its 'text', the prompt")
        case Act.SPAWN if reaction.agent == COMMAND and COMMAND not in (reaction.when.agent or (COMMAND,)):
            cause = f"is to begin a session of agent {COMMAND} for one of another, without a command to run"
            yield Misfit(("agent", "act"), f"the reaction '{name}' {cause}: name another 'agent'")
    if (never := impossible(condition_of(reaction.when), reaction.act)) is not None:
        yield Misfit(never.keys, f"the reaction '{name}' {never.cause}")
    yield from _idle_keys(entry, reaction)


def _idle_keys(entry: _Entry, reaction: ReactionSettings) -> Iterator[Misfit]:
    """What a user has written of it, and nothing makes use of: something else was meant by it."""
    for key, acts in _ONLY_FOR.items():
        if key in entry.written and entry.tree[key] and reaction.act not in acts:
            those = " or ".join(f'"{act}"' for act in acts)
            aside = "; to ask for the agent of a session, set 'when.agent'" if key == "agent" else ""
            cause = f"only an act of {those} makes use of '{key}', and that of '{entry.name}' is \"{reaction.act}\""
            yield Misfit((key,), f"{cause}: set another 'act', or leave '{key}' out{aside}")
    if "escalate_after" in entry.written and escalation_of(reaction) is None:
        cause = f"nobody is told when 'escalate_after' of '{entry.name}' is over"
        yield Misfit(("escalate_after",), f"{cause}: set its 'escalation', such as \"urgent\", or leave it out")


def _channel_misfits(entry: _Entry) -> Iterator[Misfit]:
    name, tree = entry.name, entry.tree
    if "kind" not in tree:
        yield Misfit((), f"the channel '{name}' has no 'kind': {key_of('channels.x.kind').expected}")
        return
    channel = msgspec.convert(tree, ChannelSettings)
    for key in _ONE_OF_EACH:
        ways = [way for way in (key, f"{key}_env", f"{key}_file") if tree.get(way)]
        if len(ways) > 1:
            yield Misfit((ways[-1],), f"the channel '{name}' has both '{ways[0]}' and '{ways[-1]}': keep one")
    match channel.kind:
        case "ntfy" if not channel.topic:
            yield Misfit(("kind",), f"the channel '{name}' needs the 'topic' of ntfy")
        case "ntfy" if not re.fullmatch(TOPIC, channel.topic or ""):
            how = "give its name alone, 64 letters, digits, '-' and '_' at most; its server is the 'url'"
            yield Misfit(("topic",), f"the 'topic' of the channel '{name}' is none that ntfy takes: {how}")
        case "webhook" if not (channel.url or channel.url_env or channel.url_file):
            yield Misfit(("kind",), f"the channel '{name}' needs a 'url', 'url_env' or 'url_file'")
        case "apprise" if not (channel.url_env or channel.url_file):
            yield Misfit(
                ("kind",), f"the channel '{name}' needs a 'url_env' or 'url_file': addresses of Apprise are secret"
            )
        case "command" if not "".join(channel.command[:1]).strip():
            yield Misfit(("kind",), f"the channel '{name}' needs a 'command'")
    for key in sorted(_CHANNEL_KEYS & set(tree) - _USED_BY.get(channel.kind, _CHANNEL_KEYS)):
        uses = " or ".join(f"'{one}'" for one in sorted(_USED_BY[channel.kind]))
        aside = f"; it may have {uses}" if uses else ""
        yield Misfit((key,), f"a channel of kind \"{channel.kind}\" makes no use of '{key}': leave it out{aside}")


def _lost_routes(settings: Settings, broken: Collection[str]) -> dict[str, Mistake]:
    """Find the routes that lead to no channel; one that is broken is one."""
    channels = {
        *_names(settings, "channels"),
        *(owner.split(".")[1] for owner in broken if owner.startswith("channels.")),
    }
    wrong: dict[str, Mistake] = {}
    for route in (settings[f"notify.{priority}"] for priority in Priority):
        for name in route.value or ():
            if name not in channels:
                cause = f"there is no channel '{name}'"
                guess = did_you_mean(meant(name, channels)) or f": write [channels.{name}], and what it is"
                wrong.setdefault(route.key, mistake(route.origin, cause + guess))
    return wrong


def _odd_forge(settings: Settings, broken: Collection[str]) -> dict[str, Mistake]:
    """Find what cannot be so of the forge: two tokens, two secrets, webhooks without a secret, or one without them."""
    given = {
        key: setting for key, setting in settings.items() if key.startswith("forge.") and setting.value is not None
    }
    wrong: dict[str, Mistake] = {}
    for word in ("token", "webhook_secret"):
        if both := given.get(f"forge.{word}_env") and given.get(f"forge.{word}_file"):
            wrong[both.key] = mistake(both.origin, f"there is both '{word}_env' and '{word}_file': keep one")
    meant_by = {*given, *broken}
    secrets = ("forge.webhook_secret_env", "forge.webhook_secret_file")
    if _LISTENING in given and meant_by.isdisjoint(secrets):
        cause = "webhooks are taken only with a secret: set 'webhook_secret_env' or 'webhook_secret_file'"
        wrong[_LISTENING] = mistake(given[_LISTENING].origin, cause)
    for idle in (given[key] for key in secrets if key in given and _LISTENING not in meant_by):
        cause = f"no webhook is taken, so nothing makes use of '{idle.key.removeprefix('forge.')}'"
        wrong[idle.key] = mistake(idle.origin, f"{cause}: set 'webhook_listen', such as \"127.0.0.1:7810\"")
    return wrong


def _never_put_off(settings: Settings) -> dict[str, Mistake]:
    """Find quiet hours and digests from which everything is left out."""
    wrong: dict[str, Mistake] = {}
    for word in ("quiet", "digest"):
        below = settings[f"notify.{word}_below"]
        if settings[f"notify.{word}"].value is not None and below.value == Priority.INFO:
            cause = f"nothing matters less than \"info\", so '{word}' puts nothing off"
            wrong[below.key] = mistake(below.origin, f"{cause}: give a higher priority, or leave '{word}' out")
    return wrong


def _too_many(section: str, place: int) -> Iterator[Misfit]:
    if place >= _AT_MOST[section]:
        yield Misfit((), f"there are too many {section}: at most {_AT_MOST[section]}")


def _first(*misfits: Iterator[Misfit]) -> Iterator[Misfit]:
    """Give the first of them only: one mistake a reaction or channel is enough to go and look."""
    for some in misfits:
        for misfit in some:
            yield misfit
            return


def _names(settings: Settings, section: str) -> dict[str, bool]:
    """Name what there is in a section of names, and whether it is ours, in the order in which each came first."""
    names: dict[str, bool] = {}
    for setting in settings.values():
        if setting.key.startswith(f"{section}."):
            name = setting.key.split(".")[1]
            names[name] = names.get(name, False) or setting.origin.kind == Kind.DEFAULT
    return names


def _of(settings: Settings, section: str, name: str) -> Iterator[tuple[str, Setting]]:
    """Give the settings of one name, each with the rest of its key."""
    place = f"{section}.{name}."
    return ((key.removeprefix(place), setting) for key, setting in settings.items() if key.startswith(place))


def _entry(settings: Settings, section: str, name: str, names: Mapping[str, bool]) -> _Entry:
    tree: dict[str, Any] = {}
    own = dict(_of(settings, section, name))
    for key, setting in own.items():
        table, _, word = key.rpartition(".")
        (tree.setdefault(table, {}) if table else tree)[word] = setting.value
    written = {key: setting for key, setting in own.items() if setting.origin.kind != Kind.DEFAULT}
    return _Entry(name=name, tree=tree, names=names, written=written)


def _blamed(entry: _Entry, misfit: Misfit) -> Setting:
    """Name the setting that has brought it about: of those to blame the one that was written last."""
    to_blame = [entry.written[key] for key in misfit.keys if key in entry.written]
    return max(to_blame, key=_line) if to_blame else min(entry.written.values(), key=_line)


def _line(setting: Setting) -> int:
    return setting.origin.line or 0
