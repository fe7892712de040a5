import hashlib
import itertools
import os
import re
import subprocess
import sys
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from numpy.typing import NDArray

from cartesia_cli.audio import pcm
from cartesia_cli.audio.resample import resample
from cartesia_cli.errors import RequestError, UsageError
from cartesia_cli.local.engine import LocalEngine
from cartesia_cli.local.recognizer import SAMPLE_RATE as RECOGNIZER_RATE
from cartesia_cli.local.recognizer import Recognizer
from cartesia_cli.models import (
    SAMPLE_RATES,
    AudioChunk,
    AudioFormat,
    Encoding,
    PhonemeTiming,
    PhonemeTimings,
    SpeechRequest,
    SpeechWarning,
    WordTiming,
    WordTimings,
)

if TYPE_CHECKING:
    from cartesia_cli.engines import Synthesizer, VoiceCatalogue

FORMAT = AudioFormat(Encoding.PCM_F32LE, 24_000)
HEARD = (
    "Thank you very much for your help with the broken engine.",
    "The children were playing in the garden behind the school.",
    "Please remember to close the window before you leave the house.",
)


@dataclass(frozen=True)
class Speech:
    data: bytes
    samples: NDArray[np.float32]
    words: list[WordTiming]
    phonemes: list[PhonemeTiming]
    warnings: list[str]

    @property
    def duration(self) -> float:
        return self.samples.size / 24_000


@pytest.fixture(scope="module")
def engine() -> LocalEngine:
    return LocalEngine()


@pytest.fixture(scope="module")
def recognizer() -> Recognizer:
    return Recognizer()


def request(transcript: str, audio_format: AudioFormat = FORMAT, **options: Any) -> SpeechRequest:
    fields: dict[str, Any] = {
        "voice_id": "heart",
        "word_timestamps": True,
        "phoneme_timestamps": True,
        **options,
    }
    return SpeechRequest(transcript, format=audio_format, **fields)


def say(engine: LocalEngine, transcript: str, audio_format: AudioFormat = FORMAT, **options: Any) -> Speech:
    events = [*engine.synthesize(request(transcript, audio_format, **options))]
    data = b"".join(event.data for event in events if isinstance(event, AudioChunk))
    return Speech(
        data,
        pcm.decode(data, audio_format.encoding),
        [word for event in events if isinstance(event, WordTimings) for word in event.words],
        [phoneme for event in events if isinstance(event, PhonemeTimings) for phoneme in event.phonemes],
        [event.message for event in events if isinstance(event, SpeechWarning)],
    )


def plain(text: str) -> list[str]:
    return re.sub(r"[^a-z ]", "", text.lower()).split()


def hear(recognizer: Recognizer, samples: NDArray[np.float32], rate: int = 24_000) -> list[str]:
    return plain(recognizer.transcribe(resample(samples, rate, RECOGNIZER_RATE)).text)


def level(samples: NDArray[np.float32]) -> float:
    """Return the root mean square in decibels of full scale."""
    return 20 * float(np.log10(np.sqrt(np.mean(np.square(samples, dtype=np.float64)))))


def pitch(samples: NDArray[np.float32]) -> float:
    """Return the median fundamental frequency in hertz, by autocorrelation of 50 ms frames."""
    found = []
    for start in range(0, samples.size - 1200, 600):
        frame = samples[start : start + 1200] * np.hanning(1200)
        correlation = np.fft.irfft(np.abs(np.fft.rfft(frame, 4096)) ** 2)[:400]
        lags = np.arange(60, 343)  # 400 to 70 Hz
        # The window's own fall is divided out; a slight tilt prefers the first of several equal peaks.
        scaled = correlation[lags] / correlation[0] / (1 - lags / 1200) * (1 - lags / 4000)
        if level(frame.astype(np.float32)) > -35 and scaled.max() > 0.5:
            found.append(24_000 / lags[int(scaled.argmax())])
    return float(np.median(found))


def test_the_engine_fits_the_protocols(engine: LocalEngine) -> None:
    synthesizer: Synthesizer = engine
    catalogue: VoiceCatalogue = engine

    assert synthesizer.name == "local"
    assert len([*catalogue.voices()]) == 6
    assert catalogue.get_voice("Heart").name == "heart"


