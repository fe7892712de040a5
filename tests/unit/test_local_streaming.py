import itertools
import re
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cartesia_cli.errors import RequestError, UsageError
from cartesia_cli.local.engine import LocalEngine
from cartesia_cli.local.speakable import survey
from cartesia_cli.local.streaming import arriving_elements
from cartesia_cli.local.text import Sentence, sentences, sentences_of
from cartesia_cli.models import (
    AudioChunk,
    AudioFormat,
    Encoding,
    Flush,
    Flushed,
    PhonemeTiming,
    PhonemeTimings,
    SpeechEvent,
    SpeechRequest,
    SpeechWarning,
    TextPiece,
    WordTiming,
    WordTimings,
)

if TYPE_CHECKING:
    from cartesia_cli.engines import Synthesizer

FORMAT = AudioFormat(Encoding.PCM_S16LE, 44_100)
STORY = (
    'Dr. Fox has 3.5 boats. <speed ratio="1.4"/>They go fast! <volume ratio="0.6"/>One is quiet.\n\n'
    "</speed> A <spell>AB12</spell> is <<h|ə|l|oʊ>>, is a < b?<break time='300ms'/> No <b>way</b> …  it ends"
)
FRAGMENTS = [
    *(" ", " ", "  ", "\n", "\n\n", "\r\n", "\r", "Hello", "world.", "Dr.", "No.", "5", "A", "I", "e.g."),
    *(
        "<",
        "<<",
        ">",
        ">>",
        "|",
        "[",
        "[laughter]",
        "<speed ratio='1.5'/>",
        "</speed>",
        "<volume ratio=0.5/>",
    ),
    *("<break time='1s'/>", "<spell>", "</spell>", "AB", "<!--", "-->", "<b>", "<br/>", "<p", "=", '"', "'"),
    *("/", "speed", "ratio", "1.5", "<?", "?>", "h|ə", "日本", "\x07", "\ud83d", "-", "- ", "!", ","),
    *("x" * 150, "\u00a0"),
]


def request(transcript: str = "", **options: Any) -> SpeechRequest:
    fields: dict[str, Any] = {
        "voice_id": "heart",
        "format": FORMAT,
        "word_timestamps": True,
        "phoneme_timestamps": True,
        **options,
    }
    return SpeechRequest(transcript, **fields)


def sound(events: Iterable[SpeechEvent]) -> bytes:
    return b"".join(event.data for event in events if isinstance(event, AudioChunk))


def timings(events: Iterable[SpeechEvent]) -> list[WordTiming | PhonemeTiming]:
    found: list[WordTiming | PhonemeTiming] = []
    for event in events:
        if isinstance(event, WordTimings):
            found += event.words
        elif isinstance(event, PhonemeTimings):
            found += event.phonemes
    return found


def warnings(events: Iterable[SpeechEvent]) -> list[str]:
    return [event.message for event in events if isinstance(event, SpeechWarning)]


def words(events: Iterable[SpeechEvent]) -> list[str]:
    return [timing.word for timing in timings(events) if isinstance(timing, WordTiming)]


def timing_of(word: str, events: Iterable[SpeechEvent]) -> WordTiming:
    return next(t for t in timings(events) if isinstance(t, WordTiming) and t.word == word)


@pytest.fixture(scope="module")
def engine() -> Iterator[LocalEngine]:
    engine = LocalEngine()
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def whole(engine: LocalEngine) -> list[SpeechEvent]:
    return [*engine.synthesize(request(STORY))]


# ---- the same speech, whichever way the text is cut


@pytest.mark.parametrize(
    "pieces",
    [
        [STORY],
        list(STORY),
        re.split(r"(?<= )", STORY),
        re.split(r"(?= )", STORY),
        re.split(r"(?<=[<>|])", STORY),
        ["", *(STORY[i : i + 7] for i in range(0, len(STORY), 7)), ""],
    ],
    ids=["whole", "characters", "words", "tokens", "inside tags", "sevens"],
)
def test_the_speech_is_that_of_the_text_as_a_whole(
    engine: LocalEngine, whole: list[SpeechEvent], pieces: list[str]
) -> None:
    events = [*engine.stream(request(seed=None), pieces)]

    assert sound(events) == sound(whole)
    assert timings(events) == timings(whole)


