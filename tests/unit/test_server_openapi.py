"""``/openapi.json``: that it is a document, that it is whole, and that what it says is so."""

import json
import re
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import httpx
import msgspec
import pytest
from openapi_spec_validator import validate
from starlette.routing import Route, WebSocketRoute
from websockets.sync.client import connect

from cartesia_cli.local.catalogue import LocalCatalogue
from cartesia_cli.server.app import create_app
from cartesia_cli.server.openapi import openapi_document
from cartesia_cli.server.playground.assets import ASSETS
from cartesia_cli.server.schemas import account, dictionaries, recordings, voices
from cartesia_cli.server.schemas.checking import find_fault
from cartesia_cli.server.schemas.events import SPEECH_EVENTS
from cartesia_cli.server.schemas.operations import OPERATIONS, Operation
from cartesia_cli.server.schemas.sockets import SOCKETS
from cartesia_cli.server.staff import Staff
from cartesia_cli.server.storage.state import State
from cartesia_cli.wire.version import API_VERSION
from tests.fakes.known import DEFAULT_VOICE, KnownSamples
from tests.fakes.listening import KnownRecordings
from tests.fakes.server import RunningServer, running_server

EXAMPLES = [operation for operation in OPERATIONS if operation.example is not None]


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return openapi_document()


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    with (
        closing(LocalCatalogue(":memory:")) as catalogue,
        running_server(
            library=catalogue,
            dictionaries=catalogue,
            transcriber=KnownRecordings(),
            keys=["right"],
        ) as running,
    ):
        yield running


@pytest.fixture
def client(server: RunningServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, headers={"authorization": "Bearer right"}) as client:
        yield client


def is_shaped(answer: Any, kind: Any) -> bool:
    """Whether an answer is what the document says."""
    msgspec.convert(answer, kind)
    return True


def test_it_is_valid(document: dict[str, Any]) -> None:
    validate(document)

    assert document["openapi"].startswith("3.1.")
    assert document["info"]["version"] == API_VERSION


def test_every_operation_has_a_name_of_its_own(document: dict[str, Any]) -> None:
    described = [operation for path in document["paths"].values() for operation in path.values()]

    assert len({operation["operationId"] for operation in described}) == len(described) == len(OPERATIONS)
    assert {tag for operation in described for tag in operation["tags"]} == {
        tag["name"] for tag in document["tags"]
    }


def test_no_schema_is_left_over(document: dict[str, Any]) -> None:
    named = set(re.findall(r"#/components/schemas/(\w+)", json.dumps(document)))

    assert named == document["components"]["schemas"].keys()


def without_names(path: str) -> str:
    """Return a path whose parameters have no names, without a slash at its end."""
    return re.sub(r"{\w+}", "{}", path).rstrip("/") or "/"


def test_every_route_stands_in_it_and_nothing_else() -> None:
    engine = KnownSamples()
    with closing(LocalCatalogue(":memory:")) as library, closing(State(":memory:")) as state:
        staff = Staff(synthesizer=engine, catalogue=engine, library=library)
        routes = create_app(staff, state=state).routes

    served = {
        (method.lower(), without_names(route.path))
        for route in routes
        if isinstance(route, Route) and not route.path.startswith(ASSETS)
        for method in route.methods or ()
        if method != "HEAD"
    }
    assert {(each.method, without_names(each.path)) for each in OPERATIONS} == served
    sockets = {without_names(route.path) for route in routes if isinstance(route, WebSocketRoute)}
    assert {socket.path for socket in SOCKETS} == sockets


def test_nobody_needs_a_key_for_it(server: RunningServer) -> None:
    answer = httpx.get(f"{server.url}/openapi.json")

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == openapi_document()
    assert httpx.get(f"{server.url}/voices").status_code == 401


def test_it_knows_where_it_lies() -> None:
    with running_server(prefix="/cartesia") as server:
        answer = httpx.get(f"{server.url}/openapi.json").json()

    assert answer["servers"] == [{"url": "/cartesia"}]


