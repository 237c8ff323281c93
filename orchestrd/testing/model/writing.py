"""What is the same in every API: what a request asks for, and an answer in the making, streamed or whole. Pure.

Each API has a file of its own, with one `Api` that reads requests and makes `Writer`s. Only what a coding agent looks
at is there.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal

from msgspec import Struct

from orchestrd.testing.model.moves import Refusal

Json = dict[str, Any]
Purpose = Literal["work", "side", "count"]

INPUT_TOKENS, OUTPUT_TOKENS = 10, 5  # of every answer


class Asked(Struct, frozen=True, kw_only=True):
    """A request, as far as it must be understood.

    `work` is the agent's own; `side` what it asks for itself: a title, a summary; `count` wants tokens counted.
    """

    purpose: Purpose
    model: str
    is_streamed: bool
    said: tuple[str, ...] = ()  # by the user in this conversation, in order
    tools: frozenset[str] = frozenset()  # that it declares; empty: it reads what to do in the text
    system: str = ""
    aside: str = "Work on the shop"  # what answers it when it is asked on the side
    is_asked_again: bool = True  # by its agent, when the answer breaks off
    spaces: Mapping[str, str] = {}  # of the tools that are declared in one, by the tool's name
    spawned: tuple[str, ...] = ()  # subagents that were started, and not waited for


class Call(Struct, frozen=True):
    """A tool to be used, as the agent that declared it wants to be asked."""

    name: str
    input: Mapping[str, object]
    is_text: bool = False  # its input is one text, under `input`, and no JSON


class Whole(Struct, frozen=True):
    """An answer that is sent at once."""

    status: int
    body: Json
    headers: Mapping[str, str] = {}


class Writer(ABC):
    """One answer: its parts are said in order, each gives the bytes of a stream; `body` is the same as one piece."""

    def __init__(self, model: str, number: int) -> None:
        self.model = model
        self.number = number
        self.parts: list[str | Call] = []

    @property
    def text(self) -> str:
        """All that was said."""
        return "".join(part for part in self.parts if isinstance(part, str))

    @property
    def calls(self) -> list[Call]:
        """The tools that were asked for."""
        return [part for part in self.parts if isinstance(part, Call)]

    def say(self, text: str) -> bytes:
        """Say a text, after what was said before."""
        is_first = not self.parts
        self.parts.append(text)
        return b"".join(self._said(text, is_first=is_first))

    def call(self, call: Call) -> bytes:
        """Ask for a tool."""
        self.parts.append(call)
        return b"".join(self._called(call, len(self.calls)))

    def begin(self) -> bytes:
        """Begin a stream: all that an agent sees before the first word."""
        return b"".join(self._begun())

    def end(self) -> bytes:
        """End the stream."""
        return b"".join(self._ended())

    @abstractmethod
    def body(self) -> Json:
        """Give it whole, for who asked for no stream."""

    @abstractmethod
    def _begun(self) -> Iterable[bytes]: ...

    @abstractmethod
    def _said(self, text: str, *, is_first: bool) -> Iterable[bytes]: ...

    @abstractmethod
    def _called(self, call: Call, ordinal: int) -> Iterable[bytes]: ...

    @abstractmethod
    def _ended(self) -> Iterable[bytes]: ...


class Api(ABC):
    """One way in which agents ask models."""

    @abstractmethod
    def takes(self, path: str) -> bool:
        """Tell whether a request to this path, without its query, is for this API."""

    @abstractmethod
    def asked(self, path: str, request: Json) -> Asked:
        """Understand a request."""

    @abstractmethod
    def writer(self, asked: Asked, number: int) -> Writer:
        """Begin an answer; `number` is the ordinal of its request."""

    @abstractmethod
    def refusal(self, move: Refusal, now: float, *, is_streamed: bool) -> Whole | bytes:
        """Give an error, as a status or, where that is how this service says it, as a stream.

        `now` is the wall clock in seconds.
        """

    @abstractmethod
    def count(self) -> Json:
        """Answer how many tokens a request has."""


def event(body: Mapping[str, object] | str, name: str | None = None) -> bytes:
    """Give one event of a stream."""
    data = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
    return (f"event: {name}\n" if name else "").encode() + f"data: {data}\n\n".encode()


def sample(schema: Mapping[str, Any]) -> Any:
    """Give something that a JSON schema admits: who asks on the side may want its answer in a form."""
    match str(schema.get("type", "string")).lower():
        case "object":
            return {name: sample(part) for name, part in schema.get("properties", {}).items()}
        case "array":
            return []
        case "integer" | "number":
            return 1
        case "boolean":
            return False
        case _:
            return schema.get("enum", ["Work on the shop"])[0]


def texts(content: str | Iterable[Mapping[str, Any]] | None, *kinds: str) -> Iterator[str]:
    """Give the texts of a message, whose content is one text or a list of blocks of some kinds."""
    if isinstance(content, str):
        yield content
    else:
        yield from (block["text"] for block in content or () if block.get("type", "text") in kinds)
