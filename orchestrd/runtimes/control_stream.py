"""What a tmux server says to a client in control mode, read from bytes: answers, and notices between them.

    %begin TIME NUMBER FLAGS        an answer, up to the %end or %error that repeats time and number
    %window-close @3                a notice, never inside an answer

Answers come in the order of the questions. FLAGS is 1 where the question came from this client: the first answer is
that to the attaching itself, and has 0.
"""

from collections.abc import Iterator

from msgspec import Struct

from orchestrd.model.limits import TMUX_ANSWER_BYTES_MAX


class Answered(Struct, frozen=True, kw_only=True):
    """The lines of an answer, or of an error."""

    lines: tuple[str, ...]
    is_error: bool


class Notice(Struct, frozen=True, kw_only=True):
    """What the server tells unasked: its word without the percent sign, and what follows it."""

    word: str
    rest: str


class ControlReader:
    """Reads one connection. Raises ValueError when an answer grows beyond any that we ask for."""

    def __init__(self) -> None:
        self._rest = b""
        self._guard: list[bytes] | None = None  # time, number and flags of the answer that is open
        self._lines: list[str] = []
        self._size = 0

    def feed(self, data: bytes) -> Iterator[Answered | Notice]:
        """Take in some bytes; give what is whole by now."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            found = self._notice(line) if self._guard is None else self._answer(line)
            if found is not None:
                yield found
        if self._size + len(self._rest) > TMUX_ANSWER_BYTES_MAX:
            raise ValueError("an answer without end")

    def _notice(self, line: bytes) -> Notice | None:
        word, _, rest = line.partition(b" ")
        if word == b"%begin":
            self._guard, self._lines, self._size = rest.split(b" "), [], 0
            return None
        return Notice(word=_text(word[1:]), rest=_text(rest)) if word.startswith(b"%") else None

    def _answer(self, line: bytes) -> Answered | None:
        word, *guard = line.split(b" ")
        if guard != self._guard or word not in (b"%end", b"%error"):
            self._size += len(line)
            self._lines.append(_text(line))
            return None
        is_ours = guard[-1] == b"1"
        self._guard, self._size = None, 0
        return Answered(lines=tuple(self._lines), is_error=word == b"%error") if is_ours else None


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")
