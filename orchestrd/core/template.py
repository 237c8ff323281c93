"""Texts of reactions: what may stand in them, and what becomes of it. Never empty, never longer than a message may be.

`{name}` stands for what is known of a session, `{{` and `}}` for braces. The names are a closed vocabulary, so that a
slip of the pen is refused when it is written and not found when it matters. What others have written comes in a fence
or between quotes. Total: any text has a rendering, and what is not known is said to be so.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches

from msgspec import Struct

from orchestrd.core.condition import speaks_of_change, what_holds
from orchestrd.core.deciding import answering_of
from orchestrd.core.duration import duration_of
from orchestrd.core.fencing import cleaned, quoted
from orchestrd.core.particulars import of_checks, of_remarks, of_verification, refusal_of
from orchestrd.model.change import Change, Mergeable
from orchestrd.model.instant import Instant
from orchestrd.model.limits import REACTION_TEXT_BYTES_MAX, TEMPLATE_CHARS_MAX
from orchestrd.model.reaction import Act, Reaction
from orchestrd.model.session import Session
from orchestrd.model.words import Activity, State

UNKNOWN = "(unknown)"

_MARK = re.compile(r"\{\{|\}\}|\{([^{}\n]*)\}|[{}]")
_SHARES = (1.0, 0.5, 0.25, 0.1, 0.02)  # of what is told of logs and remarks, until the whole fits
_NO_CHANGE = Change(forge="", repository="", branch="")


class _About(Struct, frozen=True, kw_only=True):
    reaction: Reaction
    session: Session
    now: Instant
    share: float

    @property
    def change(self) -> Change:
        return self.session.change or _NO_CHANGE


class _Placeholder(Struct, frozen=True):
    meaning: str
    value: Callable[[_About], object]


def _word(text: str | None) -> str | None:
    """A name that its forge or git has given, without anything that could not be seen."""
    return " ".join(cleaned(text).split()) if text else None


def _line(text: str | None) -> str | None:
    return quoted(text) if text else None


def _error(session: Session) -> str | None:
    if session.error:
        return quoted(session.error)
    if session.exit_signal:
        return f"it was ended by {session.exit_signal}"
    return None if session.exit_code is None else f"it exited with code {session.exit_code}"


def _decision(session: Session) -> str | None:
    return quoted(session.decision.text) if session.decision else _line(session.activity_text)


def _answer(session: Session) -> str:
    said = str(answering_of(session))
    return f"{said[0].upper()}{said[1:]}"


def _limit(session: Session) -> str | None:
    return f"{session.parked_until:%Y-%m-%d %H:%M} UTC" if session.parked_until else None


def _silence(about: _About) -> str | None:
    since = about.session.activity_since
    return None if since is None else duration_of(max(0.0, (about.now.at - since).total_seconds()))


def _cost(session: Session) -> str | None:
    return None if session.spending.cost_usd is None else f"${session.spending.cost_usd:.2f}"


def _tokens(session: Session) -> str | None:
    return str(session.spending.tokens.total) if session.spending.newest else None


def _branch(about: _About) -> str | None:
    return _word(about.change.branch or about.session.spec.workspace.branch)


def _base(about: _About) -> str | None:
    return _word(about.change.base or about.session.spec.workspace.base)


def _pr_url(about: _About) -> str | None:
    return _word(about.change.url)


def _why(about: _About) -> str:
    return what_holds(about.reaction.when, about.session, about.now)


_PLACEHOLDERS: Mapping[str, _Placeholder] = {
    "id": _Placeholder("id of the session", lambda about: about.session.id),
    "name": _Placeholder("its name", lambda about: about.session.spec.name),
    "project": _Placeholder("path of its project", lambda about: about.session.spec.project),
    "agent": _Placeholder("its agent", lambda about: about.session.spec.agent),
    "issue": _Placeholder("the issue it works on", lambda about: _word(about.session.spec.issue)),
    "state": _Placeholder("its state", lambda about: about.session.state),
    "reason": _Placeholder("why it is in that state", lambda about: about.session.reason.replace("_", " ")),
    "error": _Placeholder("what went wrong with it", lambda about: _error(about.session)),
    "activity": _Placeholder("what its agent is doing", lambda about: about.session.activity),
    "activity_text": _Placeholder("what was said of that", lambda about: _line(about.session.activity_text)),
    "decision": _Placeholder("what it is asked to decide", lambda about: _decision(about.session)),
    "answer": _Placeholder("who can answer that, and by which command", lambda about: _answer(about.session)),
    "limited_until": _Placeholder("when its usage limit ends", lambda about: _limit(about.session)),
    "silent_for": _Placeholder("how long it has done nothing else", _silence),
    "cost": _Placeholder("what it has cost, in dollars", lambda about: _cost(about.session)),
    "tokens": _Placeholder("tokens of all kinds that it has used", lambda about: _tokens(about.session)),
    "branch": _Placeholder("its branch", _branch),
    "base": _Placeholder("the branch that is to take it in", _base),
    "head": _Placeholder("its newest commit", lambda about: _word(about.change.head)),
    "pr_number": _Placeholder("number of its pull request", lambda about: about.change.number),
    "pr_url": _Placeholder("address of its pull request", _pr_url),
    "title": _Placeholder("title of its pull request", lambda about: _line(about.change.title)),
    "checks": _Placeholder(
        "each check that failed: job, step, and the end of its log, fenced",
        lambda about: of_checks(about.change, about.share),
    ),
    "remarks": _Placeholder(
        "each remark that is not settled: author, path, line, and the text, fenced",
        lambda about: of_remarks(about.change, about.share),
    ),
    "verify_output": _Placeholder(
        "how the command that verifies its work ended, and the end of its output, fenced",
        lambda about: of_verification(about.session, about.share),
    ),
    "reaction": _Placeholder("name of the reaction", lambda about: about.reaction.name),
    "why": _Placeholder("what holds, in words", _why),
}

PLACEHOLDERS: Mapping[str, str] = {name: known.meaning for name, known in _PLACEHOLDERS.items()}


def problem_with_template(text: str) -> str | None:
    """Say what is wrong with a text of a reaction; null where nothing is."""
    if len(text) > TEMPLATE_CHARS_MAX:
        return f"the text has {len(text)} characters: give at most {TEMPLATE_CHARS_MAX}"
    if "\0" in text:
        return "the text contains a NUL character: leave it out"
    return next(_problems(text), None)


def rendered(reaction: Reaction, session: Session, now: Instant) -> str:
    """Write the text of a reaction to a session: its own, or one made of what is known. Never empty, and bounded."""
    for share in _SHARES:
        about = _About(reaction=reaction, session=session, now=now, share=share)
        text = _filled(reaction.text, about).strip() or _filled(_usual(about), about)
        if len(text.encode("utf-8", "replace")) <= REACTION_TEXT_BYTES_MAX:
            return _harmless(text)
    return (
        f"The reaction {reaction.name} has more to say than a message may hold. Look yourself: orch show {session.id}"
    )


def escalated(reaction: Reaction, session: Session, now: Instant, why: str) -> str:
    """Write what a person is told when a reaction can do no more; and in their own words, who has refused it."""
    about = _About(reaction=reaction, session=session, now=now, share=1.0)
    literally = why.replace("{", "{{").replace("}", "}}")
    told = _filled(_to_a_person(f"{literally} (reaction {{reaction}})", about), about)
    words = refusal_of(reaction, session)
    return f"{told}\n\n{words}" if words else told


def _problems(text: str) -> Iterator[str]:
    for mark in _MARK.finditer(text):
        name = mark.group(1)
        if name is None and mark.group() in ("{", "}"):
            yield f"a single {mark.group()!r} stands for nothing: write it twice, or name what it stands for"
        elif name is not None and name not in PLACEHOLDERS:
            guess = get_close_matches(name, PLACEHOLDERS, n=1)
            meant = f": did you mean '{{{guess[0]}}}'?" if guess else f": known are {', '.join(PLACEHOLDERS)}"
            yield f"'{{{name[:40]}}}' stands for nothing{meant}"


def _filled(text: str, about: _About) -> str:
    return _MARK.sub(lambda mark: _value(mark, about), text)


def _value(mark: re.Match[str], about: _About) -> str:
    known = _PLACEHOLDERS.get(mark.group(1) or "")
    if known is None:
        return {"{{": "{", "}}": "}"}.get(mark.group(), mark.group())
    value = known.value(about)
    return UNKNOWN if value is None or value == "" else str(value)


def _usual(about: _About) -> str:
    """Say what holds, and show what there is to it: to the agent that can mend it, or to a person."""
    when = about.reaction.when
    if about.reaction.act is Act.NOTIFY:
        return _to_a_person("{why}", about)
    shown = ["About this session: {why}."]
    shown += ["{checks}"] if when.checks else []
    shown += ["{remarks}"] if when.review or when.remarks is not None else []
    shown += ["{verify_output}"] if when.verified is False else []
    shown += ["Bring the branch {branch} up to date with {base}."] if Mergeable.CONFLICTING in when.mergeable else []
    return "\n\n".join(shown)


def _to_a_person(why: str, about: _About) -> str:
    """Name the session, what is the matter, where to look at it, and the next command."""
    when = about.reaction.when
    asks = Activity.BLOCKED in when.activity
    lines = [f"{{name}} ({{id}}): {why}."]
    lines += ["It asks: {decision}"] if asks else []
    lines += ["Its limit ends: {limited_until}"] if Activity.LIMITED in when.activity else []
    lines += ["What went wrong: {error}"] if {State.FAILED, State.LOST} & set(when.state) else []
    # Of a bare repository a pull request has no address: a line for it would say nothing.
    lines += ["{pr_url}"] if speaks_of_change(when) and _pr_url(about) else []
    lines += ["{answer}" if asks else "Look: orch show {id}"]
    return "\n".join(lines)


def _harmless(text: str) -> str:
    """No agent takes a text that begins with a space for a command of its own."""
    return text if text[:1].isalnum() else f" {text}"
