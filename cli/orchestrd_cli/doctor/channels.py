"""The channels over which people are told: whether what each of them needs is there.

Variables are looked for where the caller stands; the daemon has those that it was started with, and `orch notify` tells
what it makes of them.
"""

import os
import shutil
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from shlex import quote

from msgspec import Struct

from orchestrd.client.configuring import effective_in
from orchestrd.model.finding import Finding
from orchestrd.model.notice_settings import ChannelSettings
from orchestrd_cli.doctor.secrets import missing_secrets
from orchestrd_cli.doctor.subject import Subject, Surroundings, named, ok, warn

DESKTOP = ("notify-send", "osascript")


class Channel(Struct, frozen=True, kw_only=True):
    """One channel that is on, and what it lacks: each thing with the next command."""

    name: str
    kind: str
    missing: tuple[tuple[str, str], ...] = ()


def look(surroundings: Surroundings) -> tuple[Channel, ...]:
    """Look for the programs and secrets of every channel that is on."""
    channels = effective_in(surroundings.directory, surroundings.environ).configuration.channels
    return tuple(
        Channel(name=name, kind=one.kind, missing=tuple(_missing(one, surroundings.environ)))
        for name, one in channels.items()
        if one.enabled
    )


def judge(channels: tuple[Channel, ...]) -> Iterator[Finding]:
    """Name what each lacks; without any channel nobody is told, and that is nobody's fault."""
    for channel in channels:
        for told, next_ in channel.missing:
            cause = "where the daemon lacks it too, nobody is told over it"
            yield warn("channels", f"{channel.name} ({channel.kind}): {told}", cause, next_)
    complete = [f"{channel.name} ({channel.kind})" for channel in channels if not channel.missing]
    if complete:
        yield ok("channels", named(complete))
    if not channels:
        yield ok("channels", "none is set up: what a person should know stands in orch events only")


def _missing(channel: ChannelSettings, environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    variables = (channel.url_env, channel.token_env, channel.secret_env)
    files = (channel.url_file, channel.token_file, channel.secret_file)
    yield from missing_secrets(variables, files, environ)
    yield from _missing_program(channel, environ)


def _missing_program(channel: ChannelSettings, environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    path = environ.get("PATH", os.defpath)
    if channel.kind == "apprise" and find_spec("apprise") is None:
        yield "Apprise is not installed", "pip install 'orchestrd[apprise]'"
    if channel.kind == "desktop" and not any(shutil.which(name, path=path) for name in DESKTOP):
        yield "notify-send is not on the PATH", "apt install libnotify-bin"
    if channel.kind == "command" and channel.command and shutil.which(channel.command[0], path=path) is None:
        program = channel.command[0]
        look = "ls -l" if "/" in program else "command -v"
        yield f"{program} is not there, or no program", f"{look} {quote(program)}"


SUBJECT = Subject(name="channels", look=look, judge=judge)
