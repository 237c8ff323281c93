"""The store that fails is a store: it does what it is told and passes on the rest."""

from collections.abc import Callable

import pytest

from orchestrd.model.errors import FaultError, TransientError
from orchestrd.model.words import State
from orchestrd.ports import Store, Stored
from orchestrd.store.failing import FailingStore
from orchestrd.store.memory import MemoryStore
from tests.store.making import ID, NOW, a_session, following

CALLS: dict[str, Callable[[Store], object]] = {
    "recover": lambda store: store.recover(NOW),
    "scan": lambda store: store.scan(),
    "commit": lambda store: store.commit([a_session()]),
    "sync": lambda store: store.sync(),
    "read": lambda store: store.read(0, 1000),
    "archive": lambda store: store.archive(ID),
    "is_archived": lambda store: store.is_archived(ID),
    "find_archived": lambda store: store.find_archived(ID),
    "quarantined": lambda store: store.quarantined(),
    "close": lambda store: store.close(),
}


@pytest.mark.parametrize("method", CALLS)
def test_each_method_fails_as_told(method: str) -> None:
    store = FailingStore(MemoryStore())
    store.failures[method] = FaultError("as told")

    with pytest.raises(FaultError, match="as told"):
        CALLS[method](store)


def test_what_is_not_to_fail_works() -> None:
    store = FailingStore(MemoryStore())

    recovered = store.recover(NOW)
    (answer,) = store.commit([a_session()])
    assert isinstance(answer, Stored)
    store.commit([following(answer.record, state=State.FAILED, ended_at=NOW.at)])
    store.sync()
    store.archive(ID)

    assert store.is_archived(ID)
    assert store.find_archived(ID) == ID
    assert recovered.home.epoch == 1
    assert store.scan().drifts == ()
    assert len(store.read(0, 10_000).lines) == 2
    store.close()


def test_a_rejection_answers_every_commit_and_writes_nothing() -> None:
    inner = MemoryStore()
    store = FailingStore(inner)
    store.recover(NOW)
    store.rejection = TransientError("the disk is full")

    answers = store.commit([a_session(), a_session("bbbbbbbb")])

    assert answers == [store.rejection, store.rejection]
    assert inner.disk.scan(inner.layout.sessions) == {}
