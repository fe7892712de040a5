"""Both official clients 4.2.0 and ``cartesia serve``: speech of the built-in engine over sockets."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from cartesia import AsyncCartesia

from tests.sdk.serving import socket_url
from tests.sdk.speech import (
    HEART,
    MALE,
    RATE,
    RAW,
    SENTENCE,
    SPEECH,
    UNKNOWN,
    WORDS,
    assert_in_time,
    sound_of,
    timed_words,
)

shows = pytest.mark.shows
SETTINGS: dict[str, Any] = {"model_id": "sonic-3", "voice": HEART, "output_format": RAW, "timeout": 20.0}
CONNECT = "tts.websocket_connect"
CONTEXT = f"{CONNECT}().context"


@shows(CONNECT, CONTEXT, f"{CONTEXT}().push", f"{CONTEXT}().no_more_inputs", f"{CONTEXT}().receive")
@pytest.mark.parametrize("size", [1, 100])
def test_a_text_in_pieces_is_spoken_as_the_whole(client: Any, size: int) -> None:
    with client.tts.websocket_connect() as connection:
        context = connection.context(
            add_timestamps=True,
            add_phoneme_timestamps=True,
            use_normalized_timestamps=False,
            language="en",
            **SETTINGS,
        )
        for start in range(0, len(SENTENCE), size):
            context.push(SENTENCE[start : start + size])
        context.no_more_inputs()
        events = list(context.receive())

    sound, words = sound_of(events), timed_words(events)
    assert sound == client.tts.generate(**SPEECH).read()
    assert [word for word, _, _ in words] == WORDS
    assert_in_time(words, len(sound) / (2 * RATE))
    assert any(event.type == "phoneme_timestamps" for event in events)
    assert [event.type for event in events if event.done] == ["done"]


@shows(f"{CONTEXT}().push")
def test_a_flush_is_answered_and_the_text_goes_on(client: Any) -> None:
    with client.tts.websocket_connect() as connection:
        context = connection.context(**SETTINGS)
        context.push("Good day")
        context.push("", flush=True)
        parts: list[list[Any]] = [[]]
        for event in context.receive():
            if event.type == "flush_done":
                assert event.flush_id == 1
                parts.append([])
                context.push(" to you.")
                context.no_more_inputs()
            else:
                parts[-1].append(event)

    before, after = parts
    assert len(sound_of(before)) > RATE / 2
    assert len(sound_of(after)) > RATE / 2
    assert after[-1].type == "done"


@shows(f"{CONTEXT}().cancel")
def test_a_cancelled_context_makes_way_for_the_next(client: Any) -> None:
    with client.tts.websocket_connect() as connection:
        long = connection.context(**SETTINGS)
        long.push(f"{SENTENCE} " * 500)
        first = next(iter(long.receive()))
        long.cancel()
        other = connection.context("other", **SETTINGS)
        other.push(SENTENCE, continue_=False)
        # The synchronous client hands on what still comes of a context that it has forgotten, and its end.
        events: list[Any] = []
        while ("other", True) not in {(event.context_id, event.done) for event in events}:
            events += other.receive()

    assert first.type == "chunk"
    assert (
        sound_of(event for event in events if event.context_id == "other")
        == client.tts.generate(**SPEECH).read()
    )


@shows(f"{CONNECT}().send")
def test_a_cancellation_is_answered_long_before_the_text_ends(client: Any) -> None:
    with client.tts.websocket_connect() as connection:
        connection.send({**SPEECH, "transcript": f"{SENTENCE} " * 500, "context_id": "ctx"})
        events = [connection.recv()]
        connection.send({"context_id": "ctx", "cancel": True})
        while not events[-1].done:
            events.append(connection.recv())

    assert events[-1].type == "done"
    assert len(sound_of(events)) < 500 * RATE


@shows(CONTEXT)
def test_contexts_share_a_connection_and_nothing_else(client: Any) -> None:
    texts = [f"This is number {number}." for number in range(8)]
    with client.tts.websocket_connect() as connection:
        contexts = [connection.context(f"ctx-{i}", **SETTINGS) for i in range(len(texts))]
        for context, text in zip(contexts, texts, strict=True):
            context.push(text[:10])
        for context, text in zip(contexts, texts, strict=True):
            context.push(text[10:])
            context.no_more_inputs()
        heard = [list(context.receive()) for context in contexts]

    assert [{event.context_id for event in events} for events in heard] == [
        {f"ctx-{i}"} for i in range(len(texts))
    ]
    assert [sound_of(events) for events in heard] == [
        client.tts.generate(**SPEECH | {"transcript": text}).read() for text in texts
    ]


def test_contexts_are_read_at_the_same_time(built_in: str) -> None:
    texts = [f"This is number {number}." for number in range(8)]

    async def one(connection: Any, text: str) -> bytes:
        context = connection.context(**SETTINGS)
        for word in text.split(" "):
            await context.push(f"{word} ")
            await asyncio.sleep(0)
        await context.no_more_inputs()
        return sound_of([event async for event in context.receive()])

    async def all_of_them() -> tuple[list[bytes], list[bytes]]:
        async with AsyncCartesia(
            api_key="any", base_url=built_in, websocket_base_url=socket_url(built_in)
        ) as client:
            async with client.tts.websocket_connect() as connection:
                heard = await asyncio.gather(*(one(connection, text) for text in texts))
            whole = [await client.tts.generate(**SPEECH | {"transcript": text}) for text in texts]
            return list(heard), [await response.read() for response in whole]

    heard, expected = asyncio.run(all_of_them())

    assert heard == expected


@shows(*(f"{CONNECT}().{name}" for name in ("enter", "send", "recv", "recv_bytes", "parse_event", "close")))
def test_messages_are_sent_and_received_by_hand(client: Any) -> None:
    connection = client.tts.websocket_connect().enter()
    connection.send({**SPEECH, "context_id": "by-hand", "continue": False, "add_timestamps": True})
    events = [connection.recv()]
    while not events[-1].done:
        message = connection.recv_bytes()
        events.append(connection.parse_event(message))
        assert json.loads(message)["context_id"] == "by-hand"
    connection.close()

    assert sound_of(events) == client.tts.generate(**SPEECH).read()
    assert [word for word, _, _ in timed_words(events)] == WORDS


@shows(CONNECT)
def test_a_connection_is_iterated_over_until_it_closes(client: Any) -> None:
    with client.tts.websocket_connect(extra_query={"cartesia_version": "2026-08-14"}) as connection:
        connection.send({**SPEECH, "context_id": "ctx"})
        events: list[Any] = []
        for event in connection:
            events.append(event)
            if event.done:
                connection.close()

    assert sound_of(events) == client.tts.generate(**SPEECH).read()


@shows(f"{CONTEXT}().send")
def test_a_context_takes_everything_that_speech_can_have(client: Any) -> None:
    words = client.pronunciation_dicts.create(name="Stations", items=[{"text": "Boston", "alias": "Austin"}])
    with client.tts.websocket_connect() as connection:
        context = connection.context(
            "ctx", max_buffer_delay_ms=500, pronunciation_dict_id=words.id, timeout=20, output_format=RAW
        )
        context.send(
            transcript=SENTENCE,
            voice={"id": MALE},
            model_id="sonic-3",
            continue_=False,
            language="en",
            speed="normal",
            flush=False,
            generation_config={"speed": 1.2, "volume": 1.5, "emotion": "calm"},
            locale=None,
        )
        sound = sound_of(context.receive())

    expected = client.tts.generate(
        **SPEECH | {"voice": MALE},
        pronunciation_dict_id=words.id,
        speed="normal",
        generation_config={"speed": 1.2, "volume": 1.5, "emotion": "calm"},
    )
    assert sound == expected.read()
    client.pronunciation_dicts.delete(words.id)


@shows(CONTEXT)
def test_a_context_without_settings_speaks_with_those_of_the_client(client: Any) -> None:
    with client.tts.websocket_connect() as connection:
        context = connection.context(timeout=20)
        context.push(SENTENCE, voice=HEART)
        context.no_more_inputs()
        sound = sound_of(context.receive())

    wanted = {"container": "raw", "encoding": "pcm_f32le", "sample_rate": 44_100}
    assert sound == client.tts.generate(**SPEECH | {"output_format": wanted}).read()


@shows(CONTEXT)
def test_an_error_ends_its_context_and_no_other(client: Any) -> None:
    with client.tts.websocket_connect() as connection:
        good = connection.context("good", **SETTINGS)
        bad = connection.context("bad", **SETTINGS | {"voice": UNKNOWN})
        empty = connection.context("empty", **SETTINGS)
        good.push(SENTENCE[:9])
        bad.push("Hello.")
        empty.no_more_inputs()
        *_, error = bad.receive()
        *_, nothing = empty.receive()
        good.push(SENTENCE[9:])
        good.no_more_inputs()
        sound = sound_of(good.receive())

    assert (error.type, error.done) == (nothing.type, nothing.done) == ("error", True)
    assert (error.to_dict()["status_code"], error.to_dict()["error_code"]) == (404, "voice_not_found")
    assert nothing.to_dict()["status_code"] == 400
    assert sound == client.tts.generate(**SPEECH).read()


@shows("access_token.create")
def test_a_token_opens_what_its_grants_say(client: Any, lend: Callable[..., Any], built_in: str) -> None:
    token = client.access_token.create(expires_in=60, grants={"tts": True, "stt": False}).token

    speaker = lend(built_in, api_key=None, token=token)
    with speaker.tts.websocket_connect() as connection:
        context = connection.context(**SETTINGS)
        context.push(SENTENCE, continue_=False)
        assert sound_of(context.receive()) == speaker.tts.generate(**SPEECH).read()


OLD = "tts.websocket"


@shows(OLD, *(f"{OLD}().{name}" for name in ("connect", "send", "context", "close")))
def test_the_second_generation_of_sockets_still_works(client: Any) -> None:
    socket = client.tts.websocket()
    socket.connect()
    asked = {**SPEECH, "voice": {"mode": "id", "id": HEART}, "add_timestamps": True}
    streamed = list(socket.send(**asked, context_id="ctx"))
    whole = socket.send(**asked, add_phoneme_timestamps=True, stream=False)
    context = socket.context("other")
    context.send(**{**SPEECH, "continue_": False})
    events = list(context.receive())
    socket.close()

    expected = client.tts.generate(**SPEECH).read()
    assert b"".join(output.audio or b"" for output in streamed) == expected
    assert {output.context_id for output in streamed} == {"ctx"}
    assert whole.audio == sound_of(events) == expected
    assert whole.word_timestamps["words"] == WORDS
    assert whole.phoneme_timestamps["phonemes"]


@shows(OLD)
def test_the_second_generation_raises_errors(client: Any) -> None:
    socket = client.tts.websocket()

    with pytest.raises(RuntimeError, match="Voice not found"):
        list(socket.send(**SPEECH | {"voice": {"mode": "id", "id": UNKNOWN}}))

    socket.close()
