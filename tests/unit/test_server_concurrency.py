"""``--concurrency``: who is refused, with which words, and when there is room again."""

import contextlib
import io
import json
import random
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.sync.connection import Connection

from cartesia_cli.errors import LimitError
from cartesia_cli.server.app import create_app
from cartesia_cli.server.entrance.crowd import Crowd, Place, Work
from cartesia_cli.server.rules import Rules
from cartesia_cli.server.staff import Staff
from tests.fakes.apps import running_app
from tests.fakes.counted import Endless, staffed
from tests.fakes.known import DEFAULT_VOICE, KnownSamples
from tests.fakes.waiting import eventually

LIMIT = 2
RAW = {"container": "raw", "encoding": "pcm_s16le", "sample_rate": 8_000}
HEARING = "/stt/websocket?model=ink-whisper&encoding=pcm_s16le&sample_rate=16000"


class Service:
    """A server with a limit, and what a client may do with it."""

    def __init__(self, url: str, app: Starlette, engine: Endless) -> None:
        self.url = url
        self.engine = engine
        self._app = app

    def n(self, work: Work) -> int:
        crowd: Crowd = self._app.state.crowd
        return crowd.count(work)

    def is_free(self) -> bool:
        return not any(self.n(work) for work in Work)

    def ask(self, path: str, text: str = "short", **options: Any) -> httpx.Response:
        return httpx.post(self.url + path, timeout=20, **request(path, text), **options)

    @contextlib.contextmanager
    def asking(self, path: str, text: str = "endless") -> Iterator[httpx.Response]:
        with httpx.stream("POST", self.url + path, timeout=20, **request(path, text)) as response:
            yield response

    def dial(self, path: str = "/tts/websocket") -> ClientConnection:
        return connect(self.url.replace("http", "ws", 1) + path, close_timeout=2)

    def refusal(self, path: str) -> tuple[int, dict[str, str], dict[str, Any]]:
        with pytest.raises(InvalidStatus) as refused:
            self.dial(path)
        response = refused.value.response
        headers = {name.lower(): value for name, value in response.headers.raw_items()}
        return response.status_code, headers, json.loads(response.body or b"")


def request(path: str, text: str) -> dict[str, Any]:
    """Return what httpx sends to a path, so that the engine is told ``text``."""
    if path.startswith("/tts"):
        fields = {"model_id": "sonic-3", "transcript": text, "voice": {"mode": "id", "id": DEFAULT_VOICE}}
        return {"json": {**fields, "output_format": RAW}}
    recording = ("clip.wav", io.BytesIO(text.encode().ljust(50)))
    if path.startswith("/infill"):
        form = {"model_id": "sonic-3", "language": "en", "transcript": text, "voice_id": DEFAULT_VOICE}
        form |= {f"output_format[{name}]": str(value) for name, value in RAW.items()}
        return {"data": form, "files": {"left_audio": recording}}
    if path.startswith("/voice-changer"):
        form = {"voice[id]": DEFAULT_VOICE}
        form |= {f"output_format[{name}]": str(value) for name, value in RAW.items()}
        return {"data": form, "files": {"clip": recording}}
    return {"data": {"model": "ink-whisper"}, "files": {"file": recording}}


def say(socket: Connection, context_id: str, text: str, **options: object) -> None:
    message = {"context_id": context_id, "model_id": "sonic-3", "transcript": text, "voice": DEFAULT_VOICE}
    socket.send(json.dumps({**message, "output_format": RAW, **options}))


def until(socket: Connection, *kinds: str, context_id: str) -> dict[str, Any]:
    """Return the first event of one of these types in a context."""
    while True:
        event: dict[str, Any] = json.loads(socket.recv(20))
        if event["type"] in kinds and event.get("context_id") == context_id:
            return event


@contextlib.contextmanager
def running(limit: int | None = LIMIT, engine: Endless | None = None) -> Iterator[Service]:
    engine = engine or Endless()
    app = create_app(staffed(engine), rules=Rules(concurrency=limit))
    with running_app(app, waits=False) as url:
        yield Service(url, app, engine)


