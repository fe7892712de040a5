import base64
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import httpx
import pytest
from httpx_sse import EventSource
from hypothesis import example, given
from hypothesis import strategies as st

from cartesia_cli.api.sse import EventDecoder
from cartesia_cli.errors import CartesiaError, LimitError, UnavailableError
from cartesia_cli.models import AudioChunk, SpeechEvent, WordTiming, WordTimings
from cartesia_cli.wire import decode_event, values

WIRE = Path(__file__).parents[1] / "wire"
BOM = b"\xef\xbb\xbf"
DONE = b'event: done\ndata: {"type":"done","done":true,"status_code":206}\n\n'


def frame(pcm: bytes, **more: Any) -> bytes:
    data = {"type": "chunk", "data": base64.b64encode(pcm).decode(), "done": False, **more}
    return b"event: chunk\ndata: " + json.dumps(data).encode() + b"\n\n"


def decode(pieces: Iterable[bytes]) -> tuple[list[SpeechEvent], str | None]:
    """The events, and how the stream ended: "done", None where it just stopped, or the kind of error."""
    decoder = EventDecoder()
    events: list[SpeechEvent] = []
    try:
        for piece in pieces:
            events.extend(decoder.feed(piece))
    except CartesiaError as error:
        return events, type(error).__name__
    return events, "done" if decoder.done else None


def decode_by_the_book(stream: bytes) -> tuple[list[SpeechEvent], str | None]:
    """The same by httpx-sse, which knows no byte order mark, and the JSON parser alone."""
    events: list[SpeechEvent] = []
    answer = httpx.Response(
        200, headers={"Content-Type": "text/event-stream"}, content=stream.removeprefix(BOM)
    )
    for message in EventSource(answer).iter_sse():
        if not message.data:
            continue
        try:
            event = decode_event(message.data)
        except CartesiaError as error:
            return events, type(error).__name__
        if event is None:
            return events, "done"
        events.append(event)
    return events, None


def cut(stream: bytes, size: int) -> list[bytes]:
    return [stream[i : i + size] for i in range(0, len(stream), size)]


# ---- the property: every dialect, every fragmentation, the fast way and the slow way agree

keys = st.sampled_from(["type", "data", "done", "status_code", "step_time", "context_id", "future"])


@st.composite
def payloads(draw: st.DrawFn, kind: str) -> dict[str, Any]:
    """The fields of one event, in any order."""
    fields: dict[str, Any] = {
        "type": "chunk",
        "data": base64.b64encode(draw(st.binary(max_size=24))).decode(),
    }
    for key in draw(st.lists(keys, unique=True)):
        fields.setdefault(
            key, draw(st.sampled_from([False, 206, 12.5, None, "ä\u2028\"'\\/", {"data": ""}, [1]]))
        )
    match kind:
        case "words":
            fields = {"type": "timestamps", "word_timestamps": {"words": ["é"], "start": [0], "end": [1]}}
        case "future":
            fields["type"] = "future"
        case "empty":
            fields["data"] = ""
        case "bad":
            fields["data"] += "*"
        case "error":
            fields = {"type": "error", "status_code": 429, "data": "AAAA"}
        case _:
            pass
    return dict(draw(st.permutations(list(fields.items()))))


@st.composite
def messages(draw: st.DrawFn) -> tuple[str, bool]:
    """One event's JSON in any spelling, sometimes with a mistake; and whether its frame is a usual one."""
    kind = draw(
        st.sampled_from(["chunk"] * 12 + ["words", "future", "empty", "bad", "cut", "twice", "error"])
    )
    separators = draw(st.sampled_from([(",", ":"), (", ", ": "), (" , ", " : ")]))
    text = json.dumps(draw(payloads(kind)), ensure_ascii=draw(st.booleans()), separators=separators)
    if draw(st.booleans()):
        text = text.replace("/", "\\/")
    if kind == "cut":
        text = text[: draw(st.integers(0, len(text)))]
    elif kind == "twice":
        text = text[:-1] + draw(st.sampled_from([',"data":"AAAA"}', ',"type":"future"}']))
    return text, draw(st.booleans())


@st.composite
def streams(draw: st.DrawFn) -> bytes:
    """A whole answer: one dialect, with an exception here and there."""
    usual_end = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    usual_name = draw(
        st.sampled_from(
            ["event: chunk", "event:chunk", "", ": hello", "id: 7", "retry: 3", "datum: x", "event"]
        )
    )
    usual_space = draw(st.sampled_from([" ", ""]))
    stream = draw(st.sampled_from([b"", b"\xef\xbb\xbf", b"\n", b": hello\n\n"]))
    for data, usual in draw(st.lists(messages(), max_size=7)):
        end, name, space = usual_end, usual_name, usual_space
        if not usual:
            end = draw(st.sampled_from(["\n", "\r\n", "\r"]))
            name = draw(st.sampled_from(["event: chunk", "", "id: 7"]))
            space = draw(st.sampled_from([" ", ""]))
        lines = [name] if name else []
        split = draw(st.sampled_from([None] * 6 + [", ", '"']))
        if split and data.count(split) > 1:
            head, tail = data.split(split, 1)
            lines += [f"data:{space}{head}{split}", f"data:{space}{tail}"]
        else:
            lines.append(f"data:{space}{data}")
        lines += draw(st.sampled_from([[]] * 6 + [[": more"], ["id: 9"], ["data"]]))
        blank = draw(st.sampled_from([end] * 6 + ["\n", "\r\n"])) if end != "\r" else end
        stream += (end.join(lines) + end + blank).encode()
    if draw(st.booleans()):
        stream += DONE + draw(st.sampled_from([b"", b"data: [DONE]\n\n"]))
    return stream


