"""``POST /voice-changer/bytes``, ``/voice-changer/sse`` and ``/infill/bytes``: recordings in, speech out."""

from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from typing import Any

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cartesia_cli.engines import VoiceChanger
from cartesia_cli.errors import RequestError
from cartesia_cli.models import AudioChunk, AudioFormat, Container, SpeechEvent, SpeechRequest
from cartesia_cli.server.bodies import find_upload, kept, read_form, required_upload, texts
from cartesia_cli.server.failures import request_id, unable
from cartesia_cli.server.rules import rules_of
from cartesia_cli.server.schemas.recordings import ChangeForm, InfillForm
from cartesia_cli.server.speech.containers import CONTENT_TYPES, wrapped
from cartesia_cli.server.speech.events import aligned, framed
from cartesia_cli.server.speech.streaming import Pieces, PulledResponse
from cartesia_cli.wire import encode_done, encode_event
from cartesia_cli.wire.forms import decode_change_form, decode_infill_form

_EVENT_SECONDS = 0.1


def changing_routes(changer: VoiceChanger | None) -> list[Route]:
    """Return the routes that change recordings with ``changer``; without one they answer 501."""
    paths = ("/voice-changer/bytes", "/voice-changer/sse", "/infill/bytes")
    if changer is None:
        refuse = unable("This server does not change recordings.")
        return [Route(path, refuse, methods=["POST"]) for path in paths]

    async def change_bytes(request: Request) -> Response:
        async with read_form(request, rules_of(request).max_recording, ChangeForm) as form:
            clip = required_upload(form, "clip")
            voice_id, audio = decode_change_form(texts(form), endpoint="bytes")
            return await PulledResponse.of(
                changed_bytes(changer, clip, voice_id, audio),
                headers={"content-type": CONTENT_TYPES[audio.container]},
            )

    async def change_events(request: Request) -> Response:
        async with read_form(request, rules_of(request).max_recording, ChangeForm) as form:
            clip = required_upload(form, "clip")
            voice_id, audio = decode_change_form(texts(form), endpoint="sse")
            return await PulledResponse.of(
                changed_events(changer, clip, voice_id, audio, request_id(request)),
                headers={"content-type": "text/event-stream; charset=utf-8", "cache-control": "no-store"},
            )

    async def infill(request: Request) -> Response:
        async with read_form(request, rules_of(request).max_recording, InfillForm) as form:
            sides = find_upload(form, "left_audio"), find_upload(form, "right_audio")
            if sides == (None, None):
                raise RequestError(
                    "The form has neither a file called 'left_audio' nor one called 'right_audio'.",
                    title="Invalid request",
                )
            asked = decode_infill_form(texts(form))
            return await PulledResponse.of(
                infilled_bytes(changer, asked, *sides),
                headers={"content-type": CONTENT_TYPES[asked.format.container]},
            )

    return [
        Route(path, endpoint, methods=["POST"])
        for path, endpoint in zip(paths, (change_bytes, change_events, infill), strict=True)
    ]


def changed_bytes(changer: VoiceChanger, clip: UploadFile, voice_id: str, audio: AudioFormat) -> Pieces:
    """Yield a recording in another voice and in its container, as it is made.

    The recording is copied before the first piece.
    """
    with (
        kept(clip, "clip") as path,
        closing(changer.change_voice(path, voice_id, _samples(audio))) as events,
    ):
        yield from wrapped(events, audio)


def changed_events(
    changer: VoiceChanger, clip: UploadFile, voice_id: str, audio: AudioFormat, identifier: str
) -> Pieces:
    """Yield the frames of a recording in another voice; the last one is ``done`` or ``error``."""
    with kept(clip, "clip") as path, closing(changer.change_voice(path, voice_id, audio)) as events:
        yield from change_frames(aligned(events, audio, _EVENT_SECONDS), audio, identifier)


def infilled_bytes(
    changer: VoiceChanger, asked: SpeechRequest, left: UploadFile | None, right: UploadFile | None
) -> Pieces:
    """Yield what is said between two recordings, in its container, as it is made."""
    with ExitStack() as stack:
        sides = [
            None if upload is None else stack.enter_context(kept(upload, name))
            for upload, name in ((left, "left"), (right, "right"))
        ]
        samples = replace(asked, format=_samples(asked.format))
        events = stack.enter_context(closing(changer.infill(samples, *sides)))
        yield from wrapped(events, asked.format)


def change_frames(events: Iterator[SpeechEvent], audio: AudioFormat, identifier: str) -> Iterator[bytes]:
    """Yield the frames of one answer; the last one is ``done``, or ``error`` if the engine failed.

    Args:
        events: of an engine that changes a voice.
        audio: what its samples are.
        identifier: of the request, named in an error.

    Raises:
        CartesiaError: the engine failed before the first frame, so that the answer can still have a status.
    """

    def encode(event: SpeechEvent, step_time: float) -> dict[str, Any] | None:
        message = encode_event(event, step_time=step_time) if isinstance(event, AudioChunk) else None
        return message and {**message, "sample_rate": audio.sample_rate}

    done = {**encode_done(None), "status_code": 200}
    return framed(events, encode, done=done, request_id=identifier)


def _samples(audio: AudioFormat) -> AudioFormat:
    return replace(audio, container=Container.RAW, bit_rate=None)