@pytest.fixture
def service() -> Iterator[Service]:
    with running() as service:
        yield service
        assert eventually(service.is_free), "a place was not left"
        assert eventually(lambda: service.engine.n_open == 0), "somebody still speaks"


SPOKEN = ["/tts/bytes", "/tts/sse/", "/infill/bytes", "/voice-changer/bytes", "/voice-changer/sse"]


@pytest.mark.parametrize("path", SPOKEN)
def test_too_many_texts_at_once_are_refused(service: Service, path: str) -> None:
    with contextlib.ExitStack() as stack:
        for other in ("/tts/bytes", "/infill/bytes"):
            stack.enter_context(service.asking(other))

        refused = service.ask(path)

        assert service.engine.n_begun == LIMIT
    assert refused.status_code == 429
    assert refused.headers["retry-after"] == "1"
    body = refused.json()
    assert (body["error_code"], body["title"]) == ("concurrency_limited", "Too many requests at once")
    assert body["message"] == "At most 2 texts are spoken here at a time."
    assert body["request_id"] == refused.headers["x-request-id"]
    assert eventually(service.is_free)
    assert service.ask(path).status_code == 200


def test_old_versions_are_refused_in_text(service: Service) -> None:
    with service.asking("/tts/bytes"), service.asking("/tts/sse"):
        refused = service.ask("/tts/bytes", headers={"cartesia-version": "2025-04-16"})

    assert refused.text == "Too many requests at once: At most 2 texts are spoken here at a time."


def test_a_refusal_comes_before_the_body_is_there(service: Service) -> None:
    head = "POST /voice-changer/bytes HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000000\r\n\r\n"
    host, _, port = service.url.removeprefix("http://").rpartition(":")
    dialled = contextlib.closing(socket.create_connection((host, int(port)), timeout=5))
    with dialled as connection, service.asking("/tts/bytes"), service.asking("/tts/bytes"):
        connection.sendall(head.encode())

        assert connection.recv(12) == b"HTTP/1.1 429"


def test_who_is_not_let_in_takes_no_place() -> None:
    staff = Staff(synthesizer=Endless(), catalogue=KnownSamples())
    app = create_app(staff, rules=Rules(concurrency=1), keys=["right"])
    with running_app(app, waits=False) as url:
        key = {"authorization": "Bearer right"}
        options: dict[str, Any] = {**request("/tts/bytes", "endless"), "headers": key, "timeout": 10}
        with httpx.stream("POST", f"{url}/tts/bytes", **options):
            assert httpx.post(f"{url}/tts/bytes", **{**options, "headers": {}}).status_code == 401
            assert httpx.post(f"{url}/tts/bytes", **options).status_code == 429


@pytest.mark.parametrize("path", [*SPOKEN, "/stt", "/audio/transcriptions"])
def test_one_after_the_other_is_never_refused(path: str) -> None:
    with running(1) as service, httpx.Client() as client:
        statuses = [client.post(service.url + path, **request(path, "short")).status_code for _ in range(40)]

    assert statuses == [200] * 40


def test_a_request_that_fails_leaves_its_place(service: Service) -> None:
    for _ in range(3 * LIMIT):
        assert httpx.post(f"{service.url}/tts/bytes", content=b"{").status_code == 400
        assert httpx.post(f"{service.url}/tts/bytes", json={}).status_code == 400
        assert httpx.post(f"{service.url}/stt", data={"model": "x"}).status_code == 400
        assert httpx.get(f"{service.url}/tts/bytes").status_code == 405
    assert service.is_free()


def test_who_leaves_leaves_its_place(service: Service) -> None:
    for _ in range(5):
        for path in SPOKEN:
            with service.asking(path) as response:
                next(response.iter_raw())
            assert eventually(service.is_free)
            assert eventually(lambda: service.engine.n_open == 0)


