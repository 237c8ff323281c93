"""The particulars of a text of a reaction: failed checks, remarks of reviewers, the output of a verification.

All of it was written by others, so it is bounded, introduced and fenced; and there is always something to say.
"""

from collections.abc import Iterator

from orchestrd.core.episode import episode_of, is_refused
from orchestrd.core.fencing import cleaned, fenced, head, link, quoted, tail, untrusted
from orchestrd.model.change import Change, FailedCheck, Remark
from orchestrd.model.limits import (
    CHECK_LOG_CHARS_MAX,
    COMMAND_OUTPUT_CHARS_MAX,
    FAILED_CHECKS_MAX,
    REMARK_CHARS_MAX,
    REMARKS_MAX,
)
from orchestrd.model.reaction import Reaction
from orchestrd.model.session import Session
from orchestrd.model.verification import Verification


def of_checks(change: Change, share: float) -> str:
    """Tell of each check that failed, with as much of its log as there is place for: a share of the most."""
    shown = [_check(check, int(CHECK_LOG_CHARS_MAX * share)) for check in change.failed[:FAILED_CHECKS_MAX]]
    more = len(change.failed) - len(shown) + change.failed_more
    shown += [f"{more} more {'check has' if more == 1 else 'checks have'} failed."] if more else []
    return "\n\n".join(shown) or "Its forge names no check that has failed."


def of_remarks(change: Change, share: float) -> str:
    """Tell of each remark that is not settled, the same way."""
    remarks = change.remarks or ()
    shown = [_remark(remark, int(REMARK_CHARS_MAX * share)) for remark in remarks[:REMARKS_MAX]]
    more = len(remarks) - len(shown) + change.remarks_more
    shown += [f"{more} more {'remark is' if more == 1 else 'remarks are'} not settled."] if more else []
    return "\n\n".join(shown) or "Its forge shows no remark that is not settled."


def of_verification(session: Session, share: float) -> str:
    """Tell how the newest verification ended, and the end of its output."""
    if session.verification is None:
        return "Nothing has verified its work yet."
    command = quoted(session.spec.verify or "its verification")
    return "\n".join(_verification(session.verification, command, int(COMMAND_OUTPUT_CHARS_MAX * share)))


def refusal_of(reaction: Reaction, session: Session) -> str:
    """Give the words in which its newest attempt was refused for good; empty where there are none."""
    episode = episode_of(session, reaction.name)
    if episode is None or not episode.refused or not is_refused(reaction, episode):
        return ""
    return f"The refusal, in its own words:\n{fenced(episode.refused)}"


def _check(check: FailedCheck, chars_max: int) -> str:
    step = f" in its step {quoted(check.step)}" if check.step else ""
    place = f" ({link(check.url)})" if check.url else ""
    said = f"The check {quoted(check.name)} failed{step}{place}."
    log = tail(cleaned(check.log or ""), chars_max)
    return f"{said} {untrusted('The end of its log', log)}" if log else f"{said} Its log is not to be had."


def _remark(remark: Remark, chars_max: int) -> str:
    who = f"{quoted(remark.author)}{', a program,' if remark.is_by_program else ''}"
    line = f", line {remark.line}" if remark.line is not None else ""
    where = f" on {quoted(remark.path)}{line}" if remark.path else ""
    return untrusted(f"{who} says{where}", head(cleaned(remark.text), chars_max) or "(nothing)")


def _verification(verification: Verification, command: str, chars_max: int) -> Iterator[str]:
    if verification.exit_code is None:
        yield f"{command} could not be run to its end: {quoted(verification.error or 'nobody knows why')}."
    elif verification.exit_code == 0:
        yield f"{command} {_doubt(verification.error) or 'succeeded'}."
    else:
        yield f"{command} ended with exit code {verification.exit_code}."
        yield from ["Not all of the work is committed."] if verification.is_clean is False else []
    if output := tail(cleaned(verification.output), chars_max):
        yield untrusted("The end of its output", output)


def _doubt(error: str | None) -> str:
    """Say, in one line, why a command that succeeded is not enough, such as which files are not committed."""
    return " ".join(cleaned(error or "").split()).removeprefix("its command ")
