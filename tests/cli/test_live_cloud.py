"""What ``transcribe --live`` asks of the API: api.md E, cli.md sections 2, 3 and 6."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.cli.live import LEFT, ON, RATE, RAW, TALK, Ear, asked, env, final, message, sound
from tests.cli.program import KEY, Program, Result, assert_failure
from tests.fakes.sockets import Refusal, SocketServer

SOUND = sound(1)


def live(run: Program, server: SocketServer, *options: object, path: str = "", **others: Any) -> Result:
    """Listen to a second of sound."""
    variables = env(server, path) | others.pop("env", {})
    return run("transcribe", "--live", "-", *RAW, *options, env=variables, **({"stdin": SOUND} | others))


def query_of(run: Program, *options: object, **others: Any) -> tuple[str, dict[str, list[str]], Result]:
    """Return path and query of the one handshake that options lead to, and the result."""
    end = None if "--turns" in options else message("done")
    with SocketServer(Ear(end=end)) as server:
        result = live(run, server, *options, **others)
    assert result.status == 0, result.stderr
    [peer] = server.peers
    return *asked(peer), result


USUAL = {
    "model": ["ink-whisper"],
    "language": ["en"],
    "encoding": ["pcm_s16le"],
    "sample_rate": [str(RATE)],
}


def test_the_handshake_says_what_comes(run: Program) -> None:
    path, query, _ = query_of(run)

    assert path == "/stt/websocket"
    query.pop("cartesia_version", None)
    assert query == USUAL


def test_the_key_is_in_a_header_and_nowhere_else(run: Program) -> None:
    with SocketServer(Ear(final("Hi.", 0, 1))) as server:
        result = live(run, server, "--verbose", "--verbose", "--log-file", "log.txt")

    [peer] = server.peers
    assert peer.headers["Authorization"] == f"Bearer {KEY}"
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", peer.headers["Cartesia-Version"])
    assert KEY not in peer.path
    assert "key" not in peer.path
    assert KEY not in (run.folder / "log.txt").read_text("utf-8")
    assert result.status == 0


def test_the_sound_is_sent_unchanged_and_then_the_end(run: Program) -> None:
    ear = Ear()
    with SocketServer(ear) as server:
        live(run, server)

    assert bytes(ear.sound) == SOUND
    assert ear.commands == ["close"]
    assert all(size % 2 == 0 for size in ear.frames)
    assert set(ear.frames[:-1]) == {RATE // 10 * 2}  # a tenth of a second, as is recommended


def test_every_option_reaches_the_query(run: Program) -> None:
    given = ["--min-volume", "0.15", "--max-silence", "1.25", "--keyterm", "Grüße", "--keyterm", "a & b=c"]

    path, query, result = query_of(run, *given, "--model", "ink-x", "--language", "de")

    assert path == "/stt/websocket"
    assert query.pop("keyterm") == ["Grüße", "a & b=c"]
    query.pop("cartesia_version", None)
    assert query == USUAL | {
        "model": ["ink-x"],
        "language": ["de"],
        "min_volume": ["0.15"],
        "max_silence_duration_secs": ["1.25"],
    }
    assert result.stderr == ""


@pytest.mark.parametrize(
    ("option", "values"), {"--min-volume": ("0", "1"), "--max-silence": ("0.1", "5")}.items()
)
def test_the_ends_of_a_range_are_within_it(run: Program, option: str, values: tuple[str, str]) -> None:
    for value in values:
        _, query, _ = query_of(run, option, value)
        assert [value] in query.values()


def test_the_environment_is_minded(run: Program) -> None:
    variables = {"CARTESIA_STT_MODEL": "ink-env", "CARTESIA_LANGUAGE": "fr"}

    _, query, _ = query_of(run, env=variables)

    assert (query["model"], query["language"]) == (["ink-env"], ["fr"])


@pytest.mark.parametrize("base", ["/v1/speech", "/v1/speech/"])
def test_the_path_of_the_base_url_stays(run: Program, base: str) -> None:
    path, _, _ = query_of(run, path=base)

    assert path == "/v1/speech/stt/websocket"


def test_a_server_on_loopback_needs_no_key(run: Program) -> None:
    with SocketServer(Ear(final("Hi.", 0, 1))) as server:
        result = run("transcribe", "--live", "-", *RAW, "--base-url", server.url, stdin=SOUND)

    assert (result.status, result.text) == (0, "Hi.\n")
    assert "Authorization" not in server.peers[0].headers


def test_own_headers_are_sent(run: Program) -> None:
    with SocketServer(Ear()) as server:
        live(run, server, env={"CARTESIA_CUSTOM_HEADERS": "X-Team: radio"})

    assert server.peers[0].headers["X-Team"] == "radio"


def test_cloud_without_a_key_is_status_3(run: Program) -> None:
    result = run("transcribe", "--live", "-", *RAW, "--engine", "cloud", stdin=SOUND)

    assert_failure(result, 3, "hint: ")


# Turns

TURNS = (
    message("connected"),
    message("turn.start"),
    (0.2, message("turn.update", transcript="Could you")),
    (0.4, message("turn.eager_end", transcript="Could you move it?")),
    (0.5, message("turn.resume")),
    (0.7, message("turn.end", transcript="Could you move it to Friday?")),
    message("turn.start"),
    message("turn.update", transcript="Sure"),
    message("turn.end", transcript="Sure."),
)


def test_turns_are_lines(run: Program) -> None:
    ear = Ear(*TURNS, end=None)
    with SocketServer(ear) as server:
        result = live(run, server, "--turns")

    assert (result.status, result.stderr) == (0, "")
    assert result.text == "Could you move it to Friday?\nSure.\n"
    assert json.loads(ear.commands[0]) == {"type": "close"}
    assert bytes(ear.sound) == SOUND


def test_turns_are_json(run: Program) -> None:
    with SocketServer(Ear(*TURNS, end=None)) as server:
        finals = live(run, server, "--turns", "--json")
        everything = live(run, server, "--turns", "--json", "--interim")

    assert finals.events == [
        {"type": "turn", "text": "Could you move it to Friday?"},
        {"type": "turn", "text": "Sure."},
    ]
    assert [(e["type"], e["text"]) for e in everything.events] == [
        ("interim", "Could you"),
        ("interim", "Could you move it?"),
        ("turn", "Could you move it to Friday?"),
        ("interim", "Sure"),
        ("turn", "Sure."),
    ]


def test_turns_have_a_socket_and_a_model_of_their_own(run: Program) -> None:
    path, query, _ = query_of(run, "--turns", "--keyterm", "Bo", path="/base")

    assert path == "/base/stt/turns/websocket"
    assert query["model"] == ["ink-2"]
    assert query["keyterm"] == ["Bo"]
    assert (query["encoding"], query["sample_rate"]) == (["pcm_s16le"], [str(RATE)])
    assert not {"language", "min_volume", "max_silence_duration_secs"} & set(query)


def test_turns_take_the_model_that_is_asked_for(run: Program) -> None:
    _, query, _ = query_of(run, "--turns", "--model", "ink-3")

    assert query["model"] == ["ink-3"]


def test_turns_know_their_longest_pause(run: Program) -> None:
    _, query, _ = query_of(run, "--turns", "--max-silence", "2.5")

    assert query["turn_end_timeout_ms"] == ["2500"]


def test_turns_warn_of_what_they_do_not_know(run: Program) -> None:
    _, query, result = query_of(run, "--turns", "--min-volume", "0.1")

    assert "min_volume" not in query
    assert len(result.lines) == 1
    assert "--min-volume" in result.stderr


@pytest.mark.parametrize(
    "options", [["--words"], *(["--format", f] for f in ("srt", "vtt", "ass", "tsv"))], ids=" ".join
)
def test_turns_have_no_times(run: Program, options: list[str]) -> None:
    with SocketServer(Ear(end=None)) as server:
        result = live(run, server, "--turns", *options)

    assert_failure(result, 2, options[-1])
    assert server.n_handshakes == 0


def test_turns_with_times_are_refused_by_the_ending_too(run: Program, folder: Path) -> None:
    with SocketServer(Ear(end=None)) as server:
        assert_failure(live(run, server, "--turns", "-o", "a.srt"), 2, "srt")
        assert_failure(live(run, server, "--turns", "--language", "de"), 2, "English")
    assert list(folder.iterdir()) == []
    assert server.n_handshakes == 0


# What a newer or an older API may say


def test_messages_that_are_not_known_are_passed_over(run: Program) -> None:
    strange = [message("speech_started", at=1), message("flush_done"), message("usage", credits=2)]
    with SocketServer(Ear(*strange, final("Hi.", 0, 1, speaker=2))) as server:
        assert live(run, server).text == "Hi.\n"


def test_a_server_that_ends_without_done_has_ended(run: Program) -> None:
    """A normal closure after ``close`` is the end, too."""
    with SocketServer(Ear(final("Hi.", 0, 1), end=None)) as server:
        result = live(run, server)

    assert (result.status, result.text) == (0, "Hi.\n")


def test_the_handshake_is_tried_again(run: Program) -> None:
    ear = Ear(*TALK)
    with SocketServer(Refusal(503, headers=(("retry-after-ms", "1"),)), ear) as server:
        result = live(run, server, stdin=sound(5))

    assert (result.status, result.text) == (0, f"{LEFT}\n{ON}\n")
    assert server.n_handshakes == 2
    assert bytes(ear.sound) == sound(5), "no sound may be lost by that"
