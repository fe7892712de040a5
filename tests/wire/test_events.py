import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cartesia_cli.errors import CartesiaError, CredentialsError, LimitError, RequestError, UnavailableError
from cartesia_cli.models import (
    AudioChunk,
    PhonemeTiming,
    PhonemeTimings,
    SpeechEvent,
    SpeechWarning,
    WordTiming,
    WordTimings,
)
from cartesia_cli.wire import decode_event, encode_done, encode_event, values

HERE = Path(__file__).parent
SPEECH: list[SpeechEvent | None] = [
    AudioChunk(b"\0\0\1\0\xff\xff"),
    WordTimings((WordTiming("Good", 0.04, 0.29), WordTiming("day.", 0.31, 0.66))),
    PhonemeTimings((PhonemeTiming("ɡ", 0.04, 0.09), PhonemeTiming("ʊ", 0.09, 0.2))),
    AudioChunk(b"\1\0\2\0"),
    None,
]


def golden(name: str) -> list[str]:
    lines = (HERE / name).read_text("utf-8").splitlines()
    return [line.removeprefix("data: ") for line in lines if line.startswith("data: ")]


def test_the_documented_events_are_decoded() -> None:
    assert [decode_event(message) for message in golden("speech.sse")] == SPEECH


def test_our_events_are_the_documented_ones() -> None:
    documented = [json.loads(message) for message in golden("speech.sse")]

    for event, fields in zip(SPEECH, documented, strict=True):
        if event is None:
            encoded = encode_done("job-17")
        else:
            encoded = encode_event(event, context_id="job-17", step_time=fields.get("step_time", 0.0)) or {}
        assert encoded == fields


def test_a_warning_has_no_form_on_the_wire() -> None:
    assert encode_event(SpeechWarning("Half of it cannot be spoken.")) is None


def test_a_type_from_the_future_is_no_event_and_no_error() -> None:
    assert decode_event('{"type":"visemes","visemes":[1]}') == WordTimings(())


@pytest.mark.parametrize("columns", ["null", "{}", '{"words":null,"start":null,"end":null}'])
def test_timestamps_may_be_empty(columns: str) -> None:
    assert decode_event(f'{{"type":"timestamps","word_timestamps":{columns}}}') == WordTimings(())


def test_events_of_the_voice_changer_need_no_type() -> None:
    assert decode_event('{"data":"AAE=","done":false}') == AudioChunk(b"\0\1")
    assert decode_event('{"done":true,"status_code":200}') is None


def test_half_a_surrogate_pair_and_control_characters_do_no_harm() -> None:
    columns = '{"words":["a\\ud800","\\u001b[2J"],"start":[0,1],"end":[1,2]}'

    event = decode_event(f'{{"type":"timestamps","word_timestamps":{columns}}}')

    assert event == WordTimings((WordTiming("a\N{REPLACEMENT CHARACTER}", 0, 1), WordTiming("[2J", 1, 2)))


@pytest.mark.parametrize(
    "message",
    [
        "",
        "[DONE]",
        "[]",
        b"\xff",
        '{"type":"chunk"}',
        '{"type":"chunk","data":null}',
        '{"type":"chunk","data":"AAE"}',
        '{"type":"chunk","data":"AA=E"}',
        '{"type":"chunk","data":"AA-_"}',
        '{"type":"chunk","data":"AAE=\\n"}',
        '{"type":"chunk","data":"A\\u00e4E="}',
        '{"type":7}',
        '{"type":"timestamps","word_timestamps":[]}',
        '{"type":"timestamps","word_timestamps":{"words":"ab","start":[0,1],"end":[1,2]}}',
        '{"type":"timestamps","word_timestamps":{"words":["a"],"start":[0],"end":[]}}',
        '{"type":"timestamps","word_timestamps":{"words":["a"],"start":[0,1],"end":[1]}}',
        '{"type":"timestamps","word_timestamps":{"words":["a"],"start":[NaN],"end":[1]}}',
        '{"type":"timestamps","word_timestamps":{"words":["a"],"start":[0],"end":[1e999]}}',
        f'{{"type":"timestamps","word_timestamps":{{"words":["a"],"start":[0],"end":[1{"0" * 400}]}}}}',
        '{"type":"timestamps","word_timestamps":{"words":["a"],"start":[true],"end":[1]}}',
        '{"type":"timestamps","word_timestamps":{"words":[1],"start":[0],"end":[1]}}',
        '{"type":"timestamps","word_timestamps":{"words":["a"],"start":["0"],"end":[1]}}',
        '{"a":' * 100_000,
    ],
)
def test_what_cannot_be_read_is_never_taken_for_something_else(message: str | bytes) -> None:
    with pytest.raises(UnavailableError, match="cannot be read"):
        decode_event(message)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, RequestError),
        (401, CredentialsError),
        (402, LimitError),
        (429, LimitError),
        (500, UnavailableError),
        (206, UnavailableError),
        ("x", UnavailableError),
        (None, UnavailableError),
    ],
)
def test_an_error_event_is_the_error_of_its_status(status: object, kind: type[CartesiaError]) -> None:
    with pytest.raises(kind) as caught:
        decode_event(
            json.dumps({"type": "error", "status_code": status, "title": "No", "message": "Not now."})
        )

    assert str(caught.value) == "No: Not now."


def test_an_error_event_of_the_older_api_has_its_title_in_its_text() -> None:
    with pytest.raises(RequestError, match=r"^Invalid model: It is gone\.$") as caught:
        decode_event('{"type":"error","done":true,"status_code":400,"error":"Invalid model: It is gone."}')

    assert caught.value.title == "Invalid model"


timings = st.lists(
    st.tuples(st.text(st.characters(exclude_categories=["C"])), st.floats(0, 1e6), st.floats(0, 1e6))
)
events: st.SearchStrategy[SpeechEvent] = st.one_of(
    st.binary().map(AudioChunk),
    timings.map(lambda rows: WordTimings(tuple(WordTiming(*row) for row in rows))),
    timings.map(lambda rows: PhonemeTimings(tuple(PhonemeTiming(*row) for row in rows))),
)


@given(events, st.none() | st.text(max_size=5))
def test_what_is_encoded_is_decoded(event: SpeechEvent, context_id: str | None) -> None:
    assert decode_event(json.dumps(encode_event(event, context_id=context_id))) == event


@given(st.text(alphabet="AB+/=\n -", max_size=12) | st.binary(max_size=30).map(values.encode_base64))
def test_base64_of_the_standard_library_and_the_fast_one_agree(text: str) -> None:
    def decode(fast: bool) -> bytes | None:
        values.FAST = fast
        try:
            return values.decode_base64(text)
        except values.MalformedError:
            return None
        finally:
            values.FAST = True

    assert decode(fast=True) == decode(fast=False)


def test_without_pybase64_the_standard_library_does_it() -> None:
    code = (
        "import sys; sys.modules['pybase64'] = None; from cartesia_cli.wire import values; "
        "print(values.FAST, values.decode_base64(values.encode_base64(bytes([0, 255]))))"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "False b'\\x00\\xff'\n"
