"""What Claude Code asks by its hook PermissionRequest, as a decision: what is told of it, and what can be answered.

The hook holds its answer while the dialog is on the screen; what it prints closes the dialog. So a reply is the whole
output of the hook, in one line. An answer by hook allows what was asked and what Claude Code itself has suggested with
it, and nothing beyond that.
"""

from collections.abc import Callable, Iterator, Sequence

import msgspec

from orchestrd.core.conversation import Fields, fields_of, one_line, text_of
from orchestrd.model.decision import Choice, Decision, DecisionKind, Way
from orchestrd.model.limits import CHOICES_MAX

QUESTION = "AskUserQuestion"
ALLOW, ALWAYS, DENY, OTHER = "allow", "always", "deny", "other"
NO = "The user has refused this."
BYPASS = "bypassPermissions"
_TEXT = "<text>"
_FIRST = ("command", "file_path", "notebook_path", "plan", "url", "query", "pattern", "path")  # of a tool's input
_FOR_NOW = "session"


def decision_of(held: str, payload: Fields) -> Decision:
    """Tell what is asked by the hook that holds the answer under this id."""
    tool, given = text_of(payload, "tool_name"), fields_of(payload.get("tool_input"))
    if tool == QUESTION and (questions := _questions(given)):
        told = "\n".join(_told_question(question) for question in questions)
        choices = (*(_options(given, questions[0]) if len(questions) == 1 else ()), _deny("Give no answer"))
        return _decision(held, DecisionKind.QUESTION, told, choices)
    if not tool:
        return _decision(held, DecisionKind.PERMISSION, "permission for more than can be told here", ())
    choices = (Choice(key=ALLOW, label="Yes, this time", reply=_line("allow")), *_always(payload), _deny("No"))
    return _decision(held, DecisionKind.PERMISSION, _told_tool(tool, given), choices)


def _decision(held: str, kind: DecisionKind, text: str, choices: Sequence[Choice]) -> Decision:
    return Decision(
        id=held, kind=kind, text=text, choices=tuple(choices) if len(choices) <= CHOICES_MAX else (), way=Way.HELD
    )


def _line(behaviour: str, **more: object) -> str:
    decision = {"behavior": behaviour, **more}
    return msgspec.json.encode(
        {"hookSpecificOutput": {"hookEventName": "PermissionRequest", "decision": decision}}
    ).decode()


def _around(line_with: Callable[[str], str]) -> tuple[str, str]:
    """Give what stands before and behind the one text in a line."""
    mark = _TEXT
    while line_with("").count(mark):
        mark += ">"
    before, _, behind = line_with(mark).partition(f'"{mark}"')
    return before, behind


def _deny(label: str) -> Choice:
    return Choice(
        key=DENY,
        label=label,
        reply=_line("deny", message=NO),
        around=_around(lambda text: _line("deny", message=text)),
    )


def _always(payload: Fields) -> Iterator[Choice]:
    """Offer what Claude Code suggests to allow from now on; never to ask for nothing any more."""
    suggested = payload.get("permission_suggestions")
    rules = [fields_of(one) for one in suggested] if isinstance(suggested, list) else []
    if rules and all(rule and rule.get("mode") != BYPASS for rule in rules):
        label = f"Yes, and from now on: {'; '.join(map(_told_rule, rules))}"
        yield Choice(key=ALWAYS, label=label, reply=_line("allow", updatedPermissions=rules))


def _told_rule(rule: Fields) -> str:
    kept = text_of(rule, "destination")
    where = " in this session" if kept == _FOR_NOW else f" (kept in its {kept})" if kept else ""
    if directories := rule.get("directories"):
        return f"work in {', '.join(map(str, directories)) if isinstance(directories, list) else '?'}{where}"
    if mode := text_of(rule, "mode"):
        return f"mode {one_line(mode)}{where}"
    named = rule.get("rules")
    words = [_told_name(fields_of(one)) for one in named] if isinstance(named, list) else [text_of(rule, "type")]
    return f"{text_of(rule, 'behavior') or 'allow'} {', '.join(words)}{where}"


def _told_name(rule: Fields) -> str:
    content = text_of(rule, "ruleContent")
    return f"{text_of(rule, 'toolName')}({content})" if content else text_of(rule, "toolName")


def _told_tool(tool: str, given: Fields) -> str:
    """Tell of a tool with all that it is given, what matters most first: whoever allows it is to see it."""
    first = next((name for name in _FIRST if text_of(given, name)), None)
    head = f"{tool}: {text_of(given, first)}" if first else tool
    return "\n".join((head, *(f"{name}: {_told(value)}" for name, value in given.items() if name != first)))


def _told(value: object) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _questions(given: Fields) -> list[Fields]:
    asked = given.get("questions")
    return [fields_of(one) for one in asked] if isinstance(asked, list) else []


def _labels(question: Fields) -> list[tuple[str, str]]:
    options = question.get("options")
    found = [fields_of(option) for option in options] if isinstance(options, list) else []
    return [(text_of(option, "label"), text_of(option, "description")) for option in found]


def _told_question(question: Fields) -> str:
    several = " (several may be chosen)" if question.get("multiSelect") is True else ""
    return text_of(question, "question") + several


def _options(given: Fields, question: Fields) -> Iterator[Choice]:
    """Offer what can be answered to the one question: its options, and words of one's own."""

    def answered(text: str) -> str:
        return _line("allow", updatedInput={**given, "answers": {text_of(question, "question"): text}})

    for number, (label, description) in enumerate(_labels(question), start=1):
        told = f"{label}: {description}" if description else label
        yield Choice(key=str(number), label=told, reply=answered(label))
    yield Choice(key=OTHER, label="Something else", reply="", around=_around(answered))
