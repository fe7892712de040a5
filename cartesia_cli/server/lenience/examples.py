"""Examples: what a lenient server answers for objects that nobody made, and hears where nothing can be heard.

A strict server, which is the usual one, never gives any.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from starlette.responses import JSONResponse, Response

from cartesia_cli.models import (
    AudioChunk,
    AudioFormat,
    Container,
    Encoding,
    PronunciationDictionary,
    Transcript,
    Voice,
    WordTiming,
)
from cartesia_cli.server.speech.changing import change_frames
from cartesia_cli.server.speech.containers import CONTENT_TYPES, wrapped

_TIME = "2026-01-01T00:00:00Z"
_SECONDS = 0.2
"""The length of an example of sound."""

_AUDIO = AudioFormat(Encoding.PCM_S16LE, 16_000)

VOICE = Voice(
    "",
    "Example",
    "A voice that nobody made.",
    gender="feminine",
    is_owner=True,
    fields={
        "tagline": "",
        "created_at": _TIME,
        "accent": "general-american",
        "locales": [{"locale": "en-US", "is_native": True}],
    },
)
DICTIONARY = PronunciationDictionary("", "Example", fields={"owner_id": "local", "created_at": _TIME})
TRANSCRIPT = Transcript(
    "An example.",
    (WordTiming("An", 0.0, 0.2), WordTiming("example.", 0.2, 0.8)),
    language="en",
    duration=1.0,
)

_AGENT = {
    "id": "{agent_id}",
    "name": "Example",
    "description": "",
    "created_at": _TIME,
    "updated_at": _TIME,
    "deployment_count": 1,
    "has_text_to_agent_run": False,
    "tts_language": "en",
    "tts_voice": "6ccbfb76-1fc6-48f7-b71d-91ac6298247b",
    "phone_numbers": [],
}
_PHONE_NUMBER = {
    "agent_id": "{agent_id}",
    "number": "+15550100",
    "is_cartesia_managed": True,
    "created_at": _TIME,
    "updated_at": _TIME,
}
_DEPLOYMENT = {
    "id": "{deployment_id}",
    "agent_id": "{agent_id}",
    "status": "deployed",
    "is_live": True,
    "is_pinned": True,
    "build_logs": "",
    "env_var_collection_id": "example",
    "git_commit_hash": "0000000000000000000000000000000000000000",
    "source_code_file_id": "example",
    "created_at": _TIME,
    "updated_at": _TIME,
    "build_started_at": _TIME,
    "build_completed_at": _TIME,
    "deployment_started_at": _TIME,
    "deployment_completed_at": _TIME,
}
_CALL = {
    "id": "{call_id}",
    "agent_id": "example",
    "deployment_id": "example",
    "status": "completed",
    "start_time": _TIME,
    "end_time": _TIME,
    "transcript": [{"role": "user", "text": "An example.", "start_timestamp": 0.0, "end_timestamp": 1.0}],
}
_METRIC = {
    "id": "{metric_id}",
    "name": "example",
    "display_name": "Example",
    "prompt": "Was everything said?",
    "created_at": _TIME,
}
_DATASET = {"id": "{dataset_id}", "name": "Example", "description": "", "created_at": _TIME}
_FINE_TUNE = {
    "id": "{fine_tune_id}",
    "name": "Example",
    "description": "",
    "language": "en",
    "model_id": "sonic-3-2026-01-12",
    "dataset": "example",
    "status": "created",
}
_API_KEY = {"id": "{key_id}", "name": "Example", "created_at": _TIME}
_EMPTY_PAGE = {"data": [], "has_more": False}

OBJECTS: Mapping[str, object] = {
    "GET /datasets/{dataset_id}": _DATASET,
    "PATCH /datasets/{dataset_id}": None,
    "DELETE /datasets/{dataset_id}": None,
    "GET /datasets/{dataset_id}/files": _EMPTY_PAGE,
    "POST /datasets/{dataset_id}/files": None,
    "DELETE /datasets/{dataset_id}/files/{file_id}": None,
    "GET /fine-tunes/{fine_tune_id}": _FINE_TUNE,
    "DELETE /fine-tunes/{fine_tune_id}": None,
    "GET /fine-tunes/{fine_tune_id}/voices": _EMPTY_PAGE,
    "GET /agents/{agent_id}": _AGENT,
    "PATCH /agents/{agent_id}": _AGENT,
    "DELETE /agents/{agent_id}": None,
    "GET /agents/{agent_id}/phone-numbers": [_PHONE_NUMBER],
    "GET /agents/{agent_id}/deployments": [_DEPLOYMENT | {"id": "example"}],
    "GET /agents/deployments/{deployment_id}": _DEPLOYMENT | {"agent_id": "example"},
    "GET /agents/calls/{call_id}": _CALL,
    "GET /agents/metrics/{metric_id}": _METRIC,
    "POST /agents/{agent_id}/metrics/{metric_id}": None,
    "DELETE /agents/{agent_id}/metrics/{metric_id}": None,
    "GET /api-keys/{key_id}": _API_KEY,
}
"""By method and path, what is answered for an ID that nobody has; names in braces stand for what is in the
path, None for an answer without a body."""


def silence(audio: AudioFormat) -> AudioChunk:
    """Return raw samples in a format's encoding and rate."""
    quiet = {Encoding.PCM_MULAW: b"\xff", Encoding.PCM_ALAW: b"\xd5"}.get(audio.encoding, b"\0")
    return AudioChunk(quiet * round(audio.sample_rate * _SECONDS) * audio.encoding.sample_width)


def _sound(_names: Mapping[str, str]) -> Response:
    audio = replace(_AUDIO, container=Container.WAV)
    return Response(b"".join(wrapped(iter([silence(audio)]), audio)), media_type=CONTENT_TYPES[Container.WAV])


def _sound_events(_names: Mapping[str, str]) -> Response:
    frames = change_frames(iter([silence(_AUDIO)]), _AUDIO, "")
    return Response(b"".join(frames), media_type="text/event-stream")


def _object(template: object) -> Callable[[Mapping[str, str]], Response]:
    def answer(names: Mapping[str, str]) -> Response:
        return Response(status_code=204) if template is None else JSONResponse(_filled(template, names))

    return answer


def _filled(template: object, names: Mapping[str, str]) -> Any:
    match template:
        case dict():
            return {key: _filled(value, names) for key, value in template.items()}
        case list():
            return [_filled(value, names) for value in template]
        case str() if template.startswith("{"):
            return names[template.strip("{}")]
        case _:
            return template


UNKNOWN: Mapping[str, Callable[[Mapping[str, str]], Response]] = {
    **{route: _object(template) for route, template in OBJECTS.items()},
    "GET /agents/calls/{call_id}/audio": _sound,
}
"""What makes the answer for an ID that nobody has, of what is in the path; by method and path."""

UNSAID: Mapping[str, Callable[[Mapping[str, str]], Response]] = {
    "POST /datasets/{dataset_id}/files": _object(None),
    "POST /infill/bytes": _sound,
    "POST /voice-changer/bytes": _sound,
    "POST /voice-changer/sse": _sound_events,
}
"""What makes the answer where fields or recordings that every description of the API calls optional are not
there."""
