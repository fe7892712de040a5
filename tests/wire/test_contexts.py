import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cartesia_cli.errors import LimitError, RequestError, UnavailableError, UsageError
from cartesia_cli.models import (
    AudioChunk,
    AudioFormat,
    Container,
    Encoding,
    Flushed,
    SpeechRequest,
    WordTiming,
    WordTimings,
)
from cartesia_cli.wire.contexts import (
    ContextDecoder,
    ContextEnd,
    ContextMessage,
    decode_message,
    encode_cancel,
    encode_context,
    encode_text,
)

REQUEST = SpeechRequest(
    "not used",
    "db6b0ed5-d5d3-463d-ae85-518a07d3c2b4",
    AudioFormat(Encoding.PCM_S16LE, 24_000),
    language="en",
    word_timestamps=True,
    max_buffer_delay_ms=500,
)


# ---- what is sent


def test_text_is_sent_as_documented() -> None:
    sent = json.loads(encode_text(encode_context(REQUEST, "ctx-a"), "First half, ", goes_on=True))

    assert sent == {
        "context_id": "ctx-a",
        "model_id": "sonic-latest",
        "transcript": "First half, ",
        "voice": {"mode": "id", "id": "db6b0ed5-d5d3-463d-ae85-518a07d3c2b4"},
        "output_format": {"container": "raw", "encoding": "pcm_s16le", "sample_rate": 24_000},
        "continue": True,
        "language": "en",
        "add_timestamps": True,
        "max_buffer_delay_ms": 500,
    }


def test_flush_and_end_differ_from_text_in_nothing_else() -> None:
    fields = encode_context(REQUEST, "ctx-a")
    text = json.loads(encode_text(fields, "Hello", goes_on=True))

    assert json.loads(encode_text(fields, "", goes_on=True, flush=True)) == {
        **text,
        "transcript": "",
        "flush": True,
    }
    assert json.loads(encode_text(fields, "", goes_on=False)) == {**text, "transcript": "", "continue": False}


def test_the_delay_is_left_to_the_server_unless_it_is_given() -> None:
    assert "max_buffer_delay_ms" not in encode_context(SpeechRequest("", "v", AudioFormat()), "c")


def test_a_context_is_cancelled_as_documented() -> None:
    assert json.loads(encode_cancel("ctx-a")) == {"context_id": "ctx-a", "cancel": True}


def test_only_raw_samples_come_over_a_socket() -> None:
    with pytest.raises(UsageError, match="raw samples"):
        encode_context(SpeechRequest("", "v", AudioFormat(container=Container.MP3)), "c")


def test_half_a_surrogate_pair_is_not_sent() -> None:
    with pytest.raises(UsageError, match="cannot be sent"):
        encode_text({}, "\ud800", goes_on=True)


# ---- what is received: examples as documented


def message(**fields: Any) -> bytes:
    return json.dumps({"context_id": "ctx-a", "done": False, "status_code": 206, **fields}).encode()


@pytest.mark.parametrize(
    ("data", "event"),
    [
        (message(type="chunk", data="AAABAAEA", step_time=37.2, flush_id=1), AudioChunk(b"\0\0\1\0\1\0")),
        (
            message(type="timestamps", word_timestamps={"words": ["First"], "start": [0.05], "end": [0.38]}),
            WordTimings((WordTiming("First", 0.05, 0.38),)),
        ),
        (message(type="flush_done", flush_done=True, flush_id=1), Flushed()),
        (message(type="done", done=True), ContextEnd()),
        (message(type="of tomorrow"), WordTimings(())),
    ],
)
def test_every_documented_message_is_read(data: bytes, event: object) -> None:
    assert decode_message(data) == ContextMessage("ctx-a", event)  # type: ignore[arg-type]  # one of many


