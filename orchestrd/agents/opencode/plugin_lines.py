"""What the lines mean that our plugin in OpenCode appends to hooks.jsonl (`plugin.js`).

    {"at":1795253555.468,"opencode":{"type":"session.status","session":"ses_..","status":"busy","busy":1}}

Each line tells how it all stands: `busy`, the conversations at work, and `asked`, the decision that is open. So what it
says of the activity needs no other line; its own event adds the rest: a prompt, an error, what was spent, when a limit
ends. An event of a subagent (`child`) is none of its parent's turn.
"""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec.structs import replace

from orchestrd.agents.hook_lines import payload_of
from orchestrd.agents.opencode.asked import decision_of
from orchestrd.agents.reports import read_report, sane_time
from orchestrd.agents.reset_times import reset_time
from orchestrd.core.wording import Fields, count_of, described, fields_of, one_line, text_of
from orchestrd.model.observation import Testimony
from orchestrd.model.spending import Spent, Tokens
from orchestrd.model.words import Activity

AGENT = "opencode"  # as its lines name it
WORKING, WAITING, BLOCKED, LIMITED = Activity.WORKING, Activity.WAITING, Activity.BLOCKED, Activity.LIMITED
ANY = (WORKING, BLOCKED, WAITING)
WAIT_OF_A_LIMIT = timedelta(seconds=60)  # who tries again sooner than that is at work

_CONVERSATION = re.compile(r"ses_[A-Za-z0-9]{1,64}")
_LIMIT = re.compile(
    r"\b(?:usage|rate|spend\w*|token|\w+ly|free) limit|\bquota\b|too many requests|\bcredit", re.IGNORECASE
)
_ABORTED = "MessageAbortedError"


def read_plugin(lines: Sequence[tuple[bytes, int]]) -> tuple[list[Testimony], int]:
    """Say what each new line says, each with where it ends, and how many are none."""
    said: list[Testimony] = []
    malformed = 0
    for line, offset in lines:
        if (report := read_report(line, offset)) is not None:
            said.append(report)
        elif (heard := payload_of(line, AGENT)) is None:
            malformed += 1
        elif (word := _word(*heard)) is not None:
            said.append(replace(word, offset=offset))
    return said, malformed


def _word(at: datetime | None, payload: Fields) -> Testimony | None:
    kind = text_of(payload, "type")
    if not kind:
        return None
    if kind == "plugin.ended":
        return Testimony(observer="plugin", allows=(), at=at, excerpt=kind, is_farewell=True)
    decision = decision_of(fields_of(payload.get("asked")))
    is_child = payload.get("child") is True
    session = text_of(payload, "session")
    word = Testimony(
        observer="plugin",
        allows=_standing(payload),
        at=at,
        text=None if decision is None else decision.text,
        excerpt=f"{kind} {text_of(payload, 'status')}".strip(),
        decision=decision,
        conversation=session if _CONVERSATION.fullmatch(session) and not is_child else None,
        spent=_spent(payload),
        version=one_line(text_of(payload, "version")) or None,
    )
    return word if is_child or decision is not None else _of_the_turn(kind, word, payload)


def _standing(payload: Fields) -> tuple[Activity, ...]:
    if fields_of(payload.get("asked")):
        return (BLOCKED,)
    return (WORKING,) if count_of(payload, "busy") else (WAITING,)


def _of_the_turn(kind: str, word: Testimony, payload: Fields) -> Testimony:
    """Add what an event of the user's own conversation tells beside how it all stands."""
    is_at_rest = word.allows == (WAITING,)
    match kind:
        case "plugin.loaded" | "session.created" if is_at_rest:
            # The box is not there yet; or the first prompt is about to be taken, and only then is it a conversation.
            return replace(word, allows=ANY, conversation=None)
        case "prompt":
            prompt = text_of(payload, "text")
            return replace(word, allows=(WORKING,), text=f"prompt: {one_line(prompt)}", prompt=prompt or None)
        case "tool":
            return replace(word, text=described(payload, "tool", "input"))
        case "session.status" if text_of(payload, "status") == "retry":
            return _retrying(word, payload)
        case "session.status" if is_at_rest:
            return replace(word, is_turn_over=True, text=one_line(text_of(payload, "answer")) or None)
        case "session.error" | "message.updated" if text_of(payload, "name"):
            return _failed(word, payload)
    return word


def _retrying(word: Testimony, payload: Fields) -> Testimony:
    """It tries again by itself. Where that is long from now, and because of a limit, nothing happens until then."""
    error = one_line(text_of(payload, "error")) or "an error of its provider"
    next_ms = payload.get("next")
    next_at = sane_time(next_ms / 1000) if isinstance(next_ms, int) and next_ms.bit_length() < 64 else None
    text = f"{error}; it tries again (attempt {count_of(payload, 'attempt')})"
    is_far = next_at is not None and word.at is not None and next_at - word.at >= WAIT_OF_A_LIMIT
    if is_far and _LIMIT.search(error):
        return replace(word, allows=(LIMITED,), text=text, limited_until=next_at)
    return replace(word, allows=(WORKING, LIMITED), text=text)


def _failed(word: Testimony, payload: Fields) -> Testimony:
    if text_of(payload, "name") == _ABORTED:
        return replace(word, text="interrupted by the user")
    error = one_line(text_of(payload, "error")) or text_of(payload, "name")
    is_limit = payload.get("code") in (402, 429) or _LIMIT.search(error) is not None
    if not is_limit or word.allows != (WAITING,):
        return replace(word, text=error)
    ends_at = None if word.at is None else reset_time(error, word.at)
    return replace(word, text=error, allows=(LIMITED,), limited_until=ends_at)


def _spent(payload: Fields) -> tuple[Spent, ...]:
    """Give what one message of the model has cost so far; a subagent's is paid for as well."""
    key, tokens, cost = text_of(payload, "message"), fields_of(payload.get("tokens")), payload.get("cost")
    if not key:
        return ()
    counts = Tokens(
        input=count_of(tokens, "input"),
        output=count_of(tokens, "output"),
        cache_read=count_of(tokens, "read"),
        cache_write=count_of(tokens, "write"),
    )
    return (Spent(key=key, tokens=counts, cost_usd=float(cost) if isinstance(cost, int | float) else None),)
