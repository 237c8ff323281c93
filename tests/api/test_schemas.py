"""The schemas in the package are those of the structs, and real answers keep them."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator

from orchestrd import schemas
from orchestrd.api.app import App
from orchestrd.core.document import accepted_document
from orchestrd.core.layout import Layout
from tests.api.fake_service import NOON, FakeClock, FakeService
from tests.asgi import call
from tests.documents import a_document, a_request

EVENT_KEYS = ("sequence", "at", "session", "generation", "type", "from", "to", "reason", "authority", "revision")
DOCUMENT_KEYS = """
    id name project agent runtime argv prompt desired state reason state_since liveness activity activity_since
    activity_source generation revision exit_code exit_signal error created_at scheduled_at started_at ended_at
    workspace attach log
"""


def _validate(name: str, value: Any) -> None:
    schema = schemas.read(name)
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(value)


@pytest.mark.parametrize("name", schemas.names())
def test_each_file_is_what_its_struct_says(name: str) -> None:
    kept = Path(schemas.__file__).with_name(f"{name}.json").read_bytes()

    assert kept == schemas.generated(name), "run: python -m orchestrd.schemas"


def test_no_file_is_left_over() -> None:
    files = {path.stem for path in Path(schemas.__file__).parent.glob("*.json")}

    assert files == set(schemas.names())


def test_every_named_key_is_required_on_every_line_and_document() -> None:
    event, document = schemas.read("event")["$defs"]["Event"], schemas.read("document")["$defs"]["Document"]

    assert set(EVENT_KEYS) == set(event["required"])
    assert set(DOCUMENT_KEYS.split()) <= set(document["required"])


async def test_answers_keep_their_schemas() -> None:
    service = FakeService()
    app = App(service, FakeClock())
    service.put(a_document())
    service.put(a_document("bbbbbbbb", state="failed", reason="exit_code", exit_code=3, ended_at=NOON))
    service.write("abcdefgh")

    async def get(target: str) -> Any:
        return (await call(app, "GET", target, headers={"Accept": "application/x-ndjson"})).json

    _validate("status", await get("/v1/status?all=1"))
    _validate("document", await get("/v1/sessions/bbbbbbbb"))
    _validate("explanation", await get("/v1/sessions/abcdefgh/explain"))
    _validate("reactions", await get("/v1/reactions"))
    _validate("judged_session", await get("/v1/sessions/abcdefgh/reactions"))
    _validate(
        "screen", (await call(app, "GET", "/v1/sessions/abcdefgh/screen", headers={"Accept": "application/json"})).json
    )
    _validate("event", await get("/v1/events?follow=0"))
    _validate("health", await get("/v1/health"))
    _validate("version", await get("/v1/version"))
    _validate("agents", await get("/v1/agents"))
    _validate("problem", await get("/v1/sessions/nobody"))
    service.kept_from = 2
    service.write("abcdefgh")
    _validate("gap", msgspec.json.decode((await _lines(app)).splitlines()[0]))


async def _lines(app: App) -> bytes:
    return (await call(app, "GET", "/v1/events?follow=0&since=0", headers={"Accept": "application/x-ndjson"})).body


async def test_a_spooled_document_keeps_the_schema_too() -> None:
    request = a_request()

    told = accepted_document(request.id, request.spec, NOON, Layout("/home/me/.orch"))

    _validate("document", msgspec.json.decode(msgspec.json.encode(told)))
    assert (told.state, told.revision) == ("accepted", 0)


def test_a_document_of_another_shape_does_not_pass() -> None:
    broken = msgspec.json.decode(msgspec.json.encode(a_document())) | {"revision": "four"}

    assert list(Draft202012Validator(schemas.read("document")).iter_errors(broken))
