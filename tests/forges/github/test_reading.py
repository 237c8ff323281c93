"""From an answer to a change: what each word of GitHub means, and what is unknown where it told only a part."""

from typing import Any

import msgspec
import pytest

from orchestrd.forges.github.answers import Details, Part, Whole, decoded, parts_of
from orchestrd.forges.github.checks import verdict
from orchestrd.forges.github.reading import detailed, picked, standing_of
from orchestrd.forges.github.reviews import decision, remarks_of, words_of
from orchestrd.model.change import Change, Checks, Mergeable, Pr, Review
from orchestrd.model.errors import TransientError
from tests.forges.github.surroundings import REPOSITORY, SHA

RUN = {"__typename": "CheckRun", "databaseId": 7, "name": "test", "status": "COMPLETED", "conclusion": "SUCCESS"}


def told(field: dict[str, Any], *errors: dict[str, Any]) -> tuple[Part, Details]:
    """Read the details of a pull request out of a whole answer."""
    pull = {"number": 1, "headRefOid": SHA, **field}
    body = {"data": {"repository": {"p1": pull}}, "errors": list(errors)}
    part = parts_of(decoded(msgspec.json.encode(body), Whole, "answer"))["p1"]
    details = part.read(Details)
    assert details is not None
    return part, details


def failed_at(*path: str | int) -> dict[str, Any]:
    return {"message": "Resource not accessible", "type": "FORBIDDEN", "path": ["repository", "p1", *path]}


def rollup(state: str, *nodes: dict[str, Any], count: int | None = None) -> dict[str, Any]:
    contexts = {"nodes": list(nodes), "totalCount": len(nodes) if count is None else count}
    return {"statusCheckRollup": {"state": state, "contexts": contexts}}


def run(**field: Any) -> dict[str, Any]:
    return {**RUN, **field}


def in_workflow(event: str, **field: Any) -> dict[str, Any]:
    return run(checkSuite={"workflowRun": {"event": event, "workflow": {"name": "CI"}}}, **field)


@pytest.mark.parametrize(
    ("conclusion", "checks"),
    [
        ("SUCCESS", Checks.PASSING),
        ("NEUTRAL", Checks.PASSING),
        ("SKIPPED", Checks.PASSING),
        ("STALE", Checks.PENDING),
        ("FAILURE", Checks.FAILING),
        ("CANCELLED", Checks.FAILING),
        ("TIMED_OUT", Checks.FAILING),
        ("ACTION_REQUIRED", Checks.FAILING),
        ("STARTUP_FAILURE", Checks.FAILING),
        ("A_NEW_WORD", Checks.UNKNOWN),
    ],
)
def test_a_run_that_ended_counts_as_github_counts_it(conclusion: str, checks: Checks) -> None:
    part, details = told(rollup("FAILURE", run(conclusion=conclusion)))

    assert verdict(details, part).checks is checks


@pytest.mark.parametrize(
    ("nodes", "checks"),
    [
        ([run(status="IN_PROGRESS", conclusion=None)], Checks.PENDING),
        ([run(), run(name="b", status="QUEUED", conclusion=None)], Checks.PENDING),
        ([run(conclusion="FAILURE"), run(name="b", status="QUEUED", conclusion=None)], Checks.FAILING),
        ([run(), {"__typename": "StatusContext", "context": "ci", "state": "PENDING"}], Checks.PENDING),
        ([run(), {"__typename": "StatusContext", "context": "ci", "state": "ERROR"}], Checks.FAILING),
    ],
)
def test_one_that_failed_outweighs_those_that_run_and_these_those_that_passed(
    nodes: list[dict[str, Any]], checks: Checks
) -> None:
    part, details = told(rollup("FAILURE", *nodes))

    assert verdict(details, part).checks is checks


def test_a_run_that_a_newer_one_took_the_place_of_does_not_count() -> None:
    old, new = "2026-01-01T00:00:00Z", "2026-01-01T00:01:00Z"
    again = [
        in_workflow("push", conclusion="FAILURE", startedAt=old),
        in_workflow("push", startedAt=new),
        in_workflow("pull_request", startedAt=old),
    ]
    part, details = told(rollup("FAILURE", *again))

    assert verdict(details, part).checks is Checks.PASSING


def test_a_run_that_is_queued_again_is_the_newest() -> None:
    queued = run(status="QUEUED", conclusion=None, startedAt=None)
    part, details = told(rollup("FAILURE", queued, run(conclusion="FAILURE", startedAt="2026-01-01T00:00:00Z")))

    assert verdict(details, part).checks is Checks.PENDING


def test_the_same_name_in_another_workflow_is_another_check() -> None:
    part, details = told(rollup("FAILURE", in_workflow("push", conclusion="FAILURE"), run()))

    assert verdict(details, part).checks is Checks.FAILING