def test_four_times_as_many_recordings_are_heard_as_texts_are_spoken(service: Service) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(4 * LIMIT):
            stack.enter_context(service.dial(HEARING))

        status, headers, body = service.refusal(HEARING)
        refused = service.ask("/stt")

        assert service.ask("/tts/bytes").status_code == 200
    assert (status, headers["retry-after"], body["error_code"]) == (429, "1", "concurrency_limited")
    assert body["message"] == "At most 8 recordings are heard here at a time."
    assert refused.status_code == 429
    assert eventually(service.is_free)
    with service.dial(HEARING):
        assert service.ask("/stt").status_code == 200


def test_who_hangs_up_may_dial_again_at_once() -> None:
    with running(1) as service:
        others = [service.dial(HEARING) for _ in range(3)]
        for n in range(20):
            with service.dial(HEARING) as ours:
                if n % 2:
                    ours.send("close")
                    assert json.loads(ours.recv(5))["type"] == "done"
        for other in others:
            other.close()
        assert eventually(service.is_free)


def test_ten_times_as_many_sockets_are_open_as_texts_are_spoken(service: Service) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(10 * LIMIT):
            stack.enter_context(service.dial())

        status, headers, body = service.refusal("/tts/websocket/")

        assert service.n(Work.SPEAKING) == 0
    assert (status, headers["retry-after"], body["error_code"]) == (429, "1", "concurrency_limited")
    assert body["message"] == "At most 20 sockets for speech are open here at a time."
    assert eventually(service.is_free)
    service.dial().close()


def test_a_context_too_many_fails_and_the_socket_stays(service: Service) -> None:
    with service.dial() as ours, service.dial() as other:
        say(ours, "a", "endless")
        say(other, "b", "endless")
        until(other, "chunk", context_id="b")
        until(ours, "chunk", context_id="a")

        say(ours, "c", "short")
        refused = until(ours, "error", context_id="c")
        status = service.ask("/tts/bytes").status_code
        other.send(json.dumps({"context_id": "b", "cancel": True}))
        until(other, "done", context_id="b")
        say(ours, "c", "short")
        done = until(ours, "done", "error", context_id="c")
        still = until(ours, "chunk", context_id="a")

    assert (refused["status_code"], refused["error_code"]) == (429, "concurrency_limited")
    assert refused["error"] == "Too many requests at once: At most 2 texts are spoken here at a time."
    assert refused["done"]
    assert (status, done["type"], still["status_code"]) == (429, "done", 206)


def test_the_end_of_a_context_that_was_refused_is_passed_over() -> None:
    with running(1) as service, service.dial() as ours:
        say(ours, "a", "endless")
        until(ours, "chunk", context_id="a")

        say(ours, "b", "some text", **{"continue": True})
        until(ours, "error", context_id="b")
        say(ours, "b", "", **{"continue": False})
        ours.send(json.dumps({"context_id": "a", "cancel": True}))
        events = [json.loads(ours.recv(5))]
        while events[-1]["type"] != "done":
            events.append(json.loads(ours.recv(5)))

    assert {event["context_id"] for event in events} == {"a"}


def test_one_context_after_the_other_is_never_refused() -> None:
    with running(1) as service, service.dial() as ours:
        for n in range(100):
            say(ours, str(n), "short")
            assert until(ours, "done", "error", context_id=str(n))["type"] == "done"


def test_who_interrupts_may_speak_on_at_once() -> None:
    with running(1) as service, service.dial() as ours:
        for n in range(30):
            say(ours, str(n), "endless")
            assert until(ours, "chunk", "error", context_id=str(n))["type"] == "chunk"
            ours.send(json.dumps({"context_id": str(n), "cancel": True}))


