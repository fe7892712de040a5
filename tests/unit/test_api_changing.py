import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cartesia_cli.api import Client, Timeouts
from cartesia_cli.errors import CartesiaError, LimitError, RequestError, UnavailableError, UsageError
from cartesia_cli.models import (
    AudioChunk,
    AudioFormat,
    Container,
    Encoding,
    SpeechEvents,
    SpeechRequest,
    SpeechWarning,
)
from tests.fakes.forms import Part, form_of
from tests.fakes.scripted import (
    CLOSE,
    HANG,
    Answer,
    Gate,
    Pause,
    Request,
    Scripted,
    bytewise,
    chunked,
    response,
    sse,
)

CLIP = bytes(range(256)) * 4_001  # no multiple of any block
PCM = AudioFormat(Encoding.PCM_S16LE, 24_000)
WAV = AudioFormat(Encoding.PCM_S16LE, 24_000, Container.WAV)
MP3 = AudioFormat(sample_rate=22_050, container=Container.MP3)
REQUEST = SpeechRequest("in between", "v", PCM)
SPEECH = sse(
    b'data: {"data":"AQI=","done":false,"sample_rate":24000,"status_code":206,"step_time":12.5}\n\n',
    b'data: {"data":"AwQ=","done":false,"sample_rate":24000,"status_code":206,"step_time":3}\n\n',
    b'data: {"done":true,"status_code":200}\n\n',
)
BROKEN = (
    b'event: error\ndata: {"type":"error","done":true,"status_code":429,"error_code":"concurrency_limited",'
    b'"title":"Too many requests","message":"Two at a time.","request_id":"r"}\n\n'
)


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    path = tmp_path / "clip.flac"
    path.write_bytes(CLIP)
    return path


def client(server: Scripted, **changes: Any) -> Client:
    options: dict[str, Any] = {"base_url": server.url, "retries": 0, "sleep": lambda _: None}
    return Client("sk_car_0123456789", **options | changes)


def heard(events: SpeechEvents) -> bytes:
    return b"".join(event.data for event in events if isinstance(event, AudioChunk))


def fields(request: Request) -> dict[str, str]:
    return {part.name: part.content.decode() for part in form_of(request) if part.filename is None}


Call = Callable[[Client, Path], SpeechEvents]
CALLS: dict[str, Call] = {
    "bytes": lambda api, clip: api.change_voice(clip, "v", PCM),
    "events": lambda api, clip: api.change_voice(clip, "v", PCM, transport="sse"),
    "infill": lambda api, clip: api.infill(REQUEST, clip, None),
}
SOUND: dict[str, Answer] = {"bytes": chunked(b"abcd"), "events": SPEECH, "infill": chunked(b"abcd")}


