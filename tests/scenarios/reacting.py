"""Stories in which reactions are at work: behind each command the reactor submits what is due, as the engine's would.

reaction NAME ACT WORD=VALUE[,VALUE] ...   words of its condition, or of its budget: attempts=2 every_s=600
forge NAME WORD=VALUE ...                  a forge tells of its change: what it told before, but for this
look NAME ACTIVITY                         its run is looked at, and found doing that
typed NAME RECEIPT                         the message that is to be typed was
heard NAME [CHANNEL ...]                   its oldest notice was told over these, or over none
"""

from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec.structs import fields, replace

from orchestrd.core.reaction import judge
from orchestrd.model.change import Change, Remark
from orchestrd.model.command import Attempted, Delivered, Notified, React
from orchestrd.model.effect import EffectKind
from orchestrd.model.observation import ChangeTold
from orchestrd.model.reaction import Condition, Reaction, Seen
from orchestrd.model.session import Session, Workspace
from orchestrd.model.words import Receipt
from tests.scenarios.story import Story

ASKED = {field.name for field in fields(Condition)}
MANY = {field.name for field in fields(Condition) if field.default == ()}
NOTHING_YET = Change(forge="github", repository="github.com/o/r", branch="orch/s1", base="main", number=7, remarks=())
SUBMITTED_MAX = 8  # by one look of the reactor: it comes to rest far sooner


class ReactingStory(Story):
    """The same sessions, with reactions to them, and what was seen since the daemon started."""

    def __init__(self) -> None:
        super().__init__()
        self.reactions: list[Reaction] = []
        self.seen: dict[str, Seen] = {}

    def perform(self, line: str) -> Iterator[str]:
        """Carry a command out, then what is due."""
        yield from super().perform(line)
        for name, life in self.lives.items():
            since, before = len(life.history), life.record.episodes
            self._react(name)
            yield from self._told(name, life, since)
            if life.record.episodes != before or len(life.history) > since:
                yield from told_ledger(life.record)

    def _react(self, name: str) -> None:
        life = self.lives[name]
        for reaction in self.reactions:
            for _ in range(SUBMITTED_MAX):
                if judge(reaction, life.record, self._seen(name), self.clock.now).is_due:
                    self._give(name, React(reaction=reaction, seen=self._seen(name)))

    def _seen(self, name: str) -> Seen:
        return self.seen.get(name, Seen())

    def _reaction(self, name: str, act: str, *words: str) -> None:
        said = [word.partition("=") for word in words]
        when = {key: tuple(value.split(",")) if key in MANY else value for key, _, value in said if key in ASKED}
        rest = {key: value for key, _, value in said if key not in ASKED}
        whole: dict[str, Any] = {"name": name, "act": act, "when": when, **rest}
        self.reactions.append(msgspec.convert(whole, Reaction, strict=False))

    def _forge(self, name: str, *words: str) -> None:
        life = self.lives[name]
        workspace = Workspace(kind="worktree", path=f"/worktrees/{name}", branch=f"orch/{name}")
        life.session = replace(life.record, spec=replace(life.record.spec, workspace=workspace))
        news: dict[str, Any] = dict(word.split("=") for word in words)
        if "remarks" in news:
            news["remarks"] = [
                Remark(id=said, author="ann", text=said) for said in filter(None, news["remarks"].split(","))
            ]
        change = msgspec.to_builtins(life.record.change or NOTHING_YET) | msgspec.to_builtins(news)
        self._give(name, ChangeTold(change=msgspec.convert(change, Change)))
        self.seen[name] = replace(self._seen(name), change_at=self.clock.now.at)

    def _look(self, name: str, activity: str) -> None:
        self._give(name, self._reported(self.lives[name].record.generation, activity))
        self.seen[name] = replace(self._seen(name), looked_at=self.clock.now.at)

    def _typed(self, name: str, receipt: str) -> None:
        effect = self._effect(name, EffectKind.DELIVER)
        generation = self.lives[name].record.generation
        self._give(name, Attempted(effect=effect))
        self._give(name, Delivered(effect=effect, generation=generation, receipt=Receipt(receipt)))

    def _heard(self, name: str, *channels: str) -> None:
        effect = self._effect(name, EffectKind.NOTIFY)
        self._give(name, Notified(effect=effect, reached=channels, error=None if channels else "no answer"))

    def _restart(self) -> None:
        super()._restart()
        self.seen.clear()


def told_ledger(session: Session) -> Iterator[str]:
    """Tell the ledger of its reactions, an entry a line."""
    for episode in session.episodes:
        words = [f"ledger: {episode.reaction}, {episode.attempts} made for {episode.key}"]
        words += [f"round {episode.round}"] if episode.round > 1 else []
        words += [f"{episode.failures} came to nothing"] if episode.failures else []
        words += ["seen clear once"] if episode.cleared_at else []
        words += ["a person was told"] if episode.is_escalated else []
        yield ", ".join(words)
