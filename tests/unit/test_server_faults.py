import json
import time
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cartesia_cli.errors import UsageError
from cartesia_cli.models import AudioFormat
from cartesia_cli.server.faults import Fault, FaultPlan, parse_fault, split_bytes, split_characters
from tests.fakes.known import DEFAULT_VOICE, known_samples
from tests.fakes.server import running_server

TEXT = "Grüße aus Köln"
BODY = {
    "model_id": "sonic-3",
    "transcript": TEXT,
    "voice": DEFAULT_VOICE,
    "output_format": {"container": "raw", "encoding": "pcm_f32le", "sample_rate": 8_000},
    "add_timestamps": True,
}
EXPECTED = known_samples(TEXT, AudioFormat(sample_rate=8_000))


@pytest.mark.parametrize(
    ("spec", "fault"),
    [
        ("429", Fault("429")),
        ("429*2", Fault("429", times=2)),
        ("500=html@25%", Fault("500", "html", chance=0.25)),
        ("503=1.5", Fault("503", "1.5")),
        ("429=50ms*1", Fault("429", "50ms", times=1)),
        ("drop@30%", Fault("drop", chance=0.3)),
        ("drop=20000*1@50%", Fault("drop", "20000", times=1, chance=0.5)),
        ("/tts/sse:stall", Fault("stall", path="/tts/sse")),
        ("stall=0", Fault("stall", "0")),
        ("cut", Fault("cut")),
        ("slow=2x", Fault("slow", "2x")),
        ("slow=0.5x", Fault("slow", "0.5x")),
        ("slow=20ms", Fault("slow", "20ms")),
        ("split=7", Fault("split", "7")),
        ("cut-utf8", Fault("cut-utf8")),
        ("garbage*1", Fault("garbage", times=1)),
        ("close", Fault("close")),
        ("/stt:close=1012,300*2@50%", Fault("close", "1012,300", "/stt", 2, 0.5)),
    ],
)
def test_a_fault_is_read(spec: str, fault: Fault) -> None:
    assert parse_fault(spec) == fault


@pytest.mark.parametrize(
    "spec",
    [
        "", "429*", "200", "399", "600", "explode", "drop=soon", "drop=-1", "cut=x", "slow=2", "slow=fast",
        "split=0", "cut-utf8=1", "429@101%", "429@30", "tts:429", "429=maybe", "429 ", "4²9", "429@30%*2",
    ],
)  # fmt: skip
def test_what_is_no_fault_is_refused(spec: str) -> None:
    with pytest.raises(UsageError, match="--fault"):
        parse_fault(spec)


@pytest.mark.parametrize(
    ("path", "covered"),
    [
        ("/voices", True),
        ("/voices/", True),
        ("/voices/1", True),
        ("/voicesome", False),
        ("/", False),
        ("", False),
    ],
)
def test_a_path_covers_what_lies_below(path: str, covered: bool) -> None:
    assert Fault("429", path="/voices").covers(path) == covered
    assert Fault("429").covers(path)


def test_the_same_seed_strikes_the_same_requests_whatever_other_paths_are_asked_for() -> None:
    faults = [Fault("drop", path="/tts", chance=0.3)]
    alone, mixed, other = FaultPlan(faults, 1), FaultPlan(faults, 1), FaultPlan(faults, 2)

    def strikes(plan: FaultPlan, between: int) -> list[bool]:
        found = []
        for _ in range(500):
            found.append(plan.strike("/tts/sse") is not None)
            assert all(plan.strike("/voices") is None for _ in range(between))
        return found

    first = strikes(alone, 0)
    assert first == strikes(mixed, 2)
    assert first != strikes(other, 0)
    assert 100 < sum(first) < 200


def test_a_fault_strikes_no_more_often_than_it_says_and_then_the_next_one_does() -> None:
    plan = FaultPlan([Fault("429", times=2), Fault("500", times=1)])

    struck = [plan.strike("/") for _ in range(4)]

    assert [fault and fault.kind for fault in struck] == ["429", "429", "500", None]


@given(st.text(), st.integers(1, 9))
def test_pieces_are_the_whole_and_end_inside_characters(text: str, size: int) -> None:
    body = text.encode()
    pieces = list(split_characters(body))

    assert b"".join(split_bytes(body, size)) == body
    assert b"".join(pieces) == body
    assert len(pieces) == 1 + sum(len(character.encode()) > 1 for character in text)


def ask(url: str, path: str = "/tts/bytes", **options: Any) -> httpx.Response:
    return httpx.post(url + path, json=BODY, **options)


def test_statuses_come_so_many_times_and_then_all_is_well() -> None:
    with running_server(
        faults=["429=0.2*1", "500=never*1", "503=30ms*1", "502=html*1", "500=empty*1"]
    ) as server:
        answers = [ask(server.url) for _ in range(6)]

    assert [answer.status_code for answer in answers] == [429, 500, 503, 502, 500, 200]
    assert answers[0].json()["error_code"] == "concurrency_limited"
    assert answers[0].headers["retry-after"] == "0.2"
    assert answers[1].headers["x-should-retry"] == "false"
    assert answers[2].headers["retry-after-ms"] == "30"
    assert "retry-after" not in answers[2].headers
    assert answers[3].text.startswith("<html>")
    assert answers[4].content == b""
    assert answers[5].content == EXPECTED


