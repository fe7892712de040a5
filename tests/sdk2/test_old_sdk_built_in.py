"""Both official clients 2.0.17 and ``cartesia serve``: every method they have, on the built-in engine."""

import asyncio
import base64
import inspect
import io
import wave
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.sdk.speech import (
    HEART,
    MALE,
    RATE,
    RAW,
    SENTENCE,
    UNKNOWN,
    WAV,
    WORDS,
    assert_in_time,
    words_of,
)
from tests.sdk2.oldclient import ApiError, AsyncCartesia, old_client

shows = pytest.mark.shows
pytestmark = pytest.mark.filterwarnings("ignore:connect.. must be used as:DeprecationWarning")
"""It opens sockets as websockets 17 does not like any more."""

SPEECH: dict[str, Any] = {
    "model_id": "sonic-2",
    "transcript": SENTENCE,
    "voice": {"mode": "id", "id": HEART},
    "output_format": RAW,
}
CHANGED = {"voice_id": HEART} | {f"output_format_{name}": value for name, value in RAW.items()}
UNTRANSLATED = {"mode": "similarity", "enhance": False}


def speak(client: Any, **changes: Any) -> bytes:
    """Return what a client says."""
    return b"".join(client.tts.bytes(**SPEECH | changes))


def rows(timestamps: Any) -> list[tuple[str, float, float]]:
    return [*zip(timestamps.words, timestamps.start, timestamps.end, strict=True)]


@shows("api_status.get", "tts.get_output_format")
def test_the_server_says_that_it_is_there(either: Any) -> None:
    assert either.api_status.get().ok is True
    assert either.tts.get_output_format("raw_pcm_s16le_16000")["sample_rate"] == 16_000


@shows("tts.bytes", "stt.transcribe")
def test_what_is_spoken_can_be_understood(either: Any) -> None:
    wav = speak(either, output_format=WAV, language="en")
    mp3 = speak(either, output_format={"container": "mp3", "sample_rate": 44_100, "bit_rate": 64_000})
    heard = either.stt.transcribe(
        file=("talk.wav", wav), model="ink-whisper", language="en", timestamp_granularities=["word"]
    )
    plain = either.stt.transcribe(
        file=("talk.raw", speak(either)), model="ink-whisper", encoding="pcm_s16le", sample_rate=RATE
    )

    with wave.open(io.BytesIO(wav)) as sound:
        assert sound.readframes(10**9) == speak(either)
    assert len(mp3) > 1_000
    assert words_of(heard.text) == words_of(plain.text) == words_of(SENTENCE)
    assert_in_time([(word.word, word.start, word.end) for word in heard.words], heard.duration)
    assert plain.words is None


@shows("tts.bytes")
def test_old_controls_are_taken(either: Any) -> None:
    voice = {"mode": "id", "id": HEART, "experimental_controls": {"speed": "fast", "emotion": ["curiosity"]}}

    assert speak(either, voice=voice)
    assert speak(either, voice={"id": MALE}) != speak(either)
    assert len(speak(either, generation_config={"speed": 1.5})) < 0.75 * len(speak(either))
    assert speak(either, duration=9) == speak(either)


@shows("tts.sse")
def test_events_carry_the_speech_and_its_words(either: Any) -> None:
    events = list(
        either.tts.sse(
            **SPEECH,
            add_timestamps=True,
            add_phoneme_timestamps=True,
            use_normalized_timestamps=False,
            context_id="ctx",
        )
    )

    sound = b"".join(base64.b64decode(event.data) for event in events if event.type == "chunk")
    words = [row for event in events if event.type == "timestamps" for row in rows(event.word_timestamps)]
    assert sound == speak(either)
    assert [word for word, _, _ in words] == WORDS
    assert_in_time(words, len(sound) / (2 * RATE))
    assert any(event.type == "phoneme_timestamps" for event in events)
    assert events[-1].type == "done"


@shows("tts.websocket", "tts.websocket().send", "tts.websocket().close", "tts.websocket().connect")
def test_a_socket_speaks_a_whole_text(either: Any) -> None:
    socket = either.tts.websocket()
    socket.connect()
    streamed = list(socket.send(**SPEECH, context_id="ctx"))
    whole = socket.send(**SPEECH, stream=False, add_timestamps=True, add_phoneme_timestamps=True)
    socket.close()

    assert b"".join(output.audio for output in streamed) == whole.audio == speak(either)
    assert {output.context_id for output in streamed} == {"ctx"}
    assert [word for word, _, _ in rows(whole.word_timestamps)] == WORDS
    assert whole.phoneme_timestamps.phonemes


@shows("tts.websocket().context")
def test_a_socket_speaks_a_text_that_is_still_being_written(either: Any) -> None:
    socket = either.tts.websocket()
    pieces = [f"{word} " for word in WORDS]
    context = socket.context("ctx")
    if is_async(context):
        for piece in pieces:
            context.send(**SPEECH | {"transcript": piece}, continue_=True)
        context.no_more_inputs()
        outputs = list(context.receive())
    else:
        outputs = list(context.send(**SPEECH | {"transcript": iter(pieces)}))
    socket.close()

    assert b"".join(output.audio for output in outputs) == speak(either)


