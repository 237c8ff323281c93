"""A fake daemon that tells of one session, and what an agent has left on disk beside it."""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from orchestrd.core.layout import Layout
from orchestrd.model.document import Document, Health, Status
from orchestrd.store.attachments import FileAttachments
from tests.cli.fake_daemon import FakeDaemon, whole

HEALTHY = whole(msgspec.json.encode(Health(pid=1, epoch=1, sequence=0)))


def tells_of(daemon: FakeDaemon, *stands: Document, ref: str = "fix") -> None:
    """Have the daemon answer for one session, by `ref` and by its id: how it stands now, then, and at last."""
    answers = [whole(msgspec.json.encode(told)) for told in stands]
    daemon.answers("/v1/health", HEALTHY)
    daemon.answers(f"/v1/sessions/{ref}", answers[0])
    daemon.answers(f"/v1/sessions/{stands[0].id}", *(answers[1:] or answers))


def lists(daemon: FakeDaemon, *sessions: Document) -> None:
    """Have the daemon list these sessions."""
    daemon.answers("/v1/health", HEALTHY)
    daemon.answers("/v1/status", whole(msgspec.json.encode(Status(daemon=None, sessions=sessions, hidden=0))))


class Agent:
    """An agent's own home directory, known to orchestrd by the secrets of its session."""

    def __init__(self, home: Path, session: str, place: Path) -> None:
        self.folder = place / ".claude" / "projects" / "-home-me-webshop"
        self.folder.mkdir(parents=True)
        FileAttachments(Layout(str(home))).write_secret(session, {"HOME": str(place)})  # type: ignore[arg-type]

    def path(self, conversation: str) -> Path:
        return self.folder / f"{conversation}.jsonl"

    def says(self, conversation: str, *entries: bytes) -> None:
        """Append to a transcript."""
        with self.path(conversation).open("ab") as transcript:
            transcript.writelines(entries)


def prompt(text: str) -> bytes:
    return _line("user", text)


def answer(text: str) -> bytes:
    return _line("assistant", [{"type": "text", "text": text}])


def call(number: int, tool: str, command: str) -> bytes:
    given = {"type": "tool_use", "id": f"t{number}", "name": tool, "input": {"command": command}}
    return _line("assistant", [given])


def result(number: int) -> bytes:
    return _line("user", [{"type": "tool_result", "tool_use_id": f"t{number}", "content": "done"}])


def _line(who: str, content: str | Sequence[object]) -> bytes:
    return msgspec.json.encode({"type": who, "message": {"role": who, "content": content}}) + b"\n"
