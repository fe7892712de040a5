"""Speech requests ⇄ the JSON of ``POST /tts/bytes`` and ``POST /tts/sse``."""

import unicodedata
from collections.abc import Mapping
from typing import Any, Literal

from cartesia_cli.errors import UsageError
from cartesia_cli.models import (
    BIT_RATES,
    SAMPLE_RATES,
    SPEEDS,
    VOLUMES,
    AudioFormat,
    Container,
    Encoding,
    SpeechRequest,
)
from cartesia_cli.wire.refusals import refuse, refuse_request
from cartesia_cli.wire.values import MalformedError, finite, shorten

Endpoint = Literal["bytes", "sse"]


def encode_request(request: SpeechRequest, *, endpoint: Endpoint) -> dict[str, Any]:
    """Return the request as the endpoint takes it; what is not set is left out.

    Raises:
        UsageError: the endpoint cannot send the format.
    """
    if endpoint == "sse" and request.format.container is not Container.RAW:
        raise UsageError(
            f"An event stream carries raw samples, not {request.format.container.value}.",
            hint="Use --transport bytes.",
        )
    fields: dict[str, Any] = {
        "model_id": request.model_id,
        "transcript": request.transcript,
        "voice": _encode_voice(request),
        "output_format": encode_format(request.format),
        "language": request.language,
        "locale": request.locale,
        "normalization": request.normalization,
        "pronunciation_dict_id": request.pronunciation_dict_id,
        "speed": request.speed if isinstance(request.speed, str) else None,
        "generation_config": _encode_manner(request),
    }
    if endpoint == "sse":
        fields |= {
            "add_timestamps": request.word_timestamps or None,
            "add_phoneme_timestamps": request.phoneme_timestamps or None,
            "context_id": request.context_id,
        }
    return {key: value for key, value in fields.items() if value is not None}


def decode_request(payload: object, *, endpoint: Endpoint) -> SpeechRequest:
    """Return what a client of any version asked for.

    Raises:
        RequestError: as the API answers with status 400; title and code are set.
    """
    if not isinstance(payload, Mapping):
        refuse_request("The body must be a JSON object.")
    manner = _object(payload, "generation_config")
    voice_id, embedding, emotions = _decode_voice(payload.get("voice"))
    language, locale = _text(payload, "language"), _text(payload, "locale")
    if language and locale:
        refuse("Invalid language", "Give a language or a locale, not both.")
    speed = _ranged(manner, "speed", SPEEDS)
    emotion = _text(manner, "emotion")
    return SpeechRequest(
        transcript=_decode_transcript(payload),
        voice_id=voice_id,
        format=decode_format(payload.get("output_format"), endpoint),
        model_id=_text(payload, "model_id")
        or refuse("Invalid model", "model_id is required.", "model_not_found"),
        language=language,
        locale=locale,
        speed=_named_speed(payload) if speed is None else speed,
        volume=_ranged(manner, "volume", VOLUMES),
        emotion=(emotion,) if emotion else emotions,
        normalization=_text(payload, "normalization"),
        pronunciation_dict_id=_text(payload, "pronunciation_dict_id"),
        context_id=_text(payload, "context_id") if endpoint == "sse" else None,
        voice_embedding=embedding,
        word_timestamps=endpoint == "sse" and payload.get("add_timestamps") is True,
        phoneme_timestamps=endpoint == "sse" and payload.get("add_phoneme_timestamps") is True,
    )


def encode_format(audio: AudioFormat) -> dict[str, Any]:
    """Return the ``output_format``, with what its container needs."""
    fields: dict[str, Any] = {"container": audio.container.value, "sample_rate": audio.sample_rate}
    if audio.container is Container.MP3:
        return {**fields, "bit_rate": audio.bit_rate or 128_000}
    return {**fields, "encoding": audio.encoding.value}