def test_a_fault_has_the_body_of_the_version_asked_for() -> None:
    with running_server(faults=["429"]) as server:
        answer = ask(server.url, headers={"cartesia-version": "2024-11-13"})

    assert answer.text == "Fault: A fault was asked for: 429."


@pytest.mark.parametrize("prefix", ["", "/cartesia"])
def test_a_fault_strikes_its_own_path_only(prefix: str) -> None:
    with running_server(prefix=prefix, faults=["/tts/sse:500"]) as server:
        assert ask(server.url, "/tts/sse").status_code == 500
        assert ask(server.url, "/tts/sse/").status_code == 500
        assert ask(server.url, "/tts/bytes").status_code == 200


@pytest.mark.parametrize("path", ["/tts/bytes", "/tts/sse"])
def test_a_dropped_connection_has_no_answer(path: str) -> None:
    with running_server(faults=["drop*1"]) as server:
        # A reset where the request had not been read to its end.
        with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError), match=r"without sending|reset by"):
            ask(server.url, path)

        assert ask(server.url, path).status_code == 200


@pytest.mark.parametrize("n_bytes", [0, 1, 1000, len(EXPECTED)])
def test_a_connection_drops_after_so_many_bytes(n_bytes: int) -> None:
    received = bytearray()
    with (
        running_server(faults=[f"drop={n_bytes}"]) as server,
        pytest.raises(httpx.RemoteProtocolError, match="incomplete chunked read"),
        httpx.stream("POST", server.url + "/tts/bytes", json=BODY) as response,
    ):
        for piece in response.iter_raw():
            received += piece

    assert response.status_code == 200
    assert received == EXPECTED[:n_bytes]


@pytest.mark.parametrize("n_bytes", [0, 1, 1000])
def test_a_body_is_cut_as_if_it_were_complete(n_bytes: int) -> None:
    with running_server(faults=[f"cut={n_bytes}"]) as server:
        answer = ask(server.url)
        listed = httpx.get(server.url + "/voices")

    assert answer.content == EXPECTED[:n_bytes]
    assert len(listed.content) == n_bytes


def test_nothing_is_ever_answered() -> None:
    with running_server(faults=["stall"]) as server, pytest.raises(httpx.ReadTimeout):
        ask(server.url, timeout=0.2)


def test_a_body_stalls_after_so_many_bytes() -> None:
    received = bytearray()
    with (
        running_server(faults=["stall=1000"]) as server,
        pytest.raises(httpx.ReadTimeout),
        httpx.stream("POST", server.url + "/tts/bytes", json=BODY, timeout=0.3) as response,
    ):
        for piece in response.iter_raw():
            received += piece

    assert received == EXPECTED[:1000]


@pytest.mark.parametrize("spec", ["split=997", "cut-utf8", "slow=1x", "slow=0ms"])
@pytest.mark.parametrize("path", ["/tts/bytes", "/tts/sse", "/voices"])
def test_harmless_faults_change_no_byte(path: str, spec: str) -> None:
    method = "GET" if path == "/voices" else "POST"
    with running_server() as whole, running_server(faults=[spec]) as faulty:
        expected, answer = (httpx.request(method, s.url + path, json=BODY) for s in (whole, faulty))

    assert answer.status_code == 200
    assert _without_times(answer.text) == _without_times(expected.text)


def test_a_character_of_several_bytes_comes_in_two_pieces() -> None:
    with (
        running_server(faults=["cut-utf8"]) as server,
        httpx.stream("POST", server.url + "/tts/sse", json=BODY) as response,
    ):
        pieces = list(response.iter_raw())

    assert sum(piece[-1] >= 0xC2 for piece in pieces) == len("üßö")


def test_an_event_stream_begins_with_an_event_that_is_no_json() -> None:
    with running_server(faults=["garbage"]) as server:
        garbage, first, *_ = ask(server.url, "/tts/sse").text.split("\n\n")

    assert garbage.startswith("event: chunk\ndata: {")
    with pytest.raises(ValueError, match="Unterminated string"):
        json.loads(garbage.partition("data: ")[2])
    assert json.loads(first.partition("data: ")[2])["type"] == "chunk"


def test_an_answer_that_should_be_json_is_none() -> None:
    with running_server(faults=["/voices:garbage"]) as server:
        answer = httpx.get(server.url + "/voices")
        sound = ask(server.url)

    with pytest.raises(ValueError, match="delimiter"):
        answer.json()
    assert sound.content == EXPECTED


def test_closing_a_socket_harms_no_request() -> None:
    with running_server(faults=["close=1011"]) as server:
        assert ask(server.url).content == EXPECTED


def test_a_slow_answer_waits_before_each_piece() -> None:
    with running_server(faults=["slow=40ms"]) as server:
        began = time.monotonic()
        ask(server.url)

        assert time.monotonic() - began >= 3 * 0.04


def _without_times(text: str) -> str:
    import re

    return re.sub(r'"step_time":[\d.]+', "", text)