@pytest.mark.parametrize("rate", [8_000, 24_000, 44_100])
def test_three_sentences_are_heard_without_a_wrong_word(
    engine: LocalEngine, recognizer: Recognizer, rate: int
) -> None:
    for sentence in HEARD:
        speech = say(engine, sentence, AudioFormat(Encoding.PCM_S16LE, rate))

        assert hear(recognizer, speech.samples, rate) == plain(sentence)


def test_a_recording_too_short_for_a_word_has_none(recognizer: Recognizer) -> None:
    transcript = recognizer.transcribe(np.zeros(100, np.float32))

    assert transcript.text == ""
    assert transcript.duration == pytest.approx(100 / 16_000)


@pytest.mark.parametrize("voice_id", ["deep", "male", "tenor", "bright", "child"])
def test_every_variant_is_understood(engine: LocalEngine, recognizer: Recognizer, voice_id: str) -> None:
    speech = say(engine, HEARD[0], voice_id=voice_id)

    assert hear(recognizer, speech.samples) == plain(HEARD[0])


def test_variants_differ_in_pitch_as_they_say(engine: LocalEngine) -> None:
    heart = pitch(say(engine, HEARD[1]).samples)

    factors = {
        name: pitch(say(engine, HEARD[1], voice_id=name).samples) / heart
        for name in ("deep", "tenor", "child")
    }

    assert factors == {
        "deep": pytest.approx(0.62, rel=0.05),
        "tenor": pytest.approx(0.80, rel=0.05),
        "child": pytest.approx(1.35, rel=0.05),
    }


@pytest.mark.parametrize("voice_id", ["heart", "deep", "child"])
def test_all_voices_are_equally_loud_and_never_clip(engine: LocalEngine, voice_id: str) -> None:
    speech = say(engine, " ".join(HEARD), voice_id=voice_id)

    assert level(speech.samples) == pytest.approx(-20.4, abs=1.0)  # -20 dB less the pauses
    assert float(np.max(np.abs(speech.samples))) < 10 ** (-1 / 20)


def test_volume_multiplies_the_level(engine: LocalEngine) -> None:
    normal, half, double = (
        level(say(engine, HEARD[0], volume=volume).samples) for volume in (None, 0.5, 2.0)
    )

    assert normal - half == pytest.approx(6.02, abs=0.2)
    assert 4.5 < double - normal < 6.1
    assert float(np.max(np.abs(say(engine, HEARD[0], volume=2.0).samples))) < 10 ** (-1 / 20)


def test_volume_tags_change_the_level_from_word_to_word(engine: LocalEngine) -> None:
    text = "Nobody knew why the <volume ratio='0.5'/>old clock had stopped"
    plain_speech, speech = say(engine, text.replace("<volume ratio='0.5'/>", "")), say(engine, text)
    turn = round(next(word.start for word in speech.words if word.word == "old") * 24_000)

    assert speech.samples.size == plain_speech.samples.size
    np.testing.assert_allclose(speech.samples[:turn], plain_speech.samples[:turn], rtol=1e-4, atol=1e-6)
    after = turn + 480
    np.testing.assert_allclose(speech.samples[after:], plain_speech.samples[after:] / 2, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("speed", "factor"), [(0.6, 1 / 0.6), (1.5, 1 / 1.5), ("slow", 1 / 0.8), ("fast", 1 / 1.2)]
)
def test_speed_changes_the_length(engine: LocalEngine, speed: float | str, factor: float) -> None:
    normal, changed = say(engine, HEARD[0]), say(engine, HEARD[0], speed=speed)

    assert changed.duration / normal.duration == pytest.approx(factor, rel=0.12)


def test_a_speed_tag_holds_from_where_it_stands(engine: LocalEngine) -> None:
    text = "The children were playing in the garden, behind the school near the old bridge."
    cut = say(engine, text.replace("behind", '<speed ratio="1.0"/>behind'))
    slow = say(engine, text.replace("behind", '<speed ratio="0.6"/>behind'))
    turn = next(word.start for word in slow.words if word.word == "behind")

    assert [w for w in slow.words if w.end < turn] == [w for w in cut.words if w.end < turn]
    assert (slow.duration - turn) / (cut.duration - turn) == pytest.approx(1 / 0.6, rel=0.15)