def test_texts_of_one_name_that_wait_for_each_other_are_one_text() -> None:
    with running(1) as service, service.dial() as ours:
        for _ in range(10):
            say(ours, "same", "short")
        ends = [until(ours, "done", "error", context_id="same") for _ in range(10)]
        assert eventually(lambda: service.n(Work.SPEAKING) == 0)
        say(ours, "other", "short")
        other = until(ours, "done", "error", context_id="other")

    assert [event["type"] for event in [*ends, other]] == ["done"] * 11


def test_a_name_whose_text_was_cancelled_needs_a_new_place() -> None:
    with running(1, engine := Endless()) as service, service.dial() as ours:
        say(ours, "a", "held")
        assert eventually(lambda: engine.n_open == 1)
        ours.send(json.dumps({"context_id": "a", "cancel": True}))
        assert eventually(lambda: service.n(Work.SPEAKING) == 0)
        say(ours, "b", "held")
        assert eventually(lambda: engine.n_open == 2)

        say(ours, "a", "short")
        refused = json.loads(ours.recv(5))
        engine.release.set()
        until(ours, "done", context_id="b")

    assert (refused["type"], refused["context_id"], refused["status_code"]) == ("error", "a", 429)


def test_without_a_limit_nobody_is_refused() -> None:
    with running(None) as service, contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(service.dial()) for _ in range(30)]
        for ours in sockets:
            say(ours, "a", "endless")
        for ours in sockets:
            assert until(ours, "chunk", "error", context_id="a")["type"] == "chunk"
        assert service.n(Work.SPEAKING) == service.n(Work.CONVERSING) == 30


def behave(service: Service, seed: int) -> None:
    """Do this and that, as a client may."""
    chance = random.Random(seed)  # noqa: S311  nothing secret
    for _ in range(12):
        with contextlib.suppress(httpx.HTTPError, InvalidStatus, OSError):
            match chance.randrange(3):
                case 0:
                    service.ask(chance.choice([*SPOKEN, "/stt"]))
                case 1:
                    with service.asking(chance.choice(SPOKEN)) as response:
                        next(response.iter_raw())
                case _:
                    talk(service.dial(), chance)


def talk(ours: ClientConnection, chance: random.Random) -> None:
    """Say this and that, and vanish."""
    for n in range(chance.randrange(4)):
        say(ours, str(n % 2), chance.choice(["short", "endless", "...", ""]))
        if chance.random() < 0.4:
            ours.send(json.dumps({"context_id": str(n % 2), "cancel": True}))
    if chance.random() < 0.5:
        ours.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        ours.socket.shutdown(socket.SHUT_RDWR)
    ours.close()


def test_whatever_clients_do_no_place_is_lost_and_none_is_left_twice(service: Service) -> None:
    clients = [threading.Thread(target=behave, args=(service, seed)) for seed in range(8)]
    for client in clients:
        client.start()
    for client in clients:
        client.join(60)

    assert eventually(service.is_free)
    assert eventually(lambda: service.engine.n_open == 0)
    with service.asking("/tts/bytes"), service.asking("/tts/bytes"):
        assert service.ask("/tts/bytes").status_code == 429


def test_a_place_is_left_once_whoever_says_so() -> None:
    crowd = Crowd(100)
    places = [crowd.enter(Work.SPEAKING) for _ in range(100)]
    passed: list[Place | None] = []
    with pytest.raises(LimitError):
        crowd.enter(Work.SPEAKING)

    def leave(step: Callable[[Place], object]) -> None:
        barrier.wait()
        for place in places:
            step(place)

    barrier = threading.Barrier(4)
    steps: list[Callable[[Place], object]] = [
        Place.leave,
        Place.leave,
        lambda place: passed.append(place.passed_on()),
        lambda place: passed.append(place.passed_on()),
    ]
    threads = [threading.Thread(target=leave, args=(step,)) for step in steps]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    heirs = [place for place in passed if place is not None]
    assert crowd.count(Work.SPEAKING) == len(heirs)
    for place in heirs:
        place.leave()
        place.leave()
    assert crowd.count(Work.SPEAKING) == 0
