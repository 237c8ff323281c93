"""The forge, where pull requests are: what the daemon may still ask of it, and whether what it needs for that is there.

The daemon is asked, and nobody else: a look at the forge from here would be spent of what the agents have.
"""

from collections.abc import Iterator

from msgspec import Struct

from orchestrd.client import calls
from orchestrd.client.configuring import effective_in
from orchestrd.client.connection import Connection
from orchestrd.model.allowance import Allowance
from orchestrd.model.errors import OrchestrdError
from orchestrd.model.finding import Finding
from orchestrd.model.limits import LOOK_ANSWER_S
from orchestrd.render import short
from orchestrd_cli.doctor.secrets import missing_secrets
from orchestrd_cli.doctor.subject import Subject, Surroundings, ok, warn

SETTINGS = "orch config edit"


class Facts(Struct, frozen=True, kw_only=True):
    """What is set, what of it is missing, and what the daemon tells; null where none answers."""

    kind: str = "auto"
    missing: tuple[tuple[str, str], ...] = ()
    allowances: tuple[Allowance, ...] | None = None


def look(surroundings: Surroundings) -> Facts:
    """Read what is set, and ask the daemon."""
    forge = effective_in(surroundings.directory, surroundings.environ).configuration.forge
    variables, files = (forge.token_env, forge.webhook_secret_env), (forge.token_file, forge.webhook_secret_file)
    return Facts(
        kind=forge.kind,
        missing=tuple(missing_secrets(variables, files, surroundings.environ)),
        allowances=_told(surroundings.layout.socket),
    )


def judge(facts: Facts) -> Iterator[Finding]:
    """Judge it. That no daemon answers is told by another subject."""
    if facts.kind == "none":
        yield ok("forge", "none is asked (forge.kind is none)")
        return
    for told, next_ in facts.missing:
        yield warn("forge", told, "the daemon may lack what it needs to ask", next_)
    for allowance in facts.allowances or ():
        yield _of_host(allowance)
    if facts.allowances is None:
        yield ok("forge", "the daemon asks it, and none answers here")
    elif not facts.allowances:
        yield ok("forge", "no host was asked yet (a local forge has none)")


def _of_host(told: Allowance) -> Finding:
    if told.error is not None:
        return warn("forge", f"{told.host} tells nothing", told.error, SETTINGS)
    if told.retry_in_s is not None:
        cause = "what it allows is spent, but for the agents' own share; sessions go on, unseen there"
        return warn("forge", f"{told.host} is asked again in {short(told.retry_in_s)}{_left(told)}", cause, SETTINGS)
    every = f", each repository every {short(told.interval_s)}" if told.interval_s is not None else ""
    return ok("forge", f"{told.host} answers{_left(told)}{every}")


def _left(told: Allowance) -> str:
    if told.remaining is None or told.limit is None:
        return ""
    anew = f", all of it again in {short(told.resets_in_s)}" if told.resets_in_s is not None else ""
    return f": {told.remaining} of {told.limit} left{anew}"


def _told(socket: str) -> tuple[Allowance, ...] | None:
    try:
        with Connection(socket, LOOK_ANSWER_S) as connection:
            daemon = connection.ask(calls.status(with_ended=False, project=None)).daemon
    except OrchestrdError:
        return None
    return daemon.allowances if daemon is not None else None


SUBJECT = Subject(name="forge", look=look, judge=judge)