@pytest.fixture(params=CALLS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


# ---- what is sent


@pytest.mark.parametrize(
    ("audio", "wanted"),
    [
        (PCM, {"container": "raw", "encoding": "pcm_s16le", "sample_rate": "24000"}),
        (WAV, {"container": "wav", "encoding": "pcm_s16le", "sample_rate": "24000"}),
        (MP3, {"container": "mp3", "bit_rate": "128000", "sample_rate": "22050"}),
    ],
)
def test_a_clip_is_sent_as_it_is_with_the_documented_fields(
    clip: Path, audio: AudioFormat, wanted: dict[str, str]
) -> None:
    with Scripted(chunked(b"abcd")) as server, client(server) as api:
        assert heard(api.change_voice(clip, "v/1", audio)) == b"abcd"

    [sent] = server.requests
    assert (sent.method, sent.target) == ("POST", "/voice-changer/bytes")
    assert sent.header("accept") == "audio/wav"
    assert sent.header("content-length") == str(len(sent.body))
    assert fields(sent) == {"voice[id]": "v/1"} | {
        f"output_format[{name}]": value for name, value in wanted.items()
    }
    assert Part("clip", CLIP, "clip.flac", "audio/flac") in form_of(sent)


def test_events_are_asked_for_elsewhere(clip: Path) -> None:
    with Scripted(bytewise(SPEECH)) as server, client(server) as api:
        assert heard(api.change_voice(clip, "v", PCM, transport="sse")) == b"\1\2\3\4"

    [sent] = server.requests
    assert (sent.method, sent.target) == ("POST", "/voice-changer/sse")
    assert sent.header("accept") == "text/event-stream"


def test_a_pipe_is_sent_in_chunks() -> None:
    reading, writing = os.pipe()
    with open(writing, "wb") as pipe:  # noqa: PTH123  a descriptor
        pipe.write(b"sound")
    with (
        Scripted(chunked(b"abcd")) as server,
        client(server) as api,
        open(reading, "rb") as pipe_end,  # noqa: PTH123  a descriptor
    ):
        assert heard(api.change_voice(pipe_end, "v", PCM)) == b"abcd"

    [sent] = server.requests
    assert sent.header("transfer-encoding") == "chunked"
    assert b"sound" in [part.content for part in form_of(sent)]


def test_progress_is_told(clip: Path) -> None:
    told: list[float] = []
    with Scripted(chunked(b"abcd")) as server, client(server) as api:
        heard(api.change_voice(clip, "v", PCM, progress=told.append))

    assert told == sorted(told)
    assert told[-1] == 1.0


def test_a_gap_is_filled_between_two_recordings(clip: Path, tmp_path: Path) -> None:
    right = tmp_path / "right.wav"
    right.write_bytes(b"RIFF")
    request = SpeechRequest("in between", "v", WAV, model_id="sonic-3-2026-01-12", language="de")
    with Scripted(chunked(b"abcd")) as server, client(server) as api:
        assert heard(api.infill(request, clip, right)) == b"abcd"

    [sent] = server.requests
    assert (sent.method, sent.target) == ("POST", "/infill/bytes")
    assert fields(sent) == {
        "model_id": "sonic-3-2026-01-12",
        "language": "de",
        "transcript": "in between",
        "voice_id": "v",
        "output_format[container]": "wav",
        "output_format[encoding]": "pcm_s16le",
        "output_format[sample_rate]": "24000",
    }
    assert [(part.name, part.content) for part in form_of(sent) if part.filename] == [
        ("left_audio", CLIP),
        ("right_audio", b"RIFF"),
    ]


def test_one_side_is_enough_for_a_gap(clip: Path) -> None:
    with Scripted(chunked(b"abcd")) as server, client(server) as api:
        heard(api.infill(REQUEST, None, clip))

    assert [part.name for part in form_of(server.requests[0]) if part.filename] == ["right_audio"]


def test_what_infilling_cannot_do_is_said(clip: Path) -> None:
    request = SpeechRequest("x", "v", PCM, speed=1.2, emotion=("calm",), locale="en-GB")
    with Scripted(chunked(b"abcd")) as server, client(server) as api:
        first, *rest = api.infill(request, clip, None)

    assert first == SpeechWarning("Infilling ignores the speed and the emotion.")
    assert rest == [AudioChunk(b"abcd")]
    assert fields(server.requests[0])["language"] == "en"


def test_a_gap_without_recordings_or_with_an_embedding_is_not_asked_for(clip: Path) -> None:
    embedded = SpeechRequest("x", "", PCM, voice_embedding=(0.5,))
    with Scripted() as server, client(server) as api:
        for events in (api.infill(REQUEST, None, None), api.infill(embedded, clip, None)):
            with pytest.raises(UsageError) as caught:
                next(events)
            assert caught.value.hint

    assert server.requests == []


def test_a_recording_that_cannot_be_read_is_not_sent(kind: str, tmp_path: Path) -> None:
    empty = tmp_path / "empty.wav"
    empty.touch()
    with Scripted() as server, client(server) as api:
        for path in (tmp_path / "none.wav", empty, tmp_path):
            with pytest.raises(UsageError):
                next(CALLS[kind](api, path))

    assert server.requests == []


# ---- what comes


def test_sound_is_handed_on_while_more_is_coming(clip: Path) -> None:
    gate = Gate()
    with Scripted(chunked(b"abcd", gate, b"efgh")) as server, client(server) as api:
        events = api.change_voice(clip, "v", PCM)

        assert next(events) == AudioChunk(b"abcd")
        gate.open()
        assert list(events) == [AudioChunk(b"efgh")]


def test_closing_the_iterator_ends_the_request(kind: str, clip: Path) -> None:
    begun = [*SPEECH[:2], HANG] if kind == "events" else chunked(b"abcd", HANG)
    with Scripted(begun) as server, client(server) as api:
        events = CALLS[kind](api, clip)
        next(events)
        events.close()

        server.wait_for_disconnections(1)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (chunked(), UnavailableError),
        (chunked(b"abc"), UnavailableError),  # half a sample
        ([*chunked(b"abcd", end=False), CLOSE], UnavailableError),
        (response(body=b"{}"), UnavailableError),
        (response(body=b"<html>", content_type="text/html"), UnavailableError),
        (response(400, b'{"error_code":"unsupported_audio_format","title":"x","message":"y"}'), RequestError),
        (response(429), LimitError),
        (response(503), UnavailableError),
    ],
    ids=range(8),
)
@pytest.mark.parametrize("kind", ["bytes", "infill"], indirect=True)
def test_bytes_that_are_no_sound_are_not_taken_for_it(
    answer: Answer, expected: type[CartesiaError], kind: str, clip: Path
) -> None:
    with Scripted(answer) as server, client(server) as api, pytest.raises(expected) as caught:
        heard(CALLS[kind](api, clip))

    assert caught.value.hint


