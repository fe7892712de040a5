"""From a line to a job: what is asked for, which files it becomes, what tells its audio from any other."""

from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cartesia_cli.batch.jobs import Job
from cartesia_cli.batch.manifest import Line
from cartesia_cli.batch.naming import Names
from cartesia_cli.batch.planning import FormatChoice, Planner
from cartesia_cli.errors import RequestError, UsageError
from cartesia_cli.models import AudioFormat, Container, Encoding, EngineName, SpeechRequest
from cartesia_cli.sentences import MAX_PART, is_speakable

VOICES = {"Ada": "id-of-ada", "Bob": "id-of-bob"}
USUAL = SpeechRequest("", "id-of-ada", AudioFormat())
LINE = Line(1, "Good day.")
LONG = "One more sentence, of the many that there are. " * (MAX_PART // 40)
MP3 = FormatChoice("mp3")


def find_voice(voice: str) -> str:
    """Return an ID by a name or by itself, as the library does."""
    if voice in VOICES.values():
        return voice
    if voice not in VOICES:
        raise RequestError("No voice has this name.")
    return VOICES[voice]


def planner(
    engine: EngineName = "cloud",
    *,
    voice: str = "Ada",
    template: str | None = None,
    choice: FormatChoice = FormatChoice(),  # noqa: B008  nobody can change it
    find: Callable[[str], str] = find_voice,
    usual: SpeechRequest = USUAL,
    **more: Any,
) -> Planner:
    return Planner(engine, usual, voice=voice, find_voice=find, names=Names(template), choice=choice, **more)


def plan(line: Line = LINE, engine: EngineName = "cloud", **options: Any) -> Job:
    return planner(engine, **options).plan(line)


def same_audio(one: Job, other: Job) -> bool:
    return one.fingerprint == other.fingerprint


# ---- what is asked for


def test_what_a_line_leaves_open_is_that_of_the_run() -> None:
    usual = replace(
        USUAL,
        model_id="sonic-2",
        language="fr",
        speed=0.9,
        volume=1.5,
        emotion=("calm",),
        normalization="off",
    )

    [request] = plan(usual=usual).requests

    assert request == replace(usual, transcript="Good day.", format=AudioFormat(Encoding.PCM_S16LE))


def test_what_a_line_says_goes_before_the_run() -> None:
    usual = replace(USUAL, model_id="sonic-2", locale="en-GB", speed=0.9, volume=1.5, emotion=("calm",))
    line = replace(
        LINE, voice="Bob", model="sonic-3", language="de", speed="slow", volume=0.5, emotion=("angry", "sad")
    )

    [request] = plan(line, usual=usual).requests

    assert (request.voice_id, request.model_id, request.speed, request.volume, request.emotion) == (
        "id-of-bob", "sonic-3", "slow", 0.5, ("angry", "sad"),
    )  # fmt: skip
    assert (request.language, request.locale) == ("de", None), "the API takes one or the other"


def test_a_voice_that_cannot_be_found_is_the_mistake_of_its_line() -> None:
    made = planner()

    with pytest.raises(RequestError):
        made.plan(replace(LINE, voice="Nobody"))

    assert made.plan(LINE).requests[0].voice_id == "id-of-ada"


def test_a_voice_embedding_needs_no_voice_and_gives_way_to_that_of_a_line() -> None:
    looked_up = []

    def find(voice: str) -> str:
        looked_up.append(voice)
        return find_voice(voice)

    made = planner(find=find, usual=replace(USUAL, voice_embedding=(0.5, -1.0)))

    [embedded], [named] = made.plan(LINE).requests, made.plan(replace(LINE, voice="Bob")).requests

    assert embedded.voice_embedding == (0.5, -1.0)
    assert (named.voice_embedding, named.voice_id) == (None, "id-of-bob")
    assert looked_up == ["Bob"]


@pytest.mark.parametrize("language", [None, "en", "en-GB", "EN_us"])
def test_the_built_in_engine_speaks_english(language: str | None) -> None:
    assert plan(replace(LINE, language=language), "local").requests[0].language == language


@pytest.mark.parametrize(
    ("usual", "line"), [({"language": "de"}, None), ({"locale": "fr-FR"}, None), ({}, "english"), ({}, "es")]
)
def test_another_language_is_refused_by_the_built_in_engine_alone(
    usual: dict[str, Any], line: str | None
) -> None:
    wanted, by = replace(LINE, language=line), replace(USUAL, **usual)

    with pytest.raises(UsageError, match="English only") as caught:
        plan(wanted, "local", usual=by)

    assert caught.value.code == "language_not_supported"
    assert plan(wanted, "cloud", usual=by).requests


# ---- parts


def test_a_long_text_is_asked_for_in_parts_that_are_the_text() -> None:
    job = plan(replace(LINE, text=LONG))

    assert len(job.requests) > 1
    assert all(len(request.transcript) <= MAX_PART for request in job.requests)
    assert (job.text, job.n_characters) == (LONG, len(LONG))
    assert {replace(request, transcript="") for request in job.requests} == {
        replace(job.requests[0], transcript="")
    }


def test_a_part_without_anything_to_say_is_not_asked_for() -> None:
    text = f"The start. {'. ' * MAX_PART}The end."

    job = plan(replace(LINE, text=text))

    assert all(is_speakable(request.transcript) for request in job.requests)
    assert job.n_characters < len(text)
    assert job.text.startswith("The start.")
    assert job.text.endswith("The end.")


def test_the_built_in_engine_takes_a_long_text_as_a_whole() -> None:
    [request] = plan(replace(LINE, text=LONG), "local").requests

    assert request.transcript == LONG


# ---- formats


KINDS = {
    "wav": ("wav", "pcm_f32le", None),
    "pcm": ("raw", "pcm_f32le", None),
    "flac": ("flac", "pcm_f32le", None),
    "mp3": ("mp3", None, 128_000),
    "ogg": ("ogg", None, None),
    "opus": ("opus", None, None),
    "ulaw": ("raw", "pcm_mulaw", None),
    "alaw": ("raw", "pcm_alaw", None),
}


@pytest.mark.parametrize("format", KINDS)
def test_a_choice_for_all_holds_for_each_format_that_has_it(format: str) -> None:
    choice = FormatChoice(encoding=Encoding.PCM_F32LE, sample_rate=24_000)

    output = plan(replace(LINE, format=format), choice=choice).output

    assert (output.name, output.encoding, output.bit_rate) == KINDS[format]
    assert output.sample_rate == 24_000


def test_a_bit_rate_for_all_is_one_for_the_lines_that_are_mp3() -> None:
    made = planner(choice=FormatChoice("mp3", bit_rate=64_000))

    mp3, wav, ogg = (made.plan(replace(LINE, format=each)).output for each in (None, "wav", "ogg"))

    assert (mp3.bit_rate, wav.bit_rate, ogg.bit_rate) == (64_000, None, None)
    assert (wav.encoding, wav.sample_rate) == (Encoding.PCM_S16LE, 44_100)


def test_what_is_usual_binds_nobody() -> None:
    made = planner(choice=FormatChoice(usual_encoding=Encoding.PCM_MULAW, usual_rate=22_050))

    wav, flac, opus = (made.plan(replace(LINE, format=each)).output for each in ("wav", "flac", "opus"))

    assert (wav.encoding, wav.sample_rate) == (Encoding.PCM_MULAW, 22_050)
    assert (flac.encoding, flac.sample_rate) == (Encoding.PCM_S16LE, 22_050)
    assert opus.sample_rate == 48_000, "it cannot have the usual rate"


@pytest.mark.parametrize(
    "choice",
    [
        FormatChoice("mp3", encoding=Encoding.PCM_S16LE),
        FormatChoice("wav", bit_rate=64_000),
        FormatChoice("opus", sample_rate=44_100),
    ],
    ids=["encoding", "bit rate", "sample rate"],
)
def test_a_choice_that_contradicts_itself_is_known_before_any_line(choice: FormatChoice) -> None:
    with pytest.raises(UsageError, match=rf"^\*\.{choice.format} cannot have --"):
        planner(choice=choice)


def test_a_format_that_cannot_have_what_was_chosen_is_the_mistake_of_its_line() -> None:
    made = planner(choice=FormatChoice(sample_rate=22_050))

    with pytest.raises(UsageError, match=r"^a/b\.opus cannot have --sample-rate 22050\.$"):
        made.plan(replace(LINE, output="a/b.opus"))

    assert made.plan(LINE).output.sample_rate == 22_050


@pytest.mark.parametrize("transport", ["auto", "bytes"])
@pytest.mark.parametrize(
    ("choice", "line"),
    [(MP3, LINE), (FormatChoice(), replace(LINE, output="a.mp3"))],
    ids=["all", "one line"],
)
def test_an_mp3_comes_as_it_is_from_the_cloud(choice: FormatChoice, line: Line, transport: str) -> None:
    job = plan(line, choice=choice, transport=transport)

    assert job.requests[0].format == AudioFormat(container=Container.MP3, bit_rate=128_000)
    assert (job.output.name, job.output.bit_rate) == ("mp3", 128_000)


@pytest.mark.parametrize(
    ("engine", "text", "options"),
    [
        ("local", "Good day.", {}),
        ("cloud", LONG, {}),
        ("cloud", "Good day.", {"timings": ("srt",)}),
        ("cloud", "Good day.", {"transport": "sse"}),
        ("cloud", "Good day.", {"transport": "websocket"}),
    ],
    ids=["built-in", "several parts", "timings", "sse", "websocket"],
)
def test_an_mp3_is_made_here_where_it_cannot_come_as_it_is(
    engine: EngineName, text: str, options: dict[str, Any]
) -> None:
    job = plan(replace(LINE, text=text), engine, choice=MP3, **options)

    assert all(request.format == AudioFormat(Encoding.PCM_F32LE) for request in job.requests)
    assert (job.output.name, job.output.bit_rate) == ("mp3", 128_000)


def test_a_bit_rate_that_only_the_api_can_have_is_the_mistake_of_a_long_text() -> None:
    made = planner(choice=FormatChoice("mp3", sample_rate=8_000, bit_rate=192_000))

    straight = made.plan(LINE)
    with pytest.raises(UsageError, match="cannot have --bit-rate 192000 at 8000 Hz"):
        made.plan(replace(LINE, text=LONG))

    assert straight.requests[0].format.bit_rate == 192_000


# ---- names


@pytest.mark.parametrize(
    ("line", "names"),
    [
        (LINE, ("000001.wav", "000001.srt", "000001.json")),
        (replace(LINE, id="7"), ("7.wav", "7.srt", "7.json")),
        (replace(LINE, output="a.b/c.d.flac"), ("a.b/c.d.flac", "a.b/c.d.srt", "a.b/c.d.json")),
        (replace(LINE, output="a.b/c"), ("a.b/c.wav", "a.b/c.srt", "a.b/c.json")),
    ],
)
def test_timings_are_called_like_the_audio(line: Line, names: tuple[str, ...]) -> None:
    assert plan(line, timings=("srt", "json")).names == names


def test_a_name_has_the_voice_as_it_was_given() -> None:
    made = planner(template="{voice}/{id}")

    assert made.plan(replace(LINE, id="a")).name == "Ada/a.wav"
    assert made.plan(replace(LINE, id="a", voice="id-of-bob")).name == "id-of-bob/a.wav"


# ---- rules of timings


def test_rules_tell_timings_apart_and_nothing_else() -> None:
    without = [plan(rules=rules) for rules in ("one", "other")]
    one, again, other = (plan(timings=("srt",), rules=rules) for rules in ("one", "one", "other"))

    assert {job.rules for job in without} == {""}
    assert one.rules == again.rules != other.rules
    assert len({job.fingerprint for job in (*without, one, again, other)}) == 1


# ---- fingerprints


SHAPING = {
    "text": {"text": "Good day"},
    "space": {"text": "Good day. "},
    "voice": {"voice": "Bob"},
    "model": {"model": "sonic-2"},
    "language": {"language": "en"},
    "speed": {"speed": 1.0},
    "named speed": {"speed": "normal"},
    "volume": {"volume": 1.0},
    "emotion": {"emotion": ("calm",)},
    "format": {"format": "flac"},
    "ending": {"output": "000001.flac"},
    "samples": {"format": "ulaw"},
    "no header": {"format": "pcm"},
}


@pytest.mark.parametrize("change", SHAPING.values(), ids=SHAPING)
def test_what_shapes_the_audio_of_a_line_changes_its_fingerprint(change: dict[str, Any]) -> None:
    assert not same_audio(plan(), plan(replace(LINE, **change)))


def test_what_the_built_in_voice_does_not_have_shapes_nothing() -> None:
    other = plan(
        replace(LINE, model="sonic-2"),
        engine="local",
        usual=replace(USUAL, language="en", normalization="off"),
    )

    assert same_audio(plan(engine="local", usual=replace(USUAL, language="en")), other)


@pytest.mark.parametrize(
    "options",
    [
        {"engine": "local"},
        {"origin": "https://elsewhere.example"},
        {"usual": replace(USUAL, normalization="off")},
        {"usual": replace(USUAL, pronunciation_dict_id="d")},
        {"usual": replace(USUAL, voice_embedding=(1.0,))},
        {"usual": replace(USUAL, locale="en-GB")},
        {"usual": replace(USUAL, emotion=("calm",))},
        {"choice": FormatChoice(sample_rate=8_000)},
        {"choice": FormatChoice(encoding=Encoding.PCM_F32LE)},
        {"choice": FormatChoice(usual_rate=8_000)},
        {"choice": MP3},
    ],
    ids=repr,
)
def test_what_shapes_the_audio_of_all_changes_every_fingerprint(options: dict[str, Any]) -> None:
    assert not same_audio(plan(), plan(**options))


def test_two_emotions_are_not_one_with_their_names() -> None:
    emotions = [("calm", "sad"), ("sad", "calm"), ("calm sad",), ("calm, sad",), ("calm', 'sad",)]

    assert len({plan(replace(LINE, emotion=each)).fingerprint for each in emotions}) == 5


def test_a_bit_rate_changes_the_fingerprint() -> None:
    assert not same_audio(plan(choice=MP3), plan(choice=FormatChoice("mp3", bit_rate=64_000)))


NOT_SHAPING: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "number": ({"number": 7}, {}),
    "id": ({"id": "seven"}, {}),
    "name": ({"output": "a/b.wav"}, {}),
    "template": ({}, {"template": "{slug}-{line}"}),
    "characters dropped": ({"n_dropped": 3}, {}),
    "timings": ({}, {"timings": ("srt", "vtt"), "rules": "of captions"}),
    "transport": ({}, {"transport": "sse"}),
    "asking for times of words": ({}, {"usual": replace(USUAL, word_timestamps=True)}),
    "context": ({}, {"usual": replace(USUAL, context_id="c")}),
    "a seed, in the cloud": ({}, {"usual": replace(USUAL, seed=1)}),
    "the voice, by its ID": ({"voice": "id-of-ada"}, {}),
    "the voice, by its name": ({"voice": "Ada"}, {"voice": "id-of-ada"}),
    "the voice of the line": ({"voice": "Ada"}, {"voice": "Bob", "usual": replace(USUAL, voice_id="x")}),
    "the usual format, said": ({"format": "wav"}, {}),
    "the format of the line": ({"format": "wav"}, {"choice": MP3}),
    "the usual rate, said": ({}, {"choice": FormatChoice(sample_rate=44_100)}),
    "the usual encoding, said": ({}, {"choice": FormatChoice(encoding=Encoding.PCM_S16LE)}),
    "the usual model, said": ({"model": "sonic-latest"}, {}),
    "the model of the line": ({"model": "sonic-latest"}, {"usual": replace(USUAL, model_id="old")}),
}


