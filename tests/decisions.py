"""Decisions for tests to wait for, and the words of the witnesses that tell of them."""

from datetime import datetime

from orchestrd.model.decision import Choice, Decision, DecisionKind, Way
from orchestrd.model.observation import Reported, Testimony
from orchestrd.model.words import Activity

ALLOW = Choice(key="allow", label="Yes", reply='{"behavior":"allow"}')
DENY = Choice(key="deny", label="No", reply='{"behavior":"deny"}', around=('{"behavior":"deny","message":', "}"))
OTHER = Choice(key="other", label="Something else", reply="", around=('{"answer":', "}"))
YES = Choice(key="yes", label="Yes, I trust this folder", reply="1 Enter")


def held(id_: str = "d1", *choices: Choice, text: str = "touch sold") -> Decision:
    """Ask for permission, and hold the answer."""
    return Decision(
        id=id_, kind=DecisionKind.PERMISSION, text=text, choices=choices or (ALLOW, DENY, OTHER), way=Way.HELD
    )


def shown(id_: str = "k1", *choices: Choice) -> Decision:
    """Ask by a dialog that keys answer."""
    return Decision(id=id_, kind=DecisionKind.DIALOG, text="Is it trusted?", choices=choices or (YES,), way=Way.KEYS)


def asks(decision: Decision, *, at: datetime | None = None, offset: int | None = None, generation: int = 1) -> Reported:
    """Tell of it: by a line of hooks.jsonl that ends at `offset`, or by the screen."""
    said = Testimony(
        observer="screen" if offset is None else "hook",
        allows=(Activity.BLOCKED,),
        at=at,
        text=f"asks: {decision.text}",
        offset=offset,
        decision=decision,
    )
    return Reported(generation=generation, testimonies=(said,), hooks_offset=offset or 0)
