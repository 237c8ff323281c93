"""What every test under a real systemd is given: one container for all of them, and a home with units of its own."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.acceptance.systemd.container import BUILD_S, USER, Container, NotHere, booted
from tests.acceptance.systemd.worker import Worker, install_orchestrd


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give each of them the time to build the image: the first one has to."""
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.timeout(2 * BUILD_S))


@pytest.fixture(scope="package")
def container(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Container]:
    """Give a container in which a user has orchestrd; skip where none can be booted, and say why."""
    try:
        with booted(tmp_path_factory.mktemp("container")) as running:
            install_orchestrd(running)
            running.must("loginctl", "enable-linger", USER)
            yield running
    except NotHere as error:
        pytest.skip(f"no container with a real systemd: {error}")


@pytest.fixture
def make_worker(container: Container) -> Iterator[Callable[[str], Worker]]:
    """Make homes of the user, by their names."""
    workers: list[Worker] = []

    def make(name: str) -> Worker:
        workers.append(Worker(container, name))
        return workers[-1]

    yield make
    for worker in workers:
        worker.clear()


@pytest.fixture
def worker(make_worker: Callable[[str], Worker], tmp_path: Path) -> Worker:
    """Give a home for which nothing is installed yet."""
    return make_worker(tmp_path.name)


@pytest.fixture
def installed(worker: Worker) -> Worker:
    """Give a home whose daemon systemd has started."""
    worker.must("daemon", "install")
    return worker
