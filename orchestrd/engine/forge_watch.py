"""The forge watch: keeps the change of each session that works in a worktree as its forge tells of it.

It has a pace of its own. The worktrees are looked at often, for that costs no request; a forge is asked for all
branches of one repository at once, at the pace that it bears, and sooner where something has happened: a branch was
pushed, a turn has ended on a new commit, a session has come, a merge is over, the forge itself has called.

Invariants: silence and errors change nothing: what was not told is not known, and never "no pull request". A session is
said to be seen only once what was told of it stands in its record. A repository that is slow or fails costs no other
one anything; each is asked by one look at a time. Without a forge, or a worktree, nothing is done at all.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from datetime import datetime
from functools import partial

from orchestrd.core.branches import Claim, branch_of, is_watched, told_rule
from orchestrd.engine.actor import Actor, StoppedError
from orchestrd.engine.forges import WHY_NONE, Forges
from orchestrd.engine.mailbox import Mailboxes
from orchestrd.engine.prospects import Prospects
from orchestrd.engine.roster import Roster
from orchestrd.engine.tasks import OnError, TaskBag
from orchestrd.engine.troubles import Troubles
from orchestrd.engine.watched_repository import Member, WatchedRepository
from orchestrd.model.change import Change
from orchestrd.model.errors import FaultError, OrchestrdError, TransientError
from orchestrd.model.ids import SessionId
from orchestrd.model.limits import CHECKOUTS_LOOK_S, CHECKOUTS_SETTLE_S, FORGE_LOOKS_AT_ONCE_MAX
from orchestrd.model.observation import ChangeTold, ChangeUntold
from orchestrd.model.session import Session, Spec
from orchestrd.model.words import OF_PULL_REQUEST
from orchestrd.ports import ChangeLook, Checkout, Checkouts, Clock, Forge, WantedCheckout

OnLook = Callable[[SessionId], None]


class ForgeWatch(Actor):
    """Asks the forges. `remote` is the name of the remote that branches are pushed to."""

    name = "forge watch"

    def __init__(
        self,
        *,
        forges: Forges,
        checkouts: Checkouts,
        roster: Roster,
        mailboxes: Mailboxes,
        clock: Clock,
        troubles: Troubles,
        remote: str,
        on_error: OnError,
    ) -> None:
        super().__init__(on_error)
        self.remote = remote
        self._is_set_anew = False
        self._names: frozenset[str] = frozenset()  # of the forges that were asked to call
        self._forges = forges
        self._checkouts = checkouts
        self._prospects = Prospects(forges, checkouts, lambda: self.remote)
        self._roster = roster
        self._mailboxes = mailboxes
        self._clock = clock
        self._troubles = troubles
        self._looks = TaskBag(on_error)
        self._places = asyncio.Semaphore(FORGE_LOOKS_AT_ONCE_MAX)
        self._stirred = asyncio.Event()
        self._on_look: list[OnLook] = []
        self._repositories: dict[tuple[str, str], WatchedRepository] = {}
        self._where: dict[SessionId, WatchedRepository] = {}
        self._seen: dict[SessionId, datetime] = {}
        self._why: dict[SessionId, str] = {}  # nothing is known of its change
        self._turns: dict[SessionId, datetime | None] = {}  # when the newest turn of each was over
        self._ended_turns: set[SessionId] = set()  # since the worktrees were looked at

    # ---- what others ask

    def seen_at(self, session: SessionId) -> datetime | None:
        """Say when a forge last told of its change; null: not since the daemon started."""
        return self._seen.get(session)

    def asked_about(self) -> Collection[SessionId]:
        """Name the sessions whose repository a forge knows."""
        return self._where.keys()

    def why_unknown(self, session: SessionId) -> str | None:
        """Say why nothing was told of its change at the last look; null where something was."""
        if not self._forges.current:
            return f"no forge is asked: {WHY_NONE}"
        known = self._roster.get(session)
        if known is not None and not is_watched(known):
            return None if known.change else "it works in no worktree of its own"
        return self._why.get(session) or (None if session in self._seen else "no forge has been asked about it yet")

    async def problem_with(self, spec: Spec) -> OrchestrdError | None:
        """Say why no forge could ever tell whether the goal of such a session is met, or null."""
        return await self._prospects.problem_with(spec)

    def rule_of(self, session: Session) -> str:
        """Say how sure the change of a session is: when it was last told of, or why it is not known."""
        return told_rule(session, self.seen_at(session.id), self.why_unknown(session.id), self._clock.now().at)

    def look_now(self, repository: str) -> None:
        """Look at a repository as soon as its forge bears it; one that nobody works in is not looked at."""
        for (_, name), watched in self._repositories.items():
            if name == repository:
                watched.nudge()
                self._stirred.set()

    def on_look(self, callback: OnLook) -> None:
        """Call this with each session that a forge has told of, once that stands in its record; it must not wait."""
        self._on_look.append(callback)

    # ---- life

    async def started(self) -> None:
        """Begin to look, as soon as there is a forge to ask."""
        self._listen()
        for session in self._roster:
            self._turns[session.id] = session.turn_over_at
        self._roster.on_commit(self._consider)
        self._tasks.spawn("forge watch", self._run())

    def take(self, remote: str) -> None:
        """Go on with this remote and the forges that are in use now, at once.

        What was told is still known where the same repository is asked about; elsewhere as little as after a start.
        """
        self.remote = remote
        self._listen()
        for (name, _), watched in self._repositories.items():
            forge = self._forges.current.get(name)
            if forge is not None and forge is not watched.forge:
                watched.ask(forge)
        self._is_set_anew = True
        self._stirred.set()

    def _listen(self) -> None:
        """Have the forges call; what was wrong with one that is gone is nobody's trouble any more."""
        for gone in self._names - self._forges.current.keys():
            self._troubles.works(_part_of(gone))
            self._troubles.works(_calls_of(gone))
        self._names = frozenset(self._forges.current)
        for forge in self._forges.current.values():
            try:
                forge.on_change(self.look_now)
            except Exception as error:  # noqa: BLE001 - the border of a forge: one that does not call is asked all the same
                self._troubles.failed(_calls_of(forge.name), error)

    async def stop(self) -> None:
        """End the looks under way: what they would tell, the next daemon is told as well."""
        self._is_stopping = True
        self._stirred.set()
        await self._looks.close()
        await super().stop()

    def _consider(self, session: Session) -> None:
        """After a commit: a session that is new, or whose turn is over, is worth a look at its worktree."""
        if not self._forges.current or not is_watched(session):
            return
        is_new = session.id not in self._turns
        if is_new or self._turns[session.id] != session.turn_over_at:
            self._turns[session.id] = session.turn_over_at
            if is_new or session.turn_over_at is not None:
                self._ended_turns.add(session.id)
                self._stirred.set()

    async def _run(self) -> None:
        while not self._is_stopping:
            self._stirred.clear()
            try:
                await self._round()
            except Exception as error:  # noqa: BLE001 - whatever it was, the next round goes on
                self._on_error("a round of the forge watch failed", error)
            await self._rest()

    async def _rest(self) -> None:
        """Wait until something has happened, and a moment more, for much comes together; or until a look is due."""
        now_s = asyncio.get_running_loop().time()
        due = [max(watched.due_s(), now_s) for watched in self._repositories.values() if not watched.is_looking]
        has_work = self._turns and self._forges.current
        pause_s = min([CHECKOUTS_LOOK_S, *(at - now_s for at in due)]) if has_work else None
        try:
            async with asyncio.timeout(pause_s):
                await self._stirred.wait()
        except TimeoutError:
            return
        if not self._is_stopping:
            await asyncio.sleep(CHECKOUTS_SETTLE_S)

    # ---- a round: who stands where, and who is due

    async def _round(self) -> None:
        sessions = [session for session in self._roster if self._forges.current and is_watched(session)]
        self._forget_all_but(sessions)
        ended, self._ended_turns = self._ended_turns, set()
        remote = self.remote
        wanted = [WantedCheckout(session=session.id, path=session.spec.workspace.path) for session in sessions]
        found = await self._checkouts.look(wanted, remote) if wanted else ()
        if (
            remote != self.remote
        ):  # it was set otherwise meanwhile: the next round, which is due at once, looks for that
            self._ended_turns |= ended
            return
        members: dict[tuple[str, str], list[Member]] = {}
        for session, checkout in zip(sessions, found, strict=True):
            if key := self._repository_of(session, checkout):
                members.setdefault(key, []).append(_member(session, checkout))
        self._regroup(members)
        for key, watched in self._repositories.items():
            watched.take([member for member in members[key] if member.claim.branch], ended)
            self._look_if_due(watched)

    def _forget_all_but(self, sessions: list[Session]) -> None:
        kept = {session.id for session in sessions}
        over = {session.id for session in self._roster if not is_watched(session)}  # what was told stands
        for memory, still in ((self._turns, kept), (self._why, kept), (self._where, kept), (self._seen, kept | over)):
            for gone in memory.keys() - still:
                del memory[gone]
        self._turns.update(dict.fromkeys(kept - self._turns.keys()))

    def _repository_of(self, session: Session, checkout: Checkout) -> tuple[str, str] | None:
        if checkout.remote is None:
            lacks = f"its repository has no remote {self.remote!r}"
            unread = "git does not tell the remote of its repository, or its worktree is gone"
            self._untold(session.id, lacks if checkout.lacks_remote else unread)
            return None
        for name, forge in self._forges.current.items():
            if (repository := self._named(forge, checkout.remote)) is not None:
                return name, repository
        self._untold(session.id, "no forge knows the remote of its repository")
        return None

    def _named(self, forge: Forge, remote: str) -> str | None:
        part = _part_of(forge.name)
        try:
            repository = forge.repository_of(remote)
        except Exception as error:  # noqa: BLE001 - the border of a forge: one that is broken knows no remote
            self._troubles.failed(part, error)
            return None
        self._troubles.works(part)
        return repository

    def _regroup(self, members: Mapping[tuple[str, str], list[Member]]) -> None:
        for gone in self._repositories.keys() - members.keys():
            watched = self._repositories.pop(gone)
            watched.is_given_up = self._is_set_anew
            self._troubles.works(_part(watched))
        for key in members:
            if key not in self._repositories:
                self._repositories[key] = WatchedRepository(self._forges.current[key[0]], key[1])
        before, self._where = (
            self._where,
            {member.claim.session.id: self._repositories[key] for key, group in members.items() for member in group},
        )
        if self._is_set_anew:
            self._is_set_anew = False
            for session in [one for one, where in before.items() if self._where.get(one) is not where]:
                self._seen.pop(session, None)

    def _look_if_due(self, watched: WatchedRepository) -> None:
        if not watched.is_looking and watched.due_s() <= asyncio.get_running_loop().time():
            watched.is_looking = True
            self._looks.spawn(f"look at {watched.name}", self._look(watched))

    # ---- a look

    async def _look(self, watched: WatchedRepository) -> None:
        try:
            async with self._places:
                if self._forges.current.get(watched.forge.name) is not watched.forge:
                    return  # it waited for its place, and the forge is closed by now
                began = self._clock.now().at
                try:
                    with self._forges.lent(watched.forge):
                        await watched.look(partial(self._take, watched, began))
                except (StoppedError, FaultError):
                    return
                except OrchestrdError as error:
                    self._silent(watched, began, error)
                else:
                    watched.silent_since = None
                    self._troubles.works(_part(watched))
        finally:
            watched.is_looking = False
            self._stirred.set()

    def _silent(self, watched: WatchedRepository, began: datetime, error: OrchestrdError) -> None:
        if watched not in self._repositories.values():
            return  # nobody works in it any more
        watched.silent_since = since = watched.silent_since or began
        said = f"{watched.forge.name} tells nothing of {watched.name} since {since:%H:%M:%S}Z: {error.message}"
        self._troubles.failed(_part(watched), TransientError(said, code=error.code, hint=error.hint))
        for session, where in self._where.items():
            if where is watched:
                self._untold(session, said)

    async def _take(self, watched: WatchedRepository, began: datetime, look: ChangeLook) -> None:
        """Have what was told of one session stand in its record, if it is news, and only then call it seen."""
        session = self._roster.get(look.session)
        if session is None or watched.is_given_up:
            return
        if look.change is None:
            self._untold(look.session, look.error or "the forge does not tell why")
            return
        is_news = look.change != session.change or self._roster.evidence(look.session).untold is not None
        if is_news and not await self._is_recorded(look.session, look.change):
            return
        self._why.pop(look.session, None)
        self._seen[look.session] = began
        for callback in self._on_look:
            callback(look.session)

    def _untold(self, session: SessionId, why: str) -> None:
        """Remember why nothing was told of it, and have the session know where its goal depends on that."""
        known = self._roster.get(session)
        if self._why.get(session) != why and known is not None and known.spec.until in OF_PULL_REQUEST:
            self._tasks.spawn(f"tell {session} why", self._tell_why(session, why))
        self._why[session] = why

    async def _tell_why(self, session: SessionId, why: str) -> None:
        with suppress(OrchestrdError):  # then an end that it would explain says less
            await self._mailboxes.submit(session, ChangeUntold(why=why))

    async def _is_recorded(self, session: SessionId, change: Change) -> bool:
        """Have it recorded; what a full disk could not take is told again by the next look."""
        try:
            await self._mailboxes.submit(session, ChangeTold(change=change))
        except (StoppedError, FaultError):
            raise
        except OrchestrdError:
            return False
        return True


def _member(session: Session, checkout: Checkout) -> Member:
    claim = Claim(session=session, branch=branch_of(session, checkout.branch) or "", default=checkout.default)
    return Member(claim=claim, directory=session.spec.workspace.path, head=checkout.head, pushed=checkout.pushed)


def _part(watched: WatchedRepository) -> str:
    return f"{_part_of(watched.forge.name)} for {watched.name}"


def _part_of(forge: str) -> str:
    return f"the forge {forge}"


def _calls_of(forge: str) -> str:
    return f"the calls of the forge {forge}"
