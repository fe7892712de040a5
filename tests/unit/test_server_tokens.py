import base64
import json
from collections.abc import Iterator

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from cartesia_cli.server.entrance.tokens import Tokens
from tests.fakes.known import DEFAULT_VOICE
from tests.fakes.server import RunningServer, running_server

KEY = "sk_car_test"
SPEECH = {
    "model_id": "sonic-3",
    "transcript": "Good day",
    "voice": DEFAULT_VOICE,
    "output_format": {"container": "raw", "encoding": "pcm_s16le", "sample_rate": 16_000},
}
LISTEN = "/stt/websocket?model=ink-whisper&encoding=pcm_s16le&sample_rate=16000"


class Clock:
    """A clock that a test turns."""

    def __init__(self) -> None:
        self.now = 1_790_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def server(clock: Clock) -> Iterator[RunningServer]:
    with running_server(keys=[KEY], prefix="/cartesia", clock=clock) as running:
        yield running


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def issue(server: RunningServer, *grants: str, seconds: int = 60) -> str:
    body = {"expires_in": seconds, "grants": dict.fromkeys(grants, True)}
    token: str = httpx.post(f"{server.url}/access-token", json=body, headers=bearer(KEY)).json()["token"]
    return token


def speak(server: RunningServer, token: str) -> int:
    return httpx.post(f"{server.url}/tts/bytes", json=SPEECH, headers=bearer(token)).status_code


def handshake(server: RunningServer, path: str, token: str) -> int:
    """Return the status with which a socket is opened, or refused."""
    sign = "&" if "?" in path else "?"
    url = f"{server.url.replace('http', 'ws', 1)}{path}{sign}access_token={token}"
    try:
        with connect(url):
            return 101
    except InvalidStatus as error:
        return error.response.status_code


@pytest.mark.parametrize("path", ["/tts/bytes", "/tts/sse", "/infill/bytes", "/voice-changer/bytes"])
def test_a_grant_to_speak_opens_what_speaks(server: RunningServer, path: str) -> None:
    allowed, lacking = issue(server, "tts"), issue(server, "stt", "agent")

    statuses = [
        httpx.post(server.url + path, json=SPEECH, headers=bearer(token)).status_code
        for token in (allowed, lacking)
    ]

    assert statuses == [200 if path.startswith("/tts") else 501, 403]


@pytest.mark.parametrize("path", ["/stt", "/audio/transcriptions/"])
def test_a_grant_to_listen_opens_what_listens(server: RunningServer, path: str) -> None:
    statuses = [
        httpx.post(server.url + path, headers=bearer(issue(server, grant))).status_code
        for grant in ("stt", "tts")
    ]

    assert statuses == [501, 403]


@pytest.mark.parametrize(
    ("path", "grant", "status"),
    [
        ("/tts/websocket", "tts", 101),
        ("/tts/websocket", "stt", 403),
        (LISTEN, "stt", 501),
        (LISTEN, "tts", 403),
        ("/stt/turns/websocket", "tts", 403),
        ("/nowhere", "tts", 403),
    ],
)
def test_a_socket_is_held_to_the_grants(server: RunningServer, path: str, grant: str, status: int) -> None:
    assert handshake(server, path, issue(server, grant)) == status


def test_an_expired_token_is_refused_everywhere(server: RunningServer, clock: Clock) -> None:
    token = issue(server, "tts", "stt", seconds=10)

    clock.now += 9.9
    before = speak(server, token)
    clock.now += 0.1
    answer = httpx.post(f"{server.url}/tts/bytes", json=SPEECH, headers=bearer(token))

    assert before == 200
    assert (answer.status_code, answer.json()["title"]) == (401, "Unauthorized")
    assert "expired" in answer.json()["message"]
    assert handshake(server, "/tts/websocket", token) == 401
    assert handshake(server, LISTEN, token) == 401


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/voices"),
        ("DELETE", f"/voices/{DEFAULT_VOICE}"),
        ("GET", "/pronunciation-dicts/"),
        ("POST", "/access-token"),
        ("GET", "/usage/credits"),
        ("GET", "/nowhere"),
        ("POST", "//tts"),
    ],
)
def test_everything_else_needs_a_key(server: RunningServer, method: str, path: str) -> None:
    token = issue(server, "tts", "stt", "agent")

    refused = httpx.request(method, server.url + path, headers=bearer(token))

    if path == "//tts":  # not a path that there is, but one that the grant covers
        assert refused.status_code == 404
        return
    assert refused.status_code == 403
    assert set(refused.json()) == {"error_code", "title", "message", "request_id"}
    assert (refused.json()["title"], refused.json()["error_code"]) == ("Forbidden", None)


