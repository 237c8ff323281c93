"""`orch answer`: shows the decision that a session waits for, and answers exactly that one."""

from typing import Annotated

import typer

from orchestrd.client import Client
from orchestrd.model.decision import NOT_ASKED
from orchestrd.model.document import AnswerReply, Document
from orchestrd.model.errors import RefusedError, UsageError
from orchestrd.model.words import Activity, Receipt, State
from orchestrd.render import answering_of, clip, decision_page, visible
from orchestrd_cli import exits, reach
from orchestrd_cli.changing import EXIT_OF_RECEIPT
from orchestrd_cli.grammar import Json, NeverStart, Ref, verb
from orchestrd_cli.terminal import is_terminal, size

SENTENCES = {
    Receipt.SUBMITTED: "submitted",
    Receipt.REFUSED: "refused",
    Receipt.UNKNOWN: "unknown",
    Receipt.QUEUED: "unknown: it is still being given",
}


@verb("[OPTIONS] ID [CHOICE]")
def answer(
    ref: Ref,
    choice: Annotated[str | None, typer.Argument(hidden=True, metavar="CHOICE")] = None,
    *,
    message: Annotated[
        str | None, typer.Option("--message", "-m", metavar="TEXT", help="Goes along, where a choice takes a text.")
    ] = None,
    decision: Annotated[
        str | None, typer.Option(metavar="DECISION", help="Answer this one, by its id in --json, and no other.")
    ] = None,
    json: Json = False,
    no_daemon: NeverStart = False,
) -> int:
    """Show the decision that a session waits for, or answer it.

    CHOICE is the number or the word of one of the choices. Without
    --decision it answers what is asked when it looks; what is not asked any
    more is refused (exit 4). Says what became of it: submitted (the agent
    goes on), refused, unknown (exit 1).

    orch answer fix
    orch answer fix 1
    orch answer fix deny --message "leave the tests as they are"
    """
    home = reach.client(use_daemon=not no_daemon)
    if choice is None and (message is not None or decision is not None):
        raise UsageError("an answer needs one of the choices", code="no_choice", hint=f"orch answer {ref}")
    if choice is None:
        return _shown(home.show(ref), as_json=json)
    reply = _given(home, ref, choice, decision, message)
    if reply.receipt is Receipt.REFUSED and not json:
        raise RefusedError(reply.error or "it is not asked any more", code=NOT_ASKED, hint=reply.hint)
    with reach.telling_that(f"the answer to session {reply.session} is {reply.receipt}"):
        if json:
            reach.write_json(reply)
        else:
            line = _line(reply)
            reach.write_text(f"{clip(line, size()[0]) if is_terminal() else line}\n")
    return EXIT_OF_RECEIPT[reply.receipt] if reply.receipt is not Receipt.QUEUED else exits.FAILED


def _shown(told: Document, *, as_json: bool) -> int:
    _require_blocked(told)
    if as_json:
        reach.write_json(told.decision)
    else:
        reach.write_text(decision_page(told))
    return exits.OK


def _given(home: Client, ref: str, choice: str, decision: str | None, message: str | None) -> AnswerReply:
    """Answer the decision that is named, or the one that is asked now."""
    if decision is not None:
        return home.answer(ref, decision, choice, text=message)
    told = home.show(ref)
    _require_blocked(told)
    if told.decision is None:
        other = answering_of(told)
        raise RefusedError(f"session {told.id}: {other.who}", code=NOT_ASKED, hint=other.command)
    found = told.decision.choice(choice)
    return home.answer(told.id, told.decision.id, choice if found is None else found.key, text=message)


def _require_blocked(told: Document) -> None:
    if told.state != State.RUNNING or told.activity != Activity.BLOCKED:
        raise RefusedError(
            f"session {told.id} waits for no decision: it is {reach.standing(told)}",
            code=NOT_ASKED,
            hint=f"orch show {told.id}",
        )


def _line(reply: AnswerReply) -> str:
    """Say what became of it, and what was answered with what: nobody is to take it for the answer to something else."""
    parts = (f"{reply.session}  {SENTENCES.get(reply.receipt, reply.receipt)}", reply.error, _deed(reply))
    return visible(": ".join(part for part in parts if part))


def _deed(reply: AnswerReply) -> str | None:
    if reply.asked is None:
        return None
    question = reply.asked.partition("\n")[0]
    word = reply.label if reply.choice == str(reply.number) else reply.choice
    return f'{reply.number} {word}, to "{question}"'
