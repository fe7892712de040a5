"""What the official client 2.0.17 sends to the old API and what ours sends, read by the same server.

Compared are method, path, query, the JSON of a body, the fields of a form with their contents and file names,
and the version. Other headers are not: each client has its own.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

import pytest

from cartesia_cli.api import Client
from cartesia_cli.models import AudioFormat, CloneRequest, Container, Encoding, LocalizeRequest
from tests.fakes.forms import form_of
from tests.fakes.scripted import Request, Scripted, Step, response
from tests.sdk2.oldclient import VERSION, old_client

CLIP = b"RIFF, in a way"
EMBEDDING = [0.25, -0.5, 1.0]
VOICE = {
    "id": "v",
    "is_owner": True,
    "name": "Ann",
    "description": "",
    "created_at": "2024-11-13T00:00:00Z",
    "language": "en",
    "embedding": EMBEDDING,
    "user_id": "u",
    "is_public": False,
}
WAV = AudioFormat(Encoding.PCM_S16LE, 44_100, Container.WAV)


class Sent(NamedTuple):
    """What a server sees of a request, but for most of its headers."""

    method: str
    path: str
    query: list[tuple[str, str]]
    body: Any
    version: str | None


class Wish(NamedTuple):
    """One thing to be asked for, by both clients."""

    official: Callable[[Any, Path], object]
    ours: Callable[[Client, Path], object]


def read(request: Request) -> Sent:
    """Return what was sent; what has no meaning of its own, as the order of fields, is brought into order."""
    target = urlsplit(request.target)
    body: Any = None
    if (request.header("content-type") or "").startswith("multipart/"):
        body = form_of(request)
    elif request.body:
        body = request.json()
    query = sorted(parse_qsl(target.query))
    return Sent(request.method, target.path, query, body, request.header("cartesia-version"))


def answer(request: Request) -> list[Step]:
    """Answer like the old API, as far as both clients look."""
    target = urlsplit(request.target)
    if target.path.startswith("/voice-changer/"):
        return response(body=b"ab", content_type="audio/wav")
    if request.method == "DELETE":
        return response(204, content_type="")
    thing: Any = VOICE
    if target.path == "/access-token":
        thing = {"token": "t"}
    elif request.method == "GET" and target.path.rstrip("/") == "/voices":
        at_end = "starting_after" in target.query
        thing = {"data": [], "has_more": False} if at_end else {"data": [VOICE], "has_more": True}
        thing |= {} if at_end else {"next_page": "v"}
    return response(body=json.dumps(thing).encode())


WISHES = {
    "get a voice": Wish(
        lambda api, _: api.voices.get("v"),
        lambda api, _: api.get_voice("v"),
    ),
    "create a voice from an embedding": Wish(
        lambda api, _: api.voices.create(name="Zoë", description="", embedding=EMBEDDING),
        lambda api, _: api.create_voice("Zoë", EMBEDDING, description=None, language=None),
    ),
    "create a voice with everything": Wish(
        lambda api, _: api.voices.create(name="Ann", description="d", embedding=EMBEDDING, language="de"),
        lambda api, _: api.create_voice("Ann", EMBEDDING, description="d", language="de"),
    ),
    "update a voice": Wish(
        lambda api, _: api.voices.update("v", name="Bob", description="My uncle."),
        lambda api, _: api.update_voice("v", {"name": "Bob", "description": "My uncle."}),
    ),
    "delete a voice": Wish(
        lambda api, _: api.voices.delete("v"),
        lambda api, _: api.delete_voice("v"),
    ),
    "clone a voice": Wish(
        # The old client makes its caller choose a mode; ours chooses this one.
        lambda api, clip: api.voices.clone(
            clip=(clip.name, clip.read_bytes()), name="Zoë", language="en", mode="similarity"
        ),
        lambda api, clip: api.clone_voice(clip, CloneRequest("Zoë")),
    ),
    "clone a voice with everything": Wish(
        lambda api, clip: api.voices.clone(
            clip=(clip.name, clip.read_bytes()),
            name="Ann",
            language="de",
            mode="stability",
            description="d",
            enhance=True,
            base_voice_id="b",
        ),
        lambda api, clip: api.clone_voice(
            clip, CloneRequest("Ann", "de", "d", base_voice_id="b", mode="stability", enhance=True)
        ),
    ),
    "mix voices": Wish(
        lambda api, _: api.voices.mix(voices=[{"id": "a", "weight": 0.25}, {"id": "b", "weight": 0.75}]),
        lambda api, _: api.mix_voices([("a", 0.25), ("b", 0.75)]),
    ),
    "change a voice": Wish(
        lambda api, clip: list(
            api.voice_changer.bytes(
                clip=(clip.name, clip.read_bytes()),
                voice_id="v",
                output_format_container="wav",
                output_format_encoding="pcm_s16le",
                output_format_sample_rate=44_100,
            )
        ),
        lambda api, clip: list(api.change_voice(clip, "v", WAV)),
    ),
    "make an access token": Wish(
        lambda api, _: api.auth.access_token(grants={"tts": True, "stt": True}, expires_in=600),
        lambda api, _: api.create_access_token(600, ["tts", "stt"]),
    ),
}


def both(wish: Wish, clip: Path) -> tuple[list[Sent], list[Sent]]:
    """Return what the official client sends and what ours sends."""
    with Scripted(answer) as server:
        with old_client(server.url) as official:
            wish.official(official, clip)
        n_official = len(server.requests)
        headers = {"Cartesia-Version": VERSION}
        with Client("sk_car_test", base_url=server.url, retries=0, headers=headers) as ours:
            wish.ours(ours, clip)
        sent = [read(request) for request in server.requests]
    return sent[:n_official], sent[n_official:]


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    path = tmp_path / "clip.wav"
    path.write_bytes(CLIP)
    return path


@pytest.mark.parametrize("name", WISHES)
def test_both_clients_send_the_same(name: str, clip: Path) -> None:
    official, ours = both(WISHES[name], clip)

    assert len(official) == 1
    assert official[0].version == VERSION
    assert ours == official


# ---- where they differ, and why

LISTS = {
    "list voices": Wish(
        lambda api, _: list(api.voices.list(limit=100)),
        lambda api, _: list(api.voices()),
    ),
    "choose voices": Wish(
        lambda api, _: list(api.voices.list(limit=20, gender="gender_neutral", is_owner=True)),
        lambda api, _: list(api.voices(gender="gender_neutral", owned=True, page_size=20)),
    ),
}


@pytest.mark.parametrize("name", LISTS)
def test_both_clients_list_page_by_page(name: str, clip: Path) -> None:
    official, ours = both(LISTS[name], clip)

    assert [sent.path for sent in official] == ["/voices/", "/voices/"]
    assert ours == official


def test_only_our_client_asks_for_the_embedding_of_one_voice(clip: Path) -> None:
    """The old client can expand the list alone; the API expands both."""
    wish = Wish(lambda api, _: api.voices.get("v"), lambda api, _: api.get_voice("v", embedding=True))

    [official], [ours] = both(wish, clip)

    assert ours == official._replace(query=[("expand[]", "embedding")])


def test_only_our_client_escapes_an_id(clip: Path) -> None:
    """The old client puts an ID into the path as it is; ours lets none reach another path."""
    wish = Wish(lambda api, _: api.voices.get("a/b"), lambda api, _: api.get_voice("a/b"))

    [official], [ours] = both(wish, clip)

    assert official.path == "/voices/a/b"
    assert ours == official._replace(path="/voices/a%2Fb")


def test_our_client_localizes_by_accent(clip: Path) -> None:
    """The accent took the place of language, dialect and gender; ours has it alone."""
    wish = Wish(
        lambda api, _: api.voices.localize(
            voice_id="v",
            name="Ann",
            description="d",
            language="en",
            original_speaker_gender="female",
            dialect="uk",
        ),
        lambda api, _: api.localize_voice(LocalizeRequest("v", "Ann", "british", "d")),
    )

    [official], [ours] = both(wish, clip)

    common = {"voice_id": "v", "name": "Ann", "description": "d"}
    assert official.body == common | {"language": "en", "original_speaker_gender": "female", "dialect": "uk"}
    assert ours == official._replace(body=common | {"accent": "british"})


def test_only_the_old_client_mixes_embeddings_and_names_where_a_voice_is_from(clip: Path) -> None:
    """Ours mixes voices by ID, and makes a voice from an embedding without one that it is from."""
    mixed = Wish(
        lambda api, _: api.voices.mix(
            voices=[{"id": "a", "weight": 0.5}, {"embedding": EMBEDDING, "weight": 0.5}]
        ),
        lambda api, _: api.mix_voices([("a", 0.5)]),
    )
    made = Wish(
        lambda api, _: api.voices.create(name="Ann", description="d", embedding=EMBEDDING, base_voice_id="b"),
        lambda api, _: api.create_voice("Ann", EMBEDDING, description="d", language=None),
    )

    [mix], [our_mix] = both(mixed, clip)
    [new], [our_new] = both(made, clip)

    assert mix.body["voices"].pop() == {"embedding": EMBEDDING, "weight": 0.5}
    assert our_mix == mix
    assert new.body.pop("base_voice_id") == "b"
    assert our_new == new