@pytest.mark.parametrize(("change", "options"), NOT_SHAPING.values(), ids=NOT_SHAPING)
def test_what_does_not_shape_the_audio_does_not_change_the_fingerprint(
    change: dict[str, Any], options: dict[str, Any]
) -> None:
    assert same_audio(plan(), plan(replace(LINE, **change), **options))


def test_a_text_is_another_one_if_it_is_asked_for_in_other_parts() -> None:
    """What is never asked for parts what is: together it would sound otherwise."""
    parted = plan(replace(LINE, text=f"The start. {'. ' * MAX_PART}The end."))
    whole = plan(replace(LINE, text=parted.text))

    assert (len(parted.requests), len(whole.requests)) == (2, 1)
    assert parted.text == whole.text
    assert not same_audio(parted, whole)


@pytest.mark.parametrize(
    ("line", "usual"),
    [
        ({"speed": 1.2}, {"speed": 1.2}),
        ({"volume": 0.5}, {"volume": 0.5}),
        ({"emotion": ("calm", "sad")}, {"emotion": ("calm", "sad")}),
        ({"language": "de"}, {"language": "de"}),
        ({"model": "sonic-2"}, {"model_id": "sonic-2"}),
    ],
)
def test_a_line_and_the_options_are_two_ways_to_the_same_audio(
    line: dict[str, Any], usual: dict[str, Any]
) -> None:
    by_line, by_option = plan(replace(LINE, **line)), plan(usual=replace(USUAL, **usual))

    assert by_line.requests == by_option.requests
    assert same_audio(by_line, by_option)


