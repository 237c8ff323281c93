"""What OpenCode waits for, as data: a permission or a question, and the answers as its own API takes them.

Our plugin holds each, and sends on what is written there: `{"reply":"once"}` for a permission, `{"answers":[["Pear"]]}`
for a question, one list for each thing that is asked.
"""

from collections.abc import Iterator

import msgspec

from orchestrd.core.wording import Fields, fields_of, one_line, text_of
from orchestrd.model.decision import Choice, Decision, DecisionKind, Way

_PERMISSION = (
    Choice(key="allow", label="allow it this time", reply='{"reply":"once"}'),
    Choice(key="always", label="allow it and its like until OpenCode ends", reply='{"reply":"always"}'),
    Choice(
        key="deny",
        label="refuse it: the turn ends, or goes on with what you say instead",
        reply='{"reply":"reject"}',
        around=('{"reply":"reject","message":', "}"),
    ),
)
_OTHER = Choice(key="other", label="say something else", reply="", around=('{"answers":[[', "]]}"))
_DISMISS = Choice(key="dismiss", label="do not answer: the turn ends", reply='{"reject":true}')


def decision_of(asked: Fields) -> Decision | None:
    """Take what a line of the plugin names as open for a decision; null where that is none."""
    id_ = text_of(asked, "id")
    if not id_:
        return None
    if text_of(asked, "kind") == "question":
        kind, text, choices = DecisionKind.QUESTION, _questions(asked), tuple(_answers(asked))
    else:
        kind, text, choices = DecisionKind.PERMISSION, _permission(asked), _PERMISSION
    return Decision(
        id=id_,
        kind=kind,
        text=text,
        choices=choices if asked.get("held") is True else (),
        way=Way.HELD if asked.get("held") is True else Way.KEYS,
    )


def _permission(asked: Fields) -> str:
    patterns = asked.get("patterns")
    shown = " ".join(one for one in patterns if isinstance(one, str)) if isinstance(patterns, list) else ""
    return one_line(f"{text_of(asked, 'permission') or 'a tool'}: {shown}".removesuffix(": "))


def _asked_for(asked: Fields) -> list[Fields]:
    questions = asked.get("questions")
    return [fields_of(one) for one in questions] if isinstance(questions, list) else []


def _questions(asked: Fields) -> str:
    return one_line(" / ".join(text_of(one, "text") for one in _asked_for(asked))) or "asks a question"


def _answers(asked: Fields) -> Iterator[Choice]:
    """Only a single question can be answered from afar; of several, none can be left out."""
    questions = _asked_for(asked)
    if len(questions) == 1:
        labels = questions[0].get("labels")
        for number, label in enumerate(labels if isinstance(labels, list) else (), start=1):
            if isinstance(label, str):
                reply = msgspec.json.encode({"answers": [[label]]}).decode()
                yield Choice(key=str(number), label=one_line(label), reply=reply)
        yield _OTHER
    yield _DISMISS
