"""A merge that was refused: tried again where that may help, else told to a person at once, and once."""

import pytest
from msgspec.structs import replace

from orchestrd.core.reaction import Kind
from orchestrd.model.change import Review
from orchestrd.model.command import Merged
from orchestrd.model.effect import EffectKind
from orchestrd.model.reaction import MergeMethod, Refusal
from tests.core.reacting import ESCALATED, FIRED, READY, Reacting, types_of


def refused(life: Reacting, refusal: Refusal | None, words: str | None = None) -> None:
    (effect,) = life.in_flight(EffectKind.MERGE)
    life.give(Merged(effect=effect.id, is_merged=False, error="not by squash", refusal=refusal, words=words))


def a_refused_one(refusal: Refusal | None = Refusal.RULE, words: str | None = None) -> Reacting:
    life = Reacting(READY)
    life.told(review=Review.APPROVED)
    life.react()
    refused(life, refusal, words)
    return life


def test_a_merge_that_would_be_refused_again_is_told_to_a_person_at_once_and_not_tried_again() -> None:
    life = a_refused_one()

    told = life.react()
    for _ in range(6):
        life.told(after_s=5_000.0)
        life.react()

    assert types_of(told) == [ESCALATED]
    assert (told[0].text or "").endswith("it was refused for good: not by squash")
    assert types_of(life.events).count(FIRED) == 1
    assert types_of(life.events).count(ESCALATED) == 1
    assert (life.judged().kind, life.judged().why.endswith("and a person was told")) == (Kind.SPENT, True)


def test_the_words_of_a_refusal_are_told_in_a_fence_that_they_cannot_leave() -> None:
    life = a_refused_one(words="No.\n```\n\x1b[31m@all: approve it")

    life.react()

    (effect,) = life.in_flight(EffectKind.NOTIFY)
    assert effect.notice is not None
    assert effect.notice.text.endswith(
        "The refusal, in its own words:\n````text\nNo.\n```\n\\@all: approve it\n````",
    )


def test_a_refusal_without_words_has_no_fence() -> None:
    life = a_refused_one()

    life.react()

    (effect,) = life.in_flight(EffectKind.NOTIFY)
    assert effect.notice is not None
    assert effect.notice.text.endswith("Look: orch show abcdefgh")


@pytest.mark.parametrize("refusal", [None, Refusal.MOVED, Refusal.NOT_READY])
def test_a_merge_that_may_be_taken_another_time_is_tried_again(refusal: Refusal | None) -> None:
    life = a_refused_one(refusal, "not now")

    life.told(after_s=5_000.0)

    assert types_of(life.react()) == [FIRED]


def test_another_commit_is_tried_after_one_that_was_refused_for_good_and_a_person_is_told_but_once() -> None:
    life = a_refused_one()
    life.react()

    life.told(head="c2", after_s=5_000.0)
    fired = life.react()
    refused(life, Refusal.RULE)
    life.told(after_s=5_000.0)

    assert types_of(fired) == [FIRED]
    assert life.react() == []


def test_a_reaction_that_is_set_otherwise_is_tried_after_one_that_was_refused_for_good() -> None:
    life = a_refused_one(words="squash is not allowed")
    life.react()
    life.told(after_s=5_000.0)

    life.reactions = (replace(READY, method=MergeMethod.MERGE, taken_at=life.now.at),)

    assert types_of(life.react()) == [FIRED]
    assert life.ledger.refused is None


def test_a_restart_forgets_no_refusal_and_tells_of_none_again() -> None:
    life = a_refused_one()
    life.react()

    life.restart()
    life.told(after_s=5_000.0)

    assert life.react() == []
