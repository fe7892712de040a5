"""Which web pages may use a server: what browsers say of a request, as raw requests over real sockets."""

import json
import socket
from collections.abc import Iterator
from contextlib import closing
from typing import NamedTuple

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from cartesia_cli.server.entrance.site import is_loopback
from tests.fakes.apps import running_app

HERE, EVIL = "localhost:8420", "https://evil.example"
UPGRADE = {
    "connection": "Upgrade",
    "upgrade": "websocket",
    "sec-websocket-version": "13",
    "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA==",
}


class Reply(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes


async def greet(_: Request) -> PlainTextResponse:
    return PlainTextResponse("hello", headers={"vary": "Accept"})


async def talk(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.close()


APP = Starlette(
    routes=[
        Route("/", greet),
        Route("/tts/bytes", greet, methods=["GET", "POST", "OPTIONS"]),
        WebSocketRoute("/socket", talk),
    ]
)


@pytest.fixture(scope="module")
def local() -> Iterator[str]:
    with running_app(APP, waits=False) as url:
        yield url


@pytest.fixture(scope="module")
def public() -> Iterator[str]:
    with running_app(APP, waits=False, hosts=None) as url:
        yield url


def ask(url: str, method: str = "POST", path: str = "/tts/bytes", **headers: str | None) -> Reply:
    """Send a request with exactly these headers, underscores as hyphens, and a host unless it is None."""
    host, _, port = url.removeprefix("http://").rpartition(":")
    named = {"host": HERE, "connection": "close"} | {k.replace("_", "-"): v for k, v in headers.items()}
    lines = [f"{method} {path} HTTP/1.1", *(f"{k}: {v}" for k, v in named.items() if v is not None)]
    with closing(socket.create_connection((host, int(port)), timeout=10)) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode("latin-1"))
        received = b""
        while not received.startswith(b"HTTP/1.1 101") and (data := connection.recv(65_536)):
            received += data
    head, _, body = received.partition(b"\r\n\r\n")
    status, *fields = head.decode().split("\r\n")
    pairs = (field.split(": ", 1) for field in fields)
    return Reply(int(status.split()[1]), {name.lower(): value for name, value in pairs}, body)


def shake_hands(url: str, **headers: str) -> int:
    return ask(
        url, "GET", "/socket", **{name.replace("-", "_"): v for name, v in UPGRADE.items()} | headers
    ).status


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LocalHost.:80",
        "a.localhost:1",
        "127.0.0.1:8420",
        "localhost:",
        "127.8.9.10",
        "[::1]:8420",
        "[::ffff:127.0.0.1]",
    ],
)
def test_a_server_is_asked_by_the_names_of_this_machine(local: str, host: str) -> None:
    assert ask(local, host=host).status == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "0.0.0.0:8420",
        "192.168.1.7",
        "[::]",
        "",
        "localhost@evil.example",
        "notlocalhost",
        "127.1",
        "[::1",
        "localhost:8420:1",
        "lócalhost",
    ],
)
@pytest.mark.parametrize("path", ["/", "/tts/bytes"])
def test_a_name_that_was_bound_to_this_machine_anew_is_refused(local: str, host: str, path: str) -> None:
    reply = ask(local, "GET", path, host=host)

    assert reply.status == 403
    body = json.loads(reply.body)
    assert (body["title"], body["error_code"]) == ("Forbidden", None)
    assert body["request_id"] == reply.headers["x-request-id"]
    assert "access-control-allow-origin" not in reply.headers


def test_an_old_version_is_refused_in_text(local: str) -> None:
    reply = ask(local, host="evil.example", cartesia_version="2025-04-16")

    assert reply.body.startswith(b"Forbidden: This server is asked as localhost")


def test_further_names_can_be_given() -> None:
    with running_app(APP, waits=False, hosts=["Speech.Example", "::2"]) as url:
        assert ask(url, host="speech.example:8420").status == 200
        assert ask(url, host="[::2]:8420").status == 200
        assert ask(url, host="other.example").status == 403
        assert ask(url, host="speech.example", origin="http://speech.example").status == 200
        assert ask(url, host="localhost", origin="http://speech.example").status == 403


@pytest.mark.parametrize(
    "origin",
    [
        "http://localhost:8420",
        "http://localhost:3000",
        "http://127.0.0.1:5173",
        "https://app.localhost",
        "http://[::1]:1",
    ],
)
def test_pages_of_this_machine_may_read_answers(local: str, origin: str) -> None:
    reply = ask(local, origin=origin, sec_fetch_site="cross-site")

    assert (reply.status, reply.body) == (200, b"hello")
    assert reply.headers["access-control-allow-origin"] == origin
    assert reply.headers["vary"] == "Accept, Origin"
    exposed = reply.headers["access-control-expose-headers"].split(", ")
    assert {"cartesia-file-id", "x-request-id"} <= set(exposed)
    assert "access-control-allow-credentials" not in reply.headers


