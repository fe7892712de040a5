from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cartesia_cli.captions import Cue, Subtitles, format_captions, read_captions
from cartesia_cli.captions.retiming import Clock, parse_frame_rates, parse_shift, parse_stretch, retime
from cartesia_cli.errors import UsageError
from cartesia_cli.models import PhonemeTiming, WordTiming

SHIFTS = st.integers(0, 10_000_000).map(Fraction)
FACTORS = st.fractions(Fraction(1, 4), 4, max_denominator=1001)


@st.composite
def touching_cues(draw: st.DrawFn) -> list[Cue]:
    """Cues of which each begins where the one before ends: where rounding shows."""
    steps = draw(st.lists(st.integers(1, 9999), min_size=1, max_size=12))
    times = [0, *(sum(steps[: index + 1]) for index in range(len(steps)))]
    return [
        Cue(start, end, ("Hi",), (WordTiming("Hi", start / 1000, end / 1000),))
        for start, end in pairwise(times)
    ]


@settings(deadline=None, max_examples=40)
@given(cues=touching_cues(), first=SHIFTS, second=SHIFTS)
def test_two_shifts_are_one(cues: list[Cue], first: Fraction, second: Fraction) -> None:
    subtitles = Subtitles.of(cues)

    twice = retime(retime(subtitles, Clock(shift=first)), Clock(shift=second))

    assert twice == retime(subtitles, Clock(shift=first + second))


@settings(deadline=None, max_examples=40)
@given(cues=touching_cues(), shift=SHIFTS)
def test_a_shift_there_and_back_changes_nothing(cues: list[Cue], shift: Fraction) -> None:
    subtitles = Subtitles.of(cues)

    assert retime(retime(subtitles, Clock(shift=shift)), Clock(shift=-shift)) == subtitles


@settings(deadline=None, max_examples=40)
@given(cues=touching_cues(), factor=st.fractions(1, 4, max_denominator=1001))
def test_a_stretch_there_and_back_changes_at_most_a_millisecond(cues: list[Cue], factor: Fraction) -> None:
    subtitles = Subtitles.of(cues)

    back = retime(retime(subtitles, Clock(stretch=factor)), Clock(stretch=1 / factor))

    for old, new in zip(subtitles.cues or (), back.cues or (), strict=True):
        assert abs(old.start - new.start) <= 1
        assert abs(old.end - new.end) <= 1


@pytest.mark.parametrize("name", ["srt", "ass"])
@settings(deadline=None, max_examples=40)
@given(cues=touching_cues(), factor=FACTORS, shift=SHIFTS)
def test_rounding_makes_no_overlap(name: str, cues: list[Cue], factor: Fraction, shift: Fraction) -> None:
    retimed = retime(Subtitles.of(cues), Clock(factor, shift)).cues or ()

    read = read_captions(name, format_captions(name, retimed))
    assert all(a.end == b.start for a, b in pairwise(read))


@settings(deadline=None, max_examples=40)
@given(cues=touching_cues(), factor=FACTORS, shift=st.integers(-50_000, 50_000).map(Fraction))
def test_words_move_with_their_cues_and_nothing_is_before_0(
    cues: list[Cue], factor: Fraction, shift: Fraction
) -> None:
    retimed = retime(Subtitles.of(cues), Clock(factor, shift))

    for cue in retimed.cues or ():
        assert 0 <= cue.start <= cue.end
        assert [(round(w.start * 1000), round(w.end * 1000)) for w in cue.words] == [(cue.start, cue.end)]


def test_what_crosses_0_begins_there_and_what_is_before_is_left_out() -> None:
    cues = [Cue(0, 1000, ("a",)), Cue(1000, 3000, ("b c",)), Cue(3000, 4000, ("d",))]

    retimed = retime(Subtitles.of(cues), Clock(shift=Fraction(-2000)))

    assert [(cue.start, cue.end, cue.text) for cue in retimed.cues or ()] == [
        (0, 1000, "b c"),
        (1000, 2000, "d"),
    ]
    assert [(word.word, word.start) for word in retimed.words] == [("c", 0.0), ("d", 1.0)]
    assert retimed.text is None


def test_phonemes_and_the_duration_move_too() -> None:
    subtitles = Subtitles(
        None, (WordTiming("a", 1, 2),), duration=3.0, phonemes=(PhonemeTiming("æ", 1, 1.5),)
    )

    retimed = retime(subtitles, Clock(Fraction(2), Fraction(500)))

    assert retimed.words == (WordTiming("a", 2.5, 4.5),)
    assert retimed.phonemes == (PhonemeTiming("æ", 2.5, 3.5),)
    assert retimed.duration == 6.5


@pytest.mark.parametrize(
    ("text", "factor"),
    [
        ("25:24", Fraction(25, 24)),
        ("25:23.976", Fraction(25) / Fraction(24000, 1001)),
        ("23.98:25", Fraction(24000, 1001) / 25),
        ("29.97:30", Fraction(1000, 1001)),
        ("30000/1001:59.94", Fraction(1, 2)),
        ("12.5:25", Fraction(1, 2)),
    ],
)
def test_frame_rates_are_what_television_means(text: str, factor: Fraction) -> None:
    assert parse_frame_rates(text) == factor


@pytest.mark.parametrize(
    "text", ["25", "25:", "0:25", "25:0", "25:24:23", "a:b", "-25:24", "25:1e9", "inf:1"]
)
def test_frame_rates_of_another_form_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--fps"):
        parse_frame_rates(text)


@pytest.mark.parametrize(
    ("text", "shift"), [("1.5", 1500), ("-0.04", -40), ("+2", 2000), (".5", 500), ("3.", 3000)]
)
def test_a_shift_is_in_seconds(text: str, shift: int) -> None:
    assert parse_shift(text) == shift


@pytest.mark.parametrize("text", ["", "1,5", "1e9", "nan", "00:01", "1 s", "٣"])
def test_another_shift_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--shift"):
        parse_shift(text)


@pytest.mark.parametrize("text", ["0", "-1", "1/0", "two", "1e3", ""])
def test_a_stretch_that_is_no_factor_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--stretch"):
        parse_stretch(text)


def test_a_stretch_is_a_number_or_a_ratio() -> None:
    assert parse_stretch("1.001") == Fraction(1001, 1000)
    assert parse_stretch("25/24") == Fraction(25, 24)
