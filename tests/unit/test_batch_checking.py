import dataclasses
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from cartesia_cli.audio import pcm, wav
from cartesia_cli.audio.containers import ContainerEncoder
from cartesia_cli.audio.formats import OutputFormat, output_formats
from cartesia_cli.audio.soundness import duration_of
from cartesia_cli.batch.checking import Flaw, check_sound, check_words
from cartesia_cli.batch.checking.lengths import Speed, spoken_length
from cartesia_cli.batch.checking.likeness import compare
from cartesia_cli.errors import UsageError
from cartesia_cli.local.engine import LocalEngine
from cartesia_cli.local.transcriber import LocalTranscriber
from cartesia_cli.models import AudioChunk, AudioFormat, Encoding, SpeechRequest, Transcript

RATE = 24_000
TEXT = "Please put the kettle on, Dr. Smith, and call me on the 3rd of May."
SPELLED = 'The code is <spell>AB12</spell>.<break time="2s"/> It costs $5.20.'
ENDINGS = ("wav", "pcm", "mp3", "flac", "ogg", "opus", "ulaw", "alaw")

Sound = NDArray[np.float32]


@pytest.fixture(scope="module")
def engine() -> Iterator[LocalEngine]:
    engine = LocalEngine()
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def say(engine: LocalEngine) -> Callable[..., Sound]:
    """Return what makes speech, each once."""
    made: dict[tuple[str, str, Speed], Sound] = {}

    def say(text: str, voice: str = "heart", speed: Speed = None) -> Sound:
        if (text, voice, speed) not in made:
            request = SpeechRequest(text, voice, AudioFormat(Encoding.PCM_F32LE, RATE), speed=speed)
            chunks = [e.data for e in engine.synthesize(request) if isinstance(e, AudioChunk)]
            made[text, voice, speed] = np.frombuffer(b"".join(chunks), np.float32)
        return made[text, voice, speed]

    return say


@pytest.fixture(scope="module")
def speech(say: Callable[..., Sound]) -> Sound:
    return say(TEXT)


@pytest.fixture(scope="module")
def transcriber() -> Iterator[LocalTranscriber]:
    transcriber = LocalTranscriber(n_threads=1)
    yield transcriber
    transcriber.close()


def output_of(path: Path) -> OutputFormat:
    [output] = output_formats([path])
    return dataclasses.replace(output, sample_rate=RATE)


def written(path: Path, sound: Sound) -> Path:
    """Write a file as its ending says, at ``RATE``."""
    output = output_of(path)
    if output.encoding is not None and output.name in {"wav", "raw"}:
        data = pcm.encode(sound, output.encoding)
        header = wav.file_header(output.encoding, RATE, len(data)) if output.name == "wav" else b""
        path.write_bytes(header + data)
        return path
    encoder = ContainerEncoder(output)
    encoded = bytearray(encoder.encode(sound) + encoder.finish())
    for offset, patch in encoder.patches:
        encoded[offset : offset + len(patch)] = patch
    path.write_bytes(encoded)
    return path


def kinds(path: Path, text: str = TEXT, *, speed: Speed = None) -> list[str]:
    flaws = check_sound(path, text, output_of(path), speed=speed)
    assert all(flaw.message.endswith(".") and path.name not in flaw.message for flaw in flaws)
    return [flaw.kind for flaw in flaws]


@dataclasses.dataclass
class Hears:
    """A transcriber that hears what it is told to."""

    text: str
    asked: dict[str, object] = dataclasses.field(default_factory=dict)

    def transcribe(
        self,
        recording: Path,
        /,
        *,
        words: bool,
        language: str | None = None,
        model_id: str | None = None,
        encoding: str | None = None,
        sample_rate: int | None = None,
        progress: Callable[[float], None] | None = None,
    ) -> Transcript:
        self.asked = {"language": language, "encoding": encoding, "sample_rate": sample_rate}
        return Transcript(self.text)

    def close(self) -> None:
        pass


