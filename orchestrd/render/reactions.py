"""Reactions for a person: which there are, what they come to for a session, and what was done about it so far."""

import textwrap
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from orchestrd.core.duration import duration_of
from orchestrd.core.reaction import Kind
from orchestrd.model.reaction import Act, Reaction
from orchestrd.model.reaction_document import JudgedReaction, JudgedSession, KnownReaction, KnownReactions
from orchestrd.render.text import NONE, ago, counted, moment, visible

COLUMNS = 80
HEAD = ("REACTION", "DOES", "TRIES", "ROUNDS", "THEN", "FROM")
VERDICTS: Mapping[str, str] = {
    Kind.NOTHING: "would not",
    Kind.UNKNOWN: "not known",
    Kind.WAITING: "waits",
    Kind.HELD: "held",
    Kind.FIRE: "would fire",
    Kind.ESCALATE: "would tell a person",
    Kind.SPENT: "spent",
    Kind.CLEAR: "would end",
    Kind.END: "would end",
}
_INDENT = "    "
_COMMIT_CHARS_MIN = 40  # of the name of a commit
_HEX = frozenset("0123456789abcdef")
_DEFAULT = "default"


def reactions_table(known: KnownReactions) -> str:
    """Show the reactions, each with its condition on a line of its own."""
    rows = [HEAD, *map(_row, known.reactions)]
    widths = [max(len(row[n]) for row in rows) for n in range(len(HEAD))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    for place, told in enumerate(known.reactions):
        lines[place + 1] = "\n".join([lines[place + 1], *_wrapped(f"when {told.asked}", _INDENT)])
    return "\n".join(lines) + "\n"


def judged_page(told: JudgedSession) -> str:
    """Say of each reaction whether it would fire for a session, and why."""
    lines = [_head(told)]
    for one in told.judged:
        lines += ["", *_judged(one)]
    return "\n".join(lines) + "\n"


def ledger_page(told: JudgedSession, events: Iterable[str], now: datetime) -> str:
    """Show what stands in the ledger of a session, what comes next, and what has happened last."""
    lines = [_head(told)]
    shown = told.judged[:1] if len(told.judged) == 1 else [one for one in told.judged if one.episode is not None]
    for one in shown:
        lines += ["", *_judged(one), *_ledger(one, now)]
    if not shown:
        lines += ["", "nothing is under way: the condition of no reaction holds"]
    if newest := list(events):
        lines += ["", "newest events:", *(f"{_INDENT}{line}" for line in newest)]
    return "\n".join(lines) + "\n"


def _head(told: JudgedSession) -> str:
    name = "" if told.name == told.session else f" ({visible(told.name)})"
    how = f"by its record, as of {moment(told.at)}" if told.is_recorded else f"as of {moment(told.at)}"
    return f"session {told.session}{name}, {how}"


def _row(told: KnownReaction) -> tuple[str, ...]:
    reaction = told.reaction
    rounds = NONE if reaction.act is Act.NOTIFY else str(reaction.rounds)
    return reaction.name, visible(told.done), _tries(reaction), rounds, reaction.escalation or NONE, _origin(told)


def _tries(reaction: Reaction) -> str:
    if not reaction.is_on:
        return "off"
    return str(reaction.attempts) + (f", {duration_of(reaction.every_s)} apart" if reaction.attempts > 1 else "")


def _origin(told: KnownReaction) -> str:
    """Name the file without its folders: it is the user's own, and there is but one."""
    return visible(told.origins[0].rpartition("/")[2]) if told.origins else _DEFAULT


def _judged(one: JudgedReaction) -> list[str]:
    return [f"{one.reaction.name}: {_verdict(one)}", *_wrapped(one.why, _INDENT)]


def _verdict(one: JudgedReaction) -> str:
    verdict = VERDICTS.get(one.kind, one.kind)
    return verdict if one.reaction.act is Act.NOTIFY or one.kind != Kind.FIRE else f"{verdict} ({one.reaction.act})"


def _ledger(one: JudgedReaction, now: datetime) -> Iterator[str]:
    """Show its episode, if there is one."""
    episode, reaction = one.episode, one.reaction
    if episode is None:
        return
    rows = {
        "since": ago(episode.since.at, now),
        "about": visible(_subject(episode.key)),
        "tries": f"{counted(episode.attempts, 'attempt')} of {reaction.attempts}, in round {episode.round}"
        f" of {reaction.rounds}" + (f"; {counted(episode.failures, 'failure')}" if episode.failures else ""),
        "newest": ago(None if episode.tried_at is None else episode.tried_at.at, now),
        "error": visible(episode.error or ""),
        "told": "a person was told" if episode.is_escalated else "",
        "next": "" if one.again_in_s is None else f"in {duration_of(max(1.0, one.again_in_s))}",
    }
    yield from (f"{_INDENT}{head:<8}{value}" for head, value in rows.items() if value and value != NONE)


def _subject(key: str) -> str:
    """Say what the budget belongs to; a key of another kind is shown as it stands."""
    subject, _, said = key.partition("/")
    if subject == "remarks":
        return "what reviewers have said"
    if subject.isdecimal() and len(subject) < _COMMIT_CHARS_MIN:
        return f"run {subject}, what it asks" if said else f"run {subject}"
    if len(subject) >= _COMMIT_CHARS_MIN and set(subject) <= _HEX:
        return f"commit {subject[:10]}"
    return f"the verification of {moment(at)}" if (at := _moment_in(key)) else key


def _moment_in(key: str) -> datetime | None:
    """Read the time of a verification, which has a zone; the name of a branch may look like a mere date."""
    try:
        at = datetime.fromisoformat(key)
    except ValueError:
        return None
    return at if at.tzinfo else None


def _wrapped(text: str, indent: str) -> list[str]:
    return textwrap.wrap(
        visible(text), COLUMNS, initial_indent=indent, subsequent_indent=indent, break_long_words=False
    )