def is_async(context: Any) -> bool:
    """Whether a context sends and receives by different methods: that of the asynchronous client does."""
    return "receive" in dir(context._it)  # noqa: SLF001 - what the face hides


@shows("tts.websocket")
def test_an_error_on_a_socket_has_its_message(either: Any) -> None:
    socket = either.tts.websocket()

    with pytest.raises(RuntimeError, match="Voice not found"):
        list(socket.send(**SPEECH | {"voice": {"mode": "id", "id": UNKNOWN}}))

    socket.close()


async def heard(outputs: AsyncIterator[Any]) -> bytes:
    return b"".join([output.audio async for output in outputs if output.audio])


def test_contexts_of_the_async_client_are_flushed_and_cancelled(built_in: str) -> None:
    """It counts flushes from 0, as places in a list."""

    async def hold() -> tuple[bytes, ...]:
        async with (
            httpx.AsyncClient(timeout=10) as connections,
            AsyncCartesia(
                api_key="any",
                base_url=built_in.replace("127.0.0.1", "localhost"),  # or it would insist on TLS
                httpx_client=connections,
            ) as client,
        ):
            socket = await client.tts.websocket()
            socket.timeout = 10
            context = socket.context("ctx")
            await context.send(**SPEECH | {"transcript": "Good day."}, continue_=True)
            first = await context.flush()
            before = await heard(first())
            await context.send(**SPEECH | {"transcript": " To you."}, continue_=True)
            await context.no_more_inputs()
            after = await heard(context.receive())
            cancelled = socket.context("cancelled")
            await cancelled.send(**SPEECH | {"transcript": f"{SENTENCE} " * 500}, continue_=True)
            await cancelled.cancel()
            last = socket.context("last")
            await last.send(**SPEECH)
            whole = await heard(last.receive())
            await socket.close()
            return before, after, whole, b"".join([piece async for piece in client.tts.bytes(**SPEECH)])

    before, after, whole, expected = asyncio.run(hold())

    assert len(before) > RATE / 2
    assert len(after) > RATE / 2
    assert whole == expected


