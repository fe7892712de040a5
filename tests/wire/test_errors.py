import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cartesia_cli.errors import CartesiaError, CredentialsError, LimitError, RequestError, UnavailableError
from cartesia_cli.wire import decode_error, decode_event, encode_error, encode_error_event

GOLDEN = (Path(__file__).parent / "error.json").read_bytes()
BY_STATUS = [
    (400, RequestError),
    (401, CredentialsError),
    (402, LimitError),
    (403, CredentialsError),
    (404, RequestError),
    (407, UnavailableError),
    (408, UnavailableError),
    (409, RequestError),
    (413, RequestError),
    (422, RequestError),
    (429, LimitError),
    (500, UnavailableError),
    (503, UnavailableError),
    (599, UnavailableError),
    (304, UnavailableError),
]


def test_a_documented_error_keeps_all_that_it_says() -> None:
    error = decode_error(404, GOLDEN, content_type="application/json", request_id="of the header")

    assert type(error) is RequestError
    assert str(error) == "Voice not found: No voice has the ID you sent."
    assert (error.title, error.code) == ("Voice not found", "voice_not_found")
    assert error.request_id == "7d0f2a51-0c6e-4a0e-9a55-0d9e3f6e1c11"
    assert error.hint is not None
    assert "--voice" in error.hint


@pytest.mark.parametrize(("status", "kind"), BY_STATUS)
def test_the_status_decides_what_the_user_can_do(status: int, kind: type[CartesiaError]) -> None:
    for body in (GOLDEN, b"", b"Not now: come back later", b"<html><title>x</title></html>"):
        assert type(decode_error(status, body)) is kind


@pytest.mark.parametrize(
    ("body", "content_type", "text"),
    [
        (b"Invalid voice: No such voice.\n", "text/plain", "Invalid voice: No such voice."),
        (b"Something went wrong", "text/plain", "HTTP 400 Bad Request: Something went wrong"),
        (b"", "", "HTTP 400 Bad Request"),
        (b"{oops", "application/json", "HTTP 400 Bad Request: {oops"),
        (b'{"detail":"Not here"}', "application/json", "HTTP 400 Bad Request: Not here"),
        (b'{"error":{"message":"Gone","code":1}}', "", "HTTP 400 Bad Request: Gone"),
        (b'{"error_code":null,"title":"T","message":"M","request_id":"r"}', "", "T: M"),
        (b'{"title":7,"message":["x"],"error_code":{}}', "", "HTTP 400 Bad Request"),
        (
            b"<!DOCTYPE html><html><head><title>502\n Bad Gateway</title></head></html>",
            "text/html; charset=utf-8",
            "HTTP 400 Bad Request: a web page instead of an answer (502 Bad Gateway)",
        ),
        (b"<HTML><body>x", "", "HTTP 400 Bad Request: a web page instead of an answer (untitled)"),
        (
            b"\xff\xfe broken",
            "",
            "HTTP 400 Bad Request: \N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER} broken",
        ),
    ],
)
def test_every_kind_of_body_becomes_one_line(body: bytes, content_type: str, text: str) -> None:
    assert str(decode_error(400, body, content_type=content_type)) == text


def test_the_header_names_the_request_where_the_body_does_not() -> None:
    assert decode_error(500, b"", request_id="abc").request_id == "abc"


def test_an_unknown_status_needs_no_phrase() -> None:
    assert str(decode_error(599, b"")) == "HTTP 599"


@given(st.text(), st.text(), st.text(), st.text())
def test_no_control_character_and_no_endless_text_comes_through(
    title: str, message: str, code: str, request_id: str
) -> None:
    body = {"title": title * 50, "message": message * 200, "error_code": code, "request_id": request_id}

    error = decode_error(400, body)

    shown = f"{error}{error.title}{error.code}{error.request_id}"
    assert all(
        char.isprintable() or char == " " or ord(char) > 0x2FFF for char in shown if ord(char) < 0xE000
    )
    assert len(str(error)) < 700


def test_terminal_commands_of_a_server_are_taken_apart() -> None:
    error = decode_error(400, b'{"title":"\\u001b[2JGone","message":"a\\nb\\u202e\\u009bc"}')

    assert str(error) == "[2JGone: a b c"


def test_an_error_is_encoded_as_its_api_version_has_it() -> None:
    error = decode_error(404, GOLDEN)

    new, new_type = encode_error(error, status=404, version="2026-08-14")
    old, old_type = encode_error(error, status=404, version="2025-11-04")

    documented = json.loads(GOLDEN)
    documented.pop("doc_url")
    assert json.loads(new) == documented
    assert new_type == "application/json"
    assert old == b"Voice not found: No voice has the ID you sent."
    assert old_type.startswith("text/plain")


def test_an_error_of_our_own_gets_the_title_of_its_status() -> None:
    body, _ = encode_error(RequestError("No."), status=400, version="2026-08-14")

    assert json.loads(body) == {
        "error_code": None,
        "title": "Bad Request",
        "message": "No.",
        "request_id": "",
    }


def test_an_error_event_speaks_to_old_and_new_clients() -> None:
    error = decode_error(429, b'{"error_code":"concurrency_limited","title":"Too many","message":"Wait."}')

    event = encode_error_event(error, status=429, context_id="ctx-a")

    assert event["error"] == "Too many: Wait."
    assert (event["title"], event["message"], event["context_id"]) == ("Too many", "Wait.", "ctx-a")
    with pytest.raises(LimitError, match=r"^Too many: Wait\.$"):
        decode_event(json.dumps(event))


@pytest.mark.parametrize("version", ["2026-08-14", "2024-06-10"])
def test_what_is_encoded_is_decoded(version: str) -> None:
    error = decode_error(404, GOLDEN)

    body, content_type = encode_error(error, status=404, version=version)

    assert str(decode_error(404, body, content_type=content_type)) == str(error)
