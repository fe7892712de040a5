"""``POST /tts/bytes`` and ``POST /tts/sse``: text in, speech out."""

from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from functools import partial
from typing import Any
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cartesia_cli.engines import Synthesizer
from cartesia_cli.models import Container, SpeechRequest
from cartesia_cli.server.bodies import read_body
from cartesia_cli.server.failures import request_id
from cartesia_cli.server.rules import rules_of
from cartesia_cli.server.schemas import speech
from cartesia_cli.server.speech.containers import CONTENT_TYPES, wrapped
from cartesia_cli.server.speech.events import aligned, event_stream
from cartesia_cli.server.speech.streaming import Pieces, PulledResponse
from cartesia_cli.wire import decode_request


def synthesis_routes(synthesizer: Synthesizer) -> list[Route]:
    """Return the routes that speak with ``synthesizer``."""

    async def tts_bytes(request: Request) -> Response:
        asked, saves = await read_body(request, speech.SpeechRequest, _decode_saved)
        headers = {"content-type": CONTENT_TYPES[asked.format.container]}
        if saves:
            headers["cartesia-file-id"] = f"file_{uuid4()}"
        return await PulledResponse.of(spoken_bytes(synthesizer, asked), headers=headers)

    async def tts_sse(request: Request) -> Response:
        asked = await read_body(request, speech.SpeechStreamRequest, partial(decode_request, endpoint="sse"))
        headers = {"content-type": "text/event-stream; charset=utf-8", "cache-control": "no-store"}
        frames = spoken_events(synthesizer, asked, rules_of(request).chunk_seconds, request_id(request))
        return await PulledResponse.of(frames, headers=headers)

    return [Route("/tts/bytes", tts_bytes, methods=["POST"]), Route("/tts/sse", tts_sse, methods=["POST"])]


def _decode_saved(payload: Mapping[str, Any]) -> tuple[SpeechRequest, bool]:
    """Return what is asked for, and whether a file is to be named."""
    return decode_request(payload, endpoint="bytes"), payload.get("save") is True


def spoken_bytes(synthesizer: Synthesizer, request: SpeechRequest) -> Pieces:
    """Yield the audio of one request in its container, as it is made."""
    samples = replace(request, format=replace(request.format, container=Container.RAW, bit_rate=None))
    with closing(synthesizer.synthesize(samples)) as events:
        yield from wrapped(events, request.format)


def spoken_events(
    synthesizer: Synthesizer, request: SpeechRequest, chunk_seconds: float | None, identifier: str
) -> Pieces:
    """Yield the frames of one request's event stream, as they are made."""
    with closing(synthesizer.synthesize(request)) as events:
        cut = events if chunk_seconds is None else aligned(events, request.format, chunk_seconds)
        yield from event_stream(cut, request, request_id=identifier)
