"""The rules of the house that no linter knows. Each test lists every offence at once."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
ROOMS = ("orchestrd", "cli", "benchmarks")
LAUNCHER = ROOT / "orchestrd" / "runtimes" / "launcher.py"

FILE_LINES_MAX = 400  # past it, the floor plan went wrong
FUNCTION_LINES_MAX = 50

# Names for what was not thought through.
DRAWERS = frozenset({"util", "utils", "helper", "helpers", "misc", "common"})
MARKERS = re.compile(r"\b(?:TODO|FIXME|XXX)\b")
HOST_PATHS = re.compile(r"(?<![\w.~$)}\]*-])/(?:work|root)(?![\w-])")  # of the machine a line was written on
NAMED_FILES = re.compile(r"`(orchestrd/[\w/]+\.py)\b")

# The glossary's rejected words, as far as the name of a class decides it: word -> what we say.
REJECTED = {
    "Job": "session",
    "Instance": "session",
    "Execution": "run",
    "Incarnation": "generation",
    "Bot": "agent",
    "Sandbox": "workspace",
    "Backend": "runtime",
    "Status": "state, liveness or activity",
    "Phase": "state",
    "Poll": "probe",
    "Poller": "prober",
    "Cycle": "tick",
    "Rule": "reaction",
    "Pipeline": "workflow",
    "Manager": "a name that says what it does",
}
# The field's own name for it; the document that `orch status` prints; what tells a screen: no reaction is made of it.
ADMITTED = frozenset({"LifecycleManager", "ScreenRule", "ScreenRules", "Status"})

Definition = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def _sources() -> Iterator[Path]:
    for room in ROOMS:
        yield from sorted((ROOT / room).rglob("*.py"))


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _definitions() -> Iterator[tuple[str, Definition]]:
    for path in _sources():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, Definition):
                yield f"{_name(path)}:{node.lineno}", node


def _words(name: str) -> list[str]:
    """Words of a snake_case or CamelCase name, as written: `HTTPJobStore` is HTTP, Job, Store."""
    return re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+", name)


def _tracked_texts() -> Iterator[tuple[str, str]]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True)
    for name in filter(None, listed.stdout.split("\0")):
        path = ROOT / name
        if not path.is_file():  # deleted here, not yet committed
            continue
        try:
            yield name, path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue


def test_every_module_says_what_it_is_for() -> None:
    silent = [_name(path) for path in _sources() if not ast.get_docstring(ast.parse(path.read_text()))]

    assert silent == []


def test_files_stay_readable_in_one_sitting() -> None:
    lengths = {_name(path): len(path.read_text().splitlines()) for path in _sources()}

    assert {name: length for name, length in lengths.items() if length > FILE_LINES_MAX} == {}


def test_functions_fit_on_a_screen() -> None:
    lengths = {
        f"{where} {node.name}": (node.end_lineno or node.lineno) - node.lineno + 1
        for where, node in _definitions()
        if not isinstance(node, ast.ClassDef)
    }

    assert {name: length for name, length in lengths.items() if length > FUNCTION_LINES_MAX} == {}


def test_nothing_is_named_like_a_drawer() -> None:
    names = [(_name(path), path.stem) for path in _sources()]
    names += [(where, node.name) for where, node in _definitions()]

    assert [name for name in names if DRAWERS & {word.lower() for word in _words(name[1])}] == []


def test_nothing_is_left_for_later() -> None:
    offences = [
        f"{_name(path)}:{number} {line.strip()}"
        for path in _sources()
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if MARKERS.search(line)
    ]

    assert offences == []


def test_classes_use_the_words_of_the_glossary() -> None:
    offences = [
        f"{where} {node.name}: we say {REJECTED[word]}"
        for where, node in _definitions()
        if isinstance(node, ast.ClassDef) and node.name not in ADMITTED
        for word in _words(node.name)
        if word in REJECTED
    ]

    assert offences == []


def test_no_file_names_a_place_of_one_machine() -> None:
    offences = [
        f"{name}:{number} {line.strip()[:120]}"
        for name, text in _tracked_texts()
        for number, line in enumerate(text.splitlines(), start=1)
        if HOST_PATHS.search(line)
    ]

    assert offences == []


def test_the_documents_name_files_that_exist() -> None:
    documents = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    missing = [
        f"{_name(document)}: {named}"
        for document in documents
        if document.exists()
        for named in NAMED_FILES.findall(document.read_text(encoding="utf-8"))
        if not (ROOT / named).exists()
    ]

    assert missing == []


def test_every_law_is_held_by_a_test_that_exists() -> None:
    named = set(re.findall(r"`(test_\w+)`", (ROOT / "docs/laws.md").read_text()))
    places = [*(ROOT / "tests").rglob("test_*.py"), *(ROOT / "orchestrd/testing/contracts").glob("*.py")]
    written = {name for path in places for name in re.findall(r"def (test_\w+)", path.read_text())}

    assert named - written == set()


def test_every_bound_bounds_something() -> None:
    limits = ROOT / "orchestrd/model/limits.py"
    named = set(re.findall(r"^([A-Z][A-Z0-9_]+) =", limits.read_text(), re.MULTILINE))
    everything = "\n".join(
        path.read_text() for path in (*_sources(), *(ROOT / "tests").rglob("*.py")) if path != limits
    )

    assert {name for name in named if not re.search(rf"\b{name}\b", everything)} == set()


def test_the_launcher_needs_the_standard_library_only() -> None:
    nodes = list(ast.walk(ast.parse(LAUNCHER.read_text()))) if LAUNCHER.exists() else []
    imported = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module or "." for node in nodes if isinstance(node, ast.ImportFrom)}

    assert {name for name in imported if name.split(".")[0] not in sys.stdlib_module_names} == set()


def test_the_contract_of_purity_covers_every_pure_room() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    covered = next(c["source_modules"] for c in contracts if c["name"].startswith("Nouns and decisions"))
    pure = {f"orchestrd.{room}" for room in ("model", "core", "codec", "config")}
    existing = {name for name in pure if list(ROOT.glob(name.replace(".", "/") + "*"))}

    assert existing <= set(covered)