@shows("stt.websocket", "stt.websocket().transcribe", "stt.websocket().close")
def test_a_socket_listens(either: Any) -> None:
    sound = speak(either) + bytes(2 * RATE)
    pieces = [sound[start : start + RATE // 5] for start in range(0, len(sound), RATE // 5)]
    socket = either.stt.websocket(
        model="ink-whisper",
        language="en",
        encoding="pcm_s16le",
        sample_rate=RATE,
        min_volume=0.01,
        max_silence_duration_secs=0.5,
    )

    async def arriving() -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece

    takes_async = inspect.isasyncgenfunction(type(socket._it).transcribe)  # noqa: SLF001 - what the face hides
    results = list(
        socket.transcribe(arriving() if takes_async else iter(pieces), encoding="pcm_s16le", sample_rate=RATE)
    )
    socket.close()

    finals = [each for each in results if each["type"] == "transcript" and each["is_final"]]
    assert words_of("".join(each["text"] for each in finals)) == words_of(SENTENCE)
    assert [each["type"] for each in results if each["type"] != "transcript"] == ["flush_done", "done"]
    assert_in_time(
        [(word["word"], word["start"], word["end"]) for each in finals for word in each["words"]],
        len(sound) / (2 * RATE),
    )


@shows("stt.websocket().send", "stt.websocket().receive", "stt.websocket().connect")
def test_a_socket_is_finalized_by_hand(either: Any) -> None:
    socket = either.stt.websocket(encoding="pcm_s16le", sample_rate=RATE)
    socket.connect(model="ink-whisper", encoding="pcm_s16le", sample_rate=RATE)
    socket.send(speak(either) + bytes(RATE))
    socket.send("finalize")
    socket.send("done")
    results = list(socket.receive())
    socket.close()

    finals = [each["text"] for each in results if each["type"] == "transcript" and each["is_final"]]
    assert words_of("".join(finals)) == words_of(SENTENCE)
    assert results[-1]["type"] == "done"


@shows("voices.list", "voices.get")
@pytest.mark.parametrize("limit", [1, 2, 100])
def test_voices_are_paged_to_the_end_and_chosen(either: Any, limit: int) -> None:
    ids = [voice.id for voice in either.voices.list(limit=limit)]
    men = [voice.id for voice in either.voices.list(gender="masculine", is_owner=False, limit=limit)]
    [first, *_] = either.voices.list(limit=1, expand=["embedding", "is_starred"])

    assert len(ids) == len(set(ids))
    assert {HEART, MALE} <= set(ids)
    assert MALE in men
    assert HEART not in men
    assert (len(first.embedding), first.is_starred) == (192, False)
    assert either.voices.get(HEART).id == HEART


@shows(*(f"voices.{name}" for name in ("clone", "create", "delete", "localize", "mix", "update")))
def test_voices_are_made_mixed_changed_and_deleted(either: Any) -> None:
    clip = ("clip.wav", speak(either, voice={"mode": "id", "id": MALE}, output_format=WAV))

    cloned = either.voices.clone(clip=clip, name="Ann", language="en", description="Mine", **UNTRANSLATED)
    mixed = either.voices.mix(voices=[{"id": HEART, "weight": 0.5}, {"id": MALE, "weight": 0.5}]).embedding
    created = either.voices.create(name="Between", description="d", embedding=mixed, language="en")
    localized = either.voices.localize(
        voice_id=HEART,
        name="Copy",
        description="d",
        language="en",
        original_speaker_gender="female",
        dialect="us",
    )
    changed = either.voices.update(cloned.id, name="Bea", description="Changed")
    own = {voice.id for voice in either.voices.list(is_owner=True)}

    assert own == {cloned.id, created.id, localized.id}
    assert (cloned.name, changed.name, changed.description) == ("Ann", "Bea", "Changed")
    assert len(mixed) == 192
    by_embedding = speak(either, voice={"mode": "embedding", "embedding": mixed})
    assert speak(either, voice={"mode": "id", "id": created.id}) == by_embedding
    for voice in own:
        either.voices.delete(voice)
        with pytest.raises(ApiError) as gone:
            either.voices.get(voice)
        assert gone.value.status_code == 404


@shows("voice_changer.bytes", "voice_changer.sse")
def test_a_recording_is_said_in_another_voice(either: Any) -> None:
    clip = ("clip.wav", speak(either, voice={"mode": "id", "id": MALE}, output_format=WAV))

    sound = b"".join(either.voice_changer.bytes(clip=clip, **CHANGED))
    unread = list(either.voice_changer.sse(clip=clip, **CHANGED))

    heard = either.stt.transcribe(
        file=("a.raw", sound), model="ink-whisper", encoding="pcm_s16le", sample_rate=RATE
    )
    assert words_of(heard.text) == words_of(SENTENCE)
    # It takes lines, not events, for JSON, and leaves out what is none: all of an event stream.
    assert unread == []


@shows("infill.bytes", "tts.infill")
def test_a_gap_is_filled(either: Any, tmp_path: Path) -> None:
    clip = speak(either, output_format=WAV)
    path = tmp_path / "clip.wav"
    path.write_bytes(clip)
    asked = {"model_id": "sonic-2", "language": "en", "transcript": "And then it rained."}

    sound = b"".join(
        either.infill.bytes(
            **asked,
            left_audio=("left.wav", clip),
            right_audio=("right.wav", clip),
            voice_id=HEART,
            **{f"output_format_{name}": value for name, value in RAW.items()},
        )
    )
    filled, whole = either.tts.infill(
        **asked,
        voice=SPEECH["voice"],
        output_format=WAV,
        left_audio_path=str(path),
        right_audio_path=str(path),
    )

    assert 0.5 < len(sound) / (2 * RATE) < 3
    with wave.open(io.BytesIO(filled)) as wav:
        assert wav.readframes(10**9) == sound
    with wave.open(io.BytesIO(whole)) as wav:
        assert wav.getnframes() == pytest.approx((len(sound) + 2 * (len(clip) - 44)) / 2, abs=RATE / 10)


@shows("auth.access_token")
def test_a_token_is_a_key(either: Any, built_in: str) -> None:
    token = either.auth.access_token(grants={"tts": True}, expires_in=60).token

    with old_client(built_in, token) as speaker:
        assert speak(speaker) == speak(either)
        with pytest.raises(ApiError) as refused:
            speaker.stt.transcribe(file=("a.wav", b"RIFF"), model="ink-whisper")
    assert refused.value.status_code == 403


@shows("voices.get", "tts.bytes")
def test_a_refusal_is_the_text_of_its_version(either: Any) -> None:
    with pytest.raises(ApiError) as unknown:
        either.voices.get(UNKNOWN)
    with pytest.raises(ApiError) as empty:
        speak(either, transcript="...")

    assert unknown.value.status_code == 404
    assert unknown.value.body.startswith("Voice not found: ")
    assert empty.value.status_code == 400
    assert isinstance(empty.value.body, str)


def methods_of(it: Any, path: str = "") -> Iterator[str]:
    """Yield the names of the public methods of a client and of the resources in it."""
    for name in dir(it):
        value = None if name.startswith("_") else getattr(it, name)
        if inspect.ismethod(value):
            yield f"{path}{name}"
        elif type(value).__module__.startswith("cartesia.") and "Client" in type(value).__name__:
            yield from methods_of(value, f"{path}{name}.")


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_every_method_of_the_client_is_shown(built_in: str, kind: str) -> None:
    """Whether the tests call what they are marked to show is checked when they run (see conftest.py)."""
    shown = {
        name
        for function in globals().values()
        for mark in getattr(function, "pytestmark", ())
        if mark.name == "shows" and "either" in inspect.signature(function).parameters
        for name in mark.args
        if "()" not in name
    }

    with old_client(built_in) as client:
        methods = {*methods_of(client if kind == "sync" else AsyncCartesia(api_key="any"))} - {"close"}

    assert methods == shown
