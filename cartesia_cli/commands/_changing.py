"""Does what ``cartesia change-voice`` and ``cartesia infill`` were asked for."""

import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from cartesia_cli import console
from cartesia_cli.cache import VoiceNames
from cartesia_cli.commands._destinations import (
    Destinations,
    OpenDestinations,
    check_stdout,
    is_stdout,
    plan_destinations,
)
from cartesia_cli.commands._keys import can_steer
from cartesia_cli.commands._options import ReportOptions, TimingOptions
from cartesia_cli.commands._recording import STDIN, check_readable, recording_file
from cartesia_cli.commands._reporting import Performance, report_stats, show, tell_files
from cartesia_cli.commands._setup import find_secret_key, set_up, tell_fallback
from cartesia_cli.commands._speech import speech_request, warn_of_ignored_options
from cartesia_cli.commands._stage import Playing, check_playing, open_stage
from cartesia_cli.commands._text import read_text
from cartesia_cli.commands.change_voice import ChangeVoiceOptions
from cartesia_cli.commands.infill import InfillOptions
from cartesia_cli.credentials import Key
from cartesia_cli.engines import (
    BUILT_IN_NOTICE,
    CLOUD_FAILURES,
    choose_engine,
    find_voice_id,
    open_cloud,
    open_local,
)
from cartesia_cli.errors import RequestError, UsageError
from cartesia_cli.models import EngineName, SpeechEvents, Traffic
from cartesia_cli.settings import Settings
from cartesia_cli.speech import Timeline, write_utterance

if TYPE_CHECKING:
    from cartesia_cli.api import Client
    from cartesia_cli.local.engine import LocalEngine

_Ask = Callable[["Client | LocalEngine", str], SpeechEvents]
"""Asks an engine for the sound, given the ID of a voice."""


class _Plan(NamedTuple):
    """A run, decided before anything is sent."""

    settings: Settings
    key: Key | None
    engine: EngineName
    fallback: bool
    destinations: Destinations
    playing: Playing
    report: ReportOptions


def run_change(options: ChangeVoiceOptions) -> None:
    """Give a recording another voice.

    Raises:
        UsageError: there is no recording, or nowhere to put the sound.
    """
    started = time.monotonic()
    change, play = options.change, options.play
    given = {"voice": change.voice, "device": play.device, "gain": play.gain}
    settings = set_up(options.engine, options.report, given)
    recording = change.recording
    if recording is None:
        raise UsageError(
            "There is no recording.",
            hint="For example: cartesia change-voice me.wav --voice heart -o new.wav",
        )
    transport = change.transport if change.transport in {"bytes", "sse"} else None
    plan = _plan(
        options,
        settings,
        command="cartesia change-voice",
        # Events carry no MP3.
        straight_mp3=transport != "sse",
        reads_stdin=recording == STDIN,
    )
    if plan.engine == "local" and transport:
        console.warn("the built-in engine has no --transport; ignored")
    with tempfile.TemporaryDirectory(prefix="cartesia-") as folder:
        path = recording_file(recording, Path(folder))

        def ask(engine: "Client | LocalEngine", voice_id: str) -> SpeechEvents:
            wanted = plan.destinations.source
            if engine.name == "local" or transport is None:
                return engine.change_voice(path, voice_id, wanted)
            return cast("Client", engine).change_voice(path, voice_id, wanted, transport=transport)

        _perform(plan, ask, started)


def run_infill(options: InfillOptions) -> None:
    """Speak between two recordings.

    Raises:
        UsageError: there is neither, or nothing to say, or nowhere to put the speech.
    """
    started = time.monotonic()
    voice, sides = options.voice, options.sides
    play = options.play
    given = {"voice": voice.voice, "model": voice.model, "language": voice.language}
    settings = set_up(options.engine, options.report, {**given, "device": play.device, "gain": play.gain})
    text = options.text
    transcript = read_text(text.text or (), text.file)
    if sides.left is None and sides.right is None:
        raise UsageError(
            "There is no recording to fit to.", hint="Add --left FILE, --right FILE or both; or use 'say'."
        )
    for side in (sides.left, sides.right):
        if side is not None:
            check_readable(side)
    plan = _plan(
        options,
        settings,
        command="cartesia infill",
        straight_mp3=True,
        reads_stdin=text.file == "-" or text.text in (None, [], ["-"]),
    )
    request = speech_request(
        voice, settings, plan.destinations.source, word_timestamps=False, phoneme_timestamps=False
    )
    warn_of_ignored_options(plan.engine, voice, settings, None)

    def ask(engine: "Client | LocalEngine", voice_id: str) -> SpeechEvents:
        wanted = replace(request, transcript=transcript, voice_id=voice_id)
        return engine.infill(wanted, sides.left, sides.right)

    _perform(plan, ask, started, text=transcript)