def test_a_seed_shapes_what_the_built_in_engine_says() -> None:
    one, other = (plan(LINE, "local", usual=replace(USUAL, seed=seed)) for seed in (1, 2))

    assert not same_audio(one, other)


def test_two_endings_of_the_same_bytes_have_one_fingerprint() -> None:
    pcm, raw = (plan(replace(LINE, format=each)) for each in ("pcm", "raw"))
    mulaw = FormatChoice(encoding=Encoding.PCM_MULAW, sample_rate=8_000)
    ulaw, coded = plan(replace(LINE, format="ulaw")), plan(replace(LINE, format="raw"), choice=mulaw)

    assert same_audio(pcm, raw)
    assert same_audio(ulaw, coded)
    assert not same_audio(pcm, ulaw)


def test_an_embedding_shapes_what_it_speaks_and_no_line_with_a_voice() -> None:
    def both(embedding: tuple[float, ...], **usual: Any) -> tuple[Job, Job]:
        made = planner(usual=replace(USUAL, voice_embedding=embedding, **usual))
        return made.plan(LINE), made.plan(replace(LINE, voice="Bob"))

    embedded, named = both((0.5, 1.0))
    other, still_named = both((0.5, 1.5))
    same, _ = both((0.5, 1.0), voice_id="id-of-bob")

    assert not same_audio(embedded, other)
    assert same_audio(named, still_named)
    assert same_audio(named, plan(replace(LINE, voice="Bob")))
    assert same_audio(embedded, same), "an embedding stands in for the voice"


