"""The table of formats: defaults, what each ending may be, what to ask the engine for."""

import pytest

from cartesia_cli.audio.formats import OutputFormat, output_formats, source_format
from cartesia_cli.errors import UsageError
from cartesia_cli.models import BIT_RATES, FILE_FORMATS, SAMPLE_RATES, AudioFormat, Container, Encoding
from tests.fakes.outputs import output_format

F32, S16, MULAW, ALAW = Encoding
assert (F32.value, S16.value, MULAW.value, ALAW.value) == ("pcm_f32le", "pcm_s16le", "pcm_mulaw", "pcm_alaw")

DEFAULTS = [
    ("a.wav", OutputFormat("wav", S16, 44_100)),
    ("-", OutputFormat("wav", S16, 44_100)),
    ("a.pcm", OutputFormat("raw", F32, 44_100)),
    ("a.raw", OutputFormat("raw", F32, 44_100)),
    ("a.mp3", OutputFormat("mp3", None, 44_100, 128_000)),
    ("a.flac", OutputFormat("flac", S16, 44_100)),
    ("a.ogg", OutputFormat("ogg", None, 44_100)),
    ("a.opus", OutputFormat("opus", None, 48_000)),
    ("a.ulaw", OutputFormat("raw", MULAW, 8_000)),
    ("a.alaw", OutputFormat("raw", ALAW, 8_000)),
]


def test_the_table_has_every_format() -> None:
    assert {target.removeprefix("a.") for target, _ in DEFAULTS} == {"-", *FILE_FORMATS}


@pytest.mark.parametrize(("target", "expected"), DEFAULTS)
def test_the_ending_decides(target: str, expected: OutputFormat) -> None:
    assert output_format(target) == expected


@pytest.mark.parametrize(("target", "expected"), DEFAULTS)
def test_format_says_the_same_of_stdout_and_of_names_without_ending(
    target: str, expected: OutputFormat
) -> None:
    name = "wav" if target == "-" else target[2:]

    assert output_format("-", format=name) == expected
    assert output_format("/dev/stdout", format=name) == expected
    assert output_format("speech.final", format=name) == expected
    assert output_format(f"a.{name}", format=name) == expected


@pytest.mark.parametrize("target", ["A.WAV", "some.dir/x.b.Wav", "ünïcode 語.wAv"])
def test_capitals_in_the_ending_do_not_matter(target: str) -> None:
    assert output_format(target).name == "wav"


def test_raw_and_pcm_are_two_names_of_one_format() -> None:
    assert output_format("a.pcm", format="raw") == output_format("a.raw", format="pcm")


@pytest.mark.parametrize(
    ("targets", "options", "message"),
    [
        (["a"], {}, "The name a does not say which format it shall have"),
        (["a.txt"], {}, "The name a.txt does not say"),
        ([".wav"], {}, "The name .wav does not say"),
        (["/dev/null"], {}, "The name /dev/null does not say"),
        (["a.wav"], {"format": "mp3"}, "--format mp3 contradicts the ending of a.wav"),
        (["a.ulaw"], {"format": "raw"}, "--format raw contradicts the ending of a.ulaw"),
        (["-"], {"format": "aiff"}, "There is no format 'aiff'"),
        (["a.mp3"], {"encoding": S16}, "a.mp3 cannot have --encoding pcm_s16le"),
        (["a.opus", "a.ogg"], {"encoding": F32}, "a.opus cannot have --encoding pcm_f32le"),
        (["a.flac"], {"encoding": MULAW}, "a.flac cannot have --encoding pcm_mulaw"),
        (["a.flac", "a.wav"], {"encoding": ALAW}, "a.flac cannot have --encoding pcm_alaw"),
        (["a.ulaw"], {"encoding": ALAW}, "a.ulaw cannot have --encoding pcm_alaw"),
        (["a.opus"], {"sample_rate": 44_100}, "a.opus cannot have --sample-rate 44100"),
        (["a.wav", "a.opus"], {"sample_rate": 22_050}, "a.opus cannot have --sample-rate 22050"),
        (["a.wav"], {"sample_rate": 12_345}, "a.wav cannot have --sample-rate 12345"),
        (["a.wav"], {"bit_rate": 64_000}, "a.wav cannot have --bit-rate 64000"),
        (["-"], {"bit_rate": 64_000}, "stdout cannot have --bit-rate 64000"),
        (["a.mp3"], {"bit_rate": 100}, "a.mp3 cannot have --bit-rate 100"),
        (["a.mp3"], {"bit_rate": 96_000, "sample_rate": 8_000}, "--bit-rate 96000 at 8000 Hz"),
        (["a.mp3"], {"bit_rate": 192_000, "sample_rate": 16_000}, "--bit-rate 192000 at 16000 Hz"),
        (["a.mp3"], {"bit_rate": 192_000, "sample_rate": 24_000}, "--bit-rate 192000 at 24000 Hz"),
    ],
)
def test_what_an_output_cannot_have_is_refused(
    targets: list[str], options: dict[str, object], message: str
) -> None:
    with pytest.raises(UsageError, match=message.replace(".", r"\.")) as caught:
        output_formats(targets, **options)  # type: ignore[arg-type]

    assert caught.value.hint is not None


