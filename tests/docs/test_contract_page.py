"""What the page for programs says is so: reasons, exit codes, types of events, paths, codes and schemas."""

import ast
import re
from collections.abc import Callable
from pathlib import Path

from starlette.routing import Route

from orchestrd import schemas
from orchestrd.api.app import App
from orchestrd.clock import SystemClock
from orchestrd.core.explain import STATE_RULES
from orchestrd.core.problem import ALSO, TABLE
from orchestrd.model.event import EventType
from orchestrd.model.words import TERMINAL, Reason
from orchestrd_cli import exits
from orchestrd_cli.failures import exit_code_of
from tests.api.fake_service import FakeService
from tests.docs.pages import DOCS, ROOT, with_generated

PAGE = DOCS / "contract.md"
TEXT = PAGE.read_text()


def _section(heading: str) -> str:
    return TEXT.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def test_the_table_of_reasons_is_what_explain_says(golden: Callable[[Path, str], None]) -> None:
    rows = "\n".join(f"| `{reason}` | {sentence} |" for reason, sentence in STATE_RULES.items())

    golden(PAGE, with_generated(PAGE, f"| reason | |\n|---|---|\n{rows}"))


def test_every_reason_has_a_sentence() -> None:
    assert set(STATE_RULES) == set(Reason)
    assert len(TERMINAL) == 3


def test_the_exit_codes_are_the_table() -> None:
    told = {int(code): meaning for code, meaning in re.findall(r"^\| (\d) \| ([a-z ]+) \|$", TEXT, re.MULTILINE)}

    assert told == {
        exits.OK: "ok",
        exits.FAILED: "failed",
        exits.USAGE: "usage",
        exits.NOT_FOUND: "not found",
        exits.REFUSED: "refused or conflict",
        exits.UNREACHABLE: "daemon unreachable",
        exits.TIMED_OUT: "timeout",
    }


def test_every_status_of_an_error_has_the_exit_code_that_orch_gives() -> None:
    told = {
        int(status): int(code)
        for statuses, code in re.findall(r"^\| ([45]\d\d[\d, ]*) \| .+ \| (\d) \|$", TEXT, re.MULTILINE)
        for status in statuses.split(",")
    }

    given = {status: exit_code_of(kind("said")) for kind, status, *_ in TABLE}
    given |= {status: exit_code_of(kind("said")) for status, kind in ALSO.items()}
    assert told == given


def test_every_type_of_event_is_told_of() -> None:
    assert {word for word in EventType if f"`{word}`" not in _section("Events")} == set()


def test_the_table_of_paths_is_what_the_api_answers() -> None:
    told = set(re.findall(r"^\| (GET|POST) \| `(/v1/[^`]+)` \|", TEXT, re.MULTILINE))
    routes = [route for route in App(FakeService(), SystemClock())._router.routes if isinstance(route, Route)]

    assert told == {
        (method, route.path) for route in routes for method in route.methods or () if method in ("GET", "POST")
    }


def test_every_schema_is_named_and_every_one_named_is_there() -> None:
    rows = re.findall(r"^\| [^|]+ \| ([^|]+) \| [^|]* \|$", _section("Documents"), re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`(\w+)`", row)}

    assert named - set(schemas.names()) == set()
    assert {name for name in schemas.names() if f"`{name}`" not in TEXT} == set()


def test_every_code_that_is_named_is_one_that_the_program_gives() -> None:
    sources = [path for room in ("orchestrd", "cli") for path in (ROOT / room).rglob("*.py")]
    words = {
        node.value
        for path in sources
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    rows = _section("Errors").partition("Codes that programs act on:")[2]
    named = {code for row in re.findall(r"^\| (`.+?`) \|", rows, re.MULTILINE) for code in re.findall(r"`(\w+)`", row)}

    assert named - words == set()
    assert len(named) > 10