def test_an_error_ends_its_context_with_its_status() -> None:
    data = message(
        type="error", status_code=429, error_code="concurrency_limited", title="Too many", message="Two."
    )

    context_id, end = decode_message(data)

    assert context_id == "ctx-a"
    assert isinstance(end, ContextEnd)
    assert isinstance(end.error, LimitError)
    assert (str(end.error), end.status) == ("Too many: Two.", 429)


def test_an_error_of_the_older_api_is_read_too() -> None:
    end = decode_message(b'{"type":"error","status_code":400,"error":"Invalid model: None is called x."}')

    assert end.context_id is None
    assert isinstance(end.event, ContextEnd)
    assert isinstance(end.event.error, RequestError)


def test_a_message_that_cannot_be_read_ends_its_own_context() -> None:
    context_id, end = decode_message(message(type="chunk", data="A"))

    assert context_id == "ctx-a"
    assert isinstance(end, ContextEnd)
    assert isinstance(end.error, UnavailableError)


@pytest.mark.parametrize("data", [b"", b"[]", b"{", b'{"type":"chunk","data":"A"}', b"\xff"])
def test_a_message_of_no_context_that_cannot_be_read_is_an_error(data: bytes) -> None:
    with pytest.raises(UnavailableError, match="cannot be read"):
        decode_message(data)


# ---- the fast way says what the slow way says

DIALECTS = [
    '{"type":"chunk","context_id":ID,"data":"PCM","done":false,"status_code":206,"step_time":NUM,"flush_id":1}',
    '{"type":"chunk","data":"PCM","done":false,"status_code":206,"step_time":NUM,"context_id":ID}',
    '{ "context_id": ID , "type": "chunk", "step_time": NUM, "data": "PCM" }',
    '{"data":"PCM","context_id":ID,"type":"chunk"}',
    '{"type":"chunk","data":"PCM","context_id":ID,"x":{"data":"PCM"}}',
    '{"context_id":ID,"data":"PCM","done":false}',
    '{"type":"chunk","x":"\\"","data":"PCM","context_id":ID}',
    '{"type":"chunk","data":"PCM","context_id":ID,"data":"AAAA"}',
    '{"type":"chunk","data":"PCM","context_id":ID,"type":"done"}',
    '{"type":"chunk","data":"PCM"\n,"context_id":ID}',
    '{"type":"done","context_id":ID,"done":true}',
    '{"type":"timestamps","context_id":ID,"word_timestamps":{"words":["PCM"],"start":[NUM],"end":[NUM]}}',
    '{"type":"chunk","context_id":ID,"data":"PCM',
]
messages = st.builds(
    lambda dialect, name, audio, number, escaped: (
        dialect.replace("ID", json.dumps(name))
        .replace("PCM", base64.b64encode(audio).decode().replace("/", "\\/" if escaped else "/"))
        .replace("NUM", json.dumps(number))
        .encode()
    ),
    st.sampled_from(DIALECTS),
    st.sampled_from(["ctx-1", "ctx-2", "ctx-10", 'a"b', "é", ""]),
    st.binary(max_size=40),
    st.integers(-5, 5) | st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
)


def outcome(decode: Any, data: bytes) -> object:
    try:
        context_id, event = decode(data)
    except UnavailableError as error:
        return str(error)
    if isinstance(event, ContextEnd):
        return context_id, str(event.error), event.status
    return context_id, event


@given(st.lists(messages, max_size=12))
def test_what_is_learnt_from_messages_changes_nothing(stream: list[bytes]) -> None:
    decoder = ContextDecoder()

    for data in [*stream, *stream]:
        assert outcome(decoder.decode, data) == outcome(decode_message, data)


def test_many_contexts_do_not_fill_the_memory() -> None:
    decoder = ContextDecoder()

    for i in range(2_000):
        decoder.decode(message(context_id=f"ctx-{i}", type="chunk", data="AAAA"))

    assert len(decoder._shapes) <= 256  # noqa: SLF001  nothing else shows it
