"""What was recorded of the real Claude Code, put together as one look at it brings it to light."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from orchestrd.agents.claude import ClaudeAgent
from orchestrd.core.evidence import Verdict, hear, judge, ranked
from orchestrd.model.observation import Evidence, Testimony
from orchestrd.model.run import Glimpse

SAMPLES = Path(__file__).parent / "claude_samples"
EVERY_SAMPLE = sorted(path for path in SAMPLES.glob("*/*") if (path / "screen.txt").exists())
NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def named(sample: Path) -> str:
    return f"{sample.parent.name}/{sample.name}"


def glimpse_of(sample: Path, screen: str = "screen.txt") -> Glimpse:
    """Look once, a moment after the last thing that was recorded."""
    state = _content(sample / "session.json")
    lines = (_content(sample / "hooks.jsonl") or b"").splitlines(keepends=True)
    ends = [sum(map(len, lines[: n + 1])) for n in range(len(lines))]
    process = json.loads(state) if state else {}
    return Glimpse(
        now=_last_moment(lines, process) + timedelta(milliseconds=100),
        hook_lines=tuple((line.rstrip(b"\n"), end) for line, end in zip(lines, ends, strict=True)),
        has_hooks=bool(lines),
        agent_pid=process.get("pid", 4242),
        agent_started_ticks=int(process.get("procStart", 7)),
        state=state,
        transcript_lines=tuple((_content(sample / "transcript.jsonl") or b"").splitlines()),
        title=(_content(sample / "title") or b"").decode().rstrip("\n"),
        last_title="✳ Claude Code",
        screen=(_content(sample / screen) or b"").decode(),
    )


def screens_of(sample: Path, name: str) -> list[str]:
    """Give what a sample shows in each size, by `screen` or `styled`; a size that was not recorded is left out."""
    return [path.read_text() for path in sorted(sample.glob(f"{name}*.txt"))]


def verdict_of(said: Iterable[Testimony], now: datetime) -> Verdict | None:
    """Tell what the daemon makes of all these words of Claude Code."""
    evidence = Evidence()
    for word in said:
        evidence = hear(evidence, ranked(word, ClaudeAgent.witnesses), now)
    return judge(evidence.testimonies, now)


def hook_line(name: str, *, at: Any = None, **more: Any) -> bytes:
    told = {"at": at or NOW.timestamp(), "claude": {"hook_event_name": name, **more}}
    return json.dumps(told, separators=(",", ":")).encode()


def entry(kind: str, said: object = None, /, **more: Any) -> bytes:
    """Write one line of a transcript."""
    stop = more.pop("stop_reason", None)
    message: dict[str, Any] = {"role": kind, "content": said, "stop_reason": stop}
    told = {"type": kind, "message": message, "timestamp": "2026-11-20T11:59:59.5Z", "isSidechain": False}
    return json.dumps({**told, **more}).encode()


def state_file(status: str | None = "idle", **more: object) -> bytes:
    now_ms = int(NOW.timestamp() * 1_000)
    told = {"pid": 42, "procStart": "1000", "status": status, "version": "2.1.197"}
    return json.dumps({**told, "startedAt": now_ms - 1_000, "statusUpdatedAt": now_ms - 500, **more}).encode()


def _content(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None


def _last_moment(lines: list[bytes], process: dict[str, Any]) -> datetime:
    heard = [json.loads(line)["at"] for line in lines]
    seconds = max([*heard, process.get("statusUpdatedAt", 0) / 1_000, NOW.timestamp()])
    return datetime.fromtimestamp(seconds, tz=UTC)
