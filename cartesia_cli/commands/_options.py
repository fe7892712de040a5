"""Options that several commands share, each declared once, in groups.

A group is a named tuple whose annotations are Typer's; ``takes`` gives a command
the options of its groups and hands them over as values. (A dataclass would do,
but takes ten times as long to make, and every ``--help`` waits for that.)
"""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

import typer

if TYPE_CHECKING:
    from cartesia_cli.captions import Profile

Option = typer.Option

Strings = list[str] | None

# What every command has, also one that talks to no engine.
Quiet = Annotated[bool, Option("--quiet", "-q", help="Only errors on stderr.")]
Verbose = Annotated[int, Option("--verbose", count=True, metavar="", help="Tell more; repeat for details.")]
LogFile = Annotated[Path | None, Option("--log-file", metavar="FILE", help="Append a detailed log to FILE.")]
Color = Annotated[
    Literal["auto", "always", "never"] | None,
    Option("--color", help="Colour on the terminal. [env: NO_COLOR]"),
]


def takes(*groups: Any) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return a decorator: the command receives one value of each group, in this order."""

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        def flat(**given: Any) -> None:
            command(*(group(**{name: given[name] for name in group._fields}) for group in groups))

        hints = {name: hint for group in groups for name, hint in group.__annotations__.items()}
        keyword = inspect.Parameter.KEYWORD_ONLY
        parameters = [
            inspect.Parameter(
                name,
                keyword,
                default=group._field_defaults.get(name, inspect.Parameter.empty),
                annotation=hints[name],
            )
            for group in groups
            for name in group._fields
        ]
        flat.__name__ = command.__name__
        flat.__doc__ = command.__doc__
        flat.__annotations__ = {**hints, "return": None}
        flat.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # typeshed omits it
        return flat

    return decorate


# What every command has that asks an engine.
EngineChoice = Annotated[
    Literal["auto", "cloud", "local"] | None,
    Option("--engine", help="cloud, local, or whichever is set up. [env: CARTESIA_ENGINE]"),
]
ProfileName = Annotated[
    str | None,
    Option("--profile", metavar="NAME", help="Settings under [profiles.NAME]. [env: CARTESIA_PROFILE]"),
]
BaseUrl = Annotated[
    str | None, Option("--base-url", metavar="URL", help="Where the API is. [env: CARTESIA_BASE_URL]")
]
Patience = Annotated[
    float | None,
    Option(
        "--timeout", metavar="SECONDS", help="For connecting, the first byte, and silence; never the whole."
    ),
]
Retries = Annotated[
    int | None, Option("--retries", metavar="N", help="Try again after a failure. (default: 2)")
]


class EngineOptions(NamedTuple):
    """Which engine works, and how patiently it is asked."""

    engine: EngineChoice = None
    fallback: Annotated[
        Literal["local"] | None, Option("--fallback", help="Use the built-in engine if the cloud fails.")
    ] = None
    profile: ProfileName = None
    base_url: BaseUrl = None
    timeout: Patience = None
    retries: Retries = None


class LibraryOptions(NamedTuple):
    """Which engine keeps it, and how patiently it is asked; nothing can stand in for it."""

    engine: EngineChoice = None
    profile: ProfileName = None
    base_url: BaseUrl = None
    timeout: Patience = None
    retries: Retries = None

    def as_engine_options(self) -> EngineOptions:
        """Return the same for whoever asks an engine."""
        return EngineOptions(**self._asdict())


class ReportOptions(NamedTuple):
    """What the run tells about itself."""

    json: Annotated[bool, Option("--json", help="Print one JSON object at the end; errors as JSON too.")] = (
        False
    )
    quiet: Quiet = False
    verbose: Verbose = 0
    log_file: LogFile = None
    color: Color = None
    stats: Annotated[bool, Option("--stats", help="Times and counts on stderr, or inside --json.")] = False
    no_input: Annotated[bool, Option("--no-input", help="Never ask, never read keys.")] = False


class VoiceOptions(NamedTuple):
    """Who speaks, and how."""

    voice: Annotated[
        str | None, Option("--voice", "-v", metavar="VOICE", help="Name, ID or alias. [env: CARTESIA_VOICE]")
    ] = None
    voice_embedding: Annotated[
        Path | None, Option("--voice-embedding", metavar="FILE", help="A voice of the older API, as JSON.")
    ] = None
    model: Annotated[
        str | None, Option("--model", "-m", metavar="ID", help="Model ID. [env: CARTESIA_MODEL]")
    ] = None
    language: Annotated[
        str | None,
        Option("--language", "-l", metavar="CODE", help="Like en, de, ja. [env: CARTESIA_LANGUAGE]"),
    ] = None
    locale: Annotated[
        str | None, Option("--locale", metavar="CODE", help="Like en-GB, instead of a language.")
    ] = None
    speed: Annotated[
        str | None, Option("--speed", metavar="0.6–1.5", help="Pace: a factor, or slow, normal, fast.")
    ] = None
    volume: Annotated[float | None, Option("--volume", metavar="0.5–2.0", help="Loudness, as a factor.")] = (
        None
    )
    emotion: Annotated[
        Strings,
        Option("--emotion", metavar="NAME", help="Like calm or excited; repeatable for the older API."),
    ] = None
    dict_: Annotated[str | None, Option("--dict", metavar="ID", help="Pronunciation dictionary.")] = None
    normalization: Annotated[
        str | None,
        Option("--normalization", metavar="auto|off|LOCALE", help="How numbers and dates are read."),
    ] = None
    seed: Annotated[
        int | None, Option("--seed", metavar="N", help="Same seed, same bytes (built-in engine).")
    ] = None
    context_id: Annotated[
        str | None, Option("--context-id", metavar="ID", help="Sent along with the request.")
    ] = None


# How every command that makes sound can be told to write it.
FormatName = Literal["wav", "pcm", "raw", "mp3", "flac", "ogg", "opus", "ulaw", "alaw"]
Format = Annotated[FormatName | None, Option("--format", help="For '-o -' and names without an ending.")]
SampleEncoding = Annotated[
    Literal["pcm_f32le", "pcm_s16le", "pcm_mulaw", "pcm_alaw"] | None,
    Option("--encoding", help="How samples are stored (wav, raw; flac in part)."),
]
SampleRate = Annotated[
    int | None, Option("--sample-rate", "-r", metavar="HZ", help="8000 16000 22050 24000 44100 48000.")
]
BitRate = Annotated[
    int | None, Option("--bit-rate", metavar="BPS", help="MP3: 32000 64000 96000 128000 192000.")
]


class OutputOptions(NamedTuple):
    """Where the audio goes, and in which form."""

    output: Annotated[
        Strings, Option("--output", "-o", metavar="FILE", help="Write FILE; '-' is stdout. Repeatable.")
    ] = None
    format: Format = None
    encoding: SampleEncoding = None
    sample_rate: SampleRate = None
    bit_rate: BitRate = None
    no_clobber: Annotated[bool, Option("--no-clobber", help="Never replace an existing file.")] = False
    force: Annotated[bool, Option("--force", help="Write audio even to a terminal.")] = False


# What every command has that can be heard.
Play = Annotated[bool, Option("--play", help="Play it.")]
Device = Annotated[str | None, Option("--device", metavar="NAME|INDEX", help="Which sound device.")]
Gain = Annotated[float | None, Option("--gain", metavar="DB", help="Louder or softer, in decibels.")]
Interrupt = Annotated[bool, Option("--interrupt", help="Silence another cartesia instead of waiting for it.")]
Wait = Annotated[
    float, Option("--wait", metavar="SECONDS", help="For the others to fall silent. (default: 60)")
]


class PlayOptions(NamedTuple):
    """The loudspeaker."""

    play: Play = False
    device: Device = None
    gain: Gain = None
    follow: Annotated[bool, Option("--follow", help="Show the words in time with the sound.")] = False
    interrupt: Interrupt = False
    wait: Wait = 60.0


class LoudspeakerOptions(NamedTuple):
    """The loudspeaker, where there are no words to follow."""

    play: Play = False
    device: Device = None
    gain: Gain = None
    interrupt: Interrupt = False
    wait: Wait = 60.0

    def as_play_options(self) -> PlayOptions:
        """Return the same for whoever opens a stage."""
        return PlayOptions(**self._asdict())


class TimingOptions(NamedTuple):
    """When each word is spoken, as subtitles or data."""

    timings: Annotated[
        Strings,
        Option("--timings", metavar="FILE", help=".srt .vtt .ass .lrc .json .tsv, or '-'. Repeatable."),
    ] = None
    timings_format: Annotated[
        Literal["srt", "vtt", "ass", "lrc", "json", "tsv"] | None,
        Option("--timings-format", help="For '--timings -' and names without an ending."),
    ] = None
    phonemes: Annotated[bool, Option("--phonemes", help="Phoneme timings too (in .json).")] = False


class CueOptions(NamedTuple):
    """How words become subtitles."""

    captions: Annotated[
        str | None, Option("--captions", metavar="PROFILE", help="netflix, bbc, shorts, or FILE.toml.")
    ] = None
    max_chars: Annotated[int | None, Option("--max-chars", metavar="N", help="Characters a line.")] = None
    max_lines: Annotated[int | None, Option("--max-lines", metavar="N", help="Lines a cue.")] = None
    min_duration: Annotated[
        float | None, Option("--min-duration", metavar="SECONDS", help="Shortest cue.")
    ] = None
    max_duration: Annotated[
        float | None, Option("--max-duration", metavar="SECONDS", help="Longest cue.")
    ] = None
    cps: Annotated[float | None, Option("--cps", metavar="N", help="Characters a second, at most.")] = None
    gap: Annotated[float | None, Option("--gap", metavar="SECONDS", help="Least time between cues.")] = None

    def profile(self, usual: str) -> "Profile":
        """Return the caption rules: those of ``--captions`` or else ``usual``, with the overrides.

        Raises:
            UsageError: there is no such profile, or it contradicts itself.
        """
        from cartesia_cli.captions import load_profile

        overrides = self._asdict()
        return load_profile(overrides.pop("captions") or usual, **overrides)
