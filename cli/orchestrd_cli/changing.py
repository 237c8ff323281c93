"""Verbs that act on sessions: send, stop, kill and revive."""

import os
from collections.abc import Callable, Iterable
from typing import Annotated

import typer

from orchestrd.client import Client, Taken
from orchestrd.client.preserved import MissingWork, missing_work
from orchestrd.client.transcript import has_conversation, keeps_transcript
from orchestrd.model.document import Document, SendReply
from orchestrd.model.errors import OrchestrdError, RefusedError
from orchestrd.model.limits import MESSAGE_BYTES_MAX
from orchestrd.model.words import Activity, Receipt, State
from orchestrd.render import answering_of, visible
from orchestrd_cli import exits, failures, reach
from orchestrd_cli.grammar import Json, NeverStart, NoDaemon, Ref, Refs, verb
from orchestrd_cli.terminal import note
from orchestrd_cli.texts import STDIN, read_text

ALREADY_ENDED = "already_ended"
EXIT_OF_RECEIPT = {
    Receipt.SUBMITTED: exits.OK,
    Receipt.TYPED: exits.OK,
    Receipt.QUEUED: exits.OK,
    Receipt.REFUSED: exits.REFUSED,
    Receipt.UNKNOWN: exits.FAILED,
}
MEANING = {
    Receipt.SUBMITTED: "submitted",
    Receipt.TYPED: "typed",
    Receipt.QUEUED: "queued: it is typed when the agent waits again",
    Receipt.REFUSED: "refused",
    Receipt.UNKNOWN: "unknown: it may have been typed, or not",
}
UntilEnded = Annotated[bool, typer.Option("--wait", help="Return once they have ended.")]
GOES_ON = "it goes on with its conversation"
BEGINS_ANEW = "it begins a new conversation: none is on disk"


@verb("[OPTIONS] ID TEXT|-")
def send(
    ref: Ref,
    text: Annotated[str, typer.Argument(hidden=True, metavar="TEXT")],
    *,
    key: Annotated[
        str | None, typer.Option(metavar="KEY", help="The same key again is the same message: never typed twice.")
    ] = None,
    command: Annotated[
        bool, typer.Option("--command", help="TEXT is a command of the agent's own, such as /compact.")
    ] = False,
    json: Json = False,
    no_daemon: NeverStart = False,
) -> int:
    """Type a message into a session's agent; - reads it from stdin.

    Says what became of it: submitted (the agent has taken it), typed (nobody
    saw it taken), queued (it is typed when the agent waits again), refused (it
    needs a decision, or has ended: exit 4), unknown (exit 1).

    orch send fix "use the other branch"
    git diff | orch send fix -
    orch send fix --command /compact
    """
    home = reach.client(use_daemon=not no_daemon)
    reply = home.send(ref, _message() if text == STDIN else text, message=key, is_command=command)
    if reply.receipt is Receipt.REFUSED and not json:
        raise _refusal(home, reply)
    with reach.telling_that(f"the message to session {reply.session} is {reply.receipt}"):
        if json:
            reach.write_json(reply)
        else:
            reach.write_text(f"{reply.session}  {receipt_line(reply)}\n")
            _hint(home, reply)
    return EXIT_OF_RECEIPT[reply.receipt]


@verb("[OPTIONS] ID...")
def stop(
    refs: Refs,
    *,
    grace: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="From TERM to KILL; the session's own by default.")
    ] = None,
    wait: UntilEnded = False,
    json: Json = False,
    no_daemon: NoDaemon = False,
) -> int:
    """Ask sessions to end: TERM, and KILL when their grace has passed.

    Returns once that is decided and on disk, and with --wait once they have
    ended. One that has ended already is no failure: that is said, and the
    exit is 0.

    orch stop fix
    orch stop k3v5 b7aa --grace 60 --wait
    """
    home = reach.client(use_daemon=not no_daemon)
    return _each(home, refs, "stop", lambda ref: home.stop(ref, grace_s=grace), as_json=json, wait=wait)


@verb("[OPTIONS] ID...")
def kill(refs: Refs, *, wait: UntilEnded = False, json: Json = False, no_daemon: NoDaemon = False) -> int:
    """Force sessions to end: KILL for the agent and all it started.

    Returns as `stop` does. One that has ended already is no failure: that is said, and the exit is 0.

    orch kill fix
    """
    home = reach.client(use_daemon=not no_daemon)
    return _each(home, refs, "kill", home.kill, as_json=json, wait=wait)


