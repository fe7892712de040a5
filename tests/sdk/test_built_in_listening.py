"""Both official clients 4.2.0 and ``cartesia serve``: what the built-in engine hears."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
import soundfile
from cartesia import BadRequestError, Cartesia, UnprocessableEntityError
from websockets.exceptions import InvalidStatus

from tests.sdk.clients import body_of
from tests.sdk.speech import MALE, RATE, SENTENCE, SPEECH, assert_in_time, samples_of, words_of

shows = pytest.mark.shows
SECOND = "Please close the window."
PAUSE = bytes(2 * RATE)
HEARD = words_of(f"{SENTENCE} {SECOND}")
SOUND: dict[str, Any] = {"encoding": "pcm_s16le", "sample_rate": RATE}
MANUAL = "stt.manual_finalize.websocket"
TURNS = "stt.auto_finalize.websocket"


@pytest.fixture(scope="session")
def talk(built_in: str) -> list[bytes]:
    """Two sentences, each with a second of silence after it."""
    with Cartesia(api_key="any", base_url=built_in) as client:
        return [
            client.tts.generate(**SPEECH | {"transcript": text}).read() + PAUSE for text in (SENTENCE, SECOND)
        ]


def frames(sound: bytes) -> list[bytes]:
    """Return sound in pieces of 100 ms, as a microphone would give it."""
    return [sound[start : start + RATE // 5] for start in range(0, len(sound), RATE // 5)]


def text_of(events: list[Any]) -> str:
    """Return what the client's documentation says the whole text is."""
    return "".join(event.text for event in events if event.type == "transcript" and event.is_final)


@shows("stt.transcribe")
@pytest.mark.parametrize(
    ("name", "container", "subtype"),
    [
        ("a.wav", "WAV", "PCM_16"),
        ("a.flac", "FLAC", "PCM_16"),
        ("a.mp3", "MP3", None),
        ("a.ogg", "OGG", "VORBIS"),
    ],
)
def test_a_recording_is_transcribed_with_its_words(
    client: Any, talk: list[bytes], tmp_path: Path, name: str, container: str, subtype: str | None
) -> None:
    samples = samples_of(b"".join(talk))
    soundfile.write(tmp_path / name, samples, RATE, format=container, subtype=subtype)

    answer = client.stt.transcribe(
        file=tmp_path / name, model="ink-whisper", language="en", timestamp_granularities=["word"]
    )

    assert (answer.type, answer.language) == ("transcript", "en")
    assert answer.request_id
    assert words_of(answer.text) == HEARD
    assert answer.duration == pytest.approx(samples.size / RATE, abs=0.1)
    words = [(word.word, word.start, word.end) for word in answer.words]
    assert words_of(" ".join(word for word, _, _ in words)) == HEARD
    assert_in_time(words, answer.duration)
    # The first word of the second sentence comes after the pause between them.
    assert words[len(words_of(SENTENCE))][1] > len(talk[0]) / (2 * RATE) - 0.2


@shows("stt.transcribe", "stt.with_raw_response.transcribe")
def test_words_are_left_out_where_nobody_asks(client: Any, talk: list[bytes]) -> None:
    samples = ("talk.raw", talk[1])

    answer = client.stt.transcribe(file=samples, model="ink-whisper-2025-06-04", **SOUND)
    raw = client.stt.with_raw_response.transcribe(file=samples, model="ink-whisper", **SOUND)

    assert answer.words is None
    assert words_of(answer.text) == words_of(SECOND)
    assert raw.parse().text == answer.text
    assert raw.headers["content-type"] == "application/json"


@shows("stt.transcribe")
def test_what_cannot_be_heard_is_refused(client: Any, talk: list[bytes]) -> None:
    for wrong in (
        {"file": ("talk.wav", b"")},
        {"file": ("talk.wav", b"this is no sound at all")},
        {"file": ("talk.raw", talk[1]), "encoding": "mp3", "sample_rate": RATE},
        {"file": ("talk.raw", talk[1]), "encoding": "pcm_s16le"},
    ):
        with pytest.raises((BadRequestError, UnprocessableEntityError)) as refused:
            client.stt.transcribe(**{"model": "ink-whisper", **wrong})
        assert set(body_of(refused.value)) >= {"error_code", "title", "message", "request_id"}


@shows(MANUAL, f"{MANUAL}().send_raw", f"{MANUAL}().send")
def test_each_finalize_is_answered_and_the_text_is_whole(client: Any, talk: list[bytes]) -> None:
    with client.stt.manual_finalize.websocket(**SOUND, model="ink-whisper", language="en") as connection:
        for sound in talk:
            for frame in frames(sound):
                connection.send_raw(frame)
            connection.send("finalize")
        connection.send("close")
        events = list(connection)

    assert words_of(text_of(events)) == HEARD
    assert [event.type for event in events if event.type != "transcript"] == [
        "flush_done",
        "flush_done",
        "done",
    ]
    first = next(index for index, event in enumerate(events) if event.type == "flush_done")
    assert words_of(text_of(events[:first])) == words_of(SENTENCE)
    assert len({event.request_id for event in events}) == 1
    words = [
        (word.word, word.start, word.end)
        for event in events
        if event.type == "transcript" and event.is_final
        for word in event.words
    ]
    assert_in_time(words, sum(map(len, talk)) / (2 * RATE))


