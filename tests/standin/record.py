"""Records what the real Claude Code shows in each scene, for the tests of its adapter: samples by version.

    python -m tests.standin.record [SCENE ...]

Nothing of the machine gets into a sample: the place of a scene becomes `/`, so that the home is `/home/user`.
"""

import json
import re
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.standin.claude import ROOT, version
from tests.standin.scenes import SCENES, Scene
from tests.standin.stage import Glimpse, Stage

SAMPLES = ROOT / "tests" / "agents" / "claude_samples"
TEXT_MAX = 600  # of any one text in JSON; what the agent tells the model of itself is long
SIZES = {"": (220, 50), ".small": (80, 24)}
LIST_MAX = 20


def main() -> None:
    """Record the scenes that are named, or all."""
    folder = SAMPLES / version()
    for name in sys.argv[1:] or SCENES:
        print(name, flush=True)  # noqa: T201 - a command
        _record(SCENES[name], folder / name)


def _record(scene: Scene, folder: Path) -> None:
    for suffix, (columns, rows) in SIZES.items():
        with Stage(columns, rows) as stage:
            scene(stage)
            glimpse = stage.glimpse()
            neutral = _neutral(stage)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"screen{suffix}.txt").write_bytes(neutral(glimpse.screen))
        if not suffix:
            _write(glimpse, folder, neutral)


def _write(glimpse: Glimpse, folder: Path, neutral: Callable[[bytes], bytes]) -> None:
    (folder / "title").write_bytes(neutral(glimpse.title))
    lines = {"session.json": glimpse.session, "hooks.jsonl": glimpse.hooks, "transcript.jsonl": glimpse.transcript}
    for name, content in lines.items():
        (folder / name).unlink(missing_ok=True)
        if content is not None:
            (folder / name).write_bytes(b"".join(_shortened(line) for line in neutral(content).splitlines()))


def _neutral(stage: Stage) -> Callable[[bytes], bytes]:
    """Take the place of the stage, its port and the machine's name out of what was seen."""
    place = str(stage.place)
    address = stage.model.url.removeprefix("http://")
    in_names_of_transcripts = re.sub("[^A-Za-z0-9]", "-", place)
    told = {place: "", in_names_of_transcripts: "", address: "127.0.0.1:8000"}

    def neutral(content: bytes) -> bytes:
        if content == socket.gethostname().encode():  # a title that nobody has set
            return b"host"
        for ours, theirs in told.items():
            content = content.replace(ours.encode(), theirs.encode())
        return content

    return neutral


def _shortened(line: bytes) -> bytes:
    """Give a line of JSON without the middle of its long texts."""
    return json.dumps(_cut(json.loads(line)), ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _cut(value: Any) -> Any:
    match value:
        case str() if len(value) > TEXT_MAX:
            return f"{value[:TEXT_MAX]}…"
        case dict():
            return {name: _cut(part) for name, part in value.items()}
        case list():
            return [_cut(part) for part in value[:LIST_MAX]]
        case _:
            return value


if __name__ == "__main__":
    main()
