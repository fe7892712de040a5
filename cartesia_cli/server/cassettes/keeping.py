"""The answer of the API, on its way into a cassette."""

import json
from collections.abc import Mapping
from typing import Any

from cartesia_cli.api.relay import Relayed
from cartesia_cli.server.cassettes.asking import Incoming
from cartesia_cli.server.cassettes.covers import SHORTEST, Cover
from cartesia_cli.server.cassettes.takes import Take
from cartesia_cli.server.cassettes.texts import describe_bytes

_SUFFIXES = {
    "audio/wav": ".wav",
    "audio/x-wav": ".wav",
    "audio/mpeg": ".mp3",
    "audio/mp3": ".mp3",
    "audio/pcm": ".pcm",
    "audio/raw": ".pcm",
    "text/csv": ".csv",
    "text/event-stream": ".events",
    "text/plain": ".txt",
}
_NOT_KEPT = frozenset(
    {
        "age",
        "content-length",
        "date",
        "nel",
        "report-to",
        "reporting-endpoints",
        "server",
        "set-cookie",
        "via",
    }
)


def keep_answer(
    take: Take, incoming: Incoming, body: Mapping[str, Any] | None, answer: Relayed, cover: Cover
) -> None:
    """Make the cassette of an answer that is complete.

    Args:
        take: has got its body.
        incoming: what was asked.
        body: of the request, as ``Upload`` describes it.
        answer: of the API.
        cover: of what must not be written down.
    """

    def fields(written: bytes, name: str | None) -> dict[str, Any]:
        if incoming.path.rstrip("/") == "/access-token":
            written = _without_token(written, cover)
        response: dict[str, Any] = {
            "status": answer.status,
            "headers": [[name, cover.cover(value)] for name, value in answer.headers if _is_kept(name)],
            "body": describe_bytes(cover.cover_bytes(written)) if name is None else {"file": name},
        }
        return {"response": response | ({"chunks": list(take.chunks)} if take.chunks else {})}

    take.keep({"request": incoming.asked(body, cover).fields}, fields)


def is_text(answer: Relayed) -> bool:
    """Return whether a body is for people to read."""
    kind = _content_type(answer)
    return kind == "application/json" or kind.endswith("+json") or kind.startswith("text/")


def suffix_of(answer: Relayed) -> str:
    """Return the ending for the name of a file with a body."""
    return _SUFFIXES.get(_content_type(answer), ".txt" if is_text(answer) else ".bin")


def _content_type(answer: Relayed) -> str:
    value = next((value for name, value in answer.headers if name == "content-type"), "")
    return value.partition(";")[0].strip().lower()


def _is_kept(name: str) -> bool:
    return name not in _NOT_KEPT and not name.startswith(("cf-", "x-amz", "x-envoy-", "x-served-"))


def _without_token(body: bytes, cover: Cover) -> bytes:
    """Return the answer to a request for a token with asterisks for it, and cover it from now on."""
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError):
        return body
    token = fields.get("token") if isinstance(fields, dict) else None
    if not isinstance(token, str):
        return body
    cover.add([token])
    return (
        body
        if len(token) >= SHORTEST
        else body.replace(f'"{token}"'.encode(), b'"' + b"*" * len(token) + b'"')
    )
