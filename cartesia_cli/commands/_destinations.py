"""Where audio and timings go: decided before anything is asked for, opened before anything is paid for."""

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from cartesia_cli import console
from cartesia_cli.audio.formats import STDOUT, OutputFormat, output_formats, source_format
from cartesia_cli.commands._options import OutputOptions, PlayOptions, TimingOptions
from cartesia_cli.errors import UsageError
from cartesia_cli.files import TargetFile
from cartesia_cli.models import AudioFormat, Encoding
from cartesia_cli.settings import Settings

if TYPE_CHECKING:
    from cartesia_cli.audio.playback import Player
    from cartesia_cli.audio.sinks import Sink

CAPTION_FORMATS = ("srt", "vtt", "ass", "lrc", "json", "tsv")
_STDOUT_NAMES = frozenset([STDOUT, "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"])
_TIMINGS_ONLY = AudioFormat(Encoding.PCM_MULAW, 8_000)
"""What to ask for when nobody wants the sound: the least bytes."""


class Destinations(NamedTuple):
    """Everything that a run writes."""

    targets: tuple[str, ...]
    """File names, or ``-``."""

    formats: tuple[OutputFormat, ...]
    play: bool
    timings: tuple[tuple[str, str], ...]
    """File name, or ``-``, and caption format."""

    source: AudioFormat
    """What to ask the engine for."""

    clobber: bool


def plan_destinations(
    output: OutputOptions,
    play: PlayOptions,
    timing: TimingOptions,
    settings: Settings,
    *,
    straight_mp3: bool,
    is_rehearsal: bool,
) -> Destinations:
    """Return where everything goes.

    Raises:
        UsageError: there is no destination, two are the same, or a format is not to be had.
    """
    targets = tuple(output.output or ())
    timings = _caption_formats(timing.timings or (), timing.timings_format)
    plays = play.play or play.follow
    if not (targets or timings or plays or is_rehearsal):
        if not console.stdout_is_terminal():
            raise UsageError("There is nowhere to put the speech.", hint="Add -o FILE, -o - or --play.")
        plays = True
    for target in (*targets, *(target for target, _ in timings)):
        if target.endswith(("/", os.sep)):
            raise UsageError(f"{target} is a folder, and a file is needed.", hint="Add a name.")
    _check_apart([*targets, *(target for target, _ in timings)])
    if STDOUT in targets and not is_rehearsal and console.stdout_is_terminal() and not output.force:
        raise UsageError(
            "Audio does not belong on a terminal.",
            hint="Use -o FILE, --play, a pipe, or --force if you mean it.",
        )
    straight = straight_mp3 and not plays and not timings
    formats = output_formats(
        targets,
        format=output.format or (settings.format if any(map(_says_nothing, targets)) else None),
        encoding=Encoding(output.encoding) if output.encoding else None,
        sample_rate=output.sample_rate,
        bit_rate=output.bit_rate,
        usual_encoding=settings.encoding,
        usual_rate=settings.sample_rate,
        straight_mp3=straight,
    )
    source = source_format(formats, play=plays, straight_mp3=straight)
    if timings and not targets and not plays:
        source = _TIMINGS_ONLY
    return Destinations(targets, tuple(formats), plays, timings, source, not output.no_clobber)


def is_stdout(target: str) -> bool:
    """Whether a target is standard output, by whichever of its names."""
    return target in _STDOUT_NAMES


def check_stdout(claims: Sequence[tuple[str, bool]]) -> None:
    """Raise UsageError if more than one option, by name, wants stdout."""
    claiming = [name for name, claimed in claims if claimed]
    if len(claiming) > 1:
        raise UsageError(
            f"{' and '.join(claiming)} both want standard output.",
            hint="Choose one, or give one of them a file.",
        )


def _says_nothing(target: str) -> bool:
    return target == STDOUT or not Path(target).suffix


def _check_apart(targets: Sequence[str]) -> None:
    seen: set[object] = set()
    for target in targets:
        place = target if target == STDOUT else os.path.realpath(target)
        if place in seen and target != "/dev/null":
            raise UsageError(f"{target} is named twice as an output.", hint="Give every output its own name.")
        seen.add(place)


def _caption_formats(targets: Sequence[str], wanted: str | None) -> tuple[tuple[str, str], ...]:
    """Return each target with its format: by its ending, or else the one asked for."""
    endings = {target: "" if target == STDOUT else Path(target).suffix[1:].lower() for target in targets}
    silent = [target for target, ending in endings.items() if ending not in CAPTION_FORMATS]
    if silent and wanted is None:
        raise UsageError(
            f"--timings {silent[0]} does not say which format.",
            hint=f"Add --timings-format: {', '.join(CAPTION_FORMATS)}.",
        )
    clashing = [target for target, ending in endings.items() if wanted not in {None, ending}]
    if clashing and not silent:
        raise UsageError(
            f"--timings-format {wanted} contradicts the ending of {clashing[0]}.",
            hint="Leave out --timings-format, or change the name.",
        )
    return tuple((target, wanted if target in silent and wanted else endings[target]) for target in targets)


class OpenDestinations(NamedTuple):
    """What a run writes to."""

    sink: "Sink"
    """Takes the audio for all outputs."""

    outputs: "tuple[Sink, ...]"
    """One for each target, in order."""

    player: "Player | None"
    timings: dict[str, TargetFile]
    """By name; stdout is written at the end by the console."""

    @property
    def are_over(self) -> bool:
        """Whether nobody wants more: all there was is a loudspeaker, which was told to stop."""
        return self.player is not None and self.player.stopped and not (self.outputs or self.timings)


@contextmanager
def open_destinations(planned: Destinations, player: "Player | None") -> Iterator[OpenDestinations]:
    """Open everything; leaving the block cleanly completes it, leaving by an exception undoes it."""
    from cartesia_cli.audio.sinks import Tee, open_sink

    with ExitStack() as stack:
        files = {
            target: stack.enter_context(TargetFile(Path(target), clobber=planned.clobber))
            for target, _ in planned.timings
            if target != STDOUT
        }
        outputs = tuple(
            open_sink(
                console.binary_stdout() if target == STDOUT else Path(target),
                output,
                planned.source,
                clobber=planned.clobber,
            )
            for target, output in zip(planned.targets, planned.formats, strict=True)
        )
        sinks: list[Sink] = [*outputs, *([player] if player else [])]
        sink = stack.enter_context(sinks[0] if len(sinks) == 1 else Tee(sinks))
        yield OpenDestinations(sink, outputs, player, files)
