"""GitHub's own descriptions of its interfaces, and whether what is asked and answered is as they say.

They are published as the npm packages `@octokit/graphql-schema` and `@octokit/openapi`; a directory holds
`schema.graphql` and `api.github.com.json` of them.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import jsonschema
from graphql import GraphQLSchema, build_schema
from msgspec import Struct
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from orchestrd.testing.github.http import Json, Request, Response

SCHEMA, DESCRIPTION = "schema.graphql", "api.github.com.json"
NAME = "urn:github"  # what the description is called where it refers to itself
JSON = "application/json"
UNDESCRIBED = (401, 403, 404, 429, 500, 502, 503)

Place = tuple[str, ...]


class Operation(Struct, frozen=True, kw_only=True):
    """One operation of the REST interface: where it stands in the description."""

    method: str
    path: str

    @property
    def place(self) -> Place:
        """Give the way to it, from the top."""
        return ("paths", self.path, self.method.lower())


class Described:
    """Both descriptions, read once."""

    def __init__(self, directory: Path) -> None:
        text = (directory / SCHEMA).read_text(encoding="utf-8")
        self.schema: GraphQLSchema = build_schema(text, assume_valid=True, no_location=True)
        self._description = json.loads((directory / DESCRIPTION).read_text(encoding="utf-8"))
        _say_null(self._description)
        self._registry: Registry[Json] = Registry().with_resource(NAME, DRAFT202012.create_resource(self._description))
        self._patterns = [
            (re.compile("/".join("[^/]+" if "{" in part else re.escape(part) for part in path.split("/"))), path)
            for path in self._description["paths"]
        ]

    def operation(self, method: str, path: str) -> Operation | None:
        """Find what is asked for; where several fit, the one with the fewest placeholders."""
        fitting = [known for pattern, known in self._patterns if pattern.fullmatch(path)]
        fitting = [known for known in fitting if method.lower() in self._description["paths"][known]]
        return Operation(method=method, path=min(fitting, key=lambda known: known.count("{"))) if fitting else None

    def example(self, operation: Operation, status: int = 200) -> Json:
        """Give the example that its description has for an answer, to be changed at will."""
        place, content = self._at((*_answer(operation, status), "content", JSON))
        told = self._at((*place, "examples", next(iter(content["examples"]))))[1]["value"]
        if "$ref" in told:  # one that only points at another one
            told = self._at(_way_of(told["$ref"]))[1]["value"]
        return json.loads(json.dumps(told))

    def wrong_with_request(self, request: Request, operation: Operation) -> Iterator[str]:
        """Say what of a request is not as described."""
        asked = dict(request.query)
        count = len(self._at(operation.place)[1].get("parameters", ()))
        for number in range(count):
            place, told = self._at((*operation.place, "parameters", str(number)))
            if told["in"] == "query" and told["name"] in asked:
                yield from self._wrong(_typed(asked.pop(told["name"])), (*place, "schema"))
        yield from (f"there is no parameter {name}" for name in asked)
        if "requestBody" in self._at(operation.place)[1]:
            place, _ = self._at((*operation.place, "requestBody", "content", JSON))
            yield from self._wrong(request.json or {}, (*place, "schema"))
        elif request.body:
            yield "it has a body, and none is described"

    def wrong_with_answer(self, response: Response, operation: Operation) -> Iterator[str]:
        """Say what of an answer is not as described. Errors that any operation may meet are described nowhere."""
        described = self._at((*operation.place, "responses"))[1]
        if str(response.status) not in described:
            if response.status not in UNDESCRIBED:
                yield f"an answer with {response.status} is not described"
            return
        place, told = self._at(_answer(operation, response.status))
        if JSON in told.get("content", {}):
            yield from self._wrong(response.json, (*place, "content", JSON, "schema"))

    def _wrong(self, value: Json, place: Place) -> Iterator[str]:
        schema = {"$ref": f"{NAME}#/{'/'.join(map(_escaped, place))}"}
        validator = jsonschema.Draft202012Validator(schema, registry=self._registry)
        for error in validator.iter_errors(value):
            yield f"{error.json_path}: {error.message[:300]}"

    def _at(self, way: Place) -> tuple[Place, Json]:
        """Go a way from the top; where the description points elsewhere, on from there. Gives the way without that."""
        place: Place = ()
        found = self._description
        for part in way:
            place, found = (*place, part), found[int(part)] if isinstance(found, list) else found[part]
            while isinstance(found, dict) and "$ref" in found:
                place, found = self._at(_way_of(found["$ref"]))
        return place, found


def _answer(operation: Operation, status: int) -> Place:
    return (*operation.place, "responses", str(status))


def _way_of(reference: str) -> Place:
    parts = reference.removeprefix("#/").split("/")
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in parts)


def _escaped(part: str) -> str:
    """Write a part of a way as a JSON pointer in a URL does."""
    return quote(part.replace("~", "~0").replace("/", "~1"))


def _typed(text: str) -> Json:
    """Read a parameter as what it is meant to be."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _say_null(told: Json) -> None:
    """Have it say in JSON Schema's words what OpenAPI 3.0 has one of its own for."""
    pending = [told]
    while pending:
        one = pending.pop()
        if isinstance(one, dict):
            if one.pop("nullable", None) is True:
                _allow_null(one)
            pending.extend(one.values())
        elif isinstance(one, list):
            pending.extend(one)


def _allow_null(schema: dict[str, Json]) -> None:
    if "$ref" in schema:
        schema["anyOf"] = [{"$ref": schema.pop("$ref")}, {"type": "null"}]
    elif "type" in schema:
        schema["type"] = [schema["type"], "null"]
        if "enum" in schema:
            schema["enum"] = [*schema["enum"], None]
    else:
        whole = dict(schema)
        schema.clear()
        schema["anyOf"] = [whole, {"type": "null"}]