@verb("[OPTIONS] ID...")
def revive(refs: Refs, *, json: Json = False, no_daemon: NeverStart = False) -> int:
    """Start ended sessions again: the same command, a new run.

    An agent goes on with its conversation, where that has begun. A worktree
    that was cleaned is made anew from its branch; what the clean preserved
    beside that is named.

    orch revive fix
    """
    home = reach.client(use_daemon=not no_daemon)
    missing: dict[str, MissingWork] = {}

    def revived(ref: str) -> Taken:
        work = _missing_work(home, ref)
        document = home.revive(ref)
        if work is not None:
            missing[document.id] = work
        return Taken(document=document, is_spooled=False)

    def hints(told: Document) -> Iterable[str]:
        return [*_conversation_hint(told), *_missing_hint(missing.get(told.id))]

    return _each(home, refs, "revival", revived, as_json=json, also=hints)


def receipt_line(reply: SendReply) -> str:
    """Say what became of a message, and what went wrong."""
    return visible(f"{MEANING[reply.receipt]}{f': {reply.error}' if reply.error else ''}")


def _refusal(home: Client, reply: SendReply) -> RefusedError:
    """Say why it was refused. What it asks, and what cannot be sent, a person can type into its terminal."""
    if reply.hint:
        return RefusedError(reply.error or "this text cannot be sent", hint=reply.hint)
    told = home.show(reply.session)
    runs = told.state == State.RUNNING
    why = reply.error or f"session {reply.session} may not be typed into now"
    if runs and told.activity == Activity.BLOCKED:
        why = f"{why}: {told.activity_text}" if told.activity_text else why
        return RefusedError(why, hint=answering_of(told).command)
    return RefusedError(why, hint=f"orch {'attach' if runs and told.attach else 'explain'} {reply.session}")


def _hint(home: Client, reply: SendReply) -> None:
    """Say where to look when a message may not have arrived; a plain command never tells, and nobody is asked."""
    if reply.receipt not in (Receipt.TYPED, Receipt.UNKNOWN):
        return
    told = home.show(reply.session)
    look = f"orch {'screen' if told.attach else 'logs'} {told.id}"
    if reply.receipt is Receipt.UNKNOWN:
        note(f"  look before you send it again: {look}")
    elif keeps_transcript(told):
        note(f"  nobody saw it taken; look: {look}")


def _missing_work(home: Client, ref: str) -> MissingWork | None:
    """Look before it is revived, for after that its worktree may be there again; whatever fails, a revive tells of."""
    try:
        return missing_work(home.show(ref), environ=os.environ)
    except OrchestrdError:
        return None


def _conversation_hint(told: Document) -> Iterable[str]:
    """Say whether what its agent knows is still there."""
    if has_conversation(told):
        yield GOES_ON if told.conversation else BEGINS_ANEW


def _missing_hint(work: MissingWork | None) -> Iterable[str]:
    """Say what its worktree begins without, and how to have it there."""
    if work is not None:
        yield f"its worktree is made anew from its branch, without what a clean has preserved in {work.ref}"
        yield f"have it there: {work.back}"


def _nothing_more(_: Document) -> Iterable[str]:
    return ()


def _each(
    home: Client,
    refs: list[str],
    deed: str,
    act: Callable[[str], Taken],
    *,
    as_json: bool,
    wait: bool = False,
    also: Callable[[Document], Iterable[str]] = _nothing_more,
) -> int:
    """Act on every session, whatever becomes of the others, with hints by `also`; gives the first failure's code.

    With `wait` it returns once those that it could act on have ended, and tells how they stand then as well.
    """
    acted_on: list[str] = []

    def acting(ref: str) -> Taken:
        taken = act(ref)
        acted_on.append(taken.document.id)
        return taken

    codes = [_one(home, ref, deed, acting, as_json=as_json, also=also) for ref in refs]
    if wait and acted_on:
        for waited in home.wait(acted_on):
            reach.write_document(waited.document, as_json=as_json)
    return next((code for code in codes if code != exits.OK), exits.OK)


def _one(
    home: Client,
    ref: str,
    deed: str,
    act: Callable[[str], Taken],
    *,
    as_json: bool,
    also: Callable[[Document], Iterable[str]],
) -> int:
    try:
        taken = act(ref)
    except RefusedError as error:
        if error.code != ALREADY_ENDED:
            return failures.tell(error, as_json=as_json)
        note(f"orch: {error.message}")
        reach.write_document(home.show(ref), as_json=as_json)
    except OrchestrdError as error:
        return failures.tell(error, as_json=as_json)
    else:
        with reach.telling_that(f"the {deed} of session {taken.document.id} was accepted"):
            reach.write_document(taken.document, as_json=as_json, is_spooled=taken.is_spooled)
        for hint in () if as_json else also(taken.document):
            note(f"  {hint}")
    return exits.OK


def _message() -> str:
    """Read it from stdin, without its last newline: sending adds one."""
    return read_text("the message on stdin", STDIN, MESSAGE_BYTES_MAX, hint="orch send --help").removesuffix("\n")
