"""The API as its documentation describes it, with speech of known samples, on a real socket.

Written from the documentation and not from the program, so that both cannot share a mistake. What it says
for ``POST /tts/bytes`` and ``/tts/sse`` follows from the request: ``samples(transcript, rate)``, 50 ms a
character, with word timings spread over it. What ``POST /stt`` hears is in the upload (see ``uploads.py``).
A test that wants something else sets answers of its own.
"""

import base64
import io
import json
import struct
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import soundfile
from numpy.typing import NDArray

from tests.cli.program import KEY
from tests.cli.uploads import Upload, read_upload
from tests.fakes.scripted import Answer, Request, Step, response, sse

DEFAULT_VOICE = "6ccbfb76-1fc6-48f7-b71d-91ac6298247b"
SECONDS_PER_CHARACTER = 0.05

SUBTYPES = {"pcm_f32le": "FLOAT", "pcm_s16le": "PCM_16", "pcm_mulaw": "ULAW", "pcm_alaw": "ALAW"}
WIDTHS = {"pcm_f32le": 4, "pcm_s16le": 2, "pcm_mulaw": 1, "pcm_alaw": 1}
WAVE_TAGS = {"pcm_f32le": 3, "pcm_s16le": 1, "pcm_mulaw": 7, "pcm_alaw": 6}


@lru_cache(maxsize=64)
def samples(transcript: str, rate: int) -> NDArray[np.float32]:
    """Return the sound of a text: a tone whose pitch the text decides, never above half of full scale."""
    n_samples = round(len(transcript) * SECONDS_PER_CHARACTER * rate)
    pitch = 200 + sum(transcript.encode()) % 500
    phase = 2 * np.pi * pitch * np.arange(n_samples) / rate
    return (0.5 * np.sin(phase)).astype(np.float32)


def encoded(sound: NDArray[np.float32], encoding: str, rate: int) -> bytes:
    """Return the samples as the API stores them; libsndfile does it, not the program's own code."""
    file = io.BytesIO()
    soundfile.write(file, sound, rate, format="RAW", subtype=SUBTYPES[encoding], endian="LITTLE")
    return file.getvalue()


def pcm(transcript: str, encoding: str = "pcm_f32le", rate: int = 44_100) -> bytes:
    """Return the bytes that the cloud says for a text."""
    return encoded(samples(transcript, rate), encoding, rate)


@lru_cache(maxsize=64)
def mp3(transcript: str, rate: int) -> bytes:
    """Return an MP3 file of a text."""
    file = io.BytesIO()
    soundfile.write(file, samples(transcript, rate), rate, format="MP3", subtype="MPEG_LAYER_III")
    return file.getvalue()


def audio_for(body: dict[str, Any]) -> bytes:
    """Return what ``/tts/bytes`` answers."""
    wanted = body["output_format"]
    if wanted["container"] == "mp3":
        return mp3(body["transcript"], wanted["sample_rate"])
    data = pcm(body["transcript"], wanted["encoding"], wanted["sample_rate"])
    if wanted["container"] == "raw":
        return data
    width = WIDTHS[wanted["encoding"]]
    rate = wanted["sample_rate"]
    form = struct.pack("<HHIIHH", WAVE_TAGS[wanted["encoding"]], 1, rate, rate * width, width, 8 * width)
    unknown = b"\xff\xff\xff\xff"
    return b"RIFF" + unknown + b"WAVEfmt " + struct.pack("<I", len(form)) + form + b"data" + unknown + data


def words_of(transcript: str) -> list[tuple[str, float, float]]:
    """Return each word with its start and end, in seconds, as long as its share of the text."""
    words = []
    position = 0
    for word in transcript.split():
        position = transcript.index(word, position)
        start = position * SECONDS_PER_CHARACTER
        words.append((word, round(start, 3), round(start + len(word) * SECONDS_PER_CHARACTER, 3)))
        position += len(word)
    return words


def frame(event: dict[str, Any]) -> bytes:
    """Return an event as the documentation writes it."""
    return f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode()


