"""Records what the real Claude Code shows in each scene, for the tests of its adapter: samples by version.

    python -m tests.standin.record [SCENE ...]

Nothing of the machine gets into a sample: the place of a scene becomes `/`, so that the home is `/home/user`.
"""

import json
import re
import socket
import sys
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

from benchmarks.agents.installed import version_of
from tests.standin.claude import CLAUDE
from tests.standin.scenes import SCENES, Scene
from tests.standin.stage import Glimpse, Stage

SAMPLES = Path(__file__).resolve().parents[1] / "agents" / "claude_samples"
TEXT_MAX = 600  # of any one text in JSON; what the agent tells the model of itself is long
SIZES = {"": (220, 50), ".small": (80, 24)}
LIST_MAX = 20


def main() -> None:
    """Record the scenes that are named, or all."""
    folder = SAMPLES / version_of(CLAUDE)
    for name in sys.argv[1:] or SCENES:
        print(name, flush=True)  # noqa: T201 - a command
        record(SCENES[name], folder / name)


def newest_samples() -> Path:
    """Where the samples of the installed version are, or else those of the newest one that was recorded."""
    own = SAMPLES / version_of(CLAUDE)
    recorded = (path for path in SAMPLES.iterdir() if path.is_dir())
    return own if own.is_dir() else max(recorded, key=lambda path: [int(part) for part in path.name.split(".")])


def record(scene: Scene, folder: Path, sizes: int = len(SIZES)) -> None:
    """Play a scene in terminals of so many sizes, and write down what is seen."""
    for suffix, (columns, rows) in islice(SIZES.items(), sizes):
        with Stage(columns, rows) as stage:
            scene(stage)
            glimpse = stage.glimpse()
            neutral = _neutral(stage)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"screen{suffix}.txt").write_bytes(neutral(glimpse.screen))
        (folder / f"styled{suffix}.txt").write_bytes(neutral(glimpse.styled))
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