@pytest.mark.parametrize(
    ("state", "checks"),
    [
        ("SUCCESS", Checks.PASSING),
        ("PENDING", Checks.PENDING),
        ("EXPECTED", Checks.PENDING),
        ("FAILURE", Checks.FAILING),
        ("ERROR", Checks.FAILING),
        ("A_NEW_WORD", Checks.UNKNOWN),
    ],
)
def test_without_the_single_checks_the_word_of_github_stands(state: str, checks: Checks) -> None:
    part, details = told({"statusCheckRollup": {"state": state}})

    assert verdict(details, part).checks is checks


def test_no_checks_are_none_and_checks_that_were_not_told_are_unknown() -> None:
    part, details = told({"statusCheckRollup": None})
    lost_part, lost = told({"statusCheckRollup": None}, failed_at("statusCheckRollup", "contexts"))

    assert verdict(details, part).checks is Checks.NONE
    assert (verdict(lost, lost_part).checks, verdict(lost, lost_part).error) == (
        Checks.UNKNOWN,
        "Resource not accessible",
    )


def test_a_token_that_may_not_read_the_runs_still_tells_what_they_come_to() -> None:
    nodes: dict[str, Any] = {"nodes": [None], "totalCount": 1}
    field = {"statusCheckRollup": {"state": "FAILURE", "contexts": nodes}}
    part, details = told(field, failed_at("statusCheckRollup", "contexts", "nodes", 0))

    found = verdict(details, part)

    assert (found.checks, found.failed, found.error) == (Checks.FAILING, (), "Resource not accessible")


def test_more_checks_than_were_asked_for_do_not_pass_unseen() -> None:
    part, details = told(rollup("FAILURE", run(), count=101))

    assert verdict(details, part).checks is Checks.FAILING


@pytest.mark.parametrize(
    ("mergeable", "state", "seen"),
    [
        ("MERGEABLE", "CLEAN", Mergeable.CLEAN),
        ("MERGEABLE", "HAS_HOOKS", Mergeable.CLEAN),
        ("MERGEABLE", "UNSTABLE", Mergeable.CLEAN),
        ("MERGEABLE", "BEHIND", Mergeable.HELD_BACK),
        ("MERGEABLE", "BLOCKED", Mergeable.HELD_BACK),
        ("MERGEABLE", "UNKNOWN", Mergeable.UNKNOWN),
        ("CONFLICTING", "DIRTY", Mergeable.CONFLICTING),
        ("CONFLICTING", "UNKNOWN", Mergeable.CONFLICTING),
        ("UNKNOWN", "BLOCKED", Mergeable.UNKNOWN),
    ],
)
def test_whether_it_could_be_merged(mergeable: str, state: str, seen: Mergeable) -> None:
    part, details = told({"mergeable": mergeable, "mergeStateStatus": state})
    change = Change(forge="github", repository=REPOSITORY, branch="fix", head=SHA)

    assert detailed(change, part, details, {}).mergeable is seen


def test_details_of_another_commit_are_not_those_of_this_one() -> None:
    part, details = told({"mergeable": "MERGEABLE", "mergeStateStatus": "CLEAN"} | rollup("SUCCESS", run()))
    change = Change(forge="github", repository=REPOSITORY, branch="fix", head="c" * 40)

    found = detailed(change, part, details, {})

    assert (found.checks, found.mergeable) == (Checks.UNKNOWN, Mergeable.UNKNOWN)
    assert found.error


def reviewed(*states: str, requested: int = 0) -> dict[str, Any]:
    nodes = [{"id": f"r{n}", "state": state, "author": None} for n, state in enumerate(states)]
    return {"latestOpinionatedReviews": {"nodes": nodes}, "reviewRequests": {"totalCount": requested}}


@pytest.mark.parametrize(
    ("field", "seen"),
    [
        ({"reviewDecision": "APPROVED"}, Review.APPROVED),
        ({"reviewDecision": "REVIEW_REQUIRED"} | reviewed("APPROVED"), Review.REQUIRED),
        (reviewed("APPROVED"), Review.APPROVED),
        (reviewed("APPROVED", "CHANGES_REQUESTED"), Review.CHANGES_REQUESTED),
        (reviewed("DISMISSED"), Review.NONE),
        (reviewed(requested=1), Review.REQUIRED),
        (reviewed(), Review.NONE),
        ({"latestOpinionatedReviews": None}, Review.UNKNOWN),
        ({"reviewDecision": "A_NEW_WORD"}, Review.UNKNOWN),
    ],
)
def test_where_no_rule_asks_for_reviews_the_reviewers_decide(field: dict[str, Any], seen: Review) -> None:
    part, details = told(field)

    assert decision(details, part) is seen


@pytest.mark.parametrize("lost", ["reviewDecision", "reviewRequests"])
def test_a_decision_that_was_not_told_is_unknown(lost: str) -> None:
    part, details = told(reviewed() | {"reviewRequests": None}, failed_at(lost))

    assert decision(details, part) is Review.UNKNOWN


