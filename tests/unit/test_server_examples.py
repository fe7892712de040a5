import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.sync.client import connect

from cartesia_cli.errors import UsageError
from cartesia_cli.local.catalogue import LocalCatalogue
from cartesia_cli.local.engine import LocalEngine
from cartesia_cli.models import AudioFormat, Encoding, Transcript
from cartesia_cli.server.lenience.examples import UNKNOWN
from cartesia_cli.server.staff import Staff
from cartesia_cli.server.storage.state import State
from tests.fakes.keeping import KEY, serving
from tests.fakes.known import DEFAULT_VOICE, KnownSamples, known_samples
from tests.fakes.listening import KnownRecordings

NOBODY = "made-up"
NO_SOUND = b"Example data"
RAW = {"container": "raw", "encoding": "pcm_s16le", "sample_rate": 16_000}
FORM = {
    "voice[id]": NOBODY,
    "output_format[container]": "raw",
    "output_format[encoding]": "pcm_mulaw",
    "output_format[sample_rate]": "8000",
}


class DeafToNoise(KnownRecordings):
    """Reads recordings that begin as WAV files do, and no others."""

    def transcribe(self, recording: Path, /, **options: Any) -> Transcript:
        if not recording.read_bytes().startswith(b"RIFF"):
            raise UsageError("recording cannot be read.")
        return super().transcribe(recording, **options)


@pytest.fixture(scope="module")
def staff() -> Iterator[Staff]:
    catalogue = LocalCatalogue(":memory:")
    voices = KnownSamples()
    yield Staff(
        synthesizer=voices,
        catalogue=voices,
        library=catalogue,
        dictionaries=catalogue,
        changer=LocalEngine(catalogue),
        transcriber=DeafToNoise(),
    )
    catalogue.close()


@pytest.fixture(scope="module")
def url(staff: Staff) -> Iterator[str]:
    state = State(":memory:")
    with serving(state, is_lenient=True, staff=staff) as running:
        yield running
    state.close()


@pytest.fixture(scope="module")
def strict_url(staff: Staff) -> Iterator[str]:
    state = State(":memory:")
    with serving(state, staff=staff) as running:
        yield running
    state.close()


def send(url: str, route: str) -> httpx.Response:
    """Send a request that is right but for its IDs, which nobody has."""
    method, _, path = route.partition(" ")
    path = re.sub(r"\{\w+\}", NOBODY, path)
    if route.startswith("POST") and path.endswith("/files"):
        return httpx.post(url + path, files={"file": ("one.wav", NO_SOUND)})
    body = {"name": "x", "description": ""} if method == "PATCH" and "datasets" in path else None
    return httpx.request(method, url + path, json=body)


MORE = [
    "GET /voices/{voice_id}",
    "DELETE /voices/{voice_id}",
    "DELETE /voices/{voice_id}/accents/british",
    "GET /pronunciation-dicts/{dictionary_id}",
    "DELETE /pronunciation-dicts/{dictionary_id}",
]


@pytest.mark.parametrize("route", [*UNKNOWN, *MORE])
def test_an_id_that_nobody_has_is_answered_with_an_example_by_lenient_servers_alone(
    url: str, strict_url: str, route: str
) -> None:
    example, refused = send(url, route), send(strict_url, route)

    assert example.status_code == (204 if not example.content else 200)
    assert refused.status_code == 404
    assert '"{' not in example.text  # nothing that stands for a name in the path
    answer = example.json() if example.content.startswith(b"{") else {}
    if "id" in answer:
        assert answer["id"] == ("example" if route.endswith("s") else NOBODY)


def test_what_somebody_made_is_no_example(url: str) -> None:
    made = httpx.post(f"{url}/datasets", json={"name": "Mine", "description": ""}).json()

    read = httpx.get(f"{url}/datasets/{made['id']}").json()
    httpx.delete(f"{url}/datasets/{made['id']}")

    assert read["name"] == "Mine"
    assert httpx.get(f"{url}/datasets/{made['id']}").json()["name"] == "Example"


