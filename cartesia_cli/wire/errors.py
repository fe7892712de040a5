"""Error bodies and error events ⇄ our errors, in every style that the API has had.

One table decides what a status means, for HTTP answers and for events in a stream alike.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from cartesia_cli.errors import CartesiaError, CredentialsError, LimitError, RequestError, UnavailableError
from cartesia_cli.wire.values import MalformedError, load_json, one_line

STRUCTURED_SINCE = "2026-03-01"
"""The first API version whose errors are JSON; before, they are plain text."""

_HINTS_BY_CODE = {
    "quota_exceeded": "The credits are used up: buy more, wait for the next period, or use --engine local.",
    "concurrency_limited": "Run fewer at a time, or wait until the others are done.",
    "plan_upgrade_required": "The plan behind this API key does not include this.",
    "voice_not_found": "Check --voice: the name or the ID of a voice.",
    "voice_model_mismatch": "Choose another --voice or --model.",
    "model_not_found": "Choose another --model, for example sonic-latest.",
    "language_not_supported": "Choose another --language, --model or --voice.",
    "file_too_large": "Send a shorter or a compressed recording.",
    "unsupported_audio_format": "Convert the recording, for example to WAV or FLAC.",
}
_HINTS_BY_STATUS = {
    401: "Check the API key, for example in CARTESIA_API_KEY.",
    402: _HINTS_BY_CODE["quota_exceeded"],
    403: "This API key may not do that: use another one, for example in CARTESIA_API_KEY.",
    404: "If the ID is right, check --base-url: the server has nothing at this address.",
    407: "Put the user name and password into the proxy's URL (HTTPS_PROXY, HTTP_PROXY, ALL_PROXY).",
    413: "Send less at once.",
    429: "Run fewer at a time, or wait a moment and try again.",
}
_FINAL_CODES = frozenset({"quota_exceeded", "plan_upgrade_required"})
"""What no waiting helps against, whatever the status."""

_HINT_LATER = "Try again in a while; --retries N tries more often."
_HINT_GATEWAY = (
    "The answer came from a proxy or gateway on the way: check --base-url, or try again in a while."
)

_TITLED = re.compile(r"(?P<title>[^:\n.]{1,60}): (?P<message>\S.*)", re.DOTALL)
_HTML = re.compile(r"\s*<(?:!doctype|html|head|body)\b", re.IGNORECASE)
_HTML_TITLE = re.compile(r"<title[^>]*>(.*?)</title", re.IGNORECASE | re.DOTALL)


def decode_error(
    status: int,
    body: bytes | Mapping[str, Any],
    *,
    content_type: str = "",
    request_id: str | None = None,
) -> CartesiaError:
    """Return the error for a status and what came with it: JSON, plain text, a web page, or nothing.

    Texts are made fit for a terminal: one line, no control characters, of bounded length.

    Args:
        status: of the answer, or the ``status_code`` of an event.
        body: the answer's bytes, or an event's object.
        content_type: the answer's.
        request_id: of the answer's header; one in the body wins.
    """
    fields = body if isinstance(body, Mapping) else _read_body(body, content_type)
    title = one_line(fields.get("title"), 120)
    detail = one_line(_detail(fields))
    if detail and not title and (titled := _TITLED.fullmatch(detail)):
        title, detail = titled["title"], titled["message"]
    code = one_line(fields.get("error_code"), 80) or None
    name = title or f"HTTP {status} {reason(status)}".rstrip()
    if not code and "web page" in fields:
        hint: str | None = _HINT_GATEWAY
    else:
        hint = _HINTS_BY_CODE.get(code or "") or _HINTS_BY_STATUS.get(status)
    error = _class_of(status)(
        f"{name}: {detail}" if detail and detail != name else name,
        hint=hint or (_HINT_LATER if _class_of(status) is UnavailableError else None),
        title=name,
        code=code,
        request_id=one_line(fields.get("request_id"), 200) or one_line(request_id, 200) or None,
    )
    error.is_passing = may_pass(status, code)
    return error


def may_pass(status: int, code: str | None = None) -> bool:
    """Return whether what failed with this status, and the API's code, may succeed when it is asked again."""
    return (status in {408, 409, 429} or status >= 500) and code not in _FINAL_CODES


def encode_error(error: CartesiaError, *, status: int, version: str) -> tuple[bytes, str]:
    """Return the body and the content type of an HTTP error answer, as an API version has them.

    Args:
        error: with the title, code and request ID to be sent.
        status: of the answer.
        version: of the API as the client asked for it, like ``2026-08-14``.
    """
    title, message = _title_and_message(error, status)
    if version < STRUCTURED_SINCE:
        return f"{title}: {message}".encode(), "text/plain; charset=utf-8"
    fields = {
        "error_code": error.code,
        "title": title,
        "message": message,
        "request_id": error.request_id or "",
    }
    return json.dumps(fields).encode(), "application/json"


def encode_error_event(error: CartesiaError, *, status: int, context_id: str | None = None) -> dict[str, Any]:
    """Return an error event of a stream or socket, in the new style and the old one at once."""
    title, message = _title_and_message(error, status)
    event: dict[str, Any] = {
        "type": "error",
        "done": True,
        "status_code": status,
        "error_code": error.code,
        "title": title,
        "message": message,
        "request_id": error.request_id or "",
        "error": f"{title}: {message}",
    }
    return event if context_id is None else {**event, "context_id": context_id}


def event_status(payload: Mapping[str, Any]) -> int:
    """Return the status of an error event; 500 where it names none that is an error."""
    status = payload.get("status_code")
    return status if isinstance(status, int) and 400 <= status <= 599 else 500


def reason(status: int) -> str:
    """Return the standard's phrase for a status, "" for one that it does not know."""
    from http import HTTPStatus

    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def _class_of(status: int) -> type[CartesiaError]:
    if status in {401, 403}:
        return CredentialsError
    if status in {402, 429}:
        return LimitError
    if 400 <= status < 500 and status not in {407, 408}:
        return RequestError
    return UnavailableError


def _read_body(body: bytes, content_type: str) -> Mapping[str, Any]:
    """Return the fields of an error body; a text becomes its ``message``."""
    text = body.decode("utf-8", "replace").strip()
    if "html" in content_type.lower() or _HTML.match(text):
        found = _HTML_TITLE.search(text)
        page = one_line(found[1], 100) if found else ""
        return {"web page": True, "message": f"a web page instead of an answer ({page or 'untitled'})"}
    if text.startswith("{"):
        try:
            fields = load_json(text)
        except MalformedError:
            return {"message": text}
        if isinstance(fields, dict):
            return fields
    return {"message": text}


def _detail(fields: Mapping[str, Any]) -> str:
    """Return the sentence in an error's fields: the API's keys first, then those that gateways use."""
    for key in ("message", "error", "detail"):
        value = fields.get(key)
        if isinstance(value, Mapping):
            value = value.get("message")
        if isinstance(value, str) and value.strip():
            return value
    return ""


def _title_and_message(error: CartesiaError, status: int) -> tuple[str, str]:
    title = error.title or reason(status) or f"HTTP {status}"
    message = str(error)
    return title, message.removeprefix(f"{title}: ")