@pytest.mark.parametrize(
    "origin",
    [EVIL, "null", "", "http://localhost.evil.example", "file://", "http://192.168.1.7:8420", "ftp://localhost",
     "chrome-extension://abcdef", "localhost:8420", "http://localhost/x", "http://localhost:8420, " + EVIL],
)  # fmt: skip
def test_pages_of_others_may_not(local: str, origin: str) -> None:
    for method in ("GET", "POST", "OPTIONS"):
        reply = ask(local, method, origin=origin, access_control_request_method="POST")

        assert reply.status == 403
        assert "access-control-allow-origin" not in reply.headers
    assert shake_hands(local, origin=origin) == 403


def test_a_page_is_of_the_same_site_only_at_the_same_port() -> None:
    with running_app(APP, waits=False, hosts=["speech.example"]) as url:
        for origin, status in [
            ("http://speech.example:8420", 200),
            ("http://speech.example:8421", 403),
            ("http://speech.example", 403),
            ("http://other.example:8420", 403),
        ]:
            assert ask(url, host="speech.example:8420", origin=origin).status == status
        assert ask(url, host="speech.example", origin="http://speech.example:80").status == 200
        assert ask(url, host="speech.example", origin="https://speech.example").status == 200


def test_sockets_are_open_to_pages_of_this_machine_and_to_programs(local: str) -> None:
    assert shake_hands(local) == 101
    assert shake_hands(local, origin="http://localhost:3000") == 101
    assert shake_hands(local, origin=EVIL) == 403
    assert shake_hands(local, host="evil.example") == 403


def test_a_browser_asks_first_and_is_told_what_is_allowed(local: str) -> None:
    wanted = "authorization,cartesia-version,content-type,x-api-key,x-stainless-lang"

    reply = ask(
        local,
        "OPTIONS",
        origin="http://localhost:3000",
        access_control_request_method="POST",
        access_control_request_headers=wanted,
        access_control_request_private_network="true",
    )

    assert (reply.status, reply.body) == (204, b"")
    assert reply.headers["access-control-allow-origin"] == "http://localhost:3000"
    assert reply.headers["access-control-allow-headers"] == wanted
    assert "POST" in reply.headers["access-control-allow-methods"].split(", ")
    assert reply.headers["access-control-allow-private-network"] == "true"
    assert reply.headers["vary"].startswith("Origin")


def test_what_is_allowed_is_said_even_if_nothing_proper_was_asked_for(local: str) -> None:
    reply = ask(
        local,
        "OPTIONS",
        origin="http://localhost:3000",
        access_control_request_method="POST",
        access_control_request_headers="a b;c",
    )

    allowed = set(reply.headers["access-control-allow-headers"].split(", "))
    assert {"authorization", "cartesia-version", "content-type", "x-api-key"} <= allowed
    assert "access-control-allow-private-network" not in reply.headers


def test_other_questions_of_that_kind_are_the_apps(local: str) -> None:
    assert ask(local, "OPTIONS", origin="http://localhost:3000").body == b"hello"
    assert ask(local, "OPTIONS", access_control_request_method="POST").body == b"hello"


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_pictures_scripts_and_forms_of_other_sites_are_refused(local: str, method: str) -> None:
    for mode in ("no-cors", "navigate"):
        assert ask(local, method, sec_fetch_site="cross-site", sec_fetch_mode=mode).status == 403
    for site in ("same-origin", "same-site", "none"):
        assert ask(local, method, sec_fetch_site=site).status == 200


def test_a_link_leads_to_the_page_and_nowhere_else(local: str) -> None:
    link = {"sec_fetch_site": "cross-site", "sec_fetch_mode": "navigate", "sec_fetch_dest": "document"}

    assert ask(local, "GET", "/", **link).status == 200
    assert ask(local, "GET", "/tts/bytes", **link).status == 403
    assert ask(local, "POST", "/", **link).status == 403
    assert ask(local, "GET", "/", **link | {"sec_fetch_dest": "iframe"}).status == 403
    assert ask(local, "GET", "/", **link | {"sec_fetch_mode": "no-cors"}).status == 403


def test_where_keys_are_asked_for_every_page_may_try(public: str) -> None:
    asking = {"host": "speech.example", "origin": EVIL, "sec_fetch_site": "cross-site"}

    reply = ask(public, **asking)
    preflight = ask(public, "OPTIONS", access_control_request_method="POST", **asking)

    assert (reply.status, reply.headers["access-control-allow-origin"]) == (200, EVIL)
    assert (preflight.status, preflight.headers["access-control-allow-origin"]) == (204, EVIL)
    assert ask(public, host="speech.example").status == 200
    assert shake_hands(public, origin=EVIL, host="speech.example") == 101


@pytest.mark.parametrize(
    ("host", "is_one"),
    [
        ("localhost", True),
        ("::1", True),
        ("127.0.0.2", True),
        ("[::1]", True),
        ("0.0.0.0", False),  # noqa: S104  nothing is bound to it
        ("::", False),
        ("192.168.1.7", False),
        ("speech.example", False),
        ("", False),
    ],
)
def test_the_loopback_interface_is_known(host: str, is_one: bool) -> None:
    assert is_loopback(host) == is_one