def test_a_change_of_what_nobody_made_is_shown(url: str) -> None:
    voice = httpx.patch(f"{url}/voices/{NOBODY}", json={"name": "Ann", "gender": None}).json()
    learnt = httpx.patch(f"{url}/voices/{NOBODY}/accents", json={"accents": ["british"]}).json()
    items = [{"text": "cat", "alias": "dog"}]
    words = httpx.patch(f"{url}/pronunciation-dicts/{NOBODY}", json={"items": items}).json()

    assert (voice["id"], voice["name"], voice["gender"]) == (NOBODY, "Ann", None)
    assert learnt["id"] == NOBODY
    assert (words["id"], words["items"][0]["alias"]) == (NOBODY, "dog")


def test_older_versions_get_examples_in_their_own_shape(url: str) -> None:
    older = {"cartesia-version": "2024-06-10"}

    voice = httpx.get(f"{url}/voices/{NOBODY}", headers=older).json()

    assert (voice["id"], voice["is_public"], len(voice["embedding"])) == (NOBODY, False, 192)


def test_a_voice_that_nobody_has_sounds_like_the_first(url: str, strict_url: str) -> None:
    asked = {"model_id": "sonic-3", "transcript": "Good day", "voice": NOBODY, "output_format": RAW}

    spoken, refused = (httpx.post(f"{each}/tts/bytes", json=asked) for each in (url, strict_url))

    assert spoken.content == known_samples("Good day", AudioFormat(Encoding.PCM_S16LE, 16_000))
    assert refused.status_code == 404


def test_so_it_does_on_a_socket(url: str) -> None:
    asked = {"model_id": "sonic-3", "transcript": "Good day", "voice": NOBODY, "output_format": RAW}

    with connect(f"{url.replace('http', 'ws', 1)}/tts/websocket") as socket:
        socket.send(json.dumps({**asked, "context_id": "a"}))
        messages: list[dict[str, Any]] = []
        while not messages or not messages[-1]["done"]:
            messages.append(json.loads(socket.recv(timeout=10)))

    assert {message["type"] for message in messages} == {"chunk", "done"}


def test_values_beyond_their_ranges_are_taken_for_the_nearest(
    url: str, strict_url: str, staff: Staff
) -> None:
    asked = {
        "model_id": "sonic-3",
        "transcript": "Good day",
        "voice": DEFAULT_VOICE,
        "output_format": RAW,
        "generation_config": {"speed": 0, "volume": 9, "emotion": "calm"},
        "language": "en",
        "locale": "en-GB",
        "pronunciation_dict_id": NOBODY,
    }

    spoken, refused = (httpx.post(f"{each}/tts/sse", json=asked) for each in (url, strict_url))

    assert isinstance(staff.synthesizer, KnownSamples)
    request = staff.synthesizer.asked[-1]
    assert (spoken.status_code, refused.status_code) == (200, 400)
    assert (request.speed, request.volume, request.emotion) == (0.6, 2.0, ("calm",))
    assert (request.language, request.locale, request.pronunciation_dict_id) == ("en", None, None)


@pytest.mark.parametrize("limit", ["0", "-5", "101", "999999999"])
def test_pages_have_a_length_that_can_be(url: str, strict_url: str, limit: str) -> None:
    query = f"limit={limit}&starting_after=é&ending_before=b"

    lists = ("/voices", "/pronunciation-dicts/", "/datasets/", "/fine-tunes/", "/agents/metrics")
    for path in lists:
        answers = [httpx.get(f"{each}{path}?{query}").status_code for each in (url, strict_url)]
        assert answers == [200, 400]


@pytest.mark.parametrize("limit", ["", "x", "1" * 5_000, "--1", "٣"])
def test_what_is_no_number_is_refused_by_lenient_servers_too(url: str, limit: str) -> None:
    assert httpx.get(f"{url}/datasets/", params={"limit": limit}).status_code == 400


def test_a_token_lasts_as_long_as_it_can(url: str) -> None:
    for seconds in (0, 10**9):
        answer = httpx.post(f"{url}/access-token", json={"expires_in": seconds, "anything": 1})
        assert answer.status_code == 200


def test_a_body_that_is_no_object_is_refused_by_lenient_servers_too(url: str) -> None:
    for body in (b"", b"{", b"[]", b"[" * 100_000, b"\xff"):
        for path in ("/tts/sse", "/access-token", "/datasets/"):
            assert httpx.post(url + path, content=body).status_code == 400