@given(st.lists(st.sampled_from(FRAGMENTS), max_size=40), st.data())
@settings(max_examples=400, deadline=None)
def test_sentences_are_those_of_the_text_as_a_whole(fragments: list[str], data: st.DataObject) -> None:
    text = "".join(fragments)
    cuts = data.draw(st.lists(st.integers(0, len(text)), max_size=12).map(sorted)) if text else []
    pieces = [text[a:b] for a, b in itertools.pairwise([0, *cuts, len(text)])]
    if data.draw(st.booleans()):
        pieces = list(text)

    arrived = []
    try:
        for item in sentences_of(arriving_elements(pieces, lambda _: None)):
            arrived.append(item)  # noqa: PERF402  what came before an error counts
    except UsageError:
        assert not survey(text).has_words
    else:
        assert survey(text).has_words
    assert arrived == [*sentences(text)][: None if survey(text).has_words else len(arrived)]


def test_a_seed_gives_the_same_noise_to_both(engine: LocalEngine) -> None:
    one = engine.stream(request(seed=7), ["Hello th", "ere."])
    other = engine.synthesize(request("Hello there.", seed=7))

    assert sound(one) == sound(other)


def test_words_without_end_are_read_without_waiting_for_it() -> None:
    came = 0

    def pieces() -> Iterator[str]:
        nonlocal came
        while came < 20_000:
            came += 1
            yield "x"

    first = next(sentences_of(arriving_elements(pieces(), lambda _: None)))

    assert isinstance(first, Sentence)
    assert came < 5000


# ---- when what is spoken


def pulled_before(engine: LocalEngine, pieces: list[TextPiece], wanted: type[SpeechEvent]) -> int:
    """Return how many pieces are taken until the first event of a type."""
    taken = 0

    def giving() -> Iterator[TextPiece]:
        nonlocal taken
        for piece in pieces:
            taken += 1
            yield piece

    events = engine.stream(request(), giving())
    next(event for event in events if isinstance(event, wanted))
    events.close()
    return taken


def test_nothing_is_taken_before_an_event_is_asked_for(engine: LocalEngine) -> None:
    pieces = iter(["Hello. ", "You. "])
    events = engine.stream(request(), pieces)
    events.close()

    assert [*pieces] == ["Hello. ", "You. "]


@pytest.mark.parametrize(
    ("pieces", "taken"),
    [
        (["One here.", " Two", " and", " on", " it", " goes"], 3),
        (["One here. ", "Two ", "and "], 2),
        (["Is a < b? ", "No ", "it ", "is not. "], 2),
        (["One here. ", "<b>", "Two ", "and "], 3),
        (["See Dr. ", "Fox now. ", "And ", "then "], 3),
    ],
)
def test_a_sentence_is_spoken_when_the_first_word_after_it_is_there(
    engine: LocalEngine, pieces: list[TextPiece], taken: int
) -> None:
    assert pulled_before(engine, [*pieces, *["more "] * 9], AudioChunk) == taken


def test_the_first_sound_comes_at_once_when_tokens_come_every_30_ms(engine: LocalEngine) -> None:
    tokens = [f" {word}" for word in ("There was a fox by the river. He saw the boats go by." * 2).split()]
    over = 0.0

    def typing() -> Iterator[str]:
        nonlocal over
        for token in tokens:
            time.sleep(0.03)
            over = over or (time.monotonic() if token.endswith(".") else 0.0)
            yield token

    engine.load()
    events = engine.stream(request(), typing())
    next(event for event in events if isinstance(event, AudioChunk))
    delay = time.monotonic() - over
    events.close()

    assert delay < 1.5  # 0.15 s on two idle cores


def test_what_the_pieces_raise_comes_through(engine: LocalEngine) -> None:
    def broken() -> Iterator[str]:
        yield "Hello there. And"
        yield " so on."
        raise ConnectionResetError

    events = engine.stream(request(), broken())

    with pytest.raises(ConnectionResetError):
        for event in events:
            assert not isinstance(event, Flushed)


# ---- flushes


