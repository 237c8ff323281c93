"""What an answer of GitHub that is not the one asked for means, in a sentence, with the next command. Pure."""

import re
from collections.abc import Mapping

from msgspec import Struct

from orchestrd.core.allowance import Told
from orchestrd.forges.github.answers import Fault, Whole, fields_of
from orchestrd.forges.github.hosts import Host
from orchestrd.forges.github.plain import line, passage
from orchestrd.forges.github.tokens import variables_of
from orchestrd.model.errors import NotFoundError, OrchestrdError, RefusedError, TransientError

_LIMITS = ("secondary rate limit", "abuse detection", "rate limit exceeded", "too many requests")
_SECONDS = re.compile(r"[0-9]{1,5}")  # a day and no more: what names another time names none
_DOCTOR = "orch doctor"
_SETTINGS = "orch config edit"  # token_env, token_file


class Reply(Struct, frozen=True, kw_only=True):
    """An answer. The names of headers are in small letters."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def message(self) -> str:
        """What it says of what went wrong, in one line."""
        return line(self.said)

    @property
    def said(self) -> str:
        """The same as it was written."""
        said = fields_of(self.body).get("message")
        return passage(said) if isinstance(said, str) else ""


class HostRefusedError(RefusedError):
    """What was asked for is not given to whoever asks; `said` is what the host says of that."""

    def __init__(self, message: str, *, code: str, hint: str, said: str) -> None:
        super().__init__(message, code=code, hint=hint)
        self.said = said


class UnansweredError(TransientError):
    """It was asked, and nobody knows what became of that."""

    code = "unanswered"


def allowance_of(reply: Reply, now_s: float) -> Told | None:
    """Read what an answer says of the window it counts in; null where it says nothing. `now_s` is since the epoch."""
    try:
        limit, remaining, reset = (
            int(reply.headers[f"x-ratelimit-{name}"]) for name in ("limit", "remaining", "reset")
        )
        return Told(limit=limit, remaining=remaining, resets_in_s=max(0.0, reset - now_s))
    except (KeyError, ValueError, OverflowError):
        return None


def is_limited(reply: Reply) -> bool:
    """Tell whether it was not answered because too much was asked: in this window, or too fast."""
    if reply.status == 429:
        return True
    has_time = "retry-after" in reply.headers or reply.headers.get("x-ratelimit-remaining") == "0"
    return reply.status == 403 and (has_time or any(word in reply.message.lower() for word in _LIMITS))


def retry_in_s(reply: Reply) -> float | None:
    """Say after how many seconds one may ask again, where it says so."""
    told = reply.headers.get("retry-after", "")
    return float(told) if _SECONDS.fullmatch(told) else None


def limited(host: Host, wait_s: float, error: str | None) -> TransientError:
    """Say that a host is not to be asked now; where it has failed, that this is why."""
    if error is not None:
        told = f"{host.name} is not asked for another {wait_s:.0f} s, for it answered nothing: {error}"
        return TransientError(told, code="forge_failed", hint=_DOCTOR)
    return TransientError(
        f"{host.name} is not asked for another {wait_s:.0f} s: what it allows is spent, but for the agents' own share",
        code="forge_spent",
        hint=_DOCTOR,
    )


def refusal(host: Host, what: str, reply: Reply, *, source: str | None) -> OrchestrdError | None:
    """Say why it was not answered; null where it was, or where whoever asked knows better what it means.

    `source` says where the token is from; null where it was asked without one.
    """
    has_token = source is not None
    told = f": {reply.message}" if reply.message else ""
    if reply.status >= 500:
        return UnansweredError(f"{host.name} failed ({reply.status}) {what}", code="forge_failed", hint=_DOCTOR)
    if reply.status == 401 and source is None:
        return no_token(host)
    if reply.status == 401:
        return RefusedError(f"{host.name} does not take the token ({source}){told}", code="bad_token", hint=_SETTINGS)
    if reply.status == 403:
        who = "the token may not" if has_token else "without a token nobody may"
        hint = _DOCTOR if has_token else _SETTINGS
        return HostRefusedError(f"{who}: {what}{told}{_wanted(reply)}", code="no_right", hint=hint, said=reply.said)
    if reply.status == 404:
        return NotFoundError(
            f"{host.name} shows no such thing{_to(has_token=has_token)}: {what}",
            hint=_DOCTOR if has_token else _SETTINGS,
        )
    return None


def refusal_of_query(host: Host, repository: str, whole: Whole, *, has_token: bool) -> OrchestrdError | None:
    """Say why nothing of a repository was told; null where something was."""
    if whole.data is not None and whole.data.repository is not None:
        return None
    fault = next(iter(whole.errors), Fault(message="it told nothing"))
    if fault.type == "NOT_FOUND":
        told = f"{host.name} shows no repository {repository}{_to(has_token=has_token)}"
        return NotFoundError(told, code="no_repository", hint=_DOCTOR if has_token else _SETTINGS)
    if fault.type == "FORBIDDEN":
        return RefusedError(
            f"the token may not read {repository}: {line(fault.message)}", code="no_right", hint=_DOCTOR
        )
    return TransientError(f"{host.name} did not tell of {repository}: {line(fault.message)}", code="forge_failed")


def is_query_limited(whole: Whole) -> bool:
    """Tell whether GraphQL was not answered because too much was asked; that comes as a success."""
    return any(fault.type in ("RATE_LIMITED", "RATE_LIMIT") for fault in whole.errors)


def no_token(host: Host) -> RefusedError:
    """Say that there is no token, and so nothing to ask with."""
    variables = " or ".join(variables_of(host))
    where = f"forge.token_env or token_file, {variables} in the environment of the daemon, or `gh auth login` gives one"
    return RefusedError(f"there is no token for {host.name}: {where}", code="no_token", hint=_SETTINGS)


def _to(*, has_token: bool) -> str:
    return " to this token" if has_token else " without a token"


def _wanted(reply: Reply) -> str:
    """Name the permissions that would do, as GitHub names them for fine-grained tokens."""
    wanted = line(reply.headers.get("x-accepted-github-permissions", ""))
    return f"; it needs {wanted}" if wanted else ""
