"""Identities: of a session, of one run of it, and of the mark that everything a run starts inherits."""

from typing import NewType

SessionId = NewType("SessionId", str)

ID_CHARS = 8
ID_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"  # base32, lower case: safe in paths, branches and tmux targets


def is_session_id(text: str) -> bool:
    """Tell whether this is a whole session id: eight lower-case base32 characters."""
    return len(text) == ID_CHARS and not text.strip(ID_ALPHABET)


def run_name(session: SessionId, generation: int) -> str:
    """Name one run: what its directory is called, `<session>.<generation>`."""
    return f"{session}.{generation}"


def run_mark(session: SessionId, generation: int, nonce: str) -> str:
    """Give the value of ORCH_RUN that every process of a run inherits and by which a sweep finds it again."""
    return f"{session}:{generation}:{nonce}"