@pytest.mark.parametrize(
    "text",
    [
        "Dr. Smith paid $1,249.99, at 9:30 a.m. on March 3rd, 2024 — that's £3 million!",
        "“Well-known” words, he said, aren’t hard; e.g. U.S.A., 50% off, room #5 & 2 1/2 lbs. of 3°C water.",
        "First.\n\nSecond paragraph... (with brackets)\n- item one\n- item two\nhttps://a.com/a?b=1 🙂 done",
        "One " * 70,
        " ".join(["chapter,"] * 65) + " end.",
        "1234567890" * 21,
    ],
)
def test_timings_have_the_callers_words_in_order_and_inside_the_sound(engine: LocalEngine, text: str) -> None:
    speech = say(engine, text)

    assert "".join(word.word for word in speech.words) == "".join(text.split())
    if max(map(len, text.split())) < 200:
        assert [word.word for word in speech.words] == text.split()
    edges = [edge for word in speech.words for edge in (word.start, word.end)]
    assert edges == sorted(edges)
    assert edges[0] >= 0
    assert edges[-1] <= speech.duration
    sounding = [edge for phoneme in speech.phonemes for edge in (phoneme.start, phoneme.end)]
    assert sounding == sorted(sounding)
    assert edges[0] <= sounding[0]
    assert sounding[-1] <= edges[-1]


def test_words_lie_where_their_sound_is(engine: LocalEngine) -> None:
    speech = say(engine, "Stop. Pat. Cat. Top.")

    for word in speech.words:
        inside = speech.samples[round(word.start * 24_000) : round(word.end * 24_000)]
        assert level(inside) > -26
    for before, after in itertools.pairwise(speech.words):
        between = speech.samples[round((before.end + 0.03) * 24_000) : round((after.start - 0.03) * 24_000)]
        assert level(between + np.float32(1e-9)) < -45


def test_phonemes_are_ipa_within_their_words(engine: LocalEngine) -> None:
    speech = say(engine, "Hello, joy.")

    assert [p.phoneme for p in speech.phonemes] == ["h", "ə", "l", "oʊ", "dʒ", "ɔɪ"]
    assert speech.phonemes[0].start == pytest.approx(speech.words[0].start)
    assert speech.phonemes[3].end == pytest.approx(speech.words[0].end)


def test_timings_come_only_if_asked_for(engine: LocalEngine) -> None:
    speech = say(engine, "Hello.", word_timestamps=False, phoneme_timestamps=False)

    assert (speech.words, speech.phonemes) == ([], [])


@pytest.mark.parametrize("seconds", [0.2, 1.0, 2.5])
def test_a_break_is_exactly_as_long_as_it_says(engine: LocalEngine, seconds: float) -> None:
    alone = [say(engine, text).samples.size for text in ("Hello there", "my friend.")]

    speech = say(engine, f'Hello there <break time="{seconds}s"/> my friend.')

    assert speech.samples.size == sum(alone) + round(seconds * 24_000)
    assert not speech.samples[alone[0] : alone[0] + round(seconds * 24_000)].any()


def test_breaks_add_up_and_may_stand_at_either_end(engine: LocalEngine) -> None:
    alone = say(engine, "Hello.").samples

    speech = say(engine, '<break time="500ms"/>Hello.<break time="1s"/><break time="500ms"/>')

    np.testing.assert_array_equal(speech.samples[12_000 : 12_000 + alone.size], alone)
    assert not speech.samples[:12_000].any()
    assert not speech.samples[12_000 + alone.size :].any()
    assert speech.samples.size == alone.size + 48_000


def test_silence_is_trimmed_at_the_ends_and_natural_between_sentences(engine: LocalEngine) -> None:
    alone = [say(engine, text).samples for text in ("Good morning.", "Good night.")]

    both = say(engine, "Good morning. Good night.").samples

    assert level(alone[0][:1200]) > -45  # sound within 50 ms
    assert level(alone[0][-1800:]) > -50
    assert both.size == sum(map(len, alone)) + round(0.35 * 24_000)