def test_a_body_is_not_larger_than_it_may_be_by_being_mended(staff: Staff) -> None:
    state = State(":memory:")
    with serving(state, is_lenient=True, staff=staff, max_body=1_000) as url:
        answer = httpx.post(f"{url}/tts/sse", content=b" " * 1_001)
    state.close()

    assert answer.status_code == 413


def test_a_recording_that_cannot_be_read_has_an_example_for_its_text(url: str, strict_url: str) -> None:
    def transcribe(url: str, **fields: str) -> httpx.Response:
        return httpx.post(
            f"{url}/stt?encoding=pcm_s16le&sample_rate=0",
            files={"file": ("upload", NO_SOUND)},
            data={"model": "ink-whisper", **fields},
        )

    plain = transcribe(url).json()
    timed = transcribe(url, language="de", **{"timestamp_granularities[]": "word"}).json()

    assert (plain["type"], plain["text"], "words" in plain) == ("transcript", "An example.", False)
    assert [word["word"] for word in timed["words"]] == ["An", "example."]
    assert timed["language"] == "de"
    assert transcribe(strict_url).status_code == 400


def test_a_clip_that_cannot_be_read_makes_an_example_of_a_voice(url: str, strict_url: str) -> None:
    def clone(url: str) -> httpx.Response:
        return httpx.post(
            f"{url}/voices/clone",
            files={"clip": ("upload", NO_SOUND)},
            data={"name": "Ann", "language": "en", "base_voice_id": NOBODY},
        )

    made = clone(url).json()

    assert (made["name"], made["access"], made["user_id"]) == ("Ann", "private", "local")
    assert clone(strict_url).status_code in {400, 404}


def test_a_voice_gets_any_accent_of_the_catalogue(url: str, strict_url: str) -> None:
    def localize(url: str, accent: str) -> httpx.Response:
        return httpx.post(
            f"{url}/voices/localize", json={"voice_id": NOBODY, "name": "Ann", "accent": accent}
        )

    assert [localize(url, accent).status_code for accent in ("general-american", "parisian")] == [200, 200]
    assert localize(url, "martian").status_code == 400
    assert localize(strict_url, "general-american").status_code in {400, 404}


def test_a_recording_that_cannot_be_changed_becomes_silence(url: str, strict_url: str) -> None:
    def change(url: str) -> httpx.Response:
        return httpx.post(f"{url}/voice-changer/bytes", files={"clip": ("upload", NO_SOUND)}, data=FORM)

    assert set(change(url).content) == {0xFF}  # what µ-law is silent with
    assert change(strict_url).status_code in {400, 404}


def test_who_sends_nothing_to_change_hears_silence(url: str, strict_url: str) -> None:
    for path in ("/voice-changer/bytes", "/infill/bytes"):
        sound = httpx.post(url + path).content
        assert (sound[:4], sound[8:12]) == (b"RIFF", b"WAVE")
        assert set(sound[44:]) == {0}
        assert httpx.post(strict_url + path).status_code == 400
    frames = httpx.post(f"{url}/voice-changer/sse").text.split("\n\n")
    events = [json.loads(frame.partition("data: ")[2]) for frame in frames if frame]
    assert [(event["type"], event["done"]) for event in events] == [("chunk", False), ("done", True)]


def test_a_speech_without_a_text_is_refused_by_lenient_servers_too(url: str) -> None:
    asked = {"model_id": "sonic-3", "transcript": "", "voice": DEFAULT_VOICE, "output_format": RAW}

    refused = httpx.post(f"{url}/tts/bytes", json=asked)

    assert (refused.status_code, refused.json()["title"]) == (400, "Invalid transcript")


def test_a_metric_may_be_made_twice(url: str) -> None:
    body = {"name": "same", "prompt": "Was it said?"}

    assert [httpx.post(f"{url}/agents/metrics", json=body).status_code for _ in range(2)] == [200, 200]


def test_lenient_servers_ask_for_keys_too(staff: Staff) -> None:
    state = State(":memory:")
    with serving(state, is_lenient=True, staff=staff, keys=[KEY]) as url:
        answer = httpx.get(f"{url}/datasets/{NOBODY}")
    state.close()

    assert answer.status_code == 401


def test_a_path_that_is_not_there_is_not_found_by_lenient_servers_either(url: str) -> None:
    assert httpx.get(f"{url}/nowhere").status_code == 404
