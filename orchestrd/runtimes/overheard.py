r"""What is overheard of an agent's output as it goes by: its words for whoever hosts it, and that its terminal changes.

An agent may tell its terminal what it does, by sequences that show nothing:

    ESC ] 7501 ; state=working:app=codex BEL      a word
    ESC ] 0 ; title of the window ESC \           another title means another state; a spinner that turns does not

And a screen is worth a look when output begins behind a silence, and when it has fallen silent again; a title alone is
no output.

Invariants: any split of the output into chunks gives the same words. What is remembered is bounded: a sequence with
more than SEQUENCE_BYTES_MAX is none. Words and nudges are few, however fast they come: of many words within WORD_S the
last one is told, of many nudges within NUDGE_S one is given; what is held back is told behind more output, or silence.
A screen that moves on and on, though nothing happens there, is worth a look less and less often, down to every
NUDGE_S_MAX: until a word or another title is heard, or it was calm for CALM_S.

It runs beside each agent that has a terminal, so it imports nothing: it says what is to be told, terminal.py tells it.
"""

SEQUENCE_BYTES_MAX = 1024
WORD_S = 0.05
NUDGE_S = 0.25  # between two nudges; behind NUDGES_SOON of them doubled with each ...
NUDGE_S_MAX = 4.0  # ... up to this
NUDGES_SOON = 4
CALM_S = 5.0
QUIET_S = 0.3  # output behind this much of silence begins anew, ...
SILENCE_S = 0.25  # ... and behind this much of it the output is over
WORD, TITLES = b"7501", (b"0", b"2")

_BEGIN, _BELL, _ESCAPE, _STRING_END = b"\x1b]", b"\x07", b"\x1b", b"\x1b\\"
_SPINNERS = "|/-\\◐◓◑◒◴◷◶◵"


class Ear:
    """Listens to one stream; `now_s` is on any clock that never goes back."""

    def __init__(self) -> None:
        self._scanner = Scanner()
        self._word = self._title = b""
        self._is_word_due = self._is_nudge_due = self._is_speaking = False
        self._heard_s = self._told_s = self._nudged_s = float("-inf")
        self._nudges = 0  # since something has happened

    def hear(self, chunk: bytes, now_s: float) -> "tuple[bytes | None, bool]":
        """Give the word to pass on now, or null, and whether to nudge now."""
        for number, text in map(_parted, self._scanner.feed(chunk)):
            if number == WORD and text != self._word:
                self._word, self._is_word_due, self._nudges = text, True, 0
            elif number in TITLES and text != self._title:
                self._title, self._is_nudge_due, self._nudges = text, True, 0
        if _is_shown(chunk):
            if now_s - self._heard_s >= CALM_S:
                self._nudges = 0
            self._is_nudge_due |= now_s - self._heard_s >= QUIET_S
            self._heard_s, self._is_speaking = now_s, True
        return self._due(now_s)

    @property
    def patience_s(self) -> float:
        """For how long of silence there is nothing to tell; 0: whatever comes next is heard."""
        if self._is_word_due:
            return WORD_S
        return SILENCE_S if self._is_speaking or self._is_nudge_due else 0.0

    def fall_silent(self, now_s: float) -> "tuple[bytes | None, bool]":
        """Give the same when nothing was heard for as long as that."""
        if not self._is_word_due:
            self._is_nudge_due |= self._is_speaking
            self._is_speaking = False
        return self._due(now_s)

    def _due(self, now_s: float) -> "tuple[bytes | None, bool]":
        is_told = self._is_word_due and now_s - self._told_s >= WORD_S
        is_nudged = is_told or (self._is_nudge_due and now_s - self._nudged_s >= self._pause_s())
        if is_told:
            self._told_s, self._is_word_due = now_s, False
        if is_nudged:
            self._nudged_s, self._is_nudge_due, self._nudges = now_s, False, self._nudges + 1
        return self._word if is_told else None, is_nudged

    def _pause_s(self) -> float:
        doubled = min(self._nudges - NUDGES_SOON, 9)  # any more would be beyond the most there is
        return NUDGE_S if doubled < 0 else min(NUDGE_S * 2.0**doubled, NUDGE_S_MAX)


class Scanner:
    """Takes the operating system commands, as such sequences are called, out of a stream that comes in chunks."""

    def __init__(self) -> None:
        self._kept = b""  # the beginning of a sequence whose end is still to come

    def feed(self, chunk: bytes) -> "list[bytes]":
        """Give what stands in each sequence that ends in this chunk."""
        found: list[bytes] = []
        data = self._kept + chunk
        begin = data.find(_BEGIN)
        while begin >= 0 and (end := _end_of(data, begin + 2)) >= 0:
            text = data[begin + 2 : end]
            is_whole = data[end : end + 1] == _BELL or data[end : end + 2] == _STRING_END
            if is_whole and len(text) <= SEQUENCE_BYTES_MAX:
                found.append(text)
            begin = data.find(_BEGIN, end)
        if begin >= 0:
            self._kept = data[begin:]
        else:
            self._kept = _ESCAPE if data.endswith(_ESCAPE) else b""
        return found


def _end_of(data: bytes, start: int) -> int:
    """Find where the sequence that begins there ends, breaks off or becomes too long; -1 where that is yet to come."""
    latest = start + SEQUENCE_BYTES_MAX + 1
    bell, escape = data.find(_BELL, start, latest), data.find(_ESCAPE, start, latest)
    if bell >= 0 and not 0 <= escape < bell:
        return bell
    if escape >= 0:
        return escape if escape + 1 < len(data) else -1
    return latest if len(data) >= latest else -1


def _is_shown(chunk: bytes) -> bool:
    """Tell whether this is more than one sequence that shows nothing."""
    return not (chunk.startswith(_BEGIN) and chunk[_end_of(chunk, 2) :] in (_BELL, _STRING_END))


def _parted(said: bytes) -> "tuple[bytes, bytes]":
    """Take a sequence apart: its number, and its text; of a title without the sign in front that turns or blinks."""
    number, _, text = said.partition(b";")
    if number not in TITLES:
        return number, text
    if text[:2] == b"[ " and text[3:5] == b" ]":
        return number, text[3:]
    first = text[:4].decode("utf-8", "ignore")[:1]
    is_spinner = first and (first in _SPINNERS or "\u2800" <= first <= "\u28ff")
    return number, b"\0" + text[len(first.encode()) :] if is_spinner else text
