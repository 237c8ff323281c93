"""Output that was drawn on a terminal, made readable as text: the words stay, what commanded the terminal goes.

It is no terminal: what was overwritten is shown too, once each time it was drawn. Where the cursor went to another line
a line begins; where it only went on, blanks stand. What a program that prints line by line has written comes out as it
was meant.
"""

import re

COLUMNS_MAX = 200  # blanks in the place of one jump
HELD_BYTES_MAX = 64 * 1024  # of a command that has not come to its end; of a longer one its content is forgotten

_COMMAND = re.compile(
    rb"\x1b(?:\[([0-?]*)[ -/]*([@-~])"  # CSI: parameters and what they are for
    rb"|[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\|(?=\x1b))"  # strings: titles, the clipboard, pictures
    rb"|[ -/]*[0-OQ-WYZ\\`-~])"
)
_UNFINISHED = re.compile(rb"(?:\x1b(?:\[[0-?]*[ -/]*|[\]PX^_][^\x07\x1b]*\x1b?|[ -/]*)|(?<!\r)\r+)\Z")
_LINE_END = re.compile(rb"(?<!\r)\r+\n")
_UNHEARD = re.compile(rb"[\x07\x0e\x0f]")  # the bell, and shifts of character sets
_TO_ANOTHER_LINE = frozenset(b"ABEFHdf")


class Readable:
    """For a pipe, or, with its colours, for what makes it harmless."""

    def __init__(self, *, keeps_colours: bool) -> None:
        self._keeps_colours = keeps_colours
        self._held = b""
        self._is_at_line_start = True

    def feed(self, data: bytes) -> bytes:
        """Give what can be read of what has come in so far; a command that is not whole yet is held back."""
        data = self._held + data
        unfinished = _UNFINISHED.search(data)
        cut = unfinished.start() if unfinished else len(data)
        self._held = data[cut:]
        if len(self._held) > HELD_BYTES_MAX:
            self._held = self._held[:2]
        return self._text(data, cut)

    def end(self) -> bytes:
        """Give back what was held back, if it is no command."""
        rest, self._held = self._held, b""
        return rest if rest.startswith(b"\r") else b""

    def _text(self, data: bytes, cut: int) -> bytes:
        """Read up to the cut. What stands behind it is seen, for it may be what ends the last command before it."""
        pieces, at = [], 0
        for found in _COMMAND.finditer(data):
            if found.start() >= cut:
                break
            pieces += [self._plain(data[at : found.start()]), self._in_place_of(found)]
            at = found.end()
        return b"".join([*pieces, self._plain(data[at:cut])])

    def _plain(self, data: bytes) -> bytes:
        text = _UNHEARD.sub(b"", _LINE_END.sub(b"\n", data))
        if text:
            self._is_at_line_start = text.endswith(b"\n")
        return text

    def _in_place_of(self, found: "re.Match[bytes]") -> bytes:
        parameters, kind = found.group(1), found.group(2)
        if kind == b"m":
            return found.group() if self._keeps_colours else b""
        if kind == b"C":
            return self._plain(b" " * min(int(parameters[:4]) if parameters.isdigit() else 1, COLUMNS_MAX))
        if kind == b"G":
            return self._plain(b"\r" if parameters in (b"", b"0", b"1") else b" ")
        if kind and kind[0] in _TO_ANOTHER_LINE and not self._is_at_line_start:
            return self._plain(b"\n")
        return b""