def words_flaws(text: str, heard: str, *, language: str | None = None, speed: Speed = None) -> list[Flaw]:
    path = Path("a.wav")
    return check_words(path, text, Hears(heard), output_of(path), language=language, speed=speed)


@pytest.mark.parametrize("ending", ENDINGS)
def test_speech_in_every_format_has_no_flaw(tmp_path: Path, speech: Sound, ending: str) -> None:
    path = written(tmp_path / f"a.{ending}", speech)

    assert kinds(path) == []
    assert duration_of(path, output_of(path)) == pytest.approx(speech.size / RATE, abs=0.08)


@pytest.mark.parametrize("speed", [0.6, 1.5])
@pytest.mark.parametrize(("text", "voice"), [("Yes.", "child"), ("42", "deep"), (SPELLED, "male")])
def test_short_texts_numbers_and_tags_at_any_speed_have_no_flaw(
    tmp_path: Path, say: Callable[..., Sound], text: str, voice: str, speed: float
) -> None:
    path = written(tmp_path / "a.wav", say(text, voice, speed))

    assert kinds(path, text, speed=speed) == []


@pytest.mark.parametrize("ending", ["wav", "mp3", "flac", "ogg", "opus"])
@pytest.mark.parametrize("share", [0.5, 0.9])
def test_a_container_that_breaks_off_is_cut(tmp_path: Path, speech: Sound, ending: str, share: float) -> None:
    path = written(tmp_path / f"a.{ending}", speech)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share) - 1])

    assert kinds(path) == ["cut"]


def test_half_a_sample_at_the_end_of_a_raw_file_is_a_cut(tmp_path: Path, speech: Sound) -> None:
    path = written(tmp_path / "a.pcm", speech)
    path.write_bytes(path.read_bytes()[:-1])

    assert kinds(path) == ["cut"]


def test_an_mp3_without_a_header_of_its_own_is_whole_until_its_last_frame_is_cut(
    tmp_path: Path, speech: Sound
) -> None:
    path = written(tmp_path / "a.mp3", speech)
    length = 144 // 2 * 128_000 // RATE  # of a frame of MPEG-2; the first one is the encoder's note
    path.write_bytes(path.read_bytes()[length:])
    assert kinds(path) == []

    path.write_bytes(path.read_bytes()[:-1])

    assert kinds(path) == ["cut"]


