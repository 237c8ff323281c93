"""What a terminal, or a reader of text, may be shown of what somebody else wrote.

Piped, an agent's output stays as it is, byte for byte. A terminal gets text and colours (SGR sequences); everything
else that would command it - moving the cursor, setting titles, writing the clipboard, asking it for answers - becomes
visible characters, because nobody knows what a program has printed. A carriage return passes: progress bars need it,
and it reaches no further than its own line.
"""

import codecs
import re

SEQUENCE_CHARS_MAX = 64  # what is longer is no colour

_CONTROL_OR_COLOUR = re.compile(r"\x1b\[[0-9;:]{0,60}m|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_UNFINISHED = re.compile(r"\x1b(?:\[[0-9;:]{0,60})?\Z")
_RESET = b"\x1b[0m"


class AsItIs:
    """For a pipe or a file."""

    def feed(self, data: bytes) -> bytes:
        """Give back what may be written of what has come in so far."""
        return data

    def end(self) -> bytes:
        """Give back what was held back."""
        return b""


class Harmless:
    """For a terminal."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._held = ""
        self._coloured = False

    def feed(self, data: bytes) -> bytes:
        """Give back what may be written; a sequence that is not whole yet is held back."""
        text = self._held + self._decoder.decode(data)
        unfinished = _UNFINISHED.search(text, max(0, len(text) - SEQUENCE_CHARS_MAX))
        cut = unfinished.start() if unfinished else len(text)
        self._held = text[cut:]
        return self._shown(text[:cut])

    def end(self) -> bytes:
        """Give back what was held back, and put the colours right."""
        rest = self._shown(self._held + self._decoder.decode(b"", final=True))
        self._held = ""
        return rest + _RESET if self._coloured else rest

    def _shown(self, text: str) -> bytes:
        return _CONTROL_OR_COLOUR.sub(self._replace, text).encode()

    def _replace(self, found: re.Match[str]) -> str:
        part = found.group()
        if len(part) == 1:
            return _caret(part)
        self._coloured = True
        return part


def _caret(character: str) -> str:
    r"""Show a control character: `^[` for escape, `^?` for delete, `\x9b` for those above."""
    code = ord(character)
    return f"\\x{code:02x}" if code > 0x7F else "^" + chr(code ^ 0x40)
