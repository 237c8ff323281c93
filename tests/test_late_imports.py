"""What the daemon imports late: nothing, once it has told its supervisor that it is ready."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

from orchestrd.daemon import IMPORTED_LATE, OF_OTHERS_IMPORTED_LATE

ROOT = Path(__file__).parent.parent / "orchestrd"
NOT_OF_THE_DAEMON = frozenset({"client", "testing", "schemas"})
ELSEWHERE = frozenset({"orchestrd.runtimes.portable"})  # for systems without /proc, and so without systemd
EARLY = frozenset({"orchestrd.config.screen_rules"})  # late for a client; the daemon has it from its own screens
OPTIONAL = frozenset({"apprise"})  # where it is not installed there is nothing to import
ALONE = frozenset({"launcher.py", "terminal.py"})  # programs of their own


def late_imports(path: Path) -> Iterator[str]:
    """Give what the functions of a file import, but for the standard library."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    for function in functions:
        for node in ast.walk(function):
            yield from (name for name in imported_by(node) if name.split(".")[0] not in sys.stdlib_module_names)


def imported_by(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module or ""] if isinstance(node, ast.ImportFrom) else []


def test_whatever_is_imported_late_by_the_daemon_is_imported_before_it_is_ready() -> None:
    files = [
        path
        for path in ROOT.rglob("*.py")
        if path.relative_to(ROOT).parts[0] not in NOT_OF_THE_DAEMON | {"__main__.py"} and path.name not in ALONE
    ]

    late = {module for path in files for module in late_imports(path)}

    ours = {module for module in late if module.startswith("orchestrd")}
    assert ours - ELSEWHERE - EARLY == set(IMPORTED_LATE)
    assert late - ours - OPTIONAL <= set(OF_OTHERS_IMPORTED_LATE)
