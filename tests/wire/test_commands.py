"""The messages of ``/tts/websocket``, as the API documents them and as its clients send them."""

import json
from typing import Any

import pytest

from cartesia_cli.errors import RequestError
from cartesia_cli.models import (
    AudioChunk,
    AudioFormat,
    Container,
    Encoding,
    Flushed,
    PhonemeTiming,
    PhonemeTimings,
    SpeechEvent,
    SpeechRequest,
    SpeechWarning,
    WordTiming,
    WordTimings,
)
from cartesia_cli.wire.commands import (
    Cancel,
    Speak,
    decode_command,
    decode_message,
    decode_opening,
    encode_context_event,
    named_context,
)

VOICE = "db6b0ed5-d5d3-463d-ae85-518a07d3c2b4"
RAW = {"container": "raw", "encoding": "pcm_s16le", "sample_rate": 24_000}
FIRST = {
    "context_id": "ctx-a",
    "model_id": "sonic-latest",
    "transcript": "First half, ",
    "voice": VOICE,
    "output_format": RAW,
    "continue": True,
    "language": "en",
    "add_timestamps": True,
    "max_buffer_delay_ms": 500,
}


def decode(message: dict[str, Any]) -> Speak | Cancel:
    return decode_command(decode_message(json.dumps(message)))


def opening(message: dict[str, Any]) -> SpeechRequest:
    command = decode(message)
    assert isinstance(command, Speak)
    return decode_opening(command)


def test_the_first_part_of_a_text() -> None:
    command = decode(FIRST)

    assert isinstance(command, Speak)
    assert (command.context_id, command.transcript) == ("ctx-a", "First half, ")
    assert (command.more, command.flush, command.has_words) == (True, False, True)
    assert decode_opening(command) == SpeechRequest(
        "First half, ",
        VOICE,
        AudioFormat(Encoding.PCM_S16LE, 24_000, Container.RAW),
        model_id="sonic-latest",
        language="en",
        context_id="ctx-a",
        word_timestamps=True,
        max_buffer_delay_ms=500,
    )


@pytest.mark.parametrize(
    ("message", "more", "flush"),
    [
        ({"transcript": "second half."}, False, False),
        ({"transcript": "", "continue": False}, False, False),
        ({"transcript": " ", "continue": None, "flush": None}, False, False),
        ({"transcript": "", "continue": True, "flush": True}, True, True),
        ({"transcript": "x", "flush": True, "cancel": False}, False, True),
    ],
)
def test_later_parts_of_a_text(message: dict[str, Any], more: bool, flush: bool) -> None:
    command = decode({"context_id": "ctx-a", **message})

    assert isinstance(command, Speak)
    assert (command.transcript, command.more, command.flush) == (message["transcript"], more, flush)


def test_a_cancel() -> None:
    assert decode({"context_id": "ctx-a", "cancel": True}) == Cancel("ctx-a")


def test_a_message_of_the_2_x_client_with_its_nulls() -> None:
    request = opening(
        {
            "model_id": "sonic-2",
            "transcript": "Hello",
            "voice": {"mode": "id", "id": VOICE, "__experimental_controls": {"emotion": ["anger:high"]}},
            "output_format": {**RAW, "bit_rate": None},
            "context_id": "9f1c",
            "language": None,
            "duration": None,
            "stream": True,
            "add_timestamps": False,
            "add_phoneme_timestamps": None,
            "use_original_timestamps": False,
            "max_buffer_delay_ms": None,
            "pronunciation_dict_id": None,
            "generation_config": None,
        }
    )

    assert (request.voice_id, request.emotion) == (VOICE, ("anger:high",))
    assert (request.max_buffer_delay_ms, request.word_timestamps) == (None, False)


def test_contexts_without_a_name_are_told_apart() -> None:
    one, other = (decode({"transcript": "x", "context_id": None}) for _ in range(2))

    assert one.context_id != other.context_id


def test_the_manner_of_a_context() -> None:
    request = opening(
        {
            **FIRST,
            "generation_config": {"speed": 1.2, "volume": 0.5, "emotion": "calm"},
            "pronunciation_dict_id": "pd_1",
            "add_phoneme_timestamps": True,
        }
    )

    assert (request.speed, request.volume, request.emotion) == (1.2, 0.5, ("calm",))
    assert (request.pronunciation_dict_id, request.phoneme_timestamps) == ("pd_1", True)


def test_a_context_may_begin_without_words_if_more_follows() -> None:
    assert opening({**FIRST, "transcript": ""}).transcript == ""
    assert opening({**FIRST, "transcript": "… "}).transcript == "… "