@pytest.mark.parametrize(
    "text",
    [
        '<emotion value="angry"/>Thank you [laughter] very much for your help with the broken engine.',
        'Thank you very <speed ratio="9"/>much for <w r="x">your</prosody> help with the broken engine.',
        "Thank you very much <break time=1> for your help <break 5 with the <!-- what --> broken engine.",
    ],
)
def test_tags_are_never_heard_and_the_ignored_are_named_in_one_warning(
    engine: LocalEngine, recognizer: Recognizer, text: str
) -> None:
    speech = say(engine, text.replace("<break 5 ", "<break time=5 "))

    assert hear(recognizer, speech.samples) == plain(HEARD[0])
    assert len(speech.warnings) == 1
    assert speech.warnings[0].startswith("The built-in voice ignores: <")


def test_a_spelled_word_is_heard_as_letters(engine: LocalEngine, recognizer: Recognizer) -> None:
    speech = say(engine, "The code word is <spell>BRT</spell> today.")

    assert "".join(hear(recognizer, speech.samples)).find("brt") > 0
    assert [word.word for word in speech.words] == ["The", "code", "word", "is", "BRT", "today."]


def test_what_cannot_be_spoken_is_named_and_the_rest_is_heard(
    engine: LocalEngine, recognizer: Recognizer
) -> None:
    speech = say(engine, HEARD[0].replace("very", "🙂 very").replace("engine", "你好 engine"))

    assert speech.warnings == ["The built-in voice cannot say: 🙂, 你好."]
    assert hear(recognizer, speech.samples) == plain(HEARD[0])


def test_options_that_change_only_the_manner_are_warned_of_once(engine: LocalEngine) -> None:
    speech = say(engine, "Hello.", emotion=("angry", "sad"))

    assert speech.warnings == ['The built-in voice ignores: emotion "angry", emotion "sad".']


@pytest.mark.parametrize("text", ["", " \n", "...", "🙂", "你好", '<break time="1s"/>', "\x00"])
def test_a_text_with_nothing_to_say_is_refused(engine: LocalEngine, text: str) -> None:
    with pytest.raises(UsageError, match="There is nothing to say"):
        engine.synthesize(request(text))


@pytest.mark.parametrize("language", ["de", "ja", "de-AT"])
def test_another_language_is_refused_by_name(engine: LocalEngine, language: str) -> None:
    with pytest.raises(UsageError, match=f"English only, not '{language}'"):
        engine.synthesize(request("Hello.", language=language))
    with pytest.raises(UsageError, match="English only"):
        engine.synthesize(request("Hello.", locale=language))


def test_english_under_any_of_its_codes_is_spoken(engine: LocalEngine) -> None:
    assert say(engine, "Hi.", language="EN").data == say(engine, "Hi.", locale="en-GB").data


@pytest.mark.parametrize(
    "options", [{"speed": 0.5}, {"speed": 1.6}, {"volume": 0.4}, {"volume": 2.1}, {"speed": float("nan")}]
)
def test_a_value_out_of_range_is_refused(engine: LocalEngine, options: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="must be from"):
        engine.synthesize(request("Hello.", **options))


def test_an_unknown_voice_is_refused_before_anything_is_spoken(engine: LocalEngine) -> None:
    with pytest.raises(UsageError, match="no voice called"):
        engine.synthesize(request("Hello.", voice_id="nobody"))
    with pytest.raises(RequestError):
        engine.synthesize(request("Hello.", voice_id="00000000-0000-4000-8000-000000000000"))


@pytest.mark.parametrize("rate", SAMPLE_RATES)
def test_every_rate_has_the_same_length_in_seconds(engine: LocalEngine, rate: int) -> None:
    reference = say(engine, "Hello there. Good night.")

    speech = say(engine, "Hello there. Good night.", AudioFormat(Encoding.PCM_S16LE, rate))

    assert speech.samples.size == pytest.approx(reference.samples.size * rate / 24_000, abs=1)
    assert speech.words == reference.words


