"""The official clients 4.2.0 and ``cartesia serve`` with limits: each refusal is a class of the client."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from cartesia import (
    APIConnectionError,
    AsyncCartesia,
    AuthenticationError,
    Cartesia,
    InternalServerError,
    PermissionDeniedError,
    RateLimitError,
)
from websockets.exceptions import InvalidStatus

from tests.sdk.clients import body_of
from tests.sdk.serving import served
from tests.sdk.speech import HEART, MALE, RATE, RAW, SENTENCE, SPEECH

shows = pytest.mark.shows
KEY = "sk_car_one-of-two"
LONG = {**SPEECH, "transcript": f"{SENTENCE} " * 300, "output_format": {**RAW, "sample_rate": 48_000}}
SETTINGS: dict[str, Any] = {"model_id": "sonic-3", "voice": HEART, "output_format": RAW, "timeout": 20.0}
VOICES = {Cartesia: HEART, AsyncCartesia: MALE}
"""Whom each kind of client asks for, so that each meets faults of its own."""

Lend = Callable[..., Any]


@pytest.fixture(scope="module")
def strict() -> Iterator[str]:
    """A server that wants a key and speaks one text at a time."""
    keys = {"CARTESIA_SERVE_KEYS": f"sk_car_other,{KEY}"}
    with served("--require-key", "--concurrency", "1", env=keys) as url:
        yield url


@shows("get_status", "voices.list")
@pytest.mark.parametrize("key", ["sk_car_wrong", f"{KEY}x"])
def test_a_wrong_key_is_an_authentication_error(lend: Lend, strict: str, key: str) -> None:
    stranger = lend(strict, api_key=key)

    with pytest.raises(AuthenticationError) as refused:
        list(stranger.voices.list())

    assert stranger.get_status().ok
    assert body_of(refused.value)["title"] == "Unauthorized"
    assert KEY not in str(refused.value)


@shows("voices.list", "tts.websocket_connect", "stt.manual_finalize.websocket")
def test_a_right_key_opens_everything_and_a_wrong_one_no_socket(lend: Lend, strict: str) -> None:
    client, stranger = lend(strict, api_key=KEY), lend(strict, api_key="sk_car_wrong")
    sound = {"encoding": "pcm_s16le", "sample_rate": RATE, "model": "ink-whisper"}

    assert list(client.voices.list())
    with client.tts.websocket_connect(), client.stt.manual_finalize.websocket(**sound):
        pass
    for manager in (stranger.tts.websocket_connect(), stranger.stt.manual_finalize.websocket(**sound)):
        with pytest.raises(InvalidStatus) as refused:
            manager.enter()
        assert refused.value.response.status_code == 401


@shows("access_token.create", "tts.generate", "stt.transcribe", "tts.websocket_connect")
def test_a_token_replaces_a_key_as_far_as_its_grants_go(lend: Lend, strict: str) -> None:
    client = lend(strict, api_key=KEY)
    token = client.access_token.create(expires_in=60, grants={"tts": True}).token
    nothing = client.access_token.create().token

    speaker = lend(strict, api_key=None, token=token)
    powerless = lend(strict, api_key=None, token=nothing)
    forger = lend(strict, api_key=None, token=f"{token}x")

    assert speaker.tts.generate(**SPEECH).read()
    with speaker.tts.websocket_connect():
        pass
    with pytest.raises(PermissionDeniedError):
        speaker.stt.transcribe(file=("a.wav", b"RIFF"), model="ink-whisper")
    with pytest.raises(PermissionDeniedError):
        speaker.voices.list().data  # noqa: B018 - the asynchronous client asks when it is used
    with pytest.raises(PermissionDeniedError):
        powerless.tts.generate(**SPEECH)
    with pytest.raises(AuthenticationError):
        forger.tts.generate(**SPEECH)


@shows("tts.generate", "tts.generate_sse", "tts.with_streaming_response.generate")
def test_one_text_too_many_is_a_rate_limit_error(lend: Lend, strict: str) -> None:
    client = lend(strict, api_key=KEY)

    with client.tts.with_streaming_response.generate(**LONG) as response:
        assert response.headers["content-type"]
        for method in (client.tts.generate, client.tts.generate_sse):
            with pytest.raises(RateLimitError) as refused:
                method(**SPEECH)
            assert refused.value.status_code == 429
            assert body_of(refused.value)["error_code"] == "concurrency_limited"

    # As soon as the server sees that nobody reads the first text, the next may be spoken.
    assert lend(strict, api_key=KEY, max_retries=10).tts.generate(**SPEECH).read()


@shows("tts.websocket_connect().context")
def test_one_context_too_many_is_an_event_of_its_own(lend: Lend, strict: str) -> None:
    client = lend(strict, api_key=KEY, max_retries=10)
    client.tts.generate(**SPEECH)  # until the server is free
    with client.tts.websocket_connect() as connection:
        first = connection.context("first", **SETTINGS)
        second = connection.context("second", **SETTINGS)
        first.push(SENTENCE)
        second.push(SENTENCE, continue_=False)
        *_, error = second.receive()
        first.no_more_inputs()
        *_, end = first.receive()

    assert (error.type, error.to_dict()["status_code"]) == ("error", 429)
    assert error.to_dict()["error_code"] == "concurrency_limited"
    assert end.type == "done"


@pytest.fixture(scope="module")
def faulty() -> Iterator[str]:
    """A server that fails thrice for each kind of client, and on some paths always."""
    faults = [f"/voices/{voice}:429=20ms*3" for voice in VOICES.values()]
    faults += ["/accents:503=never", "/agents:drop", "/tts/sse:500=10ms"]
    with served(*(part for fault in faults for part in ("--fault", fault))) as url:
        yield url


@shows("voices.get", "voices.with_raw_response.get")
def test_the_client_repeats_what_was_too_much_until_it_succeeds(
    lend: Lend, faulty: str, request: pytest.FixtureRequest
) -> None:
    voice = VOICES[request.node.callspec.params["lend"]]

    with pytest.raises(RateLimitError):
        lend(faulty).voices.get(voice)
    response = lend(faulty, max_retries=2).voices.with_raw_response.get(voice)

    assert response.retries_taken == 2
    assert response.parse().id == voice


@shows("voices.list_accents", "agents.list", "tts.generate_sse")
def test_what_the_server_breaks_is_an_error_of_the_client(lend: Lend, faulty: str) -> None:
    client = lend(faulty, max_retries=2)

    with pytest.raises(InternalServerError) as unavailable:
        client.voices.list_accents()
    with pytest.raises(InternalServerError) as failed:
        client.tts.generate_sse(**SPEECH)
    with pytest.raises(APIConnectionError):
        lend(faulty).agents.list()

    assert unavailable.value.status_code == 503
    assert unavailable.value.response.request.headers["x-stainless-retry-count"] == "0"
    assert failed.value.response.request.headers["x-stainless-retry-count"] == "2"


def test_nobody_is_asked_where_nobody_listens() -> None:
    with served() as url:
        pass

    with (
        Cartesia(api_key="any", base_url=url, max_retries=0) as client,
        pytest.raises(APIConnectionError),
    ):
        client.get_status()
