import base64
import io
import json
import wave
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from cartesia_cli.errors import RequestError, UnavailableError, UsageError
from cartesia_cli.models import AudioChunk, AudioFormat, Encoding, SpeechEvents, SpeechRequest
from tests.fakes.server import RunningServer, running_server

VOICE = "7eef6874-fa50-566f-9102-5b6844916d4f"
RAW = {
    "voice[id]": VOICE,
    "output_format[container]": "raw",
    "output_format[encoding]": "pcm_s16le",
    "output_format[sample_rate]": "16000",
}
INFILL = {
    **{name: value for name, value in RAW.items() if name != "voice[id]"},
    "voice_id": VOICE,
    "model_id": "sonic-3",
    "language": "en",
    "transcript": "in between",
}


class Echo:
    """A changer that gives back the bytes of the recordings, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[object] = []
        self.fails_after: int | None = None
        self.n_closed = 0

    def change_voice(self, recording: Path, voice_id: str, format: AudioFormat, /) -> SpeechEvents:
        if voice_id == "nobody":
            raise RequestError("No such voice.", title="Voice not found", code="voice_not_found")
        self.asked.append((recording.suffix, voice_id, format))
        data = recording.read_bytes()
        if not data.strip(b"-"):
            raise UsageError("No voice is to be heard.")
        return self._pieces(data)

    def infill(self, request: SpeechRequest, left: Path | None, right: Path | None, /) -> SpeechEvents:
        self.asked.append(request)
        sides = [side.read_bytes() for side in (left, right) if side is not None]
        return self._pieces(request.transcript.encode() + b"".join(sides))

    def _pieces(self, data: bytes) -> SpeechEvents:
        try:
            for n, start in enumerate(range(0, len(data), 999)):
                if n == self.fails_after:
                    raise UnavailableError("The changer broke.", title="Changer failure")
                yield AudioChunk(data[start : start + 999])
        finally:
            self.n_closed += 1


@pytest.fixture
def changer() -> Echo:
    return Echo()


@pytest.fixture
def server(changer: Echo) -> Iterator[RunningServer]:
    with running_server(changer=changer, max_recording=100_000) as running:
        yield running


def post(server: RunningServer, path: str, fields: dict[str, str], **files: bytes) -> httpx.Response:
    named = {name: (f"{name}.wav", data) for name, data in files.items()}
    return httpx.post(server.url + path, data=fields, files=named or None)


def frames(body: str) -> list[dict[str, object]]:
    return [
        json.loads(line.removeprefix("data: ")) for line in body.splitlines() if line.startswith("data: ")
    ]


SOUND = bytes(range(256)) * 20


def test_a_changed_recording_comes_as_it_is_made(server: RunningServer, changer: Echo) -> None:
    response = post(server, "/voice-changer/bytes/", RAW, clip=SOUND)

    assert (response.status_code, response.content) == (200, SOUND)
    assert response.headers["content-type"] == "audio/pcm"
    assert changer.asked == [(".wav", VOICE, AudioFormat(Encoding.PCM_S16LE, 16_000))]
    assert changer.n_closed == 1


def test_a_wav_has_a_header(server: RunningServer) -> None:
    response = post(server, "/voice-changer/bytes", RAW | {"output_format[container]": "wav"}, clip=SOUND)

    assert response.headers["content-type"] == "audio/wav"
    with wave.open(io.BytesIO(response.content)) as sound:
        assert sound.readframes(10**6) == SOUND


def test_an_mp3_needs_no_encoding(server: RunningServer) -> None:
    fields = {
        "voice[id]": VOICE,
        "output_format[container]": "mp3",
        "output_format[sample_rate]": "44100",
        "output_format[bit_rate]": "128000",
    }
    response = post(server, "/voice-changer/bytes", fields, clip=b"\0\0\0\0" * 20_000)

    assert (response.status_code, response.headers["content-type"]) == (200, "audio/mpeg")
    assert response.content


def test_events_have_the_fields_that_the_api_promises(server: RunningServer) -> None:
    response = post(server, "/voice-changer/sse", RAW, clip=SOUND)

    *chunks, done = frames(response.text)
    assert response.headers["content-type"].startswith("text/event-stream")
    assert b"".join(base64.b64decode(str(chunk["data"])) for chunk in chunks) == SOUND
    assert all(
        (chunk["done"], chunk["status_code"], chunk["sample_rate"]) == (False, 206, 16_000)
        and isinstance(chunk["step_time"], float)
        for chunk in chunks
    )
    assert (done["done"], done["status_code"]) == (True, 200)


def test_a_failure_in_the_stream_is_an_event(server: RunningServer, changer: Echo) -> None:
    changer.fails_after = 4

    *chunks, error = frames(post(server, "/voice-changer/sse", RAW, clip=SOUND).text)

    assert chunks
    assert (error["type"], error["done"], error["status_code"]) == ("error", True, 503)
    assert error["message"] == "The changer broke."


@pytest.mark.parametrize("path", ["/voice-changer/bytes", "/voice-changer/sse"])
def test_a_failure_before_the_stream_has_a_status(server: RunningServer, changer: Echo, path: str) -> None:
    changer.fails_after = 0

    assert post(server, path, RAW, clip=SOUND).status_code == 503
    assert post(server, path, RAW, clip=b"----").status_code == 400
    assert post(server, path, RAW | {"voice[id]": "nobody"}, clip=SOUND).status_code == 404


@pytest.mark.parametrize("path", ["/voice-changer/bytes", "/voice-changer/sse"])
@pytest.mark.parametrize(
    ("fields", "clip", "status"),
    [
        ({}, b"", 400),
        ({}, None, 400),
        ({}, b"x" * 100_001, 413),
        ({"voice[id]": ""}, SOUND, 400),
        ({"output_format[container]": "ogg"}, SOUND, 400),
        ({"output_format[sample_rate]": "12345"}, SOUND, 400),
        ({"output_format[sample_rate]": "9" * 5_000}, SOUND, 400),
        ({"output_format[sample_rate]": "²"}, SOUND, 400),
        ({"output_format[encoding]": ""}, SOUND, 400),
        ({"output_format[container]": "mp3"}, SOUND, 400),
    ],
)
def test_a_form_that_cannot_be_is_refused(
    server: RunningServer, changer: Echo, path: str, fields: dict[str, str], clip: bytes | None, status: int
) -> None:
    files = {} if clip is None else {"clip": clip}

    assert post(server, path, RAW | fields, **files).status_code == status
    assert changer.asked == []


@pytest.mark.parametrize(
    "sides", [{"left_audio": b"L"}, {"right_audio": b"R"}, {"left_audio": b"L", "right_audio": b"R"}]
)
def test_a_gap_is_filled_between_one_recording_or_two(
    server: RunningServer, changer: Echo, sides: dict[str, bytes]
) -> None:
    response = post(server, "/infill/bytes", INFILL, **sides)

    assert response.content == b"in between" + b"".join(sides.values())
    [asked] = changer.asked
    assert isinstance(asked, SpeechRequest)
    assert (asked.voice_id, asked.model_id, asked.language) == (VOICE, "sonic-3", "en")


@pytest.mark.parametrize(
    ("fields", "sides"),
    [
        ({}, {}),
        ({}, {"left_audio": b""}),
        ({"transcript": "..."}, {"left_audio": b"L"}),
        ({"model_id": ""}, {"left_audio": b"L"}),
        ({"voice_id": ""}, {"left_audio": b"L"}),
        ({"output_format[container]": ""}, {"left_audio": b"L"}),
    ],
)
def test_a_gap_that_cannot_be_filled_is_refused(
    server: RunningServer, fields: dict[str, str], sides: dict[str, bytes]
) -> None:
    assert post(server, "/infill/bytes", INFILL | fields, **sides).status_code == 400


def test_no_recording_stays_behind(
    server: RunningServer, changer: Echo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    changer.fails_after = 2

    post(server, "/voice-changer/sse", RAW, clip=SOUND)
    post(server, "/infill/bytes", INFILL, left_audio=b"L")
    post(server, "/voice-changer/bytes", RAW, clip=b"-")

    assert [*tmp_path.iterdir()] == []


def test_what_was_changed_is_paid_for(server: RunningServer) -> None:
    post(server, "/voice-changer/bytes", RAW, clip=bytes(32_000))
    post(server, "/infill/bytes", INFILL, left_audio=b"L")

    [bucket] = httpx.get(f"{server.url}/usage/credits").json()["data"]
    assert bucket["credits"] == 15 + 300 + len("in between")
