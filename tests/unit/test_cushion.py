import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from cartesia_cli.audio.cushion import Cushion

RATE = 100
BLOCK = 10


def block(cushion: Cushion) -> list[float]:
    """What the listener gets next."""
    samples = np.full(BLOCK, np.nan, np.float32)
    cushion.fill(samples)
    return [float(sample) for sample in samples]


def sound(n: int, first: int = 1) -> NDArray[np.float32]:
    return np.arange(first, first + n, dtype=np.float32)


def test_nothing_is_heard_until_enough_waits() -> None:
    cushion = Cushion(RATE, start=0.3)

    cushion.add(sound(29))
    before = block(cushion)
    cushion.add(sound(1, first=30))

    assert before == [0.0] * BLOCK
    assert block(cushion) == list(range(1, 11))


def test_a_short_text_is_heard_as_soon_as_its_end_is_known() -> None:
    cushion = Cushion(RATE, start=0.3)

    cushion.add(sound(4))
    cushion.end()

    assert block(cushion) == [1.0, 2.0, 3.0, 4.0] + [0.0] * 6
    assert cushion.underruns == 0


def test_sound_that_comes_after_a_gap_is_an_underrun_and_the_cushion_grows() -> None:
    cushion = Cushion(RATE, start=0.1)
    cushion.add(sound(15))
    block(cushion)

    gap = block(cushion)
    cushion.add(sound(19))
    refilling = block(cushion)
    cushion.add(sound(1, first=20))

    assert gap == [11.0, 12.0, 13.0, 14.0, 15.0] + [0.0] * 5
    assert refilling == [0.0] * BLOCK
    assert (cushion.underruns, cushion.target) == (1, 0.2)
    assert block(cushion) == list(range(1, 11))


def test_an_end_that_is_known_late_is_no_underrun() -> None:
    cushion = Cushion(RATE, start=0.1)
    cushion.add(sound(15))
    block(cushion)
    block(cushion)
    block(cushion)

    cushion.end()
    block(cushion)
    cushion.add(sound(10))

    assert block(cushion) == list(range(1, 11))
    assert (cushion.underruns, cushion.target) == (0, 0.1)


def test_the_cushion_grows_up_to_a_limit() -> None:
    cushion = Cushion(RATE, start=0.1, most=0.3, capacity=1.0)

    for _ in range(5):
        cushion.add(sound(35))
        for _ in range(4):
            block(cushion)

    assert (cushion.underruns, cushion.target) == (4, 0.3)


def test_a_full_cushion_takes_what_fits() -> None:
    cushion = Cushion(RATE, start=0.1, most=0.4, capacity=0.5)

    assert cushion.add(sound(70)) == 50
    assert cushion.add(sound(1)) == 0
    block(cushion)
    assert cushion.add(sound(70)) == BLOCK


@given(
    st.lists(st.integers(0, 80), max_size=30),
    st.lists(st.integers(1, 60), min_size=1, max_size=30),
    st.sets(st.integers(0, 30)),
)
def test_what_comes_out_is_what_went_in(lengths: list[int], blocks: list[int], ends: set[int]) -> None:
    cushion = Cushion(RATE, start=0.1, most=0.2, capacity=0.5)
    sent: list[float] = []
    heard: list[float] = []

    def take(size: int) -> None:
        samples = np.full(size, np.nan, np.float32)
        n = cushion.fill(samples)
        heard.extend(samples[:n])
        assert not samples[n:].any()

    for turn, length in enumerate(lengths):
        samples = sound(length, first=len(sent) + 1)
        sent.extend(samples[: cushion.add(samples)])
        if turn in ends:
            cushion.end()
        take(blocks[turn % len(blocks)])
    cushion.end()
    while cushion.taken < cushion.put:
        take(7)

    assert heard == sent


def test_what_was_taken_and_not_heard_is_taken_again() -> None:
    cushion = Cushion(RATE, start=0.1, capacity=0.4, kept=0.2)
    cushion.add(sound(40))
    for _ in range(3):
        block(cushion)

    cushion.go_back(17)

    assert (cushion.taken, cushion.put, cushion.room) == (17, 40, 17)
    assert block(cushion) == list(range(18, 28))
    assert cushion.underruns == 0


def test_it_goes_back_no_farther_than_the_sound_is_kept() -> None:
    cushion = Cushion(RATE, start=0.1, capacity=0.4, kept=0.2)
    for first in (1, 41, 81):
        cushion.add(sound(40, first=first))
        for _ in range(4):
            block(cushion)

    cushion.go_back(0)

    assert (cushion.taken, cushion.room) == (60, 0)
    assert block(cushion) == list(range(61, 71))


def test_going_back_is_never_going_forward() -> None:
    cushion = Cushion(RATE, start=0.1)
    cushion.add(sound(40))
    block(cushion)

    cushion.go_back(30)

    assert block(cushion) == list(range(11, 21))


def test_after_seeking_only_what_comes_then_is_heard() -> None:
    cushion = Cushion(RATE, start=0.1)
    cushion.add(sound(40))
    block(cushion)

    cushion.seek(1000)
    silence = block(cushion)
    cushion.go_back(990)
    cushion.add(sound(20, first=1001))

    assert silence == [0.0] * BLOCK
    assert block(cushion) == list(range(1001, 1011))
    assert (cushion.taken, cushion.put, cushion.underruns) == (1010, 1020, 0)
