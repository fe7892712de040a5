import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cartesia_cli.errors import UnavailableError
from cartesia_cli.models import Transcript, WordTiming
from cartesia_cli.wire import decode_transcript, encode_transcript
from cartesia_cli.wire.values import load_json

DOCUMENTED = json.loads((Path(__file__).parent / "transcript.json").read_text("utf-8"))
WORDS = (WordTiming("Good", 0.08, 0.31), WordTiming("morning.", 0.33, 0.9))
TRANSCRIPT = Transcript("Good morning.", WORDS, "en", 1.42)


def decode(**fields: Any) -> Transcript:
    return decode_transcript({"text": "a b"} | fields)


def words(*rows: tuple[str, float, float]) -> list[dict[str, Any]]:
    return [{"word": word, "start": start, "end": end} for word, start, end in rows]


def test_the_documented_transcript_is_decoded() -> None:
    assert decode_transcript(DOCUMENTED) == TRANSCRIPT


def test_our_transcript_is_the_documented_one() -> None:
    assert encode_transcript(TRANSCRIPT, words=True, request_id=DOCUMENTED["request_id"]) == DOCUMENTED


def test_words_are_sent_only_if_they_were_asked_for() -> None:
    assert "words" not in encode_transcript(TRANSCRIPT, words=False, request_id="r")
    assert encode_transcript(Transcript(""), words=True, request_id="r") == {
        "type": "transcript",
        "request_id": "r",
        "text": "",
        "words": [],
    }


def test_an_old_version_sends_nothing_but_the_text() -> None:
    assert decode_transcript({"text": "Good morning."}) == Transcript("Good morning.")


@pytest.mark.parametrize(
    "fields", [{}, {"words": None}, {"words": []}, {"language": None, "duration": None}, {"words": words()}]
)
def test_what_is_missing_is_not_there(fields: dict[str, Any]) -> None:
    assert decode(**fields) == Transcript("a b")


def test_words_out_of_order_stay_in_the_order_of_the_text() -> None:
    transcript = decode(words=words(("a", 0.5, 0.9), ("b", 0.1, 0.6)))

    assert transcript.words == (WordTiming("a", 0.5, 0.9), WordTiming("b", 0.1, 0.6))


def test_words_may_overlap_and_have_no_length() -> None:
    transcript = decode(words=words(("a", 0.1, 0.5), ("b", 0.4, 0.4)))

    assert transcript.words == (WordTiming("a", 0.1, 0.5), WordTiming("b", 0.4, 0.4))


def test_impossible_times_become_possible() -> None:
    transcript = decode(words=words(("a", -0.1, 0.2), ("b", 0.5, 0.3), ("c", -2, -1)), duration=-1)

    assert [(word.start, word.end) for word in transcript.words] == [(0, 0.2), (0.5, 0.5), (0, 0)]
    assert transcript.duration == 0


def test_blank_words_are_left_out_and_the_others_trimmed() -> None:
    assert decode(words=words((" a\n", 0, 1), ("  ", 1, 2))).words == (WordTiming("a", 0, 1),)


def test_a_terminal_gets_no_control_characters() -> None:
    transcript = decode(text=" one\x1b[2J\ntwo\x07 ", language="e\x1bn", words=words(("\x1b[1mx", 0, 1)))

    assert transcript == Transcript("one[2J\ntwo", (WordTiming("[1mx", 0, 1),), "e n")


@pytest.mark.parametrize(
    "payload",
    [
        "null",
        "[]",
        '"text"',
        "{}",
        '{"text":null}',
        '{"text":1}',
        '{"text":"a","words":"a"}',
        '{"text":"a","words":{"word":"a"}}',
        '{"text":"a","words":[null]}',
        '{"text":"a","words":["a"]}',
        '{"text":"a","words":[{"start":0,"end":1}]}',
        '{"text":"a","words":[{"word":"a","end":1}]}',
        '{"text":"a","words":[{"word":"a","start":"0","end":1}]}',
        '{"text":"a","words":[{"word":"a","start":true,"end":1}]}',
        '{"text":"a","words":[{"word":"a","start":NaN,"end":1}]}',
        '{"text":"a","words":[{"word":"a","start":0,"end":Infinity}]}',
        '{"text":"a","words":[{"word":"a","start":0,"end":1e999}]}',
        '{"text":"a","duration":NaN}',
        '{"text":"a","duration":"1"}',
    ],
)
def test_what_is_no_transcript_is_refused(payload: str) -> None:
    with pytest.raises(UnavailableError, match="transcript that cannot be read"):
        decode_transcript(load_json(payload))


SECONDS = st.floats(0, 1e6)


@given(st.lists(st.tuples(st.text("abcäß中👋", min_size=1), SECONDS, SECONDS)))
def test_what_one_side_sends_the_other_reads(rows: list[tuple[str, float, float]]) -> None:
    sent = Transcript(
        " ".join(word for word, _, _ in rows),
        tuple(WordTiming(word, min(times), max(times)) for word, *times in rows),
        "de",
        12.5,
    )

    payload = json.loads(json.dumps(encode_transcript(sent, words=True, request_id="r")))

    assert decode_transcript(payload) == sent