def _plan(
    options: ChangeVoiceOptions | InfillOptions,
    settings: Settings,
    *,
    command: str,
    straight_mp3: bool,
    reads_stdin: bool,
) -> _Plan:
    """Return what will be done.

    Raises:
        UsageError: there is nowhere to put the sound, or two things want stdout.
        CredentialsError: there is no engine.
    """
    output, report = options.output, options.report
    check_stdout([("-o -", any(map(is_stdout, output.output or ()))), ("--json", report.json)])
    playing = options.play.as_play_options()
    check_playing(playing)
    key = find_secret_key(settings)
    engine = choose_engine(settings, key)
    destinations = plan_destinations(
        output,
        playing,
        TimingOptions(),
        settings,
        straight_mp3=straight_mp3 and engine == "cloud" and not options.engine.fallback,
        is_rehearsal=False,
    )
    if engine == "local" and settings.engine == "auto":
        console.note(BUILT_IN_NOTICE)
    steers = can_steer(reads_stdin=reads_stdin, no_input=report.no_input)
    return _Plan(
        settings,
        key,
        engine,
        options.engine.fallback is not None,
        destinations,
        Playing(playing, steers, command),
        report,
    )


def _perform(plan: _Plan, ask: _Ask, started: float, *, text: str | None = None) -> None:
    """Bring the sound to its destinations, and tell what was made."""
    planned = plan.destinations
    timeline = Timeline(planned.source)
    with open_stage(planned, plan.settings, timeline, plan.playing) as opened:
        engine, voice, traffic = _ask_engines(plan, ask, opened, timeline)
    console.detail(f"done: {timeline.duration:.3f} s, {traffic.requests} requests, {traffic.retries} retries")
    done = Performance(engine, voice, traffic, timeline, opened, started)
    if plan.report.json:
        console.data_json(_summary(planned, done, text))
    elif plan.report.stats:
        report_stats(done.stats())
    tell_files(planned, timeline)


def _ask_engines(
    plan: _Plan, ask: _Ask, opened: OpenDestinations, timeline: Timeline
) -> tuple[EngineName, str, Traffic]:
    """Ask the planned engine, or the one that may take over; return which, its voice, and its traffic."""
    voice = plan.settings.aliases.get(plan.settings.voice, plan.settings.voice)
    if plan.engine == "local":
        return _ask_locally(ask, voice, opened, timeline)
    try:
        return _ask_cloud(plan, ask, voice, opened, timeline)
    except CLOUD_FAILURES as failure:
        if not plan.fallback or timeline.n_bytes:
            raise
        tell_fallback(failure, "voice")
        try:
            return _ask_locally(ask, "heart", opened, timeline)
        except UsageError as refusal:
            console.note(str(refusal))
            raise failure from refusal


def _ask_cloud(
    plan: _Plan, ask: _Ask, voice: str, opened: OpenDestinations, timeline: Timeline
) -> tuple[EngineName, str, Traffic]:
    with closing(open_cloud(plan.settings, plan.key)) as client:
        names = VoiceNames(plan.settings.base_url, plan.key)
        voice_id = find_voice_id(voice, client, names)
        try:
            _write(ask(client, voice_id), opened, timeline)
        except RequestError:
            names.forget(voice)  # the name may stand for a voice that is gone
            raise
        return "cloud", voice_id, client.traffic


def _ask_locally(
    ask: _Ask, voice: str, opened: OpenDestinations, timeline: Timeline
) -> tuple[EngineName, str, Traffic]:
    with closing(open_local()) as engine:
        name = engine.get_voice(voice).name
        _write(ask(engine, voice), opened, timeline)
        return "local", name, engine.traffic


def _write(events: SpeechEvents, opened: OpenDestinations, timeline: Timeline) -> None:
    with closing(write_utterance(events, opened.sink, timeline)) as progresses:
        for progress in progresses:
            show(progress, opened, as_event=False)
            if opened.are_over:
                return


def _summary(planned: Destinations, done: Performance, text: str | None) -> dict[str, Any]:
    outputs = zip(planned.targets, planned.formats, done.opened.outputs, strict=True)
    return {
        "engine": done.engine,
        "voice": done.voice,
        **({} if text is None else {"text": text}),
        "duration": round(done.timeline.duration, 3),
        "outputs": [
            {
                "path": target,
                "format": output.name,
                "encoding": output.encoding,
                "sample_rate": output.sample_rate,
                "bytes": sink.written,
            }
            for target, output, sink in outputs
        ],
        "stats": done.stats(),
    }
