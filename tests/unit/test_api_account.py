import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from cartesia_cli.api import Client
from cartesia_cli.errors import CredentialsError, RequestError, UnavailableError
from tests.fakes.scripted import Scripted, response


def client(server: Scripted) -> Client:
    return Client("sk_car_0123456789", base_url=server.url, retries=0)


def test_an_access_token_is_made() -> None:
    with Scripted(response(body=b'{"token":"eyJh.eyJl.x"}')) as server, client(server) as api:
        assert api.create_access_token(600, ["tts", "stt"]) == "eyJh.eyJl.x"

    [sent] = server.requests
    assert (sent.method, sent.target) == ("POST", "/access-token")
    assert sent.json() == {"expires_in": 600, "grants": {"tts": True, "stt": True}}


@pytest.mark.parametrize("answer", ["{}", "[]", '{"token":""}', '{"token":5}', '{"token":"a\\nb"}'])
def test_what_is_no_token_is_said_so(answer: str) -> None:
    with (
        Scripted(response(body=answer.encode())) as server,
        client(server) as api,
        pytest.raises(UnavailableError, match="without an access token") as caught,
    ):
        api.create_access_token(600, ["tts"])

    assert caught.value.hint


def test_a_token_is_in_no_error() -> None:
    answer = response(body=json.dumps({"token": "secret token"}).encode())
    with Scripted(answer) as server, client(server) as api, pytest.raises(UnavailableError) as caught:
        api.create_access_token(600, ["tts"])

    assert "secret" not in f"{caught.value} {caught.value.hint} {caught.value.__cause__}"


def test_credits_are_added_up() -> None:
    buckets = [{"start_ts": "a", "end_ts": "b", "credits": used} for used in (123, 0, 1.5)]
    with Scripted(response(body=json.dumps({"data": buckets}).encode())) as server, client(server) as api:
        assert api.credits() == 124.5

    assert (server.requests[0].method, server.requests[0].target) == ("GET", "/usage/credits")


def test_credits_are_asked_for_in_universal_time() -> None:
    start = datetime(2026, 1, 1, 1, 30, tzinfo=timezone(timedelta(hours=2)))
    with Scripted(response(body=b'{"data":[]}')) as server, client(server) as api:
        assert api.credits(start, datetime(2026, 2, 1, tzinfo=UTC)) == 0

    assert parse_qs(urlsplit(server.requests[0].target).query) == {
        "start_ts": ["2025-12-31T23:30:00.000Z"],
        "end_ts": ["2026-02-01T00:00:00.000Z"],
    }


@pytest.mark.parametrize("status", [401, 403])
def test_credits_are_for_an_admin_key(status: int) -> None:
    with (
        Scripted(response(status)) as server,
        client(server) as api,
        pytest.raises(CredentialsError) as caught,
    ):
        api.credits()

    assert "admin key" in (caught.value.hint or "")


def test_a_server_that_does_not_count_says_so() -> None:
    with (
        Scripted(response(404)) as server,
        client(server) as api,
        pytest.raises(RequestError, match="does not count"),
    ):
        api.credits()


@pytest.mark.parametrize(
    "answer", [[], {}, {"data": {}}, {"data": [1]}, {"data": [{}]}, {"data": [{"credits": "5"}]}]
)
def test_what_is_no_count_is_said_so(answer: Any) -> None:
    with (
        Scripted(response(body=json.dumps(answer).encode())) as server,
        client(server) as api,
        pytest.raises(UnavailableError, match="without the credits used"),
    ):
        api.credits()