def chunk(data: bytes) -> bytes:
    """Return an event with sound."""
    text = base64.b64encode(data).decode()
    return frame({"type": "chunk", "data": text, "done": False, "status_code": 206, "step_time": 12.5})


def timestamps(words: Iterable[tuple[str, float, float]], kind: str = "word") -> bytes:
    """Return an event with timings of words or of phonemes."""
    columns = list(zip(*words, strict=True)) or [(), (), ()]
    name = "timestamps" if kind == "word" else "phoneme_timestamps"
    content = {f"{kind}s": columns[0], "start": columns[1], "end": columns[2]}
    return frame({"type": name, f"{kind}_timestamps": content, "done": False, "status_code": 206})


DONE = frame({"type": "done", "done": True, "status_code": 206})


def error_event(status: int, title: str = "Refused", message: str = "The service says no.") -> bytes:
    """Return an event that ends the stream with an error."""
    event = {
        "type": "error",
        "done": True,
        "status_code": status,
        "error_code": "some_code",
        "title": title,
        "message": message,
        "request_id": "7d0f0000-0000-4000-8000-000000000000",
        "error": f"{title}: {message}",
    }
    return frame(event)


def frames_for(body: dict[str, Any]) -> list[Step]:
    """Return what ``/tts/sse`` answers: 100 ms a chunk, the timings in twos among them, ``done``."""
    wanted = body["output_format"]
    data = pcm(body["transcript"], wanted["encoding"], wanted["sample_rate"])
    step = WIDTHS[wanted["encoding"]] * wanted["sample_rate"] // 10
    frames = [chunk(data[i : i + step]) for i in range(0, len(data), step)]
    words = words_of(body["transcript"])
    if body.get("add_timestamps"):
        frames[1:1] = [timestamps(words[i : i + 2]) for i in range(0, len(words), 2)]
    if body.get("add_phoneme_timestamps"):
        frames[1:1] = [timestamps(words, "phoneme")]
    return [*frames, DONE]


def voice(voice_id: str, name: str, description: str = "Calm.") -> dict[str, Any]:
    """Return a voice with all the fields that the newest API sends."""
    return {
        "id": voice_id,
        "name": name,
        "tagline": "",
        "description": description,
        "created_at": "2026-01-01T00:00:00Z",
        "is_owner": False,
        "access": "public",
        "visibility": "all",
        "is_public": True,
        "language": "en",
        "locales": [{"locale": "en-US", "is_native": True}],
        "gender": "feminine",
    }


def error(
    status: int, *, message: str = "The service says no.", headers: Sequence[tuple[str, str]] = ()
) -> list[Step]:
    """Return an error as the newest API sends it."""
    body = {
        "error_code": "some_code",
        "title": "Refused",
        "message": message,
        "request_id": "7d0f0000-0000-4000-8000-000000000000",
    }
    return response(status, json.dumps(body).encode(), headers=headers)


def transcript_of(upload: Upload) -> dict[str, Any]:
    """Return what ``/stt`` answers: words only where they were asked for."""
    text = upload.heard or ""
    language = upload.fields.get("language", ["en"])[0]
    answer: dict[str, Any] = {"type": "transcript", "request_id": "0b6e", "text": text, "language": language}
    answer["duration"] = round(len(text) * SECONDS_PER_CHARACTER, 3)
    if "timestamp_granularities[]" in upload.fields:
        answer["words"] = [{"word": word, "start": start, "end": end} for word, start, end in words_of(text)]
    return answer


def hear(request: Request) -> list[Step]:
    """Return the answer to an upload."""
    try:
        upload = read_upload(request)
    except ValueError as reason:
        return error(400, message=f"Not as documented: {reason}.")
    if upload.heard is None:
        return error(400, message="This is not audio.")
    return response(body=json.dumps(transcript_of(upload)).encode())


