"""What the demo claims, decided from what the machine contract says: documents and events as JSON gives them."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

Json = Mapping[str, Any]

TERMINAL = frozenset({"completed", "failed", "cancelled"})


class Check(Struct, frozen=True, kw_only=True):
    """One claim: whether it holds, and what was seen that says so."""

    claim: str
    holds: bool
    seen: str


def numbered_without_a_gap(events: Sequence[Json]) -> Check:
    """Every event since the home was made is there, once, in order."""
    numbers = [event.get("sequence") for event in events]
    return Check(
        claim="no gap in the events",
        holds=bool(numbers) and numbers == list(range(1, len(numbers) + 1)),
        seen=f"{len(numbers)} events, numbered {numbers[0]} to {numbers[-1]}" if numbers else "no events",
    )


def one_end_each(events: Sequence[Json], documents: Sequence[Json]) -> Check:
    """Each session has exactly one event that ended it."""
    ends = {
        document["name"]: sum(
            event["session"] == document["id"] and event["type"] == "state_changed" and event["to"] in TERMINAL
            for event in events
        )
        for document in documents
    }
    return Check(
        claim="one end each",
        holds=bool(ends) and set(ends.values()) == {1},
        seen=", ".join(f"{name} ended {count} x" for name, count in ends.items()),
    )


def true_ends(documents: Sequence[Json], expected: Mapping[str, tuple[str, int]]) -> Check:
    """State and exit code of each session are what its program did."""
    found = {document["name"]: (document["state"], document["exit_code"]) for document in documents}
    return Check(
        claim="true ends",
        holds=found == dict(expected),
        seen=", ".join(f"{name} {state} ({code})" for name, (state, code) in found.items()),
    )


def started_once(starts: Mapping[str, int]) -> Check:
    """Each program has left exactly one mark of having begun."""
    return Check(
        claim="nothing started twice",
        holds=bool(starts) and set(starts.values()) == {1},
        seen=", ".join(f"{name} began {count} x" for name, count in starts.items()),
    )


def untouched(before: Mapping[str, int], alive_after: Mapping[str, bool]) -> Check:
    """The processes that worked when the daemon was killed were the same ones afterwards."""
    return Check(
        claim="no agent touched",
        holds=bool(before) and all(alive_after.get(name, False) for name in before),
        seen=", ".join(f"{name} lived on as pid {pid}" for name, pid in before.items() if alive_after.get(name)),
    )


def nothing_missed(followed: Sequence[int], events: Sequence[Json]) -> Check:
    """A subscriber that lived through the kill has seen every event once, in order."""
    return Check(
        claim="no event missed",
        holds=list(followed) == [event["sequence"] for event in events],
        seen=f"a subscriber that was there all along has {len(followed)} of {len(events)} events",
    )


def same_verdict(before: Json, after: Json) -> Check:
    """What the dead daemon last said of a session is what the new one says."""
    words = ("state", "generation", "liveness", "activity", "activity_text")
    said = [tuple(document.get(word) for word in words) for document in (before, after)]
    return Check(
        claim="the same verdict",
        holds=said[0] == said[1] and None not in said[0],
        seen=f"{before['name']} was {before['state']} and {before['activity']}, "
        f"and is {after['state']} and {after['activity']}",
    )


def typed_once(read: Sequence[str], meant: Sequence[str]) -> Check:
    """The program has read what was meant for it, each line once, and nothing that was refused."""
    return Check(
        claim="nothing typed into a dialog", holds=list(read) == list(meant), seen=f"it has read: {', '.join(read)}"
    )


def preserved(work: str, expected: str, ref: str) -> Check:
    """What lay uncommitted in a worktree that is gone stands in the repository."""
    return Check(claim="work preserved", holds=work == expected, seen=f"{ref} holds {work.strip()!r}")
