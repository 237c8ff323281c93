"""What is known of an agent before it runs: what its adapter can do, and whose word counts for how long."""

from msgspec import Struct

from orchestrd.model.words import Permission


class Capabilities(Struct, frozen=True, kw_only=True):
    """What an adapter can do. What is not claimed here is not there; what is, the contract suite wants to see."""

    hooks: bool = False  # the agent itself tells of what it does: by hooks or a plugin that go along with a launch
    structured: bool = False  # it can be hosted without a terminal, through its own protocol
    transcript: bool = False  # it writes its conversation down while it goes on
    resume: bool = False  # a revived session goes on with its conversation
    cost: bool = False  # it tells what it has spent, tokens at least
    commands: str = ""  # what the commands of its own begin with, such as `/`; empty: it has none
    hosted_commands: bool = False  # and its protocol takes them as well
    answers: bool = False  # what it is blocked on can be answered without a keystroke
    policies: tuple[Permission, ...] = (Permission.ASK,)  # what it can be told about permissions at its launch
    tested: str | None = None  # the version of the program that it is held to


class Trust(Struct, frozen=True):
    """One witness of an agent's activity. Where it stands in the agent's list is its rank: the first is believed most.

    `trusted_s`: its word counts for this long after it was last said; null: until another word replaces it.
    """

    observer: str
    trusted_s: float | None = None
