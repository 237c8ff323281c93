"""What the daemon imports late: nothing, once it has told its supervisor that it is ready."""

import ast
from collections.abc import Iterator
from pathlib import Path

from orchestrd.daemon import IMPORTED_LATE

ROOT = Path(__file__).parent.parent / "orchestrd"
NOT_OF_THE_DAEMON = frozenset({"client", "testing", "schemas"})
ELSEWHERE = frozenset({"orchestrd.runtimes.portable"})  # for systems without /proc, and so without systemd
ALONE = frozenset({"launcher.py", "terminal.py"})  # programs of their own


def late_imports(path: Path) -> Iterator[str]:
    """Give what the functions of a file import of ours."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    for function in functions:
        for node in ast.walk(function):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("orchestrd"):
                yield node.module or ""


def test_whatever_is_imported_late_by_the_daemon_is_imported_before_it_is_ready() -> None:
    files = [
        path
        for path in ROOT.rglob("*.py")
        if path.relative_to(ROOT).parts[0] not in NOT_OF_THE_DAEMON | {"__main__.py"} and path.name not in ALONE
    ]

    late = {module for path in files for module in late_imports(path)}

    assert late - ELSEWHERE == set(IMPORTED_LATE)
