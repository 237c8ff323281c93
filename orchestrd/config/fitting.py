"""What no key can say alone: whether a reaction, a channel or a route makes sense as a whole, with all layers folded.

Invariant: what does not make sense is taken out as a whole, and said at the line that is to blame, or at the first that
a user has written of it.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from orchestrd.config.checking import meant
from orchestrd.config.keys import key_of
from orchestrd.config.reading import did_you_mean, mistake
from orchestrd.model.change import Pr
from orchestrd.model.limits import CHANNELS_MAX, REACTIONS_MAX
from orchestrd.model.notice import Priority
from orchestrd.model.notice_settings import ChannelSettings
from orchestrd.model.origin import Kind, Mistake, Setting
from orchestrd.model.reaction import Act
from orchestrd.model.reaction_settings import ConditionSettings, ReactionSettings

Settings = Mapping[str, Setting]

_AT_MOST = {"reactions": REACTIONS_MAX, "channels": CHANNELS_MAX}
_ONE_OF_EACH = ("url", "token", "secret")  # keys of a channel that can be given in several ways


class Misfit(Struct, frozen=True):
    """Why something makes no sense, and the key of it that is to blame; empty: none more than the others."""

    key: str
    cause: str


def fitted(settings: Settings) -> tuple[Settings, tuple[Mistake, ...]]:
    """Take out what does not make sense, and say why."""
    wrong: dict[str, Mistake] = {}
    for section, known in (("reactions", _reaction_misfits), ("channels", _channel_misfits)):
        names = _names(settings, section)
        for place, name in enumerate(names):
            for misfit in _first(_too_many(section, place), known(name, _tree(settings, section, name), names)):
                wrong[f"{section}.{name}."] = mistake(_blamed(settings, section, name, misfit).origin, misfit.cause)
    wrong |= _lost_routes(settings) | _odd_forge(settings)
    kept = {key: setting for key, setting in settings.items() if not key.startswith(tuple(wrong))}
    return kept, tuple(wrong.values())


def _reaction_misfits(name: str, tree: Mapping[str, Any], names: Mapping[str, bool]) -> Iterator[Misfit]:
    reaction = msgspec.convert(tree, ReactionSettings)
    if reaction.when == ConditionSettings():
        ours = [other for other, is_ours in names.items() if is_ours]
        yield Misfit("", f"the reaction '{name}' has no condition ('when'){did_you_mean(meant(name, ours))}")
    match reaction.act:
        case Act.RUN if not reaction.command:
            yield Misfit("act", f"the reaction '{name}' is to run a command, and names none: set its 'command'")
        case Act.SPAWN if not reaction.text.strip():
            yield Misfit("act", f"the reaction '{name}' is to begin another session: set its 'text', the prompt")
        case Act.MERGE if reaction.when.pr not in ((), (Pr.OPEN,)):
            yield Misfit("act", f"the reaction '{name}' is to merge: only what is open can be, so its 'pr' must be")


def _channel_misfits(name: str, tree: Mapping[str, Any], _: Mapping[str, bool]) -> Iterator[Misfit]:
    if "kind" not in tree:
        yield Misfit("", f"the channel '{name}' has no 'kind': {key_of('channels.x.kind').expected}")
        return
    channel = msgspec.convert(tree, ChannelSettings)
    for key in _ONE_OF_EACH:
        ways = [way for way in (key, f"{key}_env", f"{key}_file") if tree.get(way)]
        if len(ways) > 1:
            yield Misfit(ways[-1], f"the channel '{name}' has both '{ways[0]}' and '{ways[-1]}': keep one")
    match channel.kind:
        case "ntfy" if not channel.topic:
            yield Misfit("kind", f"the channel '{name}' needs the 'topic' of ntfy")
        case "webhook" if not (channel.url or channel.url_env or channel.url_file):
            yield Misfit("kind", f"the channel '{name}' needs a 'url', 'url_env' or 'url_file'")
        case "apprise" if not (channel.url_env or channel.url_file):
            yield Misfit(
                "kind", f"the channel '{name}' needs a 'url_env' or 'url_file': addresses of Apprise are secret"
            )
        case "command" if not channel.command:
            yield Misfit("kind", f"the channel '{name}' needs a 'command'")


def _lost_routes(settings: Settings) -> dict[str, Mistake]:
    """Find the routes that lead to no channel."""
    channels = _names(settings, "channels")
    wrong: dict[str, Mistake] = {}
    for route in (settings[f"notify.{priority}"] for priority in Priority):
        for name in route.value or ():
            if name not in channels:
                cause = f"there is no channel '{name}'"
                guess = did_you_mean(meant(name, channels)) or f": write [channels.{name}], and what it is"
                wrong.setdefault(route.key, mistake(route.origin, cause + guess))
    return wrong


def _odd_forge(settings: Settings) -> dict[str, Mistake]:
    """Find what cannot be so of the forge: two tokens, two secrets, or webhooks that anybody could send."""
    given = {
        key: setting for key, setting in settings.items() if key.startswith("forge.") and setting.value is not None
    }
    wrong: dict[str, Mistake] = {}
    for word in ("token", "webhook_secret"):
        if both := given.get(f"forge.{word}_env") and given.get(f"forge.{word}_file"):
            wrong[both.key] = mistake(both.origin, f"there is both '{word}_env' and '{word}_file': keep one")
    listening = given.get("forge.webhook_listen")
    if listening and not {"forge.webhook_secret_env", "forge.webhook_secret_file"} & set(given):
        cause = "webhooks are taken only with a secret: set 'webhook_secret_env' or 'webhook_secret_file'"
        wrong[listening.key] = mistake(listening.origin, cause)
    return wrong


def _too_many(section: str, place: int) -> Iterator[Misfit]:
    if place >= _AT_MOST[section]:
        yield Misfit("", f"there are too many {section}: at most {_AT_MOST[section]}")


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


def _tree(settings: Settings, section: str, name: str) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for key, setting in _of(settings, section, name):
        table, _, word = key.rpartition(".")
        (tree.setdefault(table, {}) if table else tree)[word] = setting.value
    return tree


def _blamed(settings: Settings, section: str, name: str, misfit: Misfit) -> Setting:
    own = dict(_of(settings, section, name))
    written = [setting for setting in own.values() if setting.origin.kind != Kind.DEFAULT]
    to_blame = own.get(misfit.key)
    return to_blame if to_blame in written else min(written, key=lambda setting: setting.origin.line or 0)
