"""What a refusal of GitHub to merge is for, by its status and its words."""

import pytest

from orchestrd.forges.github.refusals import refusal_in
from orchestrd.model.reaction import Refusal


@pytest.mark.parametrize(
    ("status", "words", "refusal"),
    [
        (403, "Resource not accessible by integration", Refusal.RIGHT),
        (404, "", Refusal.RIGHT),
        (405, "Merge commits are not allowed on this repository.", Refusal.METHOD),
        (405, "Squash merges are not allowed on this repository.", Refusal.METHOD),
        (405, "This branch must not contain merge commits.", Refusal.METHOD),
        (405, "Repository rule violations found\n\nChanges must be made through the merge queue", Refusal.RULE),
        (405, "You're not authorized to push to this branch. Visit https://docs.github.com/x", Refusal.RULE),
        (422, "Repository rule violations found\n\nCommits must have verified signatures.", Refusal.RULE),
        (405, 'Repository rule violations found\n\nRequired status check "ci" is expected.', Refusal.NOT_READY),
        (405, "2 of 3 required status checks are pending.", Refusal.NOT_READY),
        (405, "At least 1 approving review is required by reviewers with write access.", Refusal.NOT_READY),
        (405, "Pull Request is not mergeable", Refusal.NOT_READY),
        (405, "Base branch was modified. Review and try the merge again.", Refusal.MOVED),
        (409, "Head branch was modified. Review and try the merge again.", Refusal.MOVED),
        (405, "Something that nobody has seen before", None),
        (422, "Validation Failed", None),
        (418, "Repository rule violations found", None),
    ],
)
def test_a_refusal_is_read(status: int, words: str, refusal: Refusal | None) -> None:
    assert refusal_in(status, words) is refusal