@pytest.mark.parametrize("n_parts", [2, 3])
def test_the_first_part_of_the_speech_in_a_whole_file_is_found(
    tmp_path: Path, speech: Sound, n_parts: int
) -> None:
    path = written(tmp_path / "a.wav", speech[: speech.size // n_parts])

    assert set(kinds(path)) & {"cut", "too-short"}


def test_an_abrupt_end_is_a_cut_only_where_much_is_missing(tmp_path: Path, speech: Sound) -> None:
    n_samples = int(np.abs(speech[: speech.size * 7 // 10]).argmax())
    loud = (
        int(np.abs(speech[speech.size * 9 // 10 : speech.size * 19 // 20]).argmax()) + speech.size * 9 // 10
    )

    assert kinds(written(tmp_path / "a.wav", speech[: min(n_samples, speech.size // 2)])) != []
    assert kinds(written(tmp_path / "b.wav", speech[:loud])) == []


@pytest.mark.parametrize("place", ["start", "middle", "end"])
@pytest.mark.parametrize("noise", [0.0, 0.0003])
def test_ten_seconds_of_silence_are_found(tmp_path: Path, speech: Sound, place: str, noise: float) -> None:
    silence = (np.random.default_rng(0).standard_normal(10 * RATE) * noise).astype(np.float32)
    where = {"start": 0, "middle": speech.size // 2, "end": speech.size}[place]
    path = written(tmp_path / "a.wav", np.concatenate([speech[:where], silence, speech[where:]]))

    [flaw] = check_sound(path, TEXT, output_of(path))

    assert flaw.kind == "pause"
    assert "s of silence" in flaw.message


def test_silence_that_a_tag_asks_for_is_none(tmp_path: Path, speech: Sound) -> None:
    silence = np.zeros(10 * RATE, np.float32)
    path = written(tmp_path / "a.wav", np.concatenate([speech, silence, speech]))

    assert kinds(path, f'{TEXT}<break time="6s"/> <break time="4s"/>{TEXT}') == []
    assert kinds(path, f'{TEXT}<break time="5s"/>{TEXT}<break time="5s"/>') == ["pause"]


def test_one_short_word_beside_much_silence_is_heard(tmp_path: Path, say: Callable[..., Sound]) -> None:
    path = written(tmp_path / "a.wav", np.concatenate([say("A"), np.zeros(12 * RATE, np.float32)]))

    assert kinds(path, 'A<break time="12s"/>') == []
    assert kinds(path, "A") == ["pause"]


@pytest.mark.parametrize("ending", ENDINGS)
def test_speech_that_is_twenty_decibels_too_loud_is_clipped(
    tmp_path: Path, speech: Sound, ending: str
) -> None:
    path = written(tmp_path / f"a.{ending}", np.clip(speech * 10, -1, 1))

    assert kinds(path) == ["clipped"]


def test_silence_is_silent_and_so_is_noise(tmp_path: Path, speech: Sound) -> None:
    noise = np.random.default_rng(0).standard_normal(speech.size).astype(np.float32) * 0.1

    assert kinds(written(tmp_path / "a.wav", np.zeros_like(speech))) == ["silent"]
    assert kinds(written(tmp_path / "b.wav", noise)) == ["silent"]
    assert kinds(written(tmp_path / "c.wav", np.zeros_like(speech)), '<break time="3s"/>') == []


def test_a_tenth_of_a_second_is_too_short(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).standard_normal(RATE // 10).astype(np.float32) * 0.1
    path = written(tmp_path / "a.wav", noise)

    assert check_sound(path, TEXT, output_of(path)) == [
        Flaw("too-short", f"0.10 s of speech is too short for {len(TEXT)} characters.")
    ]


def test_the_speech_of_a_much_longer_text_is_too_long(tmp_path: Path, speech: Sound) -> None:
    assert kinds(written(tmp_path / "a.wav", speech), "Yes.") == ["too-long"]


def test_what_is_no_recording_is_unreadable(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    output = output_of(path)
    said = []
    for content in (None, b"", b"no recording at all, only words " * 100):
        if content is not None:
            path.write_bytes(content)
        said += check_sound(path, TEXT, output)

    assert {flaw.kind for flaw in said} == {"unreadable"}
    assert [flaw.message for flaw in said] == [
        "The file does not exist.",
        "The file is empty.",
        "The file cannot be read as a recording.",
    ]
    with pytest.raises(UsageError, match="does not exist"):
        duration_of(tmp_path / "b.wav", output)


def test_a_wav_header_without_data_is_cut_or_unreadable(tmp_path: Path, speech: Sound) -> None:
    path = written(tmp_path / "a.wav", speech)
    path.write_bytes(path.read_bytes()[:60])

    assert kinds(path)[0] in {"cut", "unreadable"}


def test_the_length_of_a_text_grows_with_it_and_shrinks_with_the_speed() -> None:
    once, twice = spoken_length(TEXT), spoken_length(f"{TEXT} {TEXT}")
    slow, fast = spoken_length(TEXT, 0.6), spoken_length(TEXT, 1.5)

    assert once.least * 2 == pytest.approx(twice.least)
    assert (slow.least, slow.most) == pytest.approx((once.least / 0.6, once.most / 0.6))
    assert (fast.least, fast.most) == pytest.approx((once.least / 1.5, once.most / 1.5))
    assert spoken_length(TEXT, "slow").most == slow.most
    assert spoken_length(TEXT, "fast").least == fast.least
    assert spoken_length(f'<speed ratio="1.5"/>{TEXT}').least == pytest.approx(fast.least)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1,234,567", 3.2),
        ("2000000", 0.9),
        ("你好,今天天气很好", 1.8),
        ("こんにちは、元気ですか", 1.5),
        ("안녕하세요", 0.9),
        ("Здравствуйте, как дела?", 1.5),
        ("مرحبا كيف حالك", 1.3),
        ("สวัสดีครับ", 1.0),
        ("ABC", 0.9),
        ("NASA", 0.6),
        ("https://www.example.com/a?b=1", 6.0),
        ("https://www.example.com/a?b=1", 1.2),
        ("Aaaaaaaaaaaaaaaaaaaaaaaaaaaah!", 0.8),
        ("<<h|ə|l|oʊ>>", 0.4),
        ("🎉🎉🎉 Yes", 0.4),
    ],
)
def test_what_a_speaker_may_need_for_a_text_lies_within_its_bounds(text: str, seconds: float) -> None:
    length = spoken_length(text, language="ja" if "は" in text else None)

    assert length.least < seconds < length.most


@given(st.text(), st.sampled_from([None, 0.6, 1.5, "slow", "normal", "fast"]))
def test_every_text_has_bounds_in_order(text: str, speed: Speed) -> None:
    length = spoken_length(text, speed)

    assert 0 <= length.least <= length.usual <= length.most


@pytest.mark.parametrize(
    ("text", "heard"),
    [
        ("In 1999, the company moved.", "In nineteen ninety-nine, the company moved."),
        ("The total is $5.20.", "The total is five dollars and twenty cents."),
        ("1,234,567", "one million two hundred thirty-four thousand five hundred sixty-seven"),
        ("Dr. Smith lives on Elm St.", "Doctor Smith lives on Elm Street."),
        ("It is on 12/05/2024.", "It is on December 5th, 2024."),
        ("My PIN is 0042.", "my pin is 42"),
        ("The code is <spell>AB12</spell>.", "The code is a B, one, two."),
        ("She sells sea shells.", "She sells seashells."),
        ("Say <<h|ə|l|oʊ>> to her.", "Say hello to her."),
        ("Write to a@b.example, please.", "Write to A at B dot example please"),
        ("Siobhan met Nguyen in Worcestershire.", "Xiaopin met a Nyan in Worcestershire."),
        ("Café <break time='1s'/>Zoë", "cafe Zoe"),
        ("Hi", "Hey,"),
        ("Hmm.", ""),
        ("", ""),
    ],
)
def test_another_spelling_and_what_is_often_misheard_is_no_flaw(text: str, heard: str) -> None:
    assert words_flaws(text, heard) == []


@pytest.mark.parametrize(
    "heard",
    [
        "",
        "The children were playing in the garden behind the school.",
        "Please put the kettle on, doctor Smith.",
        "And call me on the third of May.",
        f"{TEXT} {TEXT}",
        f"{TEXT} And call me on the third of May.",
    ],
)
def test_another_text_a_missing_part_and_a_repeated_one_are_found(heard: str) -> None:
    [flaw] = words_flaws(TEXT, heard)

    assert flaw.kind == "other-words"
    assert flaw.message.endswith(".")


def test_a_flaw_says_how_much_differs_and_what_first() -> None:
    assert words_flaws("Put the kettle on.", "Put the cattle under her winter coat.") == [
        Flaw(
            "other-words",
            "5 of 7 words differ: heard 'the cattle under her winter coat' for 'the kettle on'.",
        )
    ]
    assert words_flaws("Your number is 47129.", "Your number is 83551.")[0].message == (
        "6 of 8 words differ: heard 'is 83551' for 'is 47129'."
    )
    assert words_flaws("Please wait here for the next agent.", "Please.")[0].message == (
        "6 of 7 words differ: 'wait here for the next agent' is not heard."
    )
    assert words_flaws("Hi.", "Hi. And now the weather for tomorrow.")[0].message == (
        "5 of 6 words differ: heard 'now the weather for tomorrow', which is not in the text."
    )


def test_a_repeated_sentence_of_many_is_found() -> None:
    places = ("river", "forest", "station", "market")
    colours = ("red", "blue", "green", "white")
    sentences = [f"The {colour} house stands near the {place}." for colour in colours for place in places]
    text = " ".join(sentences)

    assert words_flaws(text, text) == []
    assert words_flaws(text, " ".join([*sentences[:5], sentences[4], *sentences[5:]])) != []
    assert words_flaws(text, " ".join(sentences[:7] + sentences[8:])) != []


def test_more_is_misheard_in_fast_speech() -> None:
    text, heard = "Dinner's at eight o'clock sharp; don't be late.", "There is a needle-cock sharp, don't be"

    assert words_flaws(text, heard) != []
    assert words_flaws(text, heard, speed=1.5) == words_flaws(text, heard, speed="fast") == []
    assert words_flaws(text, "", speed=1.5) == []
    assert words_flaws(text, "The children were playing in the garden.", speed=1.5) != []


@pytest.mark.parametrize(
    ("language", "text", "heard", "other"),
    [
        (
            "de",
            "Es war 1999 in München.",
            "es war neunzehnhundertneunundneunzig in Munchen",
            "Guten Tag, Frau Meier",
        ),
        ("zh", "今天天气很好我们去公园吧", "今天天氣很好,我們去公園吧。", "请问火车站在哪里怎么走呢"),
        ("ja", "今日はとても良い天気ですね", "今日はとてもいい天気ですね。", "電車は何時に出発しますか"),
        ("ru", "Сегодня хорошая погода.", "сегодня хорошая погода", "Где находится вокзал?"),
    ],
)
def test_other_languages_are_compared_by_their_letters(
    language: str, text: str, heard: str, other: str
) -> None:
    assert words_flaws(text, heard, language=language) == []
    assert words_flaws(text, other, language=language) != []


@given(st.text(max_size=60))
def test_a_text_without_tags_is_like_itself(text: str) -> None:
    text = text.replace("<", " ").replace("[", " ")

    assert compare(text, text, "de").letters == 0


def test_samples_without_a_header_are_explained_to_the_transcriber(tmp_path: Path) -> None:
    raw, headed = tmp_path / "a.ulaw", tmp_path / "a.wav"
    ear = Hears("Hello there.")

    check_words(raw, "Hello there.", ear, output_of(raw), language="en-GB")
    assert ear.asked == {"language": "en-GB", "encoding": Encoding.PCM_MULAW, "sample_rate": RATE}

    check_words(headed, "Hello there.", ear, output_of(headed))
    assert ear.asked == {"language": None, "encoding": None, "sample_rate": None}


@pytest.mark.parametrize("ending", ["wav", "ulaw"])
def test_the_built_in_recogniser_hears_what_the_built_in_voice_says(
    tmp_path: Path, speech: Sound, transcriber: LocalTranscriber, ending: str
) -> None:
    path = written(tmp_path / f"a.{ending}", speech)
    output = output_of(path)

    assert check_words(path, TEXT, transcriber, output) == []
    assert [
        flaw.kind for flaw in check_words(path, "Thank you for your help with it.", transcriber, output)
    ] == ["other-words"]


def test_checking_loads_nothing_heavy_until_it_checks() -> None:
    code = (
        "import sys, cartesia_cli.batch.checking\n"
        "print({'numpy', 'soundfile', 'httpx', 'asyncio', 'rich', 'onnxruntime'} & set(sys.modules))"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30
    )

    assert done.stdout == "set()\n"