class Cloud:
    """What the API would have been asked, and what it answers."""

    def __init__(self) -> None:
        self.voices = [voice(DEFAULT_VOICE, "Default")]
        self.requests: list[Request] = []
        self.times: list[float] = []
        """When each request had been read, by the monotonic clock."""

        self.url = ""
        self._queue: deque[Answer] = deque()
        self._always: Answer | None = None
        self._lock = threading.Lock()

    @property
    def env(self) -> dict[str, str]:
        """The variables that lead the program here."""
        return {"CARTESIA_BASE_URL": self.url, "CARTESIA_API_KEY": KEY}

    @property
    def spoken(self) -> list[dict[str, Any]]:
        """The bodies of the requests for speech, without those that were broken off."""
        asked = [r for r in self.requests if r.target.startswith("/tts/")]
        return [r.json() for r in asked if len(r.body) == int(r.header("content-length") or len(r.body))]

    @property
    def uploads(self) -> list[Upload]:
        """The requests for transcripts, in the order in which they had been read."""
        return [read_upload(r) for r in self.requests if r.target.startswith("/stt")]

    @property
    def lookups(self) -> list[str]:
        """The targets of the requests for voices."""
        return [r.target for r in self.requests if r.target.startswith("/voices")]

    def next(self, *answers: Answer) -> None:
        """Answer the next requests for speech or transcripts like this."""
        self._queue.extend(answers)

    def always(self, answer: Answer) -> None:
        """Answer every request for speech or transcripts like this."""
        self._always = answer

    def answer(self, request: Request) -> Sequence[Step]:
        """Return the steps of an answer; the server calls this from a thread a connection."""
        path = urlsplit(request.target).path.rstrip("/")
        chosen = None
        with self._lock:
            self.requests.append(request)
            self.times.append(time.monotonic())
            if path.startswith("/tts/") or path == "/stt":
                chosen = self._queue.popleft() if self._queue else self._always
        if chosen is not None:  # asked outside the lock: an answer may wait for another request
            return chosen(request) if callable(chosen) else chosen
        return self._documented(request, path)

    def _documented(self, request: Request, path: str) -> Sequence[Step]:
        """Return what the documentation says of a path."""
        match path.split("/")[1:]:
            case ["tts", "bytes"]:
                return response(body=audio_for(request.json()), content_type="audio/wav")
            case ["tts", "sse"]:
                return sse(*frames_for(request.json()))
            case ["stt"]:
                return hear(request)
            case ["voices"]:
                return self._page(parse_qs(urlsplit(request.target).query))
            case ["voices", voice_id]:
                found = [v for v in self.voices if v["id"] == voice_id]
                return response(body=json.dumps(found[0]).encode()) if found else error(404)
            case _:
                return error(404)

    def _page(self, query: dict[str, list[str]]) -> list[Step]:
        wanted = query.get("q", [""])[0].lower()
        found = [
            v for v in self.voices if any(wanted in str(v[k]).lower() for k in ("id", "name", "description"))
        ]
        if "starting_after" in query:
            ids = [v["id"] for v in found]
            after = query["starting_after"][0]
            found = found[ids.index(after) + 1 :] if after in ids else []
        limit = int(query.get("limit", ["10"])[0])
        page = {"data": found[:limit], "has_more": len(found) > limit}
        return response(body=json.dumps(page).encode())


def by_part(**answers: Sequence[Answer]) -> Callable[[Request], Sequence[Step]]:
    """Return an answer that goes by the first word of the text; the last of its answers serves for ever."""
    left = {word.lower(): deque(queue) for word, queue in answers.items()}

    def answer(request: Request) -> Sequence[Step]:
        queue = left[request.json()["transcript"].split()[0].lower()]
        chosen = queue.popleft() if len(queue) > 1 else queue[0]
        return chosen(request) if callable(chosen) else chosen

    return answer


def cut(steps: Iterable[Step], at: int) -> list[Step]:
    """Return the same bytes, sent in two pieces."""
    whole = b"".join(step for step in steps if isinstance(step, bytes))
    return [whole[:at], whole[at:]]
