"""Looking at many branches of one repository: one request while nothing comes or goes, a second one where it does.

What is known of open pull requests from the look before decides what is asked along with the branches: whose details,
and whose single checks. Only what turns out to be missing is asked for then: the details of a new pull request, the
checks of one that has turned red, the words of a thread that is new or was written in. Logs of failed checks come last,
once for each. What a later request does not tell is unknown, and what an earlier one has told stands.
"""

import asyncio
from collections.abc import Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from orchestrd.forges.github.answers import Details, Part, parts_of
from orchestrd.forges.github.checks import is_green
from orchestrd.forges.github.client import GitHubClient
from orchestrd.forges.github.failing import told_logs, with_named_jobs
from orchestrd.forges.github.hosts import split
from orchestrd.forges.github.query import Query, Wish, query
from orchestrd.forges.github.reading import Picked, detailed, picked, standing_of
from orchestrd.forges.github.reviews import open_threads, words_of
from orchestrd.model.change import Change, Checks, FailedCheck, Remark
from orchestrd.model.errors import OrchestrdError
from orchestrd.model.limits import (
    CHANGES_AT_ONCE_MAX,
    FORGE_DETAILED_AT_ONCE_MAX,
    FORGE_LOGS_S,
    FORGE_PULLS_KNOWN_MAX,
    FORGE_ROUNDS_MAX,
)
from orchestrd.ports.forge import ChangeLook, WantedChange


def _bearable(wishes: Sequence[Wish]) -> list[Wish]:
    """Keep to what GitHub answers in time: of the wishes with single checks or words only so many, the others later."""
    heavy = [wish for wish in wishes if wish.contexts or wish.words]
    light = [wish for wish in wishes if not (wish.contexts or wish.words)]
    return [*light, *heavy[:FORGE_DETAILED_AT_ONCE_MAX]][:CHANGES_AT_ONCE_MAX]


class Remembered(Struct, frozen=True, kw_only=True):
    """What is known of an open pull request for the next look; `words` are what its open threads say."""

    branch: str
    updated_at: str
    is_green: bool
    words: Mapping[str, Remark]


class Looks:
    """Looks at one repository, again and again."""

    def __init__(self, client: GitHubClient, repository: str) -> None:
        self._client = client
        self._repository = repository
        self._known: dict[int, Remembered] = {}
        self._logs: dict[str, FailedCheck] = {}  # of checks that have failed, by their ids
        self.cost = 1  # of the newest look, in what GitHub counts by

    def by(self, client: GitHubClient) -> "Looks":
        """Go on looking by another client, with what is known of it, if that was told with the same token."""
        if client.memory is not self._client.memory:
            return Looks(client, self._repository)
        looks = Looks(client, self._repository)
        looks._known, looks._logs, looks.cost = self._known, self._logs, self.cost
        return looks

    async def look(self, wanted: Sequence[WantedChange]) -> list[ChangeLook]:
        """Look at all of them. Raises OrchestrdError where nothing is told of any."""
        branches = sorted({one.branch for one in wanted})
        self.cost = 0
        known: dict[int, Remembered] = {}
        changes: dict[str, Change] = {}
        for start in range(0, len(branches), CHANGES_AT_ONCE_MAX):
            look = _Look(self._client, self._repository, self._known)
            changes |= await look.at(branches[start : start + CHANGES_AT_ONCE_MAX])
            known |= look.remembered()
            self.cost += look.cost
        others = {number: one for number, one in self._known.items() if one.branch not in branches}
        self._known = dict(list((others | known).items())[-FORGE_PULLS_KNOWN_MAX:])
        logged = await self._with_logs(changes, wanted)
        return [ChangeLook(session=one.session, change=logged[one.branch]) for one in wanted]

    async def look_closely(self, wanted: WantedChange) -> Change:
        """Look at one branch alone, with each of its checks: what is to be acted on."""
        look = _Look(self._client, self._repository, {}, is_close=True)
        return (await look.at([wanted.branch]))[wanted.branch]

    async def _with_logs(self, changes: Mapping[str, Change], wanted: Sequence[WantedChange]) -> dict[str, Change]:
        """Fetch what failed checks have written, of those that it was not fetched of before; in time, or next time."""
        before = {one.branch: one.known for one in wanted if one.known is not None}
        self._logs |= {check.id: check for one in before.values() for check in one.failed if check.log is not None}
        done = dict(changes)

        async def fetch(branch: str, change: Change) -> None:
            done[branch] = named = await with_named_jobs(self._client, change, before.get(branch))
            done[branch] = await told_logs(self._client, named, self._logs)

        try:
            async with asyncio.timeout(FORGE_LOGS_S), asyncio.TaskGroup() as tasks:
                for branch, change in changes.items():
                    if change.checks is Checks.FAILING:
                        tasks.create_task(fetch(branch, change), name=f"logs of {branch}")
        except TimeoutError:
            pass  # what is there stands, the rest is fetched at the next look
        failed = {check.id for change in done.values() for check in change.failed}
        self._logs = {known: check for known, check in self._logs.items() if known in failed}
        return done