@pytest.mark.parametrize("operation", EXAMPLES, ids=lambda operation: operation.name)
def test_examples_are_what_they_are_examples_of(operation: Operation, document: dict[str, Any]) -> None:
    assert operation.body is not None
    assert operation.example is not None
    assert find_fault(dict(operation.example), operation.body) is None
    body = document["paths"][operation.path][operation.method]["requestBody"]
    assert body["content"]["application/json"]["example"] == operation.example


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("tts_generate", None),
        ("tts_generate_sse", None),
        ("create_access_token", account.AccessToken),
        ("create_pronunciation_dict", dictionaries.Dictionary),
    ],
)
def test_an_example_gets_the_answer_that_stands_there(client: httpx.Client, name: str, kind: Any) -> None:
    (operation,) = (each for each in EXAMPLES if each.name == name)

    answer = client.request(operation.method, operation.path, json=operation.example)

    assert answer.status_code == 200
    assert answer.headers["content-type"].partition(";")[0] in operation.kinds
    assert kind is operation.answer
    assert kind is None or is_shaped(answer.json(), kind)


@pytest.mark.parametrize(
    ("path", "kind", "version"),
    [
        ("/", account.Status, API_VERSION),
        ("/voices?expand[]=preview_file_url", voices.VoicePage, API_VERSION),
        ("/voices?limit=1", voices.VoicePage, "2024-11-13"),
        ("/voices", list[voices.Voice], "2024-06-10"),
        (f"/voices/{DEFAULT_VOICE}", voices.Voice, API_VERSION),
        ("/accents", voices.Accents, API_VERSION),
        ("/pronunciation-dicts", dictionaries.DictionaryPage, API_VERSION),
        ("/usage/credits?interval=day", account.Credits, API_VERSION),
    ],
)
def test_an_answer_is_of_the_type_that_stands_there(
    client: httpx.Client, path: str, kind: Any, version: str
) -> None:
    answer = client.get(path, headers={"cartesia-version": version})

    assert is_shaped(answer.json(), kind)


def test_a_transcript_and_an_error_are_of_their_types(client: httpx.Client) -> None:
    form = {"model": "ink-whisper", "timestamp_granularities[]": "word"}
    heard = client.post("/stt", data=form, files={"file": ("a.wav", b"RIFF")})
    refused = client.post("/stt", data=form)

    assert is_shaped(heard.json(), recordings.TranscriptAnswer)
    assert is_shaped(refused.json(), account.Error)


def test_events_are_of_the_types_that_stand_there(server: RunningServer, client: httpx.Client) -> None:
    asked = {
        "model_id": "sonic-3",
        "transcript": "Good day",
        "voice": DEFAULT_VOICE,
        "output_format": {"container": "raw", "encoding": "pcm_s16le", "sample_rate": 8_000},
        "add_timestamps": True,
        "add_phoneme_timestamps": True,
    }
    events = re.findall(r"^data: (.*)$", client.post("/tts/sse", json=asked).text, re.MULTILINE)
    with connect(f"{server.url.replace('http', 'ws', 1)}/tts/websocket?api_key=right") as socket:
        for message in ({"flush": True, "continue": True}, {"transcript": ""}, {"flash": True}):
            socket.send(
                json.dumps({**asked, "context_id": "a" if "flash" not in message else "b", **message})
            )
        ended = 0
        while ended < 2:
            events.append(str(socket.recv(5)))
            ended += json.loads(events[-1])["done"]

    names = ("chunk", "timestamps", "phoneme_timestamps", "flush_done", "done", "error")
    by_name = dict(zip(names, SPEECH_EVENTS, strict=True))
    assert {json.loads(event)["type"] for event in events} == by_name.keys()
    assert all(is_shaped(json.loads(event), by_name[json.loads(event)["type"]]) for event in events)
