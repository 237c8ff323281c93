"""What a session asks, for a person: the question, its numbered choices, and how to answer."""

from collections.abc import Iterable

from orchestrd.core.terminal import Answering, answering
from orchestrd.model.decision import Choice
from orchestrd.model.document import Document
from orchestrd.model.words import Activity
from orchestrd.render.text import visible, visible_lines

WITH_TEXT = " (--message TEXT)"


def decision_page(told: Document) -> str:
    """Show what a blocked session asks, and what can be answered."""
    name = "" if told.name == told.id else f"  {visible(told.name)}"
    lines = [f"{told.id}{name}  {_asks(told)}", "", *(f"  {line}" for line in _question(told)), ""]
    choices = told.decision.choices if told.decision else ()
    return "\n".join([*lines, *choice_lines(choices), how_to_answer(told)]) + "\n"


def choice_lines(choices: Iterable[Choice]) -> list[str]:
    """List choices with their numbers; what takes a text, or needs one, says so."""
    listed = list(choices)
    columns = max((len(visible(choice.key)) for choice in listed), default=0)
    return [
        f"  {number:>2}  {visible(choice.key):<{columns}}  {visible(choice.label)}{WITH_TEXT if choice.around else ''}"
        for number, choice in enumerate(listed, start=1)
    ]


def how_to_answer(told: Document) -> str:
    """Name the command that answers; where no choice can be given, who can."""
    if told.decision is not None and told.decision.choices:
        return f"answer: orch answer {told.id} CHOICE"
    return str(answering_of(told))


def answering_of(told: Document) -> Answering:
    """Say who can answer what it asks, and by which command."""
    return answering(told.id, told.decision, is_attachable=told.attach is not None)


def answer_hint(sessions: Iterable[Document]) -> str | None:
    """Name the command that shows what the first of these sessions asks; null where none asks anything."""
    asking = [told for told in sessions if told.activity == Activity.BLOCKED and told.decision is not None]
    if not asking:
        return None
    count = "1 asks for a decision" if len(asking) == 1 else f"{len(asking)} ask for decisions"
    return f"{count}: orch answer {asking[0].id}"


def _asks(told: Document) -> str:
    kind = told.decision.kind if told.decision else "decision"
    return {"question": "asks a question", "permission": "asks for permission"}.get(kind, "waits for a decision")


def _question(told: Document) -> list[str]:
    return visible_lines(told.decision.text if told.decision else told.activity_text or "it does not tell what it asks")