@given(streams(), st.integers(1, 80), st.booleans())
@example(frame(b"\1\2\3\4") * 3 + DONE, 1, True)
@example((frame(b"\1\2\3\4") * 3).replace(b"\n", b"\r") + DONE, 1, True)
@example((frame(b"\1\2\3\4") * 3).replace(b"\n", b"\r\n") + DONE, 3, True)
@example(frame(b"abc") * 2 + frame(b"abc").replace(b"}", b',"time":0.5e-3}') + DONE, 99, True)
@example(
    frame(b"abc").replace(b"}", b',"t":1}') * 2 + frame(b"abc").replace(b"}", b',"t":-20.5}') + DONE, 9, True
)
@example(frame(b"abc").replace(b"}", b',"t":1}') * 2 + frame(b"abc").replace(b"}", b',"t":01}'), 99, True)
@example(frame(b"abc").replace(b"}", b',"t":1.5}') * 2 + frame(b"abc").replace(b"}", b',"t":1.}'), 99, True)
@example(
    frame(b"abc").replace(b"}", b',"a1":0}') * 2 + frame(b"abc").replace(b"}", b',"a2":0}') + DONE, 99, True
)
@example(
    frame(b"abc").replace(b"}", b',"\\u0041":0}') * 2 + frame(b"abc").replace(b"}", b',"\\u4":0}'), 99, True
)
def test_the_fast_way_agrees_with_the_slow_way(stream: bytes, size: int, fast: bool) -> None:
    values.FAST = fast
    try:
        assert decode(cut(stream, size)) == decode_by_the_book(stream)
    finally:
        values.FAST = True


def test_frames_that_look_alike_take_the_fast_way(monkeypatch: pytest.MonkeyPatch) -> None:
    decoder = EventDecoder()
    first, *others = [frame(bytes([i]) * 9, step_time=i / 7, context_id="x") for i in range(50)]
    events = list(decoder.feed(first))

    monkeypatch.setitem(sys.modules, "httpx_sse", None)  # from here on the slow way ends in an ImportError
    events += [event for piece in cut(b"".join(others), 41) for event in decoder.feed(piece)]

    assert events == [AudioChunk(bytes([i]) * 9) for i in range(50)]


# ---- the golden streams, at every cut


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 64, 10_000])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_the_documented_stream_is_decoded_at_every_cut(size: int, end: str) -> None:
    stream = (WIRE / "speech.sse").read_bytes().replace(b"\n", end.encode())

    events, ending = decode(cut(b"\xef\xbb\xbf" + stream, size))

    assert ending == "done"
    assert events[:2] == [
        AudioChunk(b"\0\0\1\0\xff\xff"),
        WordTimings((WordTiming("Good", 0.04, 0.29), WordTiming("day.", 0.31, 0.66))),
    ]
    assert events[3:] == [AudioChunk(b"\1\0\2\0")]


def test_what_came_before_an_error_is_not_lost() -> None:
    decoder = EventDecoder()
    events = decoder.feed((WIRE / "error.sse").read_bytes())

    assert next(events) == AudioChunk(b"\0\1\2\3")
    with pytest.raises(
        LimitError, match=r"Too many requests at once: Your plan allows 2 at a time\."
    ) as caught:
        next(events)
    assert caught.value.code == "concurrency_limited"


def test_a_stream_that_just_stops_was_not_done() -> None:
    decoder = EventDecoder()

    assert list(decoder.feed((WIRE / "cut.sse").read_bytes())) == [AudioChunk(b"\0\1\2\3")]
    with pytest.raises(UnavailableError, match="before it was done"):
        decoder.close()


def test_done_without_its_blank_line_is_not_done() -> None:
    assert decode([frame(b"ab"), DONE[:-1]]) == ([AudioChunk(b"ab")], None)


def test_what_follows_done_is_ignored() -> None:
    assert decode([frame(b"ab") + DONE + b"\xff\xff nonsense\n\n", frame(b"cd")]) == (
        [AudioChunk(b"ab")],
        "done",
    )


@pytest.mark.parametrize(
    "broken",
    [
        frame(b"abcd").replace(b"YWJj", b"YW*j"),
        frame(b"abcd").replace(b'"data"', b'"dat\xff"'),
        frame(b"abcd").replace(b"}", b""),
        frame(b"abcd").replace(b"YWJj", b"YW\nj"),
        frame(b"abcd", note=1).replace(b'"note": 1', b'"note": "\xed\xa0\x80"'),
    ],
)
def test_a_broken_event_among_whole_ones_is_an_error(broken: bytes) -> None:
    good = frame(b"good")

    for size in (1, 10, 10_000):
        assert decode(cut(good * 3 + broken + good + DONE, size)) == (
            [AudioChunk(b"good")] * 3,
            "UnavailableError",
        )


@pytest.mark.parametrize("start", [b"event: chunk\ndata: ", frame(b"abcd") + frame(b"abcd")[:-30]])
def test_an_event_without_an_end_is_given_up(start: bytes) -> None:
    decoder = EventDecoder(max_frame=100_000)
    list(decoder.feed(start))

    with pytest.raises(UnavailableError, match="does not end"):
        for _ in range(20):
            list(decoder.feed(b"A" * 10_000))


def test_keep_alive_comments_are_no_events() -> None:
    assert decode(
        [b":\n\n", frame(b"ab"), b": still here\n\n", b"event: ping\n\n", b"id: 5\n\n", frame(b"cd"), DONE]
    ) == (
        [AudioChunk(b"ab"), AudioChunk(b"cd")],
        "done",
    )
