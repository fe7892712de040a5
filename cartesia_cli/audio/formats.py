"""What a file of each ending can be, and the one format to ask an engine for."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Final, Literal

from cartesia_cli.errors import UsageError
from cartesia_cli.models import BIT_RATES, FILE_FORMATS, SAMPLE_RATES, AudioFormat, Container, Encoding

FormatName = Literal["wav", "raw", "mp3", "flac", "ogg", "opus"]

STDOUT: Final = "-"


@dataclass(frozen=True, slots=True)
class OutputFormat:
    """What one output will hold."""

    name: FormatName
    """How the sound is wrapped; ``raw`` has no header at all."""

    encoding: Encoding | None
    """How a sample is stored; None where the container compresses with loss."""

    sample_rate: int
    """Samples per second, in hertz."""

    bit_rate: int | None = None
    """Bits per second, MP3 only."""


@dataclass(frozen=True, slots=True)
class _Kind:
    """What an ending can be; the default comes first, and one without alternatives is no choice."""

    name: FormatName
    encodings: tuple[Encoding, ...] = ()
    default_rate: int = 44_100
    sample_rates: tuple[int, ...] = SAMPLE_RATES
    bit_rates: tuple[int, ...] = ()


_EVERY_ENCODING = tuple(Encoding)
_LOSSLESS = (Encoding.PCM_S16LE, Encoding.PCM_F32LE)

_KINDS = {
    "wav": _Kind("wav", (Encoding.PCM_S16LE, *(e for e in Encoding if e is not Encoding.PCM_S16LE))),
    "pcm": _Kind("raw", _EVERY_ENCODING),
    "raw": _Kind("raw", _EVERY_ENCODING),
    "mp3": _Kind("mp3", bit_rates=BIT_RATES),
    "flac": _Kind("flac", _LOSSLESS),
    "ogg": _Kind("ogg"),
    "opus": _Kind("opus", default_rate=48_000, sample_rates=(8_000, 16_000, 24_000, 48_000)),
    "ulaw": _Kind("raw", (Encoding.PCM_MULAW,), default_rate=8_000),
    "alaw": _Kind("raw", (Encoding.PCM_ALAW,), default_rate=8_000),
}
"""Every one of ``FILE_FORMATS``."""


def output_formats(
    targets: Sequence[str | PurePath],
    *,
    format: str | None = None,
    encoding: Encoding | None = None,
    sample_rate: int | None = None,
    bit_rate: int | None = None,
    usual_encoding: Encoding | None = None,
    usual_rate: int | None = None,
    straight_mp3: bool = False,
) -> list[OutputFormat]:
    """Return what each output will hold.

    An option applies to every output that has the choice; the others ignore it.

    Args:
        targets: file names, or ``-`` for stdout.
        format: one of ``FILE_FORMATS``, for stdout and for names whose ending says nothing.
        encoding: how samples are stored.
        sample_rate: samples per second, in hertz.
        bit_rate: bits per second.
        usual_encoding: instead of a file's default, where it can have it.
        usual_rate: instead of a file's default, where it can have it.
        straight_mp3: the engine sends MP3 and no loudspeaker needs samples, so that outputs which are
            all MP3 are taken as they come, with every bit rate at every sample rate. What is encoded
            here follows the MP3 standard.

    Raises:
        UsageError: a name says nothing, clashes with ``format``, or no output has a choice that was
            made, or one of those that have it cannot have this value.
    """
    kinds = _kinds_of(targets, format)
    if encoding is not None:
        _check_choice("--encoding", encoding, kinds, lambda kind: kind.encodings)
    if sample_rate is not None:
        _check_choice("--sample-rate", sample_rate, kinds, lambda kind: kind.sample_rates)
    straight = straight_mp3 and all(kind.name == "mp3" for _, kind in kinds)
    rates = [
        sample_rate or (usual_rate if usual_rate in kind.sample_rates else None) or kind.default_rate
        for _, kind in kinds
    ]
    preferred = encoding or usual_encoding
    if bit_rate is not None:
        _check_choice("--bit-rate", bit_rate, kinds, lambda kind: kind.bit_rates)
    return [
        OutputFormat(
            kind.name,
            preferred if preferred in kind.encodings else next(iter(kind.encodings), None),
            rate,
            _bit_rate(target, rate, bit_rate, straight=straight) if kind.bit_rates else None,
        )
        for (target, kind), rate in zip(kinds, rates, strict=True)
    ]


def source_format(
    outputs: Sequence[OutputFormat], *, play: bool = False, straight_mp3: bool = False
) -> AudioFormat:
    """Return the one format to ask the engine for, so that the least has to be converted.

    Outputs that are alike get exactly what they hold; the loudspeaker takes whatever the files take.
    Otherwise everything is made from floating-point samples at the highest rate among them.
    """
    if not outputs:
        return AudioFormat()
    if all(output == outputs[0] and output.name == "mp3" for output in outputs) and straight_mp3 and not play:
        first = outputs[0]
        return AudioFormat(sample_rate=first.sample_rate, container=Container.MP3, bit_rate=first.bit_rate)
    encodings = {output.encoding or Encoding.PCM_F32LE for output in outputs}
    rates = {output.sample_rate for output in outputs}
    alike = len(encodings) == len(rates) == 1
    return AudioFormat(encoding=encodings.pop() if alike else Encoding.PCM_F32LE, sample_rate=max(rates))


def mp3_bit_rates(sample_rate: int) -> tuple[int, int]:
    """Return the lowest and the highest bit rate of an MP3, in bits per second.

    Source: layer III of MPEG-1 (ISO/IEC 11172-3), of MPEG-2 below 32 kHz (ISO/IEC 13818-3), and of
    its extension below 16 kHz, called MPEG-2.5.
    """
    if sample_rate >= 32_000:
        return 32_000, 320_000
    return 8_000, 160_000 if sample_rate >= 16_000 else 64_000


def _kinds_of(targets: Iterable[str | PurePath], format: str | None) -> list[tuple[str, _Kind]]:
    """Return each target with its kind, by its ending or else by ``--format``."""
    if format is not None and format not in _KINDS:
        raise UsageError(f"There is no format {format!r}.", hint=f"It may be {_words(FILE_FORMATS)}.")
    named: list[tuple[str, _Kind]] = []
    clash: UsageError | None = None
    needed = False
    for target in map(str, targets):
        ending = PurePath(target).suffix[1:].lower()
        if target != STDOUT and ending in _KINDS:
            kind = _KINDS[ending]
            if format is not None and kind != _KINDS[format]:
                clash = UsageError(
                    f"--format {format} contradicts the ending of {target}.",
                    hint="Leave out --format, or change the name.",
                )
        elif format is not None:
            kind, needed = _KINDS[format], True
        elif target == STDOUT:
            kind = _KINDS["wav"]
        else:
            raise UsageError(
                f"The name {target} does not say which format it shall have.",
                hint=f"Add --format, or an ending: {_words(f'.{name}' for name in _KINDS)}.",
            )
        named.append((target, kind))
    # `-o a.wav -o - --format mp3` is no clash: the option is for stdout.
    if clash is not None and not needed:
        raise clash
    return named


def _check_choice(
    option: str,
    value: object,
    kinds: Sequence[tuple[str, _Kind]],
    choices_of: Callable[[_Kind], Sequence[object]],
) -> None:
    """Raise UsageError unless some output has the choice and none that has it lacks the value."""
    has_choice = [(target, choices_of(kind)) for target, kind in kinds if len(choices_of(kind)) > 1]
    for target, choices in has_choice:
        if value not in choices:
            raise UsageError(
                f"{_shown(target)} cannot have {option} {value}.", hint=f"It may have {_words(choices)}."
            )
    fixed = [(target, choices_of(kind)) for target, kind in kinds]
    if kinds and not has_choice and not any(value in choices for _, choices in fixed):
        target, choices = fixed[0]
        hint = f"It always has {choices[0]}." if choices else f"Leave out {option}."
        raise UsageError(f"{_shown(target)} cannot have {option} {value}.", hint=hint)


def _bit_rate(target: str, sample_rate: int, bit_rate: int | None, *, straight: bool) -> int:
    """Return the bit rate of an MP3: the one asked for, or 128 kbit/s, or the most below it."""
    encodable = _encodable_bit_rates(sample_rate)
    if bit_rate is None:
        return max(rate for rate in encodable if rate <= 128_000)
    possible = BIT_RATES if straight else encodable
    if bit_rate not in possible:
        raise UsageError(
            f"{_shown(target)} cannot have --bit-rate {bit_rate} at {sample_rate} Hz.",
            hint=f"It may have {_words(possible)}.",
        )
    return bit_rate


def _encodable_bit_rates(sample_rate: int) -> tuple[int, ...]:
    """Return which of the API's bit rates an MP3 can have."""
    least, most = mp3_bit_rates(sample_rate)
    return tuple(rate for rate in BIT_RATES if least <= rate <= most)


def _shown(target: str) -> str:
    return "stdout" if target == STDOUT else target


def _words(choices: Iterable[object]) -> str:
    *most, last = map(str, choices)
    return f"{', '.join(most)} or {last}" if most else last