def test_older_versions_are_refused_in_plain_text(server: RunningServer) -> None:
    headers = bearer(issue(server, "stt")) | {"cartesia-version": "2025-04-16"}

    refused = httpx.post(f"{server.url}/tts/bytes", json=SPEECH, headers=headers)

    assert refused.status_code == 403
    assert refused.text == "Forbidden: The access token lacks the grant tts."


def test_a_token_without_grants_allows_nothing(server: RunningServer) -> None:
    bodies: tuple[dict[str, object], ...] = ({}, {"grants": None}, {"grants": {"tts": False, "stt": None}})
    tokens = [
        httpx.post(f"{server.url}/access-token", json=body, headers=bearer(KEY)).json()["token"]
        for body in bodies
    ]

    assert [speak(server, token) for token in tokens] == [403, 403, 403]
    assert httpx.get(f"{server.url}/", headers=bearer(tokens[0])).status_code == 200


def test_a_token_says_when_it_ends(server: RunningServer, clock: Clock) -> None:
    claims = issue(server, "tts").split(".")[1]

    read = json.loads(base64.urlsafe_b64decode(claims + "=="))

    assert read["exp"] == clock.now + 60
    assert read["grants"] == {"tts": True}


@pytest.mark.parametrize(
    "body",
    [
        {"expires_in": 0},
        {"expires_in": 3601},
        {"expires_in": True},
        {"expires_in": 1.5},
        {"expires_in": "60"},
        {"grants": []},
        {"grants": {"all": True}},
        {"grants": {"tts": 1}},
        {"grants": {"tts": "yes"}},
        {"grants": {"tts": []}},
    ],
)
def test_a_token_that_cannot_be_is_refused(server: RunningServer, body: object) -> None:
    response = httpx.post(f"{server.url}/access-token", json=body, headers=bearer(KEY))

    assert response.status_code == 400


def test_tokens_are_held_to_their_grants_where_no_key_is_asked_for(clock: Clock) -> None:
    with running_server(clock=clock) as server:
        token = issue(server, "stt")

        assert speak(server, token) == 403
        assert speak(server, "anything else") == 200


def test_a_token_of_another_server_is_none(server: RunningServer) -> None:
    assert speak(server, Tokens().issue(frozenset({"tts"}), 60)) == 401


@given(text=st.text(max_size=80), position=st.integers(0, 60))
def test_no_other_text_is_a_token(text: str, position: int) -> None:
    tokens = Tokens()
    token = tokens.issue(frozenset({"tts"}), 60)
    spoilt = token[:position] + text + token[position:]

    assert tokens.read(text) is None
    assert (tokens.read(spoilt) is None) == (spoilt != token)


def credits_of(server: RunningServer, query: str = "") -> list[int]:
    answer = httpx.get(f"{server.url}/usage/credits?{query}", headers=bearer(KEY)).json()
    return [bucket["credits"] for bucket in answer["data"]]


def test_what_was_used_is_told_day_by_day(server: RunningServer, clock: Clock) -> None:
    day = 86_400
    speak(server, KEY)
    clock.now += day
    speak(server, KEY)
    speak(server, KEY)

    window = "start_ts=2026-09-20T00:00:00Z&end_ts=2026-09-24T00:00:00Z"  # the clock starts on the 21st
    assert credits_of(server) == [3 * len("Good day")]
    assert credits_of(server, f"{window}&interval=day") == [0, 8, 16, 0]
    assert credits_of(server, f"{window}&interval=week") == [24]
    assert credits_of(server, "end_ts=2026-09-20T00:00:00Z") == [0]


def test_a_bucket_has_its_ends(server: RunningServer) -> None:
    query = "start_ts=2026-01-30T12:00:00%2B01:00&end_ts=2026-02-02T00:00:01Z&interval=month"
    answer = httpx.get(f"{server.url}/usage/credits?{query}", headers=bearer(KEY)).json()

    assert answer["data"] == [
        {"start_ts": "2026-01-30T00:00:00.000Z", "end_ts": "2026-02-01T00:00:00.000Z", "credits": 0},
        {"start_ts": "2026-02-01T00:00:00.000Z", "end_ts": "2026-02-03T00:00:00.000Z", "credits": 0},
    ]


@pytest.mark.parametrize(
    "query",
    [
        "start_ts=yesterday",
        "end_ts=9999-12-31T23:59:59-12:00",
        "start_ts=2026-01-02T00:00:00Z&end_ts=2026-01-01T00:00:00Z",
        "start_ts=2024-01-01T00:00:00Z&end_ts=2026-01-01T00:00:00Z",
        "interval=hour",
    ],
)
def test_a_window_that_makes_no_sense_is_refused(server: RunningServer, query: str) -> None:
    response = httpx.get(f"{server.url}/usage/credits?{query}", headers=bearer(KEY))

    assert response.status_code == 400
