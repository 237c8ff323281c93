"""What is asked in one request: the pull requests of many branches of a repository, and the details of some of them.

The branches are asked for each time; the details of a pull request by its number, as it is known from the look before:
so one request tells all of it while no pull request comes or goes. What a branch or a person has named goes along as a
variable, and never stands in the text. Bounds: `PULLS_OF_BRANCH`, `CONTEXTS`, `REVIEWS`, `THREADS` of the newest.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from msgspec import Struct

PULLS_OF_BRANCH = 20  # those of forks with the same name of a branch are among them
CONTEXTS = 100
REVIEWS = 50
THREADS = 100
COMMENTS = 20  # of one thread

_FRAGMENTS = {
    "Standing": """number state isDraft isCrossRepository title url updatedAt baseRefName headRefOid""",
    "Details": f"""number headRefOid updatedAt mergeable mergeStateStatus reviewDecision
  author {{ login }}
  reviewRequests(first: 1) {{ totalCount }}
  statusCheckRollup {{ state }}
  latestOpinionatedReviews(last: {REVIEWS}) {{ nodes {{ id state body author {{ __typename login }} }} }}
  reviewThreads(last: {THREADS}) {{
    totalCount nodes {{ id isResolved isOutdated path line }}
  }}""",
    "Contexts": f"""statusCheckRollup {{ contexts(first: {CONTEXTS}) {{ totalCount nodes {{
    __typename
    ... on CheckRun {{
      databaseId name status conclusion startedAt detailsUrl
      checkSuite {{ workflowRun {{ event workflow {{ name }} }} }}
    }}
    ... on StatusContext {{ context state description targetUrl createdAt }}
  }} }} }}""",
    "Words": f"""words: reviewThreads(last: {THREADS}) {{ nodes {{
    id comments(last: {COMMENTS}) {{ nodes {{ id body author {{ __typename login }} }} }}
  }} }}""",
}


class Wish(Struct, frozen=True, kw_only=True, order=True):
    """A pull request whose details are wanted: with each of its checks, and with what its threads say, or without."""

    number: int
    contexts: bool = False
    words: bool = False


class Query(Struct, frozen=True, kw_only=True):
    """One request. `cost` is what GitHub takes for it, by its own formula: a point for a hundred lists."""

    text: str
    variables: dict[str, Any]
    cost: int


def query(owner: str, name: str, branches: Sequence[str], wishes: Sequence[Wish]) -> Query:
    """Ask for the pull requests of these branches, the first as `b0`, and for the details of these, #7 as `p7`."""
    fields = [*_of_branches(len(branches)), *map(_of_pull, wishes)]
    used = [fragment for fragment in _FRAGMENTS if any(f"...{fragment}" in field for field in fields)]
    declared = "".join(f", $b{number}: String!" for number in range(len(branches)))
    parts = [
        f"query Look($owner: String!, $name: String!{declared}) {{",
        "rateLimit { cost limit remaining resetAt }",
        "repository(owner: $owner, name: $name) {",
        *fields,
        "} }",
        *(f"fragment {fragment} on PullRequest {{ {_FRAGMENTS[fragment]} }}" for fragment in used),
    ]
    named = {f"b{number}": branch for number, branch in enumerate(branches)}
    return Query(
        text="\n".join(parts), variables={"owner": owner, "name": name, **named}, cost=_cost(len(branches), wishes)
    )


def _of_branches(count: int) -> Iterator[str]:
    order = "orderBy: {field: CREATED_AT, direction: DESC}"
    for number in range(count):
        asked = f"pullRequests(headRefName: $b{number}, first: {PULLS_OF_BRANCH}, {order})"
        yield f"b{number}: {asked} {{ totalCount nodes {{ ...Standing }} }}"


def _of_pull(wish: Wish) -> str:
    more = "".join(f" ...{name}" for name, wanted in (("Contexts", wish.contexts), ("Words", wish.words)) if wanted)
    return f"p{wish.number}: pullRequest(number: {wish.number}) {{ ...Details{more} }}"


def _cost(branches: int, wishes: Sequence[Wish]) -> int:
    lists = branches + sum(3 + wish.contexts + (1 + THREADS) * wish.words for wish in wishes)
    return max(1, round(lists / 100))
