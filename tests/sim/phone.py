"""The channel of the day: a phone that is told notices, when it has a network."""

import asyncio
import random
from collections import Counter
from collections.abc import Sequence

from orchestrd.model.errors import TransientError
from orchestrd.model.notice import Notice
from orchestrd.model.notice_settings import ChannelSettings
from tests.sim.judge import Judge


class Phone:
    """All that it was told, over all daemons."""

    def __init__(self, judge: Judge) -> None:
        self.told: Counter[str] = Counter()  # by key
        self._must = judge.must

    def take(self, notices: Sequence[Notice], before: set[str]) -> None:
        """Take notices; one daemon tells each of them once."""
        for notice in notices:
            self._must(notice.key not in before, f"one daemon has told {notice.key} twice")
            before.add(notice.key)
            self._must(bool(notice.title.strip() and notice.text.strip()), f"{notice.key} says nothing")
            self.told[notice.key] += 1


class PhoneChannel:
    """The way to it that one daemon has."""

    def __init__(self, phone: Phone, name: str, settings: ChannelSettings, chance: random.Random, fails: float) -> None:
        self.name = name
        self.kind = settings.kind
        self.fails = fails
        self.is_dead = False
        self._phone = phone
        self._chance = chance
        self._told: set[str] = set()

    async def tell(self, notices: Sequence[Notice]) -> None:
        """See the port."""
        await asyncio.sleep(self._chance.random())
        if self.is_dead:
            await asyncio.Event().wait()
        if self._chance.random() < self.fails:
            raise TransientError("no network")
        self._phone.take(notices, self._told)

    async def close(self) -> None:
        """See the port."""