class _Look:
    """One look at up to `CHANGES_AT_ONCE_MAX` branches: what was told so far, and what is still to be asked."""

    def __init__(
        self, client: GitHubClient, repository: str, known: Mapping[int, Remembered], *, is_close: bool = False
    ) -> None:
        self._client = client
        self._repository = repository
        self._known = known
        self._is_close = is_close
        self._picked: dict[str, Picked] = {}
        self._parts: dict[int, Part] = {}
        self._details: dict[int, Details | None] = {}
        self._asked: dict[int, Wish] = {}
        self._words: dict[int, dict[str, Remark]] = {}
        self._error: str | None = None  # why something was not asked for
        self.cost = 0

    async def at(self, branches: Sequence[str]) -> dict[str, Change]:
        """Look. Raises OrchestrdError where nothing was told."""
        wishes = [
            Wish(number=number, contexts=not known.is_green)
            for number, known in sorted(self._known.items())
            if known.branch in branches
        ]
        parts = await self._ask(branches, _bearable(wishes))
        self._picked = {branch: picked(parts.get(f"b{place}", Part(None))) for place, branch in enumerate(branches)}
        for _ in range(FORGE_ROUNDS_MAX):
            lacking = [wish for wish in map(self._lacking, self._picked.values()) if wish is not None]
            if not lacking:
                break
            try:
                await self._ask((), _bearable(lacking))
            except OrchestrdError as error:
                self._error = error.message
                break
        return {branch: self._change(branch) for branch in branches}

    def remembered(self) -> dict[int, Remembered]:
        """Say what the next look should know; nothing of those whose details were not told."""
        found = {}
        for branch, pull in self._picked.items():
            number = pull.standing.number if pull.standing is not None else 0
            details = self._details.get(number)
            if details is not None:
                found[number] = Remembered(
                    branch=branch,
                    updated_at=details.updated_at,
                    is_green=is_green(details),
                    words=self._words_of(number, details),
                )
        return found

    async def _ask(self, branches: Sequence[str], wishes: Sequence[Wish]) -> dict[str, Part]:
        _, owner, name = split(self._repository)
        asked: Query = query(owner, name, branches, wishes)
        self.cost += asked.cost
        parts = parts_of(await self._client.look(asked, self._repository))
        for wish in wishes:
            part = parts.get(f"p{wish.number}", Part(None))
            self._asked[wish.number] = wish
            self._parts[wish.number] = part
            details = self._details[wish.number] = part.read(Details)
            if wish.words and details is not None:
                self._words[wish.number] = words_of(details)
        return parts

    def _lacking(self, pull: Picked) -> Wish | None:
        """Say what is still to be asked of a pull request; null where it was asked, whatever the answer."""
        if pull.standing is None or not pull.is_open:
            return None
        number = pull.standing.number
        asked, details = self._asked.get(number), self._details.get(number)
        if asked is None:
            known = self._known.get(number)
            return Wish(number=number, contexts=self._is_close or (known is not None and not known.is_green))
        if details is None:
            return None
        contexts = asked.contexts or self._is_close or not is_green(details)
        words = asked.words or self._is_talked_in(number, details)
        wish = Wish(number=number, contexts=contexts, words=words)
        return wish if wish != asked else None

    def _is_talked_in(self, number: int, details: Details) -> bool:
        """Tell whether there are open threads that say something we do not know."""
        threads = open_threads(details)
        known = self._known.get(number)
        if not threads or number in self._words:
            return False
        return known is None or known.updated_at != details.updated_at or any(t.id not in known.words for t in threads)

    def _change(self, branch: str) -> Change:
        pull = self._picked[branch]
        change = standing_of(self._repository, branch, pull)
        if pull.standing is None or not pull.is_open:
            return change
        number = pull.standing.number
        details = self._details.get(number)
        words = self._words_of(number, details) if details is not None else {}
        told = detailed(change, self._parts.get(number, Part(None)), details, words)
        is_unknown = told.checks is Checks.UNKNOWN or told.remarks is None
        return replace(told, error=self._error or told.error) if is_unknown else told

    def _words_of(self, number: int, details: Details) -> dict[str, Remark]:
        """Give what the open threads say: as it was told now, or before."""
        known = self._known.get(number)
        told = self._words.get(number)
        words = told if told is not None else dict(known.words) if known is not None else {}
        open_ones = {thread.id for thread in open_threads(details) or ()}
        return {thread: said for thread, said in words.items() if thread in open_ones}