def decode_format(value: object, endpoint: Endpoint) -> AudioFormat:
    """Return what an ``output_format`` asks for.

    Raises:
        RequestError: as the API answers with status 400; title is set.
    """
    if not isinstance(value, Mapping):
        refuse("Invalid output format", "output_format is required and must be an object.")
    container = value.get("container")
    if container not in tuple(Container):
        refuse("Invalid output format", f"container must be raw, wav or mp3, not {shorten(container)}.")
    if endpoint == "sse" and container != Container.RAW:
        refuse("Invalid output format", "Only the raw container can be streamed as events.")
    sample_rate, encoding, bit_rate = (value.get(key) for key in ("sample_rate", "encoding", "bit_rate"))
    if sample_rate not in SAMPLE_RATES:
        refuse("Invalid output format", f"sample_rate must be one of {', '.join(map(str, SAMPLE_RATES))}.")
    if container == Container.MP3:
        if bit_rate not in BIT_RATES:
            refuse("Invalid output format", f"bit_rate must be one of {', '.join(map(str, BIT_RATES))}.")
        return AudioFormat(sample_rate=int(sample_rate), container=Container.MP3, bit_rate=int(bit_rate))
    if encoding not in tuple(Encoding):
        refuse("Invalid output format", f"encoding must be one of {', '.join(Encoding)}.")
    return AudioFormat(Encoding(encoding), int(sample_rate), Container(container))


def _encode_voice(request: SpeechRequest) -> dict[str, Any]:
    """Return the voice with its ``mode``, which old servers need and new ones accept."""
    voice: dict[str, Any] = {"mode": "id", "id": request.voice_id}
    if request.voice_embedding is not None:
        voice = {"mode": "embedding", "embedding": list(request.voice_embedding)}
    if len(request.emotion) > 1:  # the older API's own way; the newer one takes a single emotion
        voice["__experimental_controls"] = {"emotion": list(request.emotion)}
    return voice


def _encode_manner(request: SpeechRequest) -> dict[str, Any] | None:
    manner = {
        "speed": None if isinstance(request.speed, str) else request.speed,
        "volume": request.volume,
        "emotion": request.emotion[0] if len(request.emotion) == 1 else None,
    }
    return {key: value for key, value in manner.items() if value is not None} or None


def _decode_transcript(payload: Mapping[str, Any]) -> str:
    transcript = payload.get("transcript")
    if not isinstance(transcript, str):
        refuse("Invalid transcript", "transcript is required and must be a string.")
    if all(unicodedata.category(char)[0] in "PZC" for char in transcript):
        refuse("Invalid transcript", "The transcript should not be empty and should not be only punctuation.")
    return transcript


def _decode_voice(voice: object) -> tuple[str, tuple[float, ...] | None, tuple[str, ...]]:
    """Return the voice's ID or its embedding, and the emotions of the older API."""
    if isinstance(voice, str) and voice:
        return voice, None, ()
    if not isinstance(voice, Mapping):
        refuse("Invalid voice", "voice is required: an ID, or an object with an ID.")
    controls = voice.get("__experimental_controls")
    named = controls.get("emotion") if isinstance(controls, Mapping) else None
    emotions = tuple(str(name) for name in named) if isinstance(named, list) else ()
    voice_id, embedding = voice.get("id"), voice.get("embedding")
    if isinstance(embedding, list) and voice.get("mode") != "id":
        try:
            return "", tuple(finite(value) for value in embedding), emotions
        except MalformedError as error:
            refuse("Invalid voice", f"The embedding holds what is no number: {error}.")
    if not isinstance(voice_id, str) or not voice_id:
        refuse("Invalid voice", "The voice needs an id.")
    return voice_id, None, emotions


def _named_speed(payload: Mapping[str, Any]) -> Literal["slow", "normal", "fast"] | None:
    match payload.get("speed"):
        case None:
            return None
        case "slow":
            return "slow"
        case "normal":
            return "normal"
        case "fast":
            return "fast"
        case other:
            return refuse("Invalid speed", f"speed must be slow, normal or fast, not {shorten(other)}.")


def _ranged(fields: Mapping[str, Any], key: str, limits: tuple[float, float]) -> float | None:
    value = fields.get(key)
    if value is None:
        return None
    try:
        number = finite(value)
    except MalformedError as error:
        refuse("Invalid generation config", f"{key}: {error}.")
    low, high = limits
    if not low <= number <= high:
        refuse("Invalid generation config", f"{key} must be between {low} and {high}, not {number}.")
    return number


def _object(fields: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = fields.get(key)
    if value is not None and not isinstance(value, Mapping):
        refuse_request(f"{key} must be an object.")
    return value or {}


def _text(fields: Mapping[str, Any], key: str) -> str | None:
    value = fields.get(key)
    if value is not None and not isinstance(value, str):
        refuse_request(f"{key} must be a string, not {shorten(value)}.")
    return value or None