def test_a_container_may_have_any_length(clip: Path) -> None:
    with Scripted(chunked(b"abc")) as server, client(server) as api:
        assert heard(api.change_voice(clip, "v", WAV)) == b"abc"
        assert heard(api.change_voice(clip, "v", MP3)) == b"abc"


@pytest.mark.parametrize(
    ("answer", "expected", "text"),
    [
        (sse(b'data: {"done":true,"status_code":200}\n\n'), UnavailableError, "without any audio"),
        (sse(b'data: {"data":"AQI=","done":false}\n\n'), UnavailableError, "before it was done"),
        (sse(b'data: {"data":"AQ==","done":false}\n\ndata: {"done":true}\n\n'), UnavailableError, "middle"),
        (sse(b'data: {"data":"AQI=","done":false}\n\n', BROKEN), LimitError, "Two at a time"),
        (sse(BROKEN), LimitError, "Two at a time"),
        (response(body=b"{}"), UnavailableError, "not with an event stream"),
    ],
    ids=range(6),
)
def test_events_that_are_not_all_are_not_taken_for_it(
    answer: Answer, expected: type[CartesiaError], text: str, clip: Path
) -> None:
    with Scripted(answer) as server, client(server) as api, pytest.raises(expected, match=text):
        heard(api.change_voice(clip, "v", PCM, transport="sse"))


def test_what_failed_before_there_was_sound_is_asked_for_again(kind: str, clip: Path) -> None:
    with Scripted([CLOSE], response(503), SOUND[kind]) as server, client(server, retries=2) as api:
        assert len(heard(CALLS[kind](api, clip))) == 4

    assert [len(form_of(request)) for request in server.requests] == [len(form_of(server.requests[0]))] * 3
    assert all(CLIP in [part.content for part in form_of(request)] for request in server.requests)


def test_a_recording_has_to_be_listened_to_before_the_first_byte_comes(kind: str, clip: Path) -> None:
    steps = SOUND[kind]
    assert not callable(steps)
    with (
        Scripted([Pause(0.15), *steps]) as server,
        client(server, timeouts=Timeouts(first_byte=0.1)) as api,
    ):
        assert len(heard(CALLS[kind](api, clip))) == 4