@shows(*(f"{MANUAL}().{name}" for name in ("enter", "recv", "recv_bytes", "parse_event", "close")))
def test_a_manual_socket_is_used_by_hand(client: Any, talk: list[bytes]) -> None:
    connection = client.stt.manual_finalize.websocket(**SOUND, model="ink-2", keyterm=["window"]).enter()
    connection.send_raw(talk[1])
    connection.send("close")
    events = [connection.recv()]
    while events[-1].type != "done":
        message = connection.recv_bytes()
        assert json.loads(message)["request_id"] == events[0].request_id
        events.append(connection.parse_event(message))
    connection.close()

    assert words_of(text_of(events)) == words_of(SECOND)


def handled(manager: Any, talk: bytes, events: tuple[str, str], close: Any) -> list[Any]:
    """Return what the handlers of a socket got: first once, before it opens; and often, after."""
    once, often = events
    heard: list[Any] = []
    unwanted: list[Any] = []
    manager.on(often, unwanted.append)
    manager.off(often, unwanted.append)
    manager.once(once, heard.append)
    with manager as connection:
        connection.on(often, heard.append)
        connection.on(once, unwanted.append)
        connection.off(once, unwanted.append)
        connection.once(often, unwanted.append)
        connection.off(often, unwanted.append)
        connection.send_raw(talk)
        connection.send(close)
        connection.dispatch_events()
    assert unwanted == []
    return heard


@shows(
    *(f"{socket}().{name}" for socket in (MANUAL, TURNS) for name in ("on", "off", "once", "dispatch_events"))
)
def test_handlers_get_the_events(client: Any, talk: list[bytes]) -> None:
    manual = client.stt.manual_finalize.websocket(**SOUND, model="ink-whisper")
    turns = client.stt.auto_finalize.websocket(**SOUND, model="ink-2")

    transcripts = handled(manual, talk[1], ("done", "transcript"), "close")
    ends = handled(turns, talk[1], ("connected", "turn.end"), {"type": "close"})

    assert [event.type for event in transcripts][-1] == "done"
    assert words_of(text_of(transcripts)) == words_of(SECOND)
    assert [event.type for event in ends] == ["connected", "turn.end"]
    assert words_of(ends[1].transcript) == words_of(SECOND)


@shows(f"{MANUAL}().send", f"{TURNS}().send")
def test_what_is_sent_before_a_socket_opens_waits_for_it(client: Any) -> None:
    manual = client.stt.manual_finalize.websocket(**SOUND, model="ink-whisper")
    manual.send("close")
    turns = client.stt.auto_finalize.websocket(**SOUND, model="ink-2")
    turns.send({"type": "close"})

    with manual as connection:
        assert [event.type for event in connection] == ["done"]
    with turns as connection:
        assert [event.type for event in connection] == ["connected"]


@shows(TURNS, f"{TURNS}().send", f"{TURNS}().send_raw")
def test_turns_come_in_their_order(client: Any, talk: list[bytes]) -> None:
    with client.stt.auto_finalize.websocket(
        **SOUND,
        model="ink-2",
        keyterm=["Boston", "window"],
        turn_start_threshold=0.8,
        turn_eager_end_threshold=0.4,
        turn_end_threshold=0.2,
        turn_end_timeout_ms=700,
    ) as connection:
        connection.send({"type": "config", "turn": {"end_timeout_ms": 640}})
        for frame in frames(b"".join(talk)):
            connection.send_raw(frame)
        connection.send({"type": "close"})
        events = list(connection)

    kinds = [event.type for event in events]
    said = [event.transcript for event in events if event.type == "turn.end"]
    assert kinds[:2] == ["connected", "turn.start"]
    assert [kind for kind in kinds if kind in {"turn.start", "turn.end"}] == ["turn.start", "turn.end"] * 2
    assert [words_of(text) for text in said] == [words_of(SENTENCE), words_of(SECOND)]
    assert len({event.request_id for event in events}) == 1
    follows = [kinds[i + 1] for i, kind in enumerate(kinds) if kind == "turn.eager_end"]
    assert set(follows) <= {"turn.resume", "turn.end"}


@shows(*(f"{TURNS}().{name}" for name in ("enter", "recv", "recv_bytes", "parse_event", "close")))
def test_an_error_of_a_socket_is_an_event(client: Any) -> None:
    connection = client.stt.auto_finalize.websocket(**SOUND, model="ink-2").enter()
    connection.send_raw("finalize")
    first = connection.recv()
    error = connection.parse_event(connection.recv_bytes())
    connection.close()

    assert first.type == "connected"
    assert (error.type, error.status_code) == ("error", 400)
    assert error.message


@shows(MANUAL, TURNS)
def test_a_socket_that_asks_for_nonsense_is_refused(client: Any) -> None:
    for manager in (
        client.stt.manual_finalize.websocket(**SOUND | {"encoding": "mp3"}, model="ink-whisper"),
        client.stt.manual_finalize.websocket(**SOUND | {"sample_rate": 0}, model="ink-whisper"),
        client.stt.auto_finalize.websocket(**SOUND, model="ink-2", turn_end_threshold=2.0),
    ):
        with pytest.raises(InvalidStatus) as refused:
            manager.enter()
        assert refused.value.response.status_code == 400


@shows("stt.transcribe")
def test_another_voice_is_understood_too(client: Any) -> None:
    sound = client.tts.generate(
        **SPEECH | {"voice": MALE, "output_format": {**SOUND, "container": "wav"}}
    ).read()

    answer = client.stt.transcribe(file=io.BytesIO(sound), model="ink-whisper")

    assert words_of(answer.text) == words_of(SENTENCE)
