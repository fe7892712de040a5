"""What is kept of an utterance, and where jumps in it lead."""

import tracemalloc
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from cartesia_cli.audio.deck import Deck
from cartesia_cli.errors import OutputError
from cartesia_cli.models import WordTiming

RATE = 100

WORDS = [
    WordTiming("Well,", 0.04, 1.0),
    WordTiming("yes.", 1.0, 3.0),
    WordTiming("–", 3.0, 3.1),
    WordTiming("“No!”", 4.0, 6.0),
    WordTiming("e.g", 7.0, 7.5),
    WordTiming("やめて。", 7.5, 9.0),
    WordTiming("Why", 10.0, 11.0),
]
"""Sentences at 0.04, 4, 7 and 10 s."""


@pytest.fixture
def deck() -> Iterator[Deck]:
    """A deck with 12 s of sound."""
    deck = Deck(RATE)
    deck.add(ramp(12 * RATE), n_heard=0)
    yield deck
    deck.close()


def ramp(n: int, first: int = 0) -> NDArray[np.float32]:
    return np.arange(first, first + n, dtype=np.float32)


@pytest.mark.parametrize(
    ("here", "back", "forward"),
    [
        (0.0, 0.0, 4.0),
        (3.0, 0.0, 4.0),
        (4.0, 0.0, 7.0),
        (5.49, 0.0, 7.0),
        (5.51, 4.0, 7.0),
        (9.0, 7.0, 10.0),
        (9.98, 7.0, 12.0),
        (11.4, 7.0, 12.0),
        (11.6, 10.0, 12.0),
        (12.0, 10.0, 12.0),
    ],
)
def test_jumps_lead_to_the_starts_of_sentences(deck: Deck, here: float, back: float, forward: float) -> None:
    for word in WORDS:
        deck.add_words([word])

    assert deck.back(round(here * RATE)) == round(back * RATE)
    assert deck.forward(round(here * RATE)) == round(forward * RATE)


@pytest.mark.parametrize(
    ("here", "back", "forward"), [(0.0, 0.0, 5.0), (6.0, 1.0, 11.0), (8.0, 3.0, 12.0), (12.0, 7.0, 12.0)]
)
def test_without_words_a_jump_takes_five_seconds(
    deck: Deck, here: float, back: float, forward: float
) -> None:
    assert deck.back(round(here * RATE)) == round(back * RATE)
    assert deck.forward(round(here * RATE)) == round(forward * RATE)


def test_words_without_full_stops_are_no_sentence_of_minutes() -> None:
    deck = Deck(RATE)
    deck.add(ramp(50 * RATE), n_heard=0)
    deck.add_words([WordTiming("and", i, i + 1.0) for i in range(50)])

    assert (deck.back(25 * RATE), deck.forward(25 * RATE)) == (20 * RATE, 30 * RATE)
    assert (deck.back(15 * RATE), deck.forward(35 * RATE)) == (0, 50 * RATE)
    deck.close()


def test_a_sentence_that_has_no_sound_yet_is_the_end_of_what_there_is(deck: Deck) -> None:
    deck.add_words([*WORDS, WordTiming("not?", 11.0, 11.9), WordTiming("Because", 14.0, 15.0)])

    assert deck.forward(11 * RATE) == 12 * RATE


@given(
    sizes=st.lists(st.integers(0, 300), max_size=10),
    memory=st.sampled_from([1, 500, 100_000]),
    reads=st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 2000))),
)
def test_what_was_kept_is_read_again_in_memory_and_on_disk(
    sizes: list[int], memory: int, reads: list[tuple[int, int]]
) -> None:
    deck = Deck(RATE, memory=memory)
    n = 0
    for size in sizes:
        n += deck.add(ramp(size, n), n_heard=0)
        for start, length in reads:
            assert deck.read(start, length).tolist() == list(range(start, max(start, min(start + length, n))))

    assert deck.end == n == sum(sizes)
    deck.close()


def test_only_a_minute_waits_to_be_heard() -> None:
    deck = Deck(RATE)

    first = deck.add(ramp(100 * RATE), n_heard=0)
    full = deck.add(ramp(RATE), n_heard=0)
    later = deck.add(ramp(100 * RATE), n_heard=20 * RATE)

    assert (first, full, later) == (60 * RATE, 0, 20 * RATE)
    deck.close()


def test_after_clearing_the_numbers_go_on(deck: Deck) -> None:
    deck.add_words(WORDS)

    deck.clear(20 * RATE)
    deck.add(ramp(10 * RATE), n_heard=20 * RATE)

    assert deck.read(20 * RATE, 3).tolist() == [0.0, 1.0, 2.0]
    assert deck.back(22 * RATE) == 20 * RATE
    assert deck.back(28 * RATE) == 23 * RATE


def test_an_hour_takes_no_more_memory_than_some_minutes() -> None:
    deck = Deck(8000, memory=1 << 20)
    minute = np.zeros(60 * 8000, np.float32)
    deck.add(minute, n_heard=0)
    tracemalloc.start()
    for i in range(1, 60):
        deck.add(minute, n_heard=i * minute.size)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert deck.end == 60 * minute.size
    assert peak < 3 * minute.nbytes
    deck.close()


def test_a_full_disk_is_an_output_error() -> None:
    resource = pytest.importorskip("resource")
    deck = Deck(RATE, memory=1)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024, limits[1]))
    try:
        with pytest.raises(OutputError, match="Cannot keep the speech"):
            deck.add(ramp(20_000), n_heard=20_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        deck.close()
