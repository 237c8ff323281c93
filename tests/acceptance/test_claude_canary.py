"""The canary: does the Claude Code that is installed still show what was recorded of it?

Much of what its adapter reads is documented nowhere. So some scenes are played again and held against their samples, by
name and kind of every field. Where this fails after a new version was pinned, read what has changed, adapt what reads
it, and record the samples of that version: `python -m tests.standin.record`.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.agents.samples import glimpse_of, verdict_of
from tests.agents.test_claude_samples import AGENT, TRUTH
from tests.standin.claude import needs_claude
from tests.standin.record import newest_samples, record
from tests.standin.scenes import SCENES

pytestmark = needs_claude

PLAYED = (
    "onboarding",
    "key_question",
    "trust_dialog",
    "bypass_warning",
    "help_open",
    "working",
    "permission_bash",
    "permitted",
    "denied",
    "interrupted",
    "subagent",
    "limited",
    "left",
)
READ = frozenset({"user", "assistant", "system", "queue-operation"})  # of the transcript; the rest is for itself

Shape = dict[str, frozenset[str]]


@pytest.mark.parametrize("scene", PLAYED)
def test_claude_code_still_shows_what_was_recorded(scene: str, tmp_path: Path) -> None:
    sample = newest_samples() / scene

    record(SCENES[scene], tmp_path, sizes=1)

    assert list(_changes(_shape(sample), _shape(tmp_path))) == []
    if not (tmp_path / "session.json").exists() and (tmp_path / "hooks.jsonl").exists():
        return  # it has ended: nobody asks any more
    glimpse = glimpse_of(tmp_path)
    verdict = verdict_of(AGENT.read(glimpse).testimonies, glimpse.now)
    activity, text = TRUTH[scene]
    assert (verdict and verdict.activity) == activity
    assert text in ((verdict and verdict.text) or "")


def test_a_field_that_is_gone_new_or_of_another_kind_is_told_by_name(tmp_path: Path) -> None:
    before, after = tmp_path / "before", tmp_path / "after"
    for folder, told in ((before, {"status": "idle", "pid": 4}), (after, {"state": "idle", "pid": "4"})):
        folder.mkdir()
        (folder / "session.json").write_text(json.dumps(told))
        (folder / "title").write_bytes("✳ Shop".encode())

    changes = list(_changes(_shape(before), _shape(after)))

    assert changes == [
        "session.json pid: was int, is str",
        "session.json state: new, str",
        "session.json status: gone, was str",
    ]


def _changes(before: Shape, after: Shape) -> Iterator[str]:
    for name in sorted(before.keys() | after.keys()):
        was, now = ("|".join(sorted(shape.get(name, ()))) for shape in (before, after))
        if not now:
            yield f"{name}: gone, was {was}"
        elif not was:
            yield f"{name}: new, {now}"
        elif was != now:
            yield f"{name}: was {was}, is {now}"


def _shape(folder: Path) -> Shape:
    """Name every field of every file, with the kinds of its values."""
    shape: dict[str, set[str]] = {}
    for name, value in _documents(folder):
        for path, kind in _fields(name, value):
            shape.setdefault(path, set()).add(kind)
    return {path: frozenset(kinds) for path, kinds in shape.items()}


def _documents(folder: Path) -> Iterator[tuple[str, Any]]:
    yield "title " + (folder / "title").read_text()[:1], ""
    if (session := folder / "session.json").exists():
        yield "session.json", json.loads(session.read_bytes())
    for line in _lines(folder / "hooks.jsonl"):
        yield f"hooks.jsonl {line['claude']['hook_event_name']}", line
    for line in _lines(folder / "transcript.jsonl"):
        if line["type"] in READ:
            yield f"transcript.jsonl {line['type']} {line.get('subtype', '')}".rstrip(), line


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()] if path.exists() else []


def _fields(path: str, value: object) -> Iterator[tuple[str, str]]:
    match value:
        case dict():
            for name, part in value.items():
                yield from _fields(f"{path} {name}", part)
        case list():
            for part in value:
                yield from _fields(path, part)
        case _:
            yield path, type(value).__name__
