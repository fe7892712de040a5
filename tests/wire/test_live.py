import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cartesia_cli.errors import CredentialsError, LimitError, RequestError, UnavailableError
from cartesia_cli.models import ListenRequest, TranscriptUpdate, WordTiming
from cartesia_cli.wire.listening import SAMPLE_WIDTHS, TurnRules, decode_listen_query, encode_listen_query
from cartesia_cli.wire.live import (
    Milestone,
    decode_command,
    decode_turn_command,
    decode_update,
    encode_command,
    encode_live_error,
    encode_milestone,
    encode_turn,
    encode_update,
)

INTERIM = {
    "type": "transcript",
    "request_id": "6c1e",
    "text": "Turn left",
    "is_final": False,
    "duration": 0.65,
    "language": "en",
    "words": [{"word": "Turn", "start": 0.05, "end": 0.3}, {"word": "left", "start": 0.32, "end": 0.7}],
}
UPDATE = TranscriptUpdate(
    "interim", "Turn left", 0.05, 0.7, (WordTiming("Turn", 0.05, 0.3), WordTiming("left", 0.32, 0.7))
)
QUERY = {"model": "ink-2", "encoding": "pcm_s16le", "sample_rate": "16000"}


def decode(**fields: Any) -> TranscriptUpdate | Milestone | None:
    return decode_update(json.dumps({"type": "transcript", "text": "a b", "is_final": True} | fields))


def pairs(query: dict[str, str | list[str]]) -> list[tuple[str, str]]:
    """The query as it arrives: a name for each item."""
    return [
        (n, item) for n, value in query.items() for item in ([value] if isinstance(value, str) else value)
    ]


def asked(*, turns: bool = False, **changes: str | list[str]) -> ListenRequest:
    return decode_listen_query(pairs({**QUERY, **changes}), turns=turns)


# ---- what a server says


def test_the_documented_messages_are_decoded() -> None:
    final = INTERIM | {"is_final": True, "text": " at the light.", "words": []}

    assert decode_update(json.dumps(INTERIM)) == UPDATE
    assert decode_update(json.dumps(final)) == TranscriptUpdate("final", "at the light.")
    assert decode_update('{"type":"flush_done","request_id":"6c1e"}') is Milestone.FLUSHED
    assert decode_update(b'{"type":"done","request_id":"6c1e"}') is Milestone.DONE


@pytest.mark.parametrize(
    ("kind", "update"),
    [
        ("connected", None),
        ("turn.start", None),
        ("turn.resume", None),
        ("turn.update", TranscriptUpdate("interim", "Could you")),
        ("turn.eager_end", TranscriptUpdate("interim", "Could you")),
        ("turn.end", TranscriptUpdate("turn", "Could you")),
        ("turn.of.a.newer.api", None),
    ],
)
def test_the_messages_of_turns_are_decoded(kind: str, update: TranscriptUpdate | None) -> None:
    assert decode_update(json.dumps({"type": kind, "request_id": "b", "transcript": " Could you"})) == update


def test_our_messages_are_the_documented_ones() -> None:
    assert encode_update(UPDATE, request_id="6c1e", language="en", continued=False) == INTERIM
    assert encode_milestone(Milestone.FLUSHED, request_id="6") == {"type": "flush_done", "request_id": "6"}
    assert encode_milestone(Milestone.DONE, request_id="6") == {"type": "done", "request_id": "6"}
    assert encode_turn("turn.start", request_id="b") == {"type": "turn.start", "request_id": "b"}
    assert encode_turn("turn.end", request_id="b", transcript="Yes.") == {
        "type": "turn.end",
        "request_id": "b",
        "transcript": "Yes.",
    }


def test_final_texts_joined_as_they_are_make_the_whole_text() -> None:
    texts = ["One.", "", "Two three.", "Four"]
    updates = [TranscriptUpdate("final", text) for text in texts]
    sent = [
        encode_update(update, request_id="r", language="en", continued=i > 0)
        for i, update in enumerate(updates)
    ]

    assert "".join(message["text"] for message in sent) == "One. Two three. Four"
    assert [decode_update(json.dumps(message)) for message in sent] == updates


@pytest.mark.parametrize(
    "words",
    [
        [{"words": "Good", "start": 0.1, "end": 0.3}, {"words": "day", "start": 0.4, "end": 0.6}],
        [{"words": ["Good", "day"], "start": [0.1, 0.4], "end": [0.3, 0.6]}],
        [{"word": "Good", "start": 0.1, "end": 0.3}, {"word": " day ", "start": 0.4, "end": 0.6}],
    ],
)
def test_words_are_read_in_every_shape_that_was_ever_typed(words: list[dict[str, Any]]) -> None:
    assert decode(words=words) == TranscriptUpdate(
        "final", "a b", 0.1, 0.6, (WordTiming("Good", 0.1, 0.3), WordTiming("day", 0.4, 0.6))
    )


