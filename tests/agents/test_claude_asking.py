"""What Claude Code asks by its hook, as a decision."""

import json
from typing import Any

import pytest

from orchestrd.agents.claude import ClaudeAgent
from orchestrd.agents.claude.asking import decision_of
from orchestrd.core.deciding import reply_to
from orchestrd.model.decision import Choice, Decision, GivenAnswer
from orchestrd.model.run import Glimpse
from orchestrd.model.words import Authority
from tests.agents.samples import NOW, hook_line

BASH: dict[str, Any] = {"tool_name": "Bash", "tool_input": {"command": "rm -r build\nls", "description": "Clean"}}
RULE = {
    "type": "addRules",
    "rules": [{"toolName": "Bash", "ruleContent": "rm:*"}, {"toolName": "Edit"}],
    "behavior": "allow",
    "destination": "localSettings",
}
WORK = {"type": "addDirectories", "directories": ["/shop"], "destination": "session"}
EDITS = {"type": "setMode", "mode": "acceptEdits", "destination": "session"}
APPLE, PEAR = {"label": "Apple", "description": "red"}, {"label": "Pear"}
WHICH = {"question": "Which fruit?", "header": "Fruit", "options": [APPLE, PEAR], "multiSelect": False}


def asked(**payload: Any) -> Decision:
    return decision_of("17-5", payload)


def question(*questions: dict[str, Any]) -> Decision:
    return asked(tool_name="AskUserQuestion", tool_input={"questions": list(questions)})


def choice_of(decision: Decision, key: str) -> Choice:
    return next(choice for choice in decision.choices if choice.key == key)


def printed(decision: Decision, key: str, text: str | None = None) -> dict[str, Any]:
    """Give the decision that the hook prints once this was answered."""
    given = GivenAnswer(decision=decision, choice=choice_of(decision, key), text=text, authority=Authority.USER)
    line = reply_to(given)
    assert "\n" not in line
    told = json.loads(line)["hookSpecificOutput"]
    assert told["hookEventName"] == "PermissionRequest"
    answered: dict[str, Any] = told["decision"]
    return answered


def test_a_line_of_the_hook_that_waits_tells_of_its_decision() -> None:
    line = hook_line("PermissionRequest", **BASH).replace(b',"claude"', b',"decision":"17-5","claude"', 1)

    (said,) = ClaudeAgent().read(Glimpse(now=NOW, hook_lines=((line, len(line) + 1),))).testimonies

    assert said.decision == asked(**BASH)
    assert said.text == "asks for permission: Bash: rm -r build ls"


def test_a_tool_is_told_with_all_that_it_is_given() -> None:
    told = asked(tool_name="Edit", tool_input={"old_string": "a", "file_path": "/shop/x", "more": [1, 2]})

    assert (told.id, told.kind, told.way) == ("17-5", "permission", "held")
    assert told.text == "Edit: /shop/x\nold_string: a\nmore: [1,2]"
    assert asked(**BASH).text == "Bash: rm -r build\nls\ndescription: Clean"
    assert asked(tool_name="mcp__shop__sell", tool_input={}).text == "mcp__shop__sell"


def test_it_is_allowed_once_or_refused_with_a_reason() -> None:
    decision = asked(**BASH)

    assert [choice.key for choice in decision.choices] == ["allow", "deny"]
    assert printed(decision, "allow") == {"behavior": "allow"}
    assert printed(decision, "deny") == {"behavior": "deny", "message": "The user has refused this."}
    assert printed(decision, "deny", 'not "this"\n<text>') == {"behavior": "deny", "message": 'not "this"\n<text>'}


def test_what_claude_code_suggests_is_allowed_from_now_on_in_its_own_words() -> None:
    decision = asked(**BASH, permission_suggestions=[RULE, WORK, EDITS])

    always = choice_of(decision, "always")
    assert [choice.key for choice in decision.choices] == ["allow", "always", "deny"]
    assert always.label == (
        "Yes, and from now on: allow Bash(rm:*), Edit (kept in its localSettings); "
        "work in /shop in this session; mode acceptEdits in this session"
    )
    assert printed(decision, "always") == {"behavior": "allow", "updatedPermissions": [RULE, WORK, EDITS]}


@pytest.mark.parametrize(
    "suggested",
    [None, [], "all", [7], [{"type": "setMode", "mode": "bypassPermissions"}], [RULE, {"mode": "bypassPermissions"}]],
)
def test_nothing_is_allowed_for_ever_that_was_not_suggested_and_never_everything(suggested: object) -> None:
    decision = asked(**BASH, permission_suggestions=suggested)

    assert [choice.key for choice in decision.choices] == ["allow", "deny"]


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ({"type": "addRules", "rules": "x"}, "allow addRules"),
        ({"type": "new"}, "allow new"),
        ({"directories": "x"}, "work in ?"),
    ],
)
def test_a_suggestion_that_is_not_understood_is_told_as_far_as_it_goes(rule: dict[str, Any], told: str) -> None:
    decision = asked(**BASH, permission_suggestions=[rule])

    assert choice_of(decision, "always").label == f"Yes, and from now on: {told}"


def test_a_question_is_answered_by_an_option_or_in_words_of_ones_own() -> None:
    decision = question(WHICH)

    assert (decision.kind, decision.text) == ("question", "Which fruit?")
    assert [(choice.key, choice.label) for choice in decision.choices] == [
        ("1", "Apple: red"),
        ("2", "Pear"),
        ("other", "Something else"),
        ("deny", "Give no answer"),
    ]
    assert choice_of(decision, "other").reply == ""
    given = {"questions": [WHICH]}
    assert printed(decision, "2") == {
        "behavior": "allow",
        "updatedInput": given | {"answers": {"Which fruit?": "Pear"}},
    }
    assert printed(decision, "other", "A <text> fig") == {
        "behavior": "allow",
        "updatedInput": given | {"answers": {"Which fruit?": "A <text> fig"}},
    }


def test_a_text_goes_where_it_is_meant_to_go_whatever_the_question_says() -> None:
    strange = WHICH | {"question": '"<text>" or <text>>?'}

    printed_answer = printed(question(strange), "other", "none")

    assert printed_answer["updatedInput"]["answers"] == {'"<text>" or <text>>?': "none"}
    assert printed_answer["updatedInput"]["questions"] == [strange]


def test_several_questions_at_once_are_for_a_person_who_may_still_decline_them() -> None:
    decision = question(WHICH, WHICH | {"question": "Which ones?", "multiSelect": True})

    assert decision.text == "Which fruit?\nWhich ones? (several may be chosen)"
    assert [choice.key for choice in decision.choices] == ["deny"]


def test_a_question_with_too_many_options_is_for_a_person_at_the_terminal() -> None:
    assert question(WHICH | {"options": [PEAR] * 11}).choices == ()


def test_what_was_cut_is_for_a_person_at_the_terminal() -> None:
    decision = asked(hook_event_name="PermissionRequest")

    assert decision.choices == ()
    assert decision.text == "permission for more than can be told here"


@pytest.mark.parametrize("given", [{}, {"questions": "x"}, {"questions": []}])
def test_a_question_without_questions_is_a_tool_like_any_other(given: dict[str, Any]) -> None:
    assert asked(tool_name="AskUserQuestion", tool_input=given).kind == "permission"


def test_a_question_without_options_takes_words() -> None:
    decision = question({"question": "Why?"})

    assert [choice.key for choice in decision.choices] == ["other", "deny"]
