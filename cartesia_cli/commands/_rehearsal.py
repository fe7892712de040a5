"""What a run would send, without sending it: ``--dry-run`` and ``--curl``."""

import json
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from cartesia_cli import console
from cartesia_cli.commands._speaking import Transport
from cartesia_cli.models import EngineName, SpeechRequest
from cartesia_cli.wire import encode_context, encode_request
from cartesia_cli.wire.requests import Endpoint
from cartesia_cli.wire.version import API_VERSION

_KEY_HEADER = "Authorization: Bearer $CARTESIA_API_KEY"


def show_requests(
    requests: Sequence[SpeechRequest],
    *,
    engine: EngineName,
    transport: Transport,
    base_url: str,
    headers: Mapping[str, str],
    as_json: bool,
) -> None:
    """Print the engine, each request with its key redacted, and the estimated credits.

    A credit is a character; the embedded engine takes none. What goes over a socket is the one message
    that its context takes; a context that was not named gets its name when it is sent.
    """
    n_credits = 0 if engine == "local" else sum(len(request.transcript) for request in requests)
    url = _url(base_url, transport)
    if transport == "websocket":
        method, bodies = "SEND", [_message(request) for request in requests]
    else:
        method, bodies = "POST", [encode_request(request, endpoint=transport) for request in requests]
    shown = {
        "Authorization": "Bearer [key]",
        "Cartesia-Version": API_VERSION,
        **dict.fromkeys(headers, "[hidden]"),
    }
    if as_json:
        sent = [{"method": method, "url": url, "headers": shown, "body": body} for body in bodies]
        console.data_json(
            {"engine": engine, "credits": n_credits, "requests": sent if engine == "cloud" else bodies}
        )
        return
    lines = [f"engine: {engine}", f"credits: {n_credits}"]
    for body in bodies:
        if engine == "cloud":
            lines += ["", f"{method} {url}", *(f"{name}: {value}" for name, value in shown.items())]
        lines += ["", json.dumps(body, ensure_ascii=False, indent=2)]
    console.data("\n".join(lines) + "\n")


def show_curl(
    requests: Sequence[SpeechRequest],
    *,
    endpoint: Endpoint,
    base_url: str,
    headers: Mapping[str, str],
    wrapping: Mapping[str, Any] | None,
    output: str | None,
) -> None:
    """Print a curl command for each request, to be pasted into a shell that has CARTESIA_API_KEY.

    Args:
        requests: the parts of the text.
        endpoint: ``bytes`` or ``sse``.
        base_url: of the API.
        headers: further headers; their values may be secrets and are left as variables.
        wrapping: what to change in ``output_format``, so that curl receives a file that plays.
        output: the file that curl shall write, if it is one.
    """
    for request in requests:
        body = encode_request(request, endpoint=endpoint)
        if wrapping and endpoint == "bytes":
            body["output_format"] = {**body["output_format"], **wrapping}
        parts = ["curl --fail-with-body -sS", shlex.quote(_url(base_url, endpoint))]
        parts += [
            f'-H "{_KEY_HEADER}"',
            f"-H 'Cartesia-Version: {API_VERSION}'",
            "-H 'Content-Type: application/json'",
        ]
        parts += [f'-H "{name}: ${_variable(name)}"' for name in headers]
        parts.append(f"--data-raw {shlex.quote(json.dumps(body, ensure_ascii=False))}")
        if endpoint == "sse":
            parts.append("--no-buffer")
        elif output is not None:
            parts.append(f"-o {shlex.quote(output)}")
        console.data(" \\\n  ".join(parts) + "\n")


def _variable(header: str) -> str:
    return "".join(c if c.isalnum() else "_" for c in header).upper()


def _message(request: SpeechRequest) -> dict[str, Any]:
    fields = encode_context(request, request.context_id or "")
    message = {**fields, "transcript": request.transcript, "continue": False}
    return {name: value for name, value in message.items() if value != ""}


def _url(base_url: str, transport: Transport) -> str:
    url = f"{base_url.rstrip('/')}/tts/{transport}"
    return url.replace("http", "ws", 1) if transport == "websocket" else url