@pytest.mark.parametrize("fields", [{}, {"words": None}, {"words": []}, {"duration": None, "language": None}])
def test_what_is_missing_is_not_there(fields: dict[str, Any]) -> None:
    assert decode(**fields) == TranscriptUpdate("final", "a b")


def test_times_before_the_start_and_blank_words_are_put_right() -> None:
    words = [
        {"word": "a", "start": -0.1, "end": 0.2},
        {"word": " ", "start": 0.2, "end": 0.3},
        {"word": "b", "start": 0.4, "end": 0.1},
    ]

    assert decode(words=words) == TranscriptUpdate(
        "final", "a b", 0.0, 0.4, (WordTiming("a", 0.0, 0.2), WordTiming("b", 0.4, 0.4))
    )


def test_a_text_is_one_line_that_a_terminal_can_show() -> None:
    assert decode(text=" a\nb\tc \x1b[31m ") == TranscriptUpdate("final", "a b c [31m")


@pytest.mark.parametrize(
    "data",
    [
        "",
        "{",
        "[]",
        '"done"',
        b"\xff",
        '{"type":"transcript","is_final":true}',
        '{"type":"transcript","text":7,"is_final":true}',
        '{"type":"transcript","text":"a","words":{}}',
        '{"type":"transcript","text":"a","words":["a"]}',
        '{"type":"transcript","text":"a","words":[{"word":"a","start":0}]}',
        '{"type":"transcript","text":"a","words":[{"word":"a","start":NaN,"end":1}]}',
        '{"type":"transcript","text":"a","words":[{"words":["a"],"start":[0],"end":[]}]}',
        '{"type":"turn.end"}',
    ],
)
def test_what_cannot_be_read_is_an_error(data: str | bytes) -> None:
    with pytest.raises(UnavailableError, match="cannot be read"):
        decode_update(data)


@pytest.mark.parametrize(
    ("fields", "kind", "message"),
    [
        (
            {"title": "Invalid model", "message": "No.", "status_code": 400, "error_code": "model_not_found"},
            RequestError,
            "Invalid model: No.",
        ),
        ({"title": "Too many", "message": "Two.", "status_code": 429}, LimitError, "Too many: Two."),
        ({"message": "No key.", "status_code": 401}, CredentialsError, "No key."),
        ({"message": "It broke."}, UnavailableError, "It broke."),
        ({"error": "It broke."}, UnavailableError, "It broke."),
    ],
)
def test_errors_of_every_version_are_raised(
    fields: dict[str, Any], kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind) as caught:
        decode_update(json.dumps({"type": "error", "request_id": "r"} | fields))

    assert str(caught.value).endswith(message)


def test_our_error_has_neither_done_nor_context_and_can_be_read_back() -> None:
    error = RequestError("Invalid model: No such model.", title="Invalid model", code="model_not_found")

    message = encode_live_error(error, status=400, request_id="r")

    assert message == {
        "type": "error",
        "title": "Invalid model",
        "message": "No such model.",
        "error": "Invalid model: No such model.",
        "status_code": 400,
        "error_code": "model_not_found",
        "request_id": "r",
    }
    with pytest.raises(RequestError, match="Invalid model: No such model") as caught:
        decode_update(json.dumps(message))
    assert (caught.value.code, caught.value.request_id) == ("model_not_found", "r")


# ---- what a client says


@pytest.mark.parametrize("text", ["close", "done", " CLOSE\n", '"close"', '"done"', '{"type": "close"}'])
def test_close_is_understood_in_every_spelling(text: str) -> None:
    assert decode_command(text) == "close"


@pytest.mark.parametrize("text", ["finalize", '"finalize"', '{"type":"finalize"}'])
def test_finalize_is_understood_in_every_spelling(text: str) -> None:
    assert decode_command(text) == "finalize"


@pytest.mark.parametrize(
    "text", ["", "flush", "{", '{"type":"config"}', '{"type":["close"]}', "[]", "closed"]
)
def test_another_command_is_refused(text: str) -> None:
    with pytest.raises(RequestError, match="Unrecognized message"):
        decode_command(text)


def test_our_commands_are_the_documented_ones() -> None:
    assert [encode_command("finalize", turns=False), encode_command("close", turns=False)] == [
        "finalize",
        "close",
    ]
    assert json.loads(encode_command("close", turns=True)) == {"type": "close"}
    assert decode_turn_command(encode_command("close", turns=True), TurnRules()) is None


def test_a_config_changes_what_it_names() -> None:
    text = '{"type":"config","turn":{"start_threshold":0.7,"end_threshold":0.25,"end_timeout_ms":4000}}'

    assert decode_turn_command(text, TurnRules()) == TurnRules(0.7, 0.4, 0.25, 4_000)
    assert decode_turn_command('{"type":"config"}', TurnRules(0.7)) == TurnRules(0.7)
    assert decode_turn_command('{"type":"config","turn":{}}', TurnRules(0.7)) == TurnRules(0.7)


