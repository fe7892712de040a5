"""``GET /openapi.json``: everything that the server answers, as an OpenAPI 3.1 document."""

import json
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from http import HTTPStatus
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cartesia_cli.server.schemas import account, events
from cartesia_cli.server.schemas.kinds import Form, Query
from cartesia_cli.server.schemas.operations import AUDIO, EVENTS, OPERATIONS, Operation
from cartesia_cli.server.schemas.sockets import SOCKETS, Socket
from cartesia_cli.wire.version import API_VERSION

PATH = "/openapi.json"

_REF = "#/components/schemas/{name}"
_DESCRIPTION = """\
Speech, transcripts and voices, as the Cartesia API has them, on this machine.

Every path may have a slash at its end. Unknown query parameters are left alone; unknown fields of a body are
refused with status 400, unless the server is lenient. Errors are JSON since version 2026-03-01, text before.

The sockets are described under `x-websockets`.
"""
_TAGS = {
    "status": "Whether the server is there.",
    "openapi.json": "This document.",
    "access-token": "Tokens that stand in for a key, for an hour at most.",
    "usage": "What was used.",
    "api-keys": "Keys that have a name.",
    "tts": "Text to speech.",
    "infill": "Speech between two recordings.",
    "voice-changer": "Speech in another voice.",
    "stt": "Speech to text.",
    "audio": "Speech to text, for OpenAI's clients.",
    "voices": "Who speaks.",
    "accents": "How it is spoken.",
    "pronunciation-dicts": "How words are to be said.",
    "datasets": "Recordings to learn from.",
    "fine-tunes": "Voices that are learnt.",
    "agents": "Voice agents: there are none here; metrics are stored.",
}
_SECURITY = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "A key, or an access token."},
    "header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    "query": {"type": "apiKey", "in": "query", "name": "api_key"},
    "token": {"type": "apiKey", "in": "query", "name": "access_token"},
}
_VERSION = {
    "name": "Cartesia-Version",
    "in": "header",
    "description": "A date; without it, the newest version. `cartesia_version` in the query goes first.",
    "schema": {"type": "string", "pattern": r"^([0-9]{4}-[0-9]{2}-[0-9]{2})?$", "examples": [API_VERSION]},
}
_REFUSALS = (400, 401, 402, 403, 404, 408, 409, 413, 429, 500, 501, 503)


def openapi_routes() -> list[Route]:
    """Return the route of the document; whoever asks needs no key."""

    async def document(request: Request) -> Response:
        prefix = request.url.path.rstrip("/").removesuffix(PATH)
        return Response(_encoded(prefix), media_type="application/json")

    return [Route(PATH, document, methods=["GET"])]


@lru_cache(maxsize=4)
def _encoded(prefix: str) -> bytes:
    return json.dumps(openapi_document(prefix), ensure_ascii=False, separators=(",", ":")).encode()


def openapi_document(prefix: str = "") -> dict[str, Any]:
    """Return the document.

    Args:
        prefix: a path like ``/cartesia`` under which everything lies.
    """
    schemas = _Schemas()
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method] = _describe(operation, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Cartesia API", "version": API_VERSION, "description": _DESCRIPTION},
        "servers": [{"url": prefix or "/"}],
        "security": [{name: []} for name in _SECURITY],
        "tags": [{"name": name, "description": text} for name, text in _TAGS.items()],
        "paths": paths,
        "x-websockets": [_describe_socket(socket, schemas) for socket in SOCKETS],
        "components": {
            "schemas": schemas.components,
            "securitySchemes": _SECURITY,
            "parameters": {"Version": _VERSION},
            "responses": {str(status): _refusal(status, schemas) for status in _REFUSALS},
        },
    }


class _Schemas:
    """The JSON schemas of all types in the tables."""

    def __init__(self) -> None:
        types = _types()
        shown, self.components = msgspec.json.schema_components(types, ref_template=_REF)
        self._shown = dict(zip(types, shown, strict=True))
        texts = {kind.__name__ for kind in types if isinstance(kind, type) and issubclass(kind, Form | Query)}
        for name, schema in self.components.items():
            _tidy(schema, is_text=name in texts)
        # What a query is stands with its operations.
        self._queries = {name: self.components.pop(name) for name in texts if name.endswith("Query")}

    def of(self, kind: Any) -> Any:
        """Return the schema of a type, or where it stands."""
        return self._shown[kind]

    def any_of(self, kinds: Iterable[Any]) -> dict[str, Any]:
        """Return the schema of what is of one of these types."""
        return {"anyOf": [self.of(kind) for kind in kinds]}

    def parameters_of(self, query: type[Query]) -> list[dict[str, Any]]:
        """Return the fields of a query as parameters."""
        schema = self._queries[query.__name__]
        required = schema.get("required", ())
        return [
            _parameter(name, dict(field), is_required=name in required)
            for name, field in schema["properties"].items()
        ]