def test_a_flush_has_the_text_so_far_spoken_and_is_answered(engine: LocalEngine) -> None:
    pieces: list[TextPiece] = [Flush(), "One", " two", Flush(), Flush(), " three. Four", Flush()]

    events = [*engine.stream(request(), pieces)]

    order = [
        "flushed" if isinstance(event, Flushed) else [word.word for word in event.words]
        for event in events
        if isinstance(event, Flushed | WordTimings)
    ]
    assert order == ["flushed", ["One", "two"], "flushed", "flushed", ["three."], ["Four"], "flushed"]


def test_a_flush_takes_no_more_text_than_there_is(engine: LocalEngine) -> None:
    assert pulled_before(engine, ["Hello", Flush(), " you", " all"], Flushed) == 2


def test_all_sound_of_the_words_before_a_flush_comes_before_its_answer(engine: LocalEngine) -> None:
    events = [*engine.stream(request(), ["Hello there.", Flush(), " Good", " day."])]

    at = next(i for i, event in enumerate(events) if isinstance(event, Flushed))
    spoken = FORMAT.seconds(len(sound(events[:at])))
    last = next(
        timing for timing in timings(events) if isinstance(timing, WordTiming) and timing.word == "there."
    )
    assert spoken > last.end + 0.05


def test_a_flush_between_sentences_changes_neither_words_nor_pauses(engine: LocalEngine) -> None:
    text = "One here.\n\nTwo here. Three here.<break time='1s'/> Four."
    parts = ["One here.", "\n\nTwo here. ", "Three here.<break time='1s'/>", " Four."]
    pieces = (piece for part in parts for piece in (part, Flush()))

    flushed = [*engine.stream(request(), pieces)]
    plain = [*engine.synthesize(request(text))]

    assert timings(flushed) == timings(plain)
    # The last flush was followed by the silence that pushes out the sound before it.
    assert 0 < FORMAT.seconds(len(sound(flushed)) - len(sound(plain))) < 0.2


def test_tags_hold_on_across_sentences_and_flushes(engine: LocalEngine) -> None:
    slow = [*engine.stream(request(), ["<speed ra", 'tio="0.6"/> Hello.', Flush(), " How are you?"])]
    plain = [*engine.stream(request(), ["Hello.", Flush(), " How are you?"])]

    for word in ("Hello.", "you?"):
        there, here = timing_of(word, slow), timing_of(word, plain)
        assert there.end - there.start > 1.3 * (here.end - here.start)


# ---- what cannot be spoken


def test_warnings_come_with_the_text_and_once(engine: LocalEngine) -> None:
    pieces: list[TextPiece] = ["One 日本 here. ", "Two <x/> here. ", "日本 again <x/> and 東京 too. ", "End"]

    events = [*engine.stream(request(emotion=("angry",)), pieces)]

    assert warnings(events) == [
        'The built-in voice ignores: emotion "angry".',
        "The built-in voice cannot say: 日本.",
        "The built-in voice ignores: <x/>.",
        "The built-in voice cannot say: 東京.",
    ]
    assert isinstance(events[0], SpeechWarning)
    at = events.index(SpeechWarning("The built-in voice ignores: <x/>."))
    assert any(isinstance(event, AudioChunk) for event in events[at + 1 :])


@pytest.mark.parametrize("pieces", [[], [""], [" ", "\n"], ["...", " — "], [Flush()], ["<break time='1s'/>"]])
def test_nothing_to_say_is_an_error(engine: LocalEngine, pieces: list[TextPiece]) -> None:
    with pytest.raises(UsageError, match="nothing to say"):
        list(engine.stream(request(), pieces))


def test_only_foreign_words_are_an_error_that_says_so(engine: LocalEngine) -> None:
    with pytest.raises(UsageError, match="it reads English"):
        list(engine.stream(request(), ["日", "本"]))


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"language": "de"}, UsageError),
        ({"speed": 9.0}, UsageError),
        ({"voice_id": "nobody"}, UsageError),
        ({"voice_id": "00000000-0000-4000-8000-00000000ffff"}, RequestError),
    ],
)
def test_what_is_wrong_with_a_request_is_said_before_any_text_is_taken(
    engine: LocalEngine, options: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        engine.stream(replace(request(), **options), iter(["Hello."]))


def test_the_engine_counts_streams(engine: LocalEngine) -> None:
    synthesizer: Synthesizer = engine
    before = synthesizer.traffic.requests

    assert words(synthesizer.stream(request(), ["Hello."])) == ["Hello."]
    assert synthesizer.traffic.requests == before + 1
