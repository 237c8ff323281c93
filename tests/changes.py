"""A pull request to test with: open, green and reviewed by nobody. What a test has to say of it, it replaces."""

from orchestrd.model.change import Change, Checks, Mergeable, Pr, Review

CHANGE = Change(
    forge="github",
    repository="github.com/o/r",
    branch="orch/abcdefgh",
    base="main",
    pr=Pr.OPEN,
    number=7,
    url="https://github.com/o/r/pull/7",
    head="c1",
    checks=Checks.PASSING,
    review=Review.NONE,
    remarks=(),
    mergeable=Mergeable.CLEAN,
)