def _types() -> list[Any]:
    """Return every type that is a body, a query, an answer or a message, once."""
    found: dict[Any, None] = dict.fromkeys((account.Error, *events.SPEECH_EVENTS))
    for operation in OPERATIONS:
        found |= dict.fromkeys((operation.answer, operation.body, operation.query))
    for socket in SOCKETS:
        found |= dict.fromkeys((*socket.sends, *socket.receives, socket.query))
    return [kind for kind in found if kind is not None]


def _tidy(schema: dict[str, Any], *, is_text: bool) -> None:
    """Put what is required first; leave out what goes without saying, and null where there is only text."""
    fields, required = schema.get("properties", {}), schema.get("required", [])
    for name, field in fields.items():
        if field.get("default", ...) is None:
            del field["default"]
        if is_text and {"type": "null"} in field.get("anyOf", ()):
            options = [option for option in field.pop("anyOf") if option != {"type": "null"}]
            fields[name] = {**options[0], **field} if len(options) == 1 else {**field, "anyOf": options}
    if fields:
        schema["properties"] = {
            name: fields[name] for name in sorted(fields, key=lambda name: name not in required)
        }


def _describe(operation: Operation, schemas: _Schemas) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "tags": [operation.tag],
        "parameters": [
            *(_path_parameter(name) for name in re.findall(r"{(\w+)}", operation.path)),
            {"$ref": "#/components/parameters/Version"},
            *(schemas.parameters_of(operation.query) if operation.query else ()),
        ],
        "responses": {
            **_success(operation, schemas),
            **{str(status): {"$ref": f"#/components/responses/{status}"} for status in _REFUSALS},
        },
    }
    if operation.body is not None:
        kind = "multipart/form-data" if operation.is_form else "application/json"
        content: dict[str, Any] = {kind: {"schema": schemas.of(operation.body)}}
        if operation.example is not None:
            content[kind]["example"] = operation.example
        fields["requestBody"] = {"required": True, "content": content}
    if operation.is_open:
        fields["security"] = []
    if operation.is_old:
        fields["deprecated"] = True
    return fields


def _success(operation: Operation, schemas: _Schemas) -> Mapping[str, Any]:
    if not operation.kinds:
        return {"204": {"description": "Done."}}
    content: dict[str, Any] = {}
    for kind in operation.kinds:
        if kind == "application/json":
            content[kind] = {"schema": schemas.of(operation.answer)}
        elif kind in AUDIO:
            content[kind] = {"schema": {"type": "string", "format": "binary"}}
        elif kind in EVENTS:
            content[kind] = {"schema": _event_schema(schemas)}
        else:
            content[kind] = {"schema": {"type": "string"}}
    answer: dict[str, Any] = {"description": operation.summary, "content": content}
    if operation.headers:
        answer["headers"] = {
            name: {"description": text, "schema": {"type": "string"}}
            for name, text in operation.headers.items()
        }
    return {"200": answer}


def _event_schema(schemas: _Schemas) -> dict[str, Any]:
    """Return the schema of one event of a stream."""
    data = {
        "type": "string",
        "contentMediaType": "application/json",
        "contentSchema": schemas.any_of(events.SPEECH_EVENTS),
    }
    return {
        "type": "object",
        "properties": {"event": {"type": "string", "description": "The data's `type`."}, "data": data},
        "required": ["event", "data"],
    }


def _refusal(status: int, schemas: _Schemas) -> dict[str, Any]:
    return {
        "description": f"{HTTPStatus(status).phrase}.",
        "content": {
            "application/json": {"schema": schemas.of(account.Error)},
            "text/plain": {"schema": {"type": "string"}},
        },
    }


def _path_parameter(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}


def _parameter(name: str, schema: dict[str, Any], *, is_required: bool) -> dict[str, Any]:
    described = {"description": schema.pop("description")} if "description" in schema else {}
    return {"name": name, "in": "query", "required": is_required, **described, "schema": schema}


def _describe_socket(socket: Socket, schemas: _Schemas) -> dict[str, Any]:
    fields: dict[str, Any] = {"path": socket.path, "summary": socket.summary}
    if socket.query is not None:
        fields["parameters"] = schemas.parameters_of(socket.query)
    if socket.sends:
        fields["sends"] = schemas.any_of(socket.sends)
    return {**fields, "receives": schemas.any_of(socket.receives)}
