"""What a user may set of telling a person: the channels (`[channels.NAME]`), and which is told what (`[notify]`).

Invariant: no key holds a secret. A secret is named by the variable of the environment or the file that has it.
"""

from typing import Annotated

from msgspec import Meta, Struct

from orchestrd.model.limits import CHANNELS_MAX, COMMAND_WORDS_MAX
from orchestrd.model.notice import Priority
from orchestrd.model.setting_key import CHANNELS, Duration, SecretFile, Url, Variable, of_user

HOURS = r"^([01][0-9]|2[0-3]):[0-5][0-9]-([01][0-9]|2[0-3]):[0-5][0-9]$"  # as `orchestrd.core.quiet_hours` has them

TOPIC = r"^[A-Za-z0-9_-]{1,64}$"  # as ntfy takes it

Hours = Annotated[str, Meta(pattern=HOURS)]
ChannelNames = Annotated[tuple[str, ...], Meta(max_length=CHANNELS_MAX)]


def _told(priority: str) -> Meta:
    """Say all of a key that routes what has a priority."""
    return of_user(
        f"Channels that are told what is {priority}; unset: every one, `[]`: none.",
        "names of channels",
        ["phone"],
        is_alone=True,
    )


class ChannelSettings(Struct, frozen=True, kw_only=True):
    """A way to reach a person, under a name of your own. Which keys it needs, its `kind` says.

    Secrets stand in the environment of the daemon (`..._env` names the variable) or in a file (`..._file`).
    """

    enabled: Annotated[bool, of_user("Whether it is on.")] = True
    kind: Annotated[
        str,
        of_user(
            "`desktop`: a notification on this screen; `ntfy`: its `topic`; `webhook`: a POST of JSON to its `url`;"
            " `command`: a program is run; `apprise`: Slack, Discord, email and many more, by an address of Apprise.",
            example="ntfy",
            names=CHANNELS,
        ),
    ] = "desktop"
    url: Annotated[
        Url | None, of_user("Where a `webhook` goes, or the server of `ntfy`.", "URL", "https://ntfy.example.org")
    ] = None
    url_env: Annotated[
        Variable | None, of_user("Variable that has the URL, where that is a secret.", "name", "SLACK_URL")
    ] = None
    url_file: Annotated[SecretFile | None, of_user("File that has it.", "path", "~/.config/orchestrd/slack")] = None
    topic: Annotated[str | None, of_user("Topic of `ntfy`.", "", "my-agents-7d2f")] = None
    command: Annotated[
        tuple[str, ...],
        of_user(
            "Program with its arguments, without a shell; the notice is JSON on its stdin.",
            "words",
            ["/usr/local/bin/page-me"],
            max_length=COMMAND_WORDS_MAX,
        ),
    ] = ()
    token_env: Annotated[Variable | None, of_user("Variable that has the token of `ntfy`.", "name", "NTFY_TOKEN")] = (
        None
    )
    token_file: Annotated[SecretFile | None, of_user("File that has it.", "path", "~/.config/orchestrd/ntfy")] = None
    secret_env: Annotated[
        Variable | None, of_user("Variable that has the secret by which a `webhook` is signed.", "name", "HOOK_SECRET")
    ] = None
    secret_file: Annotated[
        SecretFile | None, of_user("File that has it.", "path", "~/.config/orchestrd/hook-secret")
    ] = None


class NotifySettings(Struct, frozen=True, kw_only=True):
    """Who is told what, and when. Without any channel notices still stand in the journal and in `orch status`."""

    info: Annotated[ChannelNames | None, _told("good to know")] = None
    warning: Annotated[ChannelNames | None, _told("going wrong, and is being dealt with")] = None
    action: Annotated[ChannelNames | None, _told("for a person to do something about")] = None
    urgent: Annotated[ChannelNames | None, _told("standing still without a person")] = None
    quiet: Annotated[
        Hours | None,
        of_user(
            "Hours in which nobody is told; what comes meanwhile is told at their end.",
            "from-to, local time",
            "22:00-07:00",
        ),
    ] = None
    quiet_below: Annotated[Priority, of_user("What matters as much as this, or more, is told in quiet hours too.")] = (
        Priority.URGENT
    )
    digest: Annotated[
        Duration | None,
        of_user("Collect what comes for so long, and tell it in one message; unset: each at once.", "duration", "15m"),
    ] = None
    digest_below: Annotated[
        Priority, of_user("What matters as much as this, or more, is told at once all the same.")
    ] = Priority.ACTION
