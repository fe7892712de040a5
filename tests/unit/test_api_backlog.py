"""What waits to be taken: in order and whole, wherever it lies."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cartesia_cli.api.backlog import Backlog
from cartesia_cli.errors import OutputError
from cartesia_cli.models import AudioChunk, Flushed, SpeechEvent


@given(st.lists(st.one_of(st.integers(1, 40), st.just(None), st.just(-1))), st.integers(1, 50))
def test_it_gives_what_it_got_in_order(steps: list[int | None], n_bytes: int) -> None:
    backlog = Backlog(memory=64)
    got: list[SpeechEvent] = []
    given_: list[SpeechEvent] = []
    for i, step in enumerate(steps):
        if step is None:
            got += backlog.take(n_bytes)
            continue
        event = Flushed() if step < 0 else AudioChunk(bytes([i % 256]) * step)
        given_.append(event)
        backlog.add(event)
    while backlog:
        got += backlog.take(n_bytes)

    assert got == given_
    assert backlog.n_bytes == 0
    backlog.clear()


def test_what_is_too_much_for_memory_waits_in_a_file_without_a_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    backlog = Backlog(memory=1_000)
    for i in range(100):
        backlog.add(AudioChunk(bytes([i]) * 100))

    assert list(tmp_path.iterdir()) == []
    assert backlog.n_bytes == 10_000
    taken = backlog.take(10_000)
    assert taken == [AudioChunk(bytes([i]) * 100) for i in range(100)]
    backlog.clear()


def test_without_space_it_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    backlog = Backlog(memory=10)

    with pytest.raises(OutputError, match="cannot be kept") as caught:
        backlog.add(AudioChunk(bytes(11)))

    assert caught.value.hint
