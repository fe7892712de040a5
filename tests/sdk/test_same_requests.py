"""What the official client 4.2.0 sends and what ours sends for the same wish, read by the same server.

Compared are method, path, query, the JSON of a body, and the fields of a form with their contents and file
names. Headers are not: each client has its own.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

import pytest
from cartesia import Cartesia

from cartesia_cli.api import Client
from cartesia_cli.models import (
    AudioFormat,
    CloneRequest,
    Container,
    Encoding,
    LocalizeRequest,
    Pronunciation,
    SpeechRequest,
)
from tests.fakes.forms import form_of
from tests.fakes.scripted import Request, Scripted, Step, response, sse

CLIP = b"RIFF, in a way"
VOICE = {"id": "v/1 ä", "name": "Ann"}
DICTIONARY = {"id": "d", "name": "Names", "items": []}
PCM = AudioFormat(Encoding.PCM_S16LE, 44_100)
WAV = AudioFormat(Encoding.PCM_S16LE, 44_100, Container.WAV)
MP3 = AudioFormat(sample_rate=22_050, container=Container.MP3, bit_rate=64_000)
SPEECH = SpeechRequest("now", "v", MP3, model_id="sonic-3", language="en")


class Sent(NamedTuple):
    """What a server sees of a request, but for its headers."""

    method: str
    path: str
    query: list[tuple[str, str]]
    body: Any


class Wish(NamedTuple):
    """One thing to be asked for, by both clients."""

    official: Callable[[Cartesia, Path], object]
    ours: Callable[[Client, Path], object]


def read(request: Request) -> Sent:
    """Return what was sent; what has no meaning of its own, as the order of fields, is brought into order."""
    target = urlsplit(request.target)
    body: Any = None
    if (request.header("content-type") or "").startswith("multipart/"):
        body = form_of(request)
    elif request.body:
        body = request.json()
    return Sent(request.method, target.path, sorted(parse_qsl(target.query)), body)


SOUND = response(body=b"ab", content_type="audio/wav")
NOTHING = response(204, content_type="")
EVENTS = sse(b'data: {"data":"AAA=","done":false,"status_code":206}\n\ndata: {"done":true}\n\n')
ANSWERS = {
    "/voice-changer/bytes": SOUND,
    "/voice-changer/sse": EVENTS,
    "/infill/bytes": SOUND,
    "/accents": response(body=b'{"accents":[]}'),
    "/access-token": response(body=b'{"token":"t"}'),
}


def answer(request: Request) -> list[Step]:
    """Answer like the API, as far as both clients look."""
    path = urlsplit(request.target).path
    if path in ANSWERS:
        return ANSWERS[path]
    if request.method == "DELETE" and not path.endswith("/british"):
        return NOTHING
    thing: Any = DICTIONARY if path.startswith("/pronunciation-dicts/") else VOICE
    if request.method == "GET" and path in {"/voices", "/pronunciation-dicts/"}:
        thing = {"data": [] if "starting_after" in request.target else [thing], "has_more": False}
    return response(body=json.dumps(thing).encode())


WISHES = {
    "list voices": Wish(
        lambda api, _: list(api.voices.list(limit=100)),
        lambda api, _: list(api.voices()),
    ),
    "choose voices": Wish(
        lambda api, _: list(api.voices.list(limit=20, q="a b", gender="gender_neutral", is_owner=False)),
        lambda api, _: list(api.voices(query="a b", gender="gender_neutral", owned=False, page_size=20)),
    ),
    "get a voice": Wish(
        lambda api, _: api.voices.get("v/1 ä"),
        lambda api, _: api.get_voice("v/1 ä"),
    ),
    "rename a voice": Wish(
        lambda api, _: api.voices.update("v", name="Bob", description="My uncle."),
        lambda api, _: api.update_voice("v", {"name": "Bob", "description": "My uncle."}),
    ),
    "take a gender away": Wish(
        lambda api, _: api.voices.update("v", gender=None, accent="british"),
        lambda api, _: api.update_voice("v", {"gender": None, "accent": "british"}),
    ),
    "delete a voice": Wish(
        lambda api, _: api.voices.delete("v"),
        lambda api, _: api.delete_voice("v"),
    ),
    "clone a voice": Wish(
        lambda api, clip: api.voices.clone(clip=clip, name="Zoë", language="en"),
        lambda api, clip: api.clone_voice(clip, CloneRequest("Zoë")),
    ),
    "clone a voice with everything": Wish(
        lambda api, clip: api.voices.clone(
            clip=clip, name="Ann", language="de", description="d", accent="british", base_voice_id="b"
        ),
        lambda api, clip: api.clone_voice(clip, CloneRequest("Ann", "de", "d", "british", "b")),
    ),
    "localize a voice": Wish(
        lambda api, _: api.voices.localize(voice_id="v", name="Ann", accent="british"),
        lambda api, _: api.localize_voice(LocalizeRequest("v", "Ann", "british")),
    ),
    "localize a voice with everything": Wish(
        lambda api, _: api.voices.localize(
            voice_id="v", name="Ann", accent="british", description="d", tagline="t"
        ),
        lambda api, _: api.localize_voice(LocalizeRequest("v", "Ann", "british", "d", "t")),
    ),
    "list accents": Wish(
        lambda api, _: api.voices.list_accents(),
        lambda api, _: list(api.accents()),
    ),
    "add accents": Wish(
        lambda api, _: api.voices.add_accents("v", accents=["british", "australian"]),
        lambda api, _: api.add_accents("v", ["british", "australian"]),
    ),
    "remove an accent": Wish(
        lambda api, _: api.voices.delete_accent("british", id="v"),
        lambda api, _: api.remove_accent("v", "british"),
    ),
    "list dictionaries": Wish(
        lambda api, _: list(api.pronunciation_dicts.list(limit=100)),
        lambda api, _: list(api.dictionaries()),
    ),
    "get a dictionary": Wish(
        lambda api, _: api.pronunciation_dicts.retrieve("d"),
        lambda api, _: api.get_dictionary("d"),
    ),
    "create a dictionary": Wish(
        lambda api, _: api.pronunciation_dicts.create(
            name="Names",
            items=[{"text": "Ann", "alias": "Anne"}, {"text": "a", "alias": "b", "case_sensitive": True}],
        ),
        lambda api, _: api.create_dictionary(
            "Names", [Pronunciation("Ann", "Anne"), Pronunciation("a", "b", case_sensitive=True)]
        ),
    ),
    "update a dictionary": Wish(
        lambda api, _: api.pronunciation_dicts.update("d", items=[{"text": "Ann", "alias": "<<æ|n>>"}]),
        lambda api, _: api.update_dictionary("d", [Pronunciation("Ann", "<<æ|n>>")]),
    ),
    "empty a dictionary": Wish(
        lambda api, _: api.pronunciation_dicts.update("d", items=[]),
        lambda api, _: api.update_dictionary("d", []),
    ),
    "delete a dictionary": Wish(
        lambda api, _: api.pronunciation_dicts.delete("d"),
        lambda api, _: api.delete_dictionary("d"),
    ),
    "change a voice": Wish(
        lambda api, clip: api.voice_changer.generate(
            clip=clip,
            voice_id="v",
            output_format_container="wav",
            output_format_encoding="pcm_s16le",
            output_format_sample_rate=44100,
        ).read(),
        lambda api, clip: list(api.change_voice(clip, "v", WAV)),
    ),
    "change a voice to MP3": Wish(
        lambda api, clip: api.voice_changer.generate(
            clip=clip,
            voice_id="v",
            output_format_container="mp3",
            output_format_bit_rate=64000,
            output_format_sample_rate=22050,
        ).read(),
        lambda api, clip: list(api.change_voice(clip, "v", MP3)),
    ),
    "change a voice with events": Wish(
        lambda api, clip: list(
            api.voice_changer.generate_sse(
                clip=clip,
                voice_id="v",
                output_format_container="raw",
                output_format_encoding="pcm_s16le",
                output_format_sample_rate=44100,
            )
        ),
        lambda api, clip: list(api.change_voice(clip, "v", AudioFormat(Encoding.PCM_S16LE), transport="sse")),
    ),
    "fill a gap": Wish(
        lambda api, clip: api.tts.infill(
            left_audio=clip,
            right_audio=clip,
            model_id="sonic-3",
            language="en",
            transcript="now",
            voice_id="v",
            output_format={"container": "mp3", "sample_rate": 22050, "bit_rate": 64000},
        ).read(),
        lambda api, clip: list(api.infill(SPEECH, clip, clip)),
    ),
    "make an access token": Wish(
        lambda api, _: api.access_token.create(expires_in=600, grants={"tts": True, "stt": True}),
        lambda api, _: api.create_access_token(600, ["tts", "stt"]),
    ),
}


def both(wish: Wish, clip: Path) -> tuple[list[Sent], list[Sent]]:
    """Return what the official client sends and what ours sends."""
    with Scripted(answer) as server:
        with Cartesia(api_key="sk_car_test", base_url=server.url, max_retries=0) as official:
            wish.official(official, clip)
        n_official = len(server.requests)
        with Client("sk_car_test", base_url=server.url, retries=0) as ours:
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

    assert official
    assert ours == official


# ---- where they differ, and why


def test_only_our_client_can_choose_by_language(clip: Path) -> None:
    """The API has the parameter; the official client has no argument for it."""
    wish = Wish(
        lambda api, _: list(api.voices.list(limit=100)), lambda api, _: list(api.voices(language="de"))
    )

    [first, *_], [ours, *_] = both(wish, clip)

    assert ours == first._replace(query=[("language", "de"), ("limit", "100")])


def test_only_our_client_sends_what_older_versions_have(clip: Path) -> None:
    """A mode and an enhancement are fields of older versions; ours sends them if they are asked for."""
    wish = Wish(
        lambda api, clip: api.voices.clone(clip=clip, name="Ann", language="en"),
        lambda api, clip: api.clone_voice(clip, CloneRequest("Ann", mode="stability", enhance=False)),
    )

    [official], [ours] = both(wish, clip)

    extra = [part for part in ours.body if part not in official.body]
    assert [(part.name, part.content) for part in extra] == [("enhance", b"false"), ("mode", b"stability")]
    assert [part for part in ours.body if part not in extra] == official.body


def test_our_client_names_the_model_that_infilling_knows(clip: Path) -> None:
    """Infilling knows no ``sonic-latest``: ours names the model that this is."""
    wish = Wish(
        lambda api, clip: api.tts.infill(
            left_audio=clip,
            model_id="sonic-3",
            transcript="now",
            voice_id="v",
            output_format={"container": "raw", "encoding": "pcm_s16le", "sample_rate": 44100},
        ).read(),
        lambda api, clip: list(api.infill(SpeechRequest("now", "v", PCM), clip, None)),
    )

    official, ours = both(wish, clip)

    assert ours == official