def thread(**field: Any) -> dict[str, Any]:
    return {"id": "t1", "isResolved": False, "isOutdated": False, "path": "a.py", "line": 3, **field}


def threads(*nodes: dict[str, Any] | None, count: int | None = None) -> dict[str, Any]:
    return reviewed() | {"reviewThreads": {"nodes": list(nodes), "totalCount": count or len(nodes)}}


def words(*comments: tuple[str, str]) -> dict[str, Any]:
    nodes = [
        {"id": f"c{n}", "body": body, "author": {"__typename": "User", "login": login}}
        for n, (login, body) in enumerate(comments)
    ]
    return {"author": {"login": "me"}, "words": {"nodes": [{"id": "t1", "comments": {"nodes": nodes}}]}}


def test_a_reply_of_somebody_else_than_the_author_makes_it_a_new_remark() -> None:
    first, mine, theirs = ("ann", "No."), ("me", "Why?"), ("ann", "Because.")
    _, details = told(threads(thread()) | words(first, mine))
    _, replied = told(threads(thread()) | words(first, mine, theirs))

    before, after = remarks_of(details, words_of(details)), remarks_of(replied, words_of(replied))

    assert before[0] is not None
    assert after[0] is not None
    assert (before[0][0].id, after[0][0].id) == ("t1", "t1#c2")
    assert after[0][0].text == "No.\n\nme: Why?\n\nann: Because."


def test_what_lines_were_changed_since_is_said_of_a_remark() -> None:
    _, details = told(threads(thread(isOutdated=True)) | words(("ann", "No.")))

    remarks, _ = remarks_of(details, words_of(details))

    assert remarks is not None
    assert [remark.is_outdated for remark in remarks] == [True]


@pytest.mark.parametrize(
    "field",
    [
        threads(None),  # one of them was not told
        threads(thread(isResolved=True), count=101),  # none of the newest is open, and of the others nothing is known
        threads(thread()),  # it is open, and its words were not told
        {"reviewThreads": None},
        threads() | {"latestOpinionatedReviews": {"nodes": [None]}},
    ],
)
def test_remarks_that_were_not_all_told_are_unknown(field: dict[str, Any]) -> None:
    _, details = told(field)

    assert remarks_of(details, {}) == (None, 0)


def test_a_review_without_a_word_counts_only_where_no_thread_says_what_is_wanted() -> None:
    field = threads() | {"latestOpinionatedReviews": reviewed("CHANGES_REQUESTED")["latestOpinionatedReviews"]}
    _, alone = told(field)
    _, settled = told(field | {"reviewThreads": threads(thread(isResolved=True))["reviewThreads"]})
    _, with_thread = told(field | {"reviewThreads": threads(thread())["reviewThreads"]} | words(("ann", "No.")))

    assert [one.text for one in remarks_of(alone, {})[0] or ()] == ["(asks for changes, without a word)"]
    assert remarks_of(settled, {}) == ((), 0)
    assert [one.text for one in remarks_of(with_thread, words_of(with_thread))[0] or ()] == ["No."]


def branch(*nodes: dict[str, Any] | None, **more: Any) -> Part:
    body = {"data": {"repository": {"b0": {"nodes": list(nodes), "totalCount": len(nodes)}}}, **more}
    return parts_of(decoded(msgspec.json.encode(body), Whole, "answer"))["b0"]


def test_a_pull_request_that_was_not_told_is_unknown_and_never_none() -> None:
    error = {"message": "Something went wrong", "path": ["repository", "b0", "nodes", 0]}

    lost = standing_of(REPOSITORY, "fix", picked(branch(None, errors=[error])))
    none = standing_of(REPOSITORY, "fix", picked(branch()))
    missing = standing_of(REPOSITORY, "fix", picked(Part(None)))

    assert (lost.pr, lost.error) == (Pr.UNKNOWN, "Something went wrong")
    assert (none.pr, none.error) == (Pr.NONE, None)
    assert missing.pr is Pr.UNKNOWN


@pytest.mark.parametrize(
    ("state", "is_draft", "seen"),
    [
        ("OPEN", False, Pr.OPEN),
        ("OPEN", True, Pr.DRAFT),
        ("MERGED", False, Pr.MERGED),
        ("CLOSED", True, Pr.CLOSED),
        ("A_NEW_WORD", False, Pr.UNKNOWN),
    ],
)
def test_the_standing_of_a_pull_request(state: str, is_draft: bool, seen: Pr) -> None:  # noqa: FBT001 - a table
    found = picked(branch({"number": 1, "state": state, "isDraft": is_draft}))

    assert standing_of(REPOSITORY, "fix", found).pr is seen


def test_what_is_no_answer_of_github_is_no_evidence() -> None:
    with pytest.raises(TransientError, match="is no answer of GitHub"):
        decoded(b"<html>", Whole, "answer")

    assert picked(Part(msgspec.Raw(b'{"nodes": 3}'))).error is not None
