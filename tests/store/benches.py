"""One store with what a test needs around it: another hand on its files, and a kill -9 with a new start."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from orchestrd.core.layout import Layout
from orchestrd.model.session import Session
from orchestrd.ports import Recovered, Stored
from orchestrd.store.files import FileStore
from orchestrd.store.memory import MemoryDisk, MemoryStore
from tests.store.making import NOW


class Bench:
    """A store that has recovered, on any disk."""

    layout: Layout
    store: FileStore
    recovered: Recovered

    def put(self, path: str, data: bytes) -> None:
        """Write a file as another hand would."""
        raise NotImplementedError

    def get(self, path: str) -> bytes | None:
        """Read a file; null when it is not there."""
        raise NotImplementedError

    def remove(self, path: str) -> None:
        """Delete a file."""
        raise NotImplementedError

    def names(self, directory: str) -> list[str]:
        """List a directory."""
        raise NotImplementedError

    def killed(self) -> FileStore:
        """Kill the process that has the store; give the store of the next one."""
        raise NotImplementedError

    def restart(self) -> Recovered:
        """Kill it and recover."""
        self.store = self.killed()
        self.recovered = self.store.recover(NOW)
        return self.recovered

    def commit(self, record: Session) -> Session:
        """Commit one session, which must succeed; gives it as it is stored."""
        return self.stored(record).record  # type: ignore[return-value] # a session is answered with a session

    def stored(self, record: Session) -> Stored:
        """Commit one session, which must succeed."""
        (answer,) = self.store.commit([record])
        assert isinstance(answer, Stored), answer
        return answer

    def edit(self, path: str, change: Callable[[Any], object]) -> None:
        """Change a JSON file as a person would, with another layout."""
        value = json.loads(self.get(path) or b"")
        change(value)
        self.put(path, json.dumps(value, indent=7).encode())

    def json(self, path: str) -> Any:
        """Read a JSON file."""
        return json.loads(self.get(path) or b"")

    def lines(self) -> list[Any]:
        """Read the whole journal."""
        return [json.loads(line) for line in self.store.read(0, 1 << 20).lines]


class FileBench(Bench):
    """On a real disk."""

    def __init__(self, home: Path) -> None:
        self.layout = Layout(str(home))
        self.store = FileStore(self.layout)
        self.recovered = self.store.recover(NOW)

    def put(self, path: str, data: bytes) -> None:
        Path(path).write_bytes(data)

    def get(self, path: str) -> bytes | None:
        return Path(path).read_bytes() if Path(path).is_file() else None

    def remove(self, path: str) -> None:
        Path(path).unlink()

    def names(self, directory: str) -> list[str]:
        return sorted(path.name for path in Path(directory).iterdir())

    def killed(self) -> FileStore:
        self.store._let_go()  # as the kernel does
        return FileStore(self.layout)


class MemoryBench(Bench):
    """In memory."""

    def __init__(self) -> None:
        store = MemoryStore()
        self.store = store
        self.layout = store.layout
        self.disk: MemoryDisk = store.disk
        self.recovered = self.store.recover(NOW)

    def put(self, path: str, data: bytes) -> None:
        self.disk.write(path, data)

    def get(self, path: str) -> bytes | None:
        stamp = self.disk.stamp(path)
        return self.disk.read(path, stamp[3]) if stamp else None

    def remove(self, path: str) -> None:
        self.disk.unlink(path)

    def names(self, directory: str) -> list[str]:
        return sorted(self.disk.scan(directory))

    def killed(self) -> FileStore:
        self.disk = self.disk.survivor()
        return MemoryStore(self.disk)