@pytest.mark.parametrize(
    "turn",
    [
        {"start_threshold": 0.49},
        {"start_threshold": 0.91},
        {"eager_end_threshold": 0.29},
        {"eager_end_threshold": 0.61},
        {"end_threshold": 0.04},
        {"end_threshold": 0.51},
        {"end_timeout_ms": 639},
        {"end_timeout_ms": 11_201},
        {"start_threshold": 0.5, "eager_end_threshold": 0.5},
        {"eager_end_threshold": 0.3, "end_threshold": 0.3},
        {"start_threshold": "loud"},
        {"start_threshold": True},
        {"end_timeout_ms": [640]},
    ],
)
def test_rules_that_make_no_sense_are_refused(turn: dict[str, Any]) -> None:
    with pytest.raises(RequestError, match="Invalid"):
        decode_turn_command(json.dumps({"type": "config", "turn": turn}), TurnRules())


# ---- the query


def test_the_least_that_can_be_asked() -> None:
    assert asked() == ListenRequest("pcm_s16le", 16_000, "ink-2")
    assert asked(turns=True) == ListenRequest("pcm_s16le", 16_000, "ink-2", turns=True)
    assert encode_listen_query(ListenRequest("pcm_s16le", 16_000), model_id="ink-2") == QUERY


listen_requests = st.builds(
    ListenRequest,
    encoding=st.sampled_from(sorted(SAMPLE_WIDTHS)),
    sample_rate=st.integers(1, 768_000),
    model_id=st.sampled_from(["ink-2", "ink-whisper"]),
    language=st.none() | st.sampled_from(["en", "de"]),
    keyterms=st.lists(st.text(min_size=1, max_size=9).filter(str.strip), max_size=9).map(tuple),
    min_volume=st.none() | st.integers(0, 1_000).map(lambda n: n / 1_000),
    max_silence=st.none() | st.integers(640, 11_200).map(lambda n: n / 1_000),
    turns=st.booleans(),
)


@given(listen_requests)
def test_what_is_asked_for_arrives_as_far_as_the_socket_has_a_form_for_it(request: ListenRequest) -> None:
    arrived = decode_listen_query(pairs(encode_listen_query(request, model_id="")), turns=request.turns)

    assert (arrived.encoding, arrived.sample_rate) == (request.encoding, request.sample_rate)
    assert (arrived.model_id, arrived.keyterms) == (request.model_id, request.keyterms)
    assert arrived.max_silence == request.max_silence
    if request.turns:
        assert (arrived.language, arrived.min_volume) == (None, None)
    else:
        assert (arrived.language, arrived.min_volume) == (request.language, request.min_volume)


@pytest.mark.parametrize(
    ("changes", "title", "code"),
    [
        ({"model": ""}, "Invalid model", "model_not_found"),
        ({"encoding": "mp3"}, "Invalid encoding", "unsupported_audio_format"),
        ({"encoding": ""}, "Invalid encoding", "unsupported_audio_format"),
        ({"sample_rate": "-1"}, "Invalid sample rate", "unsupported_audio_format"),
        ({"sample_rate": "768001"}, "Invalid sample rate", "unsupported_audio_format"),
        ({"sample_rate": "²"}, "Invalid sample rate", "unsupported_audio_format"),
        ({"keyterm": ["a"] * 101}, "Invalid keyterms", None),
        ({"keyterm": ["a" * 601] * 2}, "Invalid keyterms", None),
        ({"min_volume": "1.1"}, "Invalid min_volume", None),
        ({"min_volume": "nan"}, "Invalid min_volume", None),
        ({"min_volume": "x"}, "Invalid min_volume", None),
        ({"max_silence_duration_secs": "0"}, "Invalid max_silence_duration_secs", None),
    ],
)
def test_a_query_that_makes_no_sense_is_refused(
    changes: dict[str, str | list[str]], title: str, code: str | None
) -> None:
    with pytest.raises(RequestError) as caught:
        decode_listen_query(pairs({**QUERY, **changes}), turns=False)

    assert (caught.value.title, caught.value.code) == (title, code)


def test_turns_have_rules_in_their_query() -> None:
    assert asked(turns=True, turn_end_timeout_ms="2000").max_silence == 2.0
    asked(turns=True, turn_start_threshold="0.5", turn_eager_end_threshold="0.45", turn_end_threshold="0.1")
    with pytest.raises(RequestError, match="start_threshold must be above"):
        asked(turns=True, turn_start_threshold="0.55", turn_eager_end_threshold="0.6")
    with pytest.raises(RequestError, match="between 640 and 11200"):
        asked(turns=True, turn_end_timeout_ms="600")
