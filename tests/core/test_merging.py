"""Whether a change is ready: what is not known is not, and no other commit is merged."""

import pytest
from msgspec.structs import replace

from orchestrd.core.merging import lasts, unready
from orchestrd.model.change import Checks, Mergeable, Pr, Remark, Review
from orchestrd.model.reaction import Condition, MergeMethod, MergeOrder, Refusal
from tests.changes import CHANGE

READY = replace(CHANGE, branch="fix", number=1, head="a" * 40, review=Review.APPROVED)
ORDER = MergeOrder(
    repository="github.com/o/r",
    number=1,
    branch="fix",
    base="main",
    head="a" * 40,
    method=MergeMethod.SQUASH,
    when=Condition(
        pr=(Pr.OPEN,),
        checks=(Checks.PASSING, Checks.NONE),
        review=(Review.APPROVED,),
        mergeable=(Mergeable.CLEAN,),
        remarks=False,
    ),
)


def test_what_is_as_the_order_wants_it_is_ready() -> None:
    assert unready(ORDER, READY) is None
    assert unready(replace(ORDER, number=None, base=None, when=Condition()), READY) is None


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ({"pr": Pr.DRAFT}, "its pull request is draft"),
        ({"pr": Pr.UNKNOWN}, "its pull request is unknown"),
        ({"number": 2}, "the pull request of fix is #2, not #1"),
        ({"head": "b" * 40}, "its newest commit is bbbbbbbbbb, and aaaaaaaaaa was to be merged"),
        ({"head": None}, "its newest commit is unknown, and aaaaaaaaaa was to be merged"),
        ({"base": "release"}, "it goes into release, and was to go into main"),
        ({"mergeable": Mergeable.CONFLICTING}, "it has conflicts with its base"),
        ({"mergeable": Mergeable.HELD_BACK}, "it is held back, not clean"),
        ({"checks": Checks.UNKNOWN}, "its checks are unknown, not passing or none"),
        ({"review": Review.CHANGES_REQUESTED}, "its review is changes requested, not approved"),
        ({"remarks": None}, "it is not known whether remarks of reviewers are unsettled"),
        ({"remarks": (Remark(id="t", author="ann", text="No."),)}, "1 remarks of reviewers are unsettled"),
    ],
)
def test_what_is_otherwise_or_unknown_is_not(told: dict[str, object], why: str) -> None:
    assert unready(ORDER, replace(READY, **told)) == why


def test_who_waits_for_remarks_is_not_served_without_any() -> None:
    assert unready(replace(ORDER, when=Condition(remarks=True)), READY) == "no remarks of reviewers are unsettled"


@pytest.mark.parametrize(
    ("refusal", "is_lasting"),
    [
        (None, False),
        (Refusal.NOT_READY, False),
        (Refusal.MOVED, False),
        (Refusal.METHOD, True),
        (Refusal.RULE, True),
        (Refusal.RIGHT, True),
        (Refusal.PLACE, True),
        (Refusal.NOTHING, True),
    ],
)
def test_a_refusal_lasts_where_nothing_that_is_waited_for_takes_it_back(
    refusal: Refusal | None, *, is_lasting: bool
) -> None:
    assert lasts(refusal) is is_lasting
