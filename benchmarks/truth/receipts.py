"""What receipts are worth: a message was heard by the model or it was not, whatever was said of it. Pure."""

from collections.abc import Iterable

from msgspec import Struct

CERTAIN, DENIALS = "submitted", ("refused", "unknown")


class Sent(Struct, frozen=True, kw_only=True):
    """One message: the last word of the daemon on it, its first, what that should be, and all that the model heard."""

    text: str
    receipt: str
    reply: str
    expected: str  # nothing where any reply will do
    heard: tuple[str, ...]
    was_typed_astray: bool = False  # into a dialog, or into whatever stood where the agent was

    @property
    def was_heard(self) -> bool:
        """Tell whether just this text reached the model as a message of its own."""
        return one_spaced(self.text) in map(one_spaced, self.heard)

    @property
    def was_merged(self) -> bool:
        """Tell whether it reached the model as a part of another text."""
        return not self.was_heard and any(one_spaced(self.text) in one_spaced(text) for text in self.heard)


class Receipts(Struct, frozen=True, kw_only=True):
    """How many messages were sent, and how many receipts of each kind were wrong."""

    sent: int
    submitted_that_were_not: int
    denied_that_were: int
    typed_astray: int
    merged: int
    unexpected: tuple[str, ...]  # sentences, for whoever looks into it

    @property
    def denied_share(self) -> float:
        """Which part of all messages was called refused or unknown, and had arrived."""
        return self.denied_that_were / self.sent if self.sent else 0.0


def receipts(messages: Iterable[Sent]) -> Receipts:
    """Count them."""
    sent = list(messages)
    return Receipts(
        sent=len(sent),
        submitted_that_were_not=sum(one.receipt == CERTAIN and not one.was_heard for one in sent),
        denied_that_were=sum(one.receipt in DENIALS and one.was_heard for one in sent),
        typed_astray=sum(one.was_typed_astray for one in sent),
        merged=sum(one.was_merged for one in sent),
        unexpected=tuple(
            f"{one.text!r} was {one.reply} at first, and should be {one.expected}"
            for one in sent
            if one.expected and one.reply != one.expected
        ),
    )


def one_spaced(text: str) -> str:
    """Write a text so that only its words count: a terminal may wrap it, an agent trim it."""
    return " ".join(text.split())