def test_no_voice_has_the_fingerprint_of_an_embedding() -> None:
    embedding = (0.5, 1.0)
    embedded = plan(usual=replace(USUAL, voice_embedding=embedding))

    digest = sha256(repr(embedding).encode()).hexdigest()
    for name in (repr(embedding), digest, "None"):
        assert not same_audio(embedded, plan(replace(LINE, voice=name), find=str))


Shape = tuple[object, ...]

WORDS = st.sampled_from(
    ["Good day.", "Good day. ", "Good night.", "a', 'b", "a', None, 'b", "x\u2028y", LONG]
)
ANYTHING = st.sampled_from([None, "a", "b", "a', 'b", "None", "('a',)", "\\'", "é", "e\u0301"])
LINES = st.builds(
    Line,
    number=st.integers(1, 3),
    text=WORDS,
    id=st.sampled_from([None, "one", "two"]),
    output=st.none(),
    voice=st.sampled_from([None, "Ada", "Bob", "id-of-ada", "id-of-bob"]),
    model=ANYTHING,
    language=ANYTHING,
    speed=st.sampled_from([None, 0.6, 1.0, 1.5, "slow", "normal", "1.0"]),
    volume=st.sampled_from([None, 0.5, 1.0, 2.0]),
    emotion=st.sampled_from([(), ("a",), ("a", "b"), ("a', 'b",), ("b", "a"), ("a b",)]),
    format=st.sampled_from([None, "wav", "pcm", "raw", "mp3", "flac", "ogg", "opus", "ulaw", "alaw"]),
    n_dropped=st.integers(0, 1),
)


def shape(line: Line) -> Shape:
    """Return what shapes the audio of a line, said once more: equal for lines that sound alike."""
    kind = line.format or "wav"
    return (
        line.text,
        VOICES.get(line.voice or "Ada", line.voice),
        line.model or "sonic-latest",
        line.language,
        line.speed,
        line.volume,
        line.emotion,
        {"raw": "pcm"}.get(kind, kind),
    )


@given(LINES, LINES, st.booleans())
def test_two_lines_have_one_fingerprint_if_and_only_if_they_have_one_shape(
    one: Line, other: Line, is_near: bool
) -> None:
    if is_near:  # alike but for one thing
        other = replace(one, number=other.number, id=other.id, speed=other.speed, voice=other.voice)

    assert same_audio(plan(one), plan(other)) == (shape(one) == shape(other))