@pytest.mark.parametrize(
    ("target", "options", "hint"),
    [
        ("a.opus", {"sample_rate": 44_100}, "It may have 8000, 16000, 24000 or 48000."),
        ("a.flac", {"encoding": MULAW}, "It may have pcm_s16le or pcm_f32le."),
        ("a.mp3", {"bit_rate": 192_000, "sample_rate": 8_000}, "It may have 32000 or 64000."),
        ("a.mp3", {"encoding": S16}, "Leave out --encoding."),
        ("a.ulaw", {"encoding": S16}, "It always has pcm_mulaw."),
    ],
)
def test_a_refusal_names_what_may_be_had(target: str, options: dict[str, object], hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        output_format(target, **options)

    assert caught.value.hint == hint


def test_an_option_applies_to_every_output_that_has_the_choice() -> None:
    outputs = output_formats(
        ["a.wav", "b.mp3", "c.flac", "d.ulaw"], encoding=F32, sample_rate=16_000, bit_rate=64_000
    )

    assert outputs == [
        OutputFormat("wav", F32, 16_000),
        OutputFormat("mp3", None, 16_000, 64_000),
        OutputFormat("flac", F32, 16_000),
        OutputFormat("raw", MULAW, 16_000),
    ]


def test_format_for_stdout_leaves_names_with_endings_alone() -> None:
    wav, stdout = output_formats(["a.wav", "-"], format="mp3")

    assert (wav.name, stdout.name) == ("wav", "mp3")


def test_an_encoding_that_an_ending_means_anyway_is_accepted() -> None:
    assert output_format("a.alaw", encoding=ALAW).encoding is ALAW


@pytest.mark.parametrize("name", [name for name in FILE_FORMATS if name != "opus"])
@pytest.mark.parametrize("rate", SAMPLE_RATES)
def test_every_format_but_opus_has_every_rate(name: str, rate: int) -> None:
    assert output_format(f"a.{name}", sample_rate=rate).sample_rate == rate


@pytest.mark.parametrize("name", ["wav", "pcm", "raw"])
@pytest.mark.parametrize("encoding", list(Encoding))
def test_wav_and_raw_have_every_encoding(name: str, encoding: Encoding) -> None:
    assert output_format("-", format=name, encoding=encoding).encoding is encoding


@pytest.mark.parametrize(
    ("rate", "bit_rate"),
    [(8_000, 64_000), (16_000, 128_000), (22_050, 128_000), (24_000, 128_000), (44_100, 128_000)],
)
def test_mp3_is_128_kbit_or_the_most_that_the_rate_can_have(rate: int, bit_rate: int) -> None:
    assert output_format("a.mp3", sample_rate=rate).bit_rate == bit_rate


@pytest.mark.parametrize("rate", SAMPLE_RATES)
@pytest.mark.parametrize("bit_rate", BIT_RATES)
def test_a_lone_mp3_straight_from_the_api_has_every_bit_rate(rate: int, bit_rate: int) -> None:
    output = output_format("a.mp3", sample_rate=rate, bit_rate=bit_rate, straight_mp3=True)

    assert source_format([output], straight_mp3=True) == AudioFormat(
        sample_rate=rate, container=Container.MP3, bit_rate=bit_rate
    )


def test_an_mp3_beside_another_output_is_encoded_here_and_limited() -> None:
    with pytest.raises(UsageError, match="192000 at 8000 Hz"):
        output_formats(["a.mp3", "a.wav"], sample_rate=8_000, bit_rate=192_000, straight_mp3=True)


@pytest.mark.parametrize(
    ("targets", "options", "expected"),
    [
        ([], {}, AudioFormat(F32, 44_100)),
        (["a.wav"], {}, AudioFormat(S16, 44_100)),
        (["a.pcm"], {}, AudioFormat(F32, 44_100)),
        (["a.ulaw"], {}, AudioFormat(MULAW, 8_000)),
        (["a.flac"], {}, AudioFormat(S16, 44_100)),
        (["a.flac"], {"encoding": F32}, AudioFormat(F32, 44_100)),
        (["a.ogg"], {}, AudioFormat(F32, 44_100)),
        (["a.opus"], {}, AudioFormat(F32, 48_000)),
        (["a.mp3"], {}, AudioFormat(F32, 44_100)),
        (["a.wav", "b.wav", "c.flac"], {}, AudioFormat(S16, 44_100)),
        (["a.wav", "b.pcm"], {}, AudioFormat(F32, 44_100)),
        (["a.wav", "b.mp3"], {"sample_rate": 16_000}, AudioFormat(F32, 16_000)),
        (["a.wav", "b.opus"], {}, AudioFormat(F32, 48_000)),
        (["a.ulaw", "b.alaw"], {}, AudioFormat(F32, 8_000)),
        (["a.ulaw", "-"], {}, AudioFormat(F32, 44_100)),
    ],
)
def test_the_engine_is_asked_for_what_needs_the_fewest_conversions(
    targets: list[str], options: dict[str, int], expected: AudioFormat
) -> None:
    outputs = output_formats(targets, **options)  # type: ignore[arg-type]

    assert source_format(outputs, play=False) == expected
    assert source_format(outputs, play=True) == expected


def test_the_loudspeaker_cannot_take_mp3() -> None:
    outputs = output_formats(["a.mp3"])

    assert source_format(outputs, play=True, straight_mp3=True).container is Container.RAW


def test_mp3_files_that_are_alike_are_taken_as_they_come() -> None:
    outputs = output_formats(["a.mp3", "b.mp3"], straight_mp3=True)

    assert source_format(outputs, straight_mp3=True).container is Container.MP3