def test_every_encoding_holds_the_same_sound(engine: LocalEngine) -> None:
    reference = say(engine, "Hello there.").samples

    for encoding in Encoding:
        speech = say(engine, "Hello there.", AudioFormat(encoding, 24_000))

        assert len(speech.data) == reference.size * encoding.sample_width
        assert float(np.max(np.abs(speech.samples - reference))) < 0.04


def test_the_same_seed_gives_the_same_bytes_in_another_process_with_other_threads(
    engine: LocalEngine,
) -> None:
    script = (
        "import hashlib; from cartesia_cli.models import *;"
        "from cartesia_cli.local.engine import LocalEngine;"
        "r = SpeechRequest('Six thick sticks. Hush!', 'male', AudioFormat(Encoding('pcm_s16le')), seed=7);"
        "e = LocalEngine(); e.load();"
        "print(hashlib.sha256(b''.join(x.data for x in e.synthesize(r))).hexdigest())"
    )
    environment = {**os.environ, "OMP_NUM_THREADS": "2", "PYTHONPATH": os.pathsep.join(sys.path)}
    other = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
    )

    mine = say(
        engine, "Six thick sticks. Hush!", AudioFormat(Encoding.PCM_S16LE, 44_100), voice_id="male", seed=7
    )

    assert other.stdout.strip() == hashlib.sha256(mine.data).hexdigest()


def test_the_seed_decides_and_is_nought_by_default(engine: LocalEngine) -> None:
    default, nought, one, negative = (say(engine, "Hush!", seed=seed).data for seed in (None, 0, 1, -1))

    assert default == nought
    assert len({nought, one, negative}) == 3


def test_threads_may_share_one_engine(engine: LocalEngine) -> None:
    expected = [say(engine, text).data for text in HEARD]
    spoken: dict[int, bytes] = {}

    def work(n: int) -> None:
        spoken[n] = say(engine, HEARD[n]).data

    threads = [threading.Thread(target=work, args=(n,)) for n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [spoken[n] for n in range(3)] == expected


@pytest.mark.timeout(30)
def test_the_first_sound_of_an_endless_text_comes_at_once_and_the_rest_can_be_left(
    engine: LocalEngine,
) -> None:
    events = engine.synthesize(request("a" * 10_000_000, word_timestamps=False, phoneme_timestamps=False))

    first = next(events)
    events.close()

    assert isinstance(first, AudioChunk)
    assert [*events] == []


def test_chunks_are_a_tenth_of_a_second_and_whole_samples(engine: LocalEngine) -> None:
    events = engine.synthesize(request(HEARD[0], AudioFormat(Encoding.PCM_S16LE, 44_100)))

    sizes = [len(event.data) for event in events if isinstance(event, AudioChunk)]

    assert max(sizes) == 8_820
    assert all(size % 2 == 0 for size in sizes)


def test_requests_are_counted() -> None:
    engine = LocalEngine()

    engine.synthesize(request("Hello."))
    engine.synthesize(request("Hello."))

    assert engine.traffic.requests == 2


def test_a_closed_engine_loads_again(engine: LocalEngine) -> None:
    before = say(engine, "Hush!").data

    engine.close()

    assert say(engine, "Hush!").data == before


def test_a_missing_extra_is_known_only_when_it_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "hibari", None)
    engine = LocalEngine()

    assert engine.get_voice("deep").name == "deep"
    with pytest.raises(UsageError, match="not installed"):
        next(engine.synthesize(request("Hello.")))


def test_importing_the_engine_loads_nothing_heavy() -> None:
    script = (
        "import sys; from cartesia_cli.local.engine import LocalEngine; e = LocalEngine(); list(e.voices());"
        "print(*{'numpy', 'onnxruntime', 'hibari', 'soxr', 'difflib'} & set(sys.modules))"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == ""


def test_speaking_loads_nothing_that_could_download() -> None:
    script = (
        "import sys; from cartesia_cli.local.engine import LocalEngine; LocalEngine().load();"
        "print(*{'hibari.voices', 'urllib.request', 'http.client', 'moonshine_voice'} & set(sys.modules))"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == ""
