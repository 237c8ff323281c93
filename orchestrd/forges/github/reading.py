"""From what GitHub answers to the change of a branch. Pure; what was not answered is unknown, and why is said.

Of a branch there may be many pull requests. Those of forks are not ours, whatever their branch is called. Of the others
an open one comes before the closed, and then the newest.
"""

from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from orchestrd.forges.github.answers import Details, OfBranch, Part, Standing
from orchestrd.forges.github.checks import verdict
from orchestrd.forges.github.plain import line
from orchestrd.forges.github.reviews import decision, remarks_of
from orchestrd.model.change import Change, Mergeable, Pr, Remark

NAME = "github"

_BY_STATE_OF_MERGE = {
    "CLEAN": Mergeable.CLEAN,
    "HAS_HOOKS": Mergeable.CLEAN,
    "UNSTABLE": Mergeable.CLEAN,  # checks that no rule asks for are not green: the checks tell
    "BEHIND": Mergeable.HELD_BACK,
    "BLOCKED": Mergeable.HELD_BACK,
    "DRAFT": Mergeable.HELD_BACK,
    "DIRTY": Mergeable.CONFLICTING,
}


class Picked(Struct, frozen=True, kw_only=True):
    """The pull request of a branch: its standing, null where there is none, or, with an error, where nobody knows."""

    standing: Standing | None = None
    error: str | None = None

    @property
    def is_open(self) -> bool:
        """Tell whether there is more to ask of it."""
        return self.standing is not None and self.standing.state == "OPEN"


def picked(part: Part) -> Picked:
    """Pick the pull request of a branch."""
    found = part.read(OfBranch)
    if found is None or found.nodes is None:
        return Picked(error=part.why or "GitHub did not tell of the pull requests of this branch")
    own = [node for node in found.nodes if node is not None and not node.is_cross_repository]
    chosen = next((node for node in own if node.state == "OPEN"), own[0] if own else None)
    if chosen is None and None in found.nodes:
        return Picked(error=part.why or "GitHub did not tell of a pull request of this branch")
    if chosen is None and found.total_count > len(found.nodes):
        return Picked(error=f"the newest {len(found.nodes)} pull requests of this branch are all from forks")
    return Picked(standing=chosen)


def standing_of(repository: str, branch: str, found: Picked) -> Change:
    """Tell of a branch what its standing says."""
    change = Change(forge=NAME, repository=repository, branch=branch, error=found.error)
    if found.standing is None:
        return replace(change, pr=Pr.NONE if found.error is None else Pr.UNKNOWN)
    pull = found.standing
    return replace(
        change,
        pr=_pr(pull),
        number=pull.number,
        url=pull.url,
        title=line(pull.title),
        base=pull.base_ref_name,
        head=pull.head_ref_oid,
    )


def detailed(change: Change, part: Part, details: Details | None, words: Mapping[str, Remark]) -> Change:
    """Add what the details say, where they are of the same commit: else they are of a push that came in between."""
    if details is None or details.head_ref_oid != change.head:
        return replace(change, error=part.why or "GitHub did not tell more of this pull request")
    found = verdict(details, part)
    remarks, more = remarks_of(details, words)
    return replace(
        change,
        checks=found.checks,
        failed=found.failed,
        failed_more=found.failed_more,
        review=decision(details, part),
        remarks=remarks,
        remarks_more=more,
        mergeable=_mergeable(details),
        error=found.error or (None if remarks is not None else part.why),
    )


def _pr(pull: Standing) -> Pr:
    match pull.state:
        case "OPEN":
            return Pr.DRAFT if pull.is_draft else Pr.OPEN
        case "MERGED":
            return Pr.MERGED
        case "CLOSED":
            return Pr.CLOSED
        case _:
            return Pr.UNKNOWN


def _mergeable(details: Details) -> Mergeable:
    if details.mergeable == "CONFLICTING":
        return Mergeable.CONFLICTING
    if details.mergeable != "MERGEABLE":  # it has not been worked out yet
        return Mergeable.UNKNOWN
    return _BY_STATE_OF_MERGE.get(details.merge_state_status, Mergeable.UNKNOWN)
