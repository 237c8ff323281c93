"""The machine contract as JSON Schemas, one file each beside this one, generated from the structs that are sent.

`python -m orchestrd.schemas` writes them again; a test holds files and structs equal. Fields are only ever added and
readers ignore what they do not know, so no schema forbids a field, and vocabularies are given as examples: a newer
orchestrd may have a word more.
"""

from collections.abc import Mapping
from importlib.resources import files
from typing import Any

import msgspec

from orchestrd.core.document import ACCEPTED
from orchestrd.model.document import (
    AnswerReply,
    AnswerRequest,
    Archived,
    CleanReport,
    CleanRequest,
    DaemonFacts,
    Document,
    Explanation,
    Gap,
    Health,
    KnownAgents,
    Problem,
    Screen,
    SendReply,
    SendRequest,
    SpawnRequest,
    Status,
    StopRequest,
    Version,
)
from orchestrd.model.event import Event
from orchestrd.model.finding import Checkup
from orchestrd.model.issue import Issue
from orchestrd.model.notice import Notices
from orchestrd.model.notice_document import NoticeReply, NoticeRequest
from orchestrd.model.origin import ConfigReport
from orchestrd.model.reaction_document import JudgedSession, KnownReactions
from orchestrd.model.words import Activity, Desired, Liveness, Permission, Reason, State

DIALECT = "https://json-schema.org/draft/2020-12/schema"
KINDS: Mapping[str, type[msgspec.Struct]] = {
    "agents": KnownAgents,
    "answer_reply": AnswerReply,
    "answer_request": AnswerRequest,
    "archived": Archived,
    "checkup": Checkup,
    "config_report": ConfigReport,
    "clean_report": CleanReport,
    "clean_request": CleanRequest,
    "daemon": DaemonFacts,
    "document": Document,
    "event": Event,
    "explanation": Explanation,
    "gap": Gap,
    "health": Health,
    "issue": Issue,
    "notice_reply": NoticeReply,
    "notice_request": NoticeRequest,
    "notices": Notices,
    "judged_session": JudgedSession,
    "problem": Problem,
    "reactions": KnownReactions,
    "screen": Screen,
    "send_reply": SendReply,
    "send_request": SendRequest,
    "spawn_request": SpawnRequest,
    "status": Status,
    "stop_request": StopRequest,
    "version": Version,
}
VOCABULARIES: Mapping[str, tuple[str, ...]] = {
    "desired": tuple(Desired),
    "state": (ACCEPTED, *State),
    "reason": tuple(Reason),
    "liveness": tuple(Liveness),
    "activity": tuple(Activity),
    "permission": tuple(Permission),
}


def names() -> tuple[str, ...]:
    """Name every schema of the package."""
    return tuple(KINDS)


def read(name: str) -> dict[str, Any]:
    """Read one schema as it stands in the package. Raises FileNotFoundError for a name that is none."""
    schema: dict[str, Any] = msgspec.json.decode(files(__name__).joinpath(f"{name}.json").read_bytes())
    return schema


def generated(name: str) -> bytes:
    """Generate one schema from its struct, as its file should be."""
    schema = {"$schema": DIALECT, "title": name, **msgspec.json.schema(KINDS[name])}
    document = schema.get("$defs", {}).get(Document.__name__, {}).get("properties", {})
    for field, words in VOCABULARIES.items():
        if field in document:
            document[field]["examples"] = list(words)
    return msgspec.json.format(msgspec.json.encode(schema, order="sorted"), indent=2) + b"\n"