@pytest.mark.parametrize("transcript", ["", " ", "...", "¿?", "\n—\n"])
def test_a_whole_text_needs_words(transcript: str) -> None:
    with pytest.raises(RequestError, match="should not be empty"):
        opening({**FIRST, "transcript": transcript, "continue": False})


@pytest.mark.parametrize(
    ("message", "title"),
    [
        ({"transcript": None}, "Invalid transcript"),
        ({"transcript": ["x"]}, "Invalid transcript"),
        ({"context_id": 7}, "Invalid context"),
        ({"context_id": ""}, "Invalid context"),
        ({"context_id": None, "cancel": True}, "Invalid context"),
        ({"continue": "true"}, "Invalid request"),
        ({"continue": 1}, "Invalid request"),
        ({"flush": "now"}, "Invalid request"),
        ({"cancel": "yes"}, "Invalid request"),
    ],
)
def test_a_command_that_makes_no_sense_is_refused(message: dict[str, Any], title: str) -> None:
    with pytest.raises(RequestError) as caught:
        decode({**FIRST, **message})

    assert caught.value.title == title


@pytest.mark.parametrize(
    ("fields", "title", "code"),
    [
        ({"model_id": None}, "Invalid model", "model_not_found"),
        ({"voice": None}, "Invalid voice", None),
        ({"output_format": None}, "Invalid output format", None),
        ({"output_format": {**RAW, "container": "wav"}}, "Invalid output format", None),
        ({"locale": "en-GB"}, "Invalid language", None),
        ({"generation_config": {"speed": 9}}, "Invalid generation config", None),
        ({"max_buffer_delay_ms": "500"}, "Invalid buffer delay", None),
        ({"max_buffer_delay_ms": True}, "Invalid buffer delay", None),
        ({"max_buffer_delay_ms": 5001}, "Invalid buffer delay", None),
        ({"max_buffer_delay_ms": -1}, "Invalid buffer delay", None),
    ],
)
def test_a_context_that_cannot_be_spoken_is_refused(
    fields: dict[str, Any], title: str, code: str | None
) -> None:
    with pytest.raises(RequestError) as caught:
        opening({**FIRST, **fields})

    assert (caught.value.title, caught.value.code) == (title, code)


@pytest.mark.parametrize("data", ["", "{", "[]", '"x"', "null", b"\xff", "[" * 10**5])
def test_what_is_no_object_is_refused(data: str | bytes) -> None:
    with pytest.raises(RequestError) as caught:
        decode_message(data)

    assert caught.value.title == "Invalid request"


@pytest.mark.parametrize(
    ("payload", "name"),
    [({"context_id": "a"}, "a"), ({"context_id": 1}, None), ({"context_id": ""}, None), ({}, None)],
)
def test_the_context_is_known_where_it_can_be_read(payload: dict[str, Any], name: str | None) -> None:
    assert named_context(payload) == name


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (
            AudioChunk(bytes([0, 0, 1, 0, 0, 1])),
            (
                '{"type":"chunk","context_id":"ctx-a","data":"AAABAAAB","done":false,"status_code":206,'
                '"step_time":37.2,"flush_id":1}'
            ),
        ),
        (
            WordTimings((WordTiming("First", 0.05, 0.38),)),
            (
                '{"type":"timestamps","context_id":"ctx-a","done":false,"status_code":206,"flush_id":1,'
                '"word_timestamps":{"words":["First"],"start":[0.05],"end":[0.38]}}'
            ),
        ),
        (
            PhonemeTimings((PhonemeTiming("f", 0.05, 0.13), PhonemeTiming("ɝ", 0.13, 0.2))),
            (
                '{"type":"phoneme_timestamps","context_id":"ctx-a","done":false,"status_code":206,"flush_id":1,'
                '"phoneme_timestamps":{"phonemes":["f","ɝ"],"start":[0.05,0.13],"end":[0.13,0.2]}}'
            ),
        ),
        (
            Flushed(),
            (
                '{"type":"flush_done","context_id":"ctx-a","done":false,"flush_done":true,"flush_id":1,'
                '"status_code":206}'
            ),
        ),
    ],
)
def test_what_a_server_says_of_a_context(event: SpeechEvent, expected: str) -> None:
    message = encode_context_event(event, context_id="ctx-a", flush_id=1, step_time=37.2)

    assert message == json.loads(expected)


def test_a_warning_has_no_form_on_the_wire() -> None:
    assert encode_context_event(SpeechWarning("Beware."), context_id="ctx-a", flush_id=1) is None
