"""Does what ``cartesia stream`` was asked for: speaks standard input as it comes."""

import sys
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from cartesia_cli import console
from cartesia_cli.cache import VoiceNames
from cartesia_cli.commands._arriving import ArrivingText
from cartesia_cli.commands._destinations import (
    Destinations,
    OpenDestinations,
    check_stdout,
    is_stdout,
    plan_destinations,
)
from cartesia_cli.commands._reporting import (
    Performance,
    report_stats,
    show,
    tell_files,
    write_timings,
)
from cartesia_cli.commands._setup import find_secret_key, set_up, tell_fallback
from cartesia_cli.commands._speech import speech_request, speech_settings, warn_of_ignored_options
from cartesia_cli.commands._stage import Playing, check_playing, open_stage
from cartesia_cli.commands.stream import ArrivalOptions, StreamOptions
from cartesia_cli.credentials import Key
from cartesia_cli.engines import (
    BUILT_IN_NOTICE,
    CLOUD_FAILURES,
    Synthesizer,
    choose_engine,
    find_voice_id,
    open_cloud,
    open_local,
)
from cartesia_cli.errors import RequestError, UsageError
from cartesia_cli.models import EngineName, SpeechRequest, Traffic
from cartesia_cli.settings import Settings
from cartesia_cli.speech import Timeline, format_timings, write_utterance

if TYPE_CHECKING:
    from cartesia_cli.captions import Profile

_MOST_DELAY = 5_000
_USUAL_DELAY = 3_000
"""Milliseconds; the API's own limits."""


class Plan(NamedTuple):
    """A run of ``stream``, decided before anything is read."""

    settings: Settings
    key: Key | None
    engine: EngineName
    fallback: bool
    """Whether the embedded engine may take over if the cloud fails before the first sound."""

    request: SpeechRequest
    arrival: ArrivalOptions
    destinations: Destinations
    profile: "Profile | None"
    """The rules of captions, where there are any."""

    playing: Playing

    prints_events: bool
    prints_stats: bool


def run(options: StreamOptions) -> None:
    """Speak what comes on standard input until it ends."""
    started = time.monotonic()
    voice = options.voice
    settings = set_up(options.engine, options.report, speech_settings(voice, options.cues, options.play))
    plan = _plan(options, settings)
    if sys.stdin is None:
        raise UsageError("Standard input is closed.", hint="Pipe text into it.")
    if plan.engine == "local" and settings.engine == "auto":
        console.note(BUILT_IN_NOTICE)
    warn_of_ignored_options(plan.engine, voice, settings, None)
    if sys.stdin.isatty():
        from cartesia_cli.commands._prompt import converse

        converse(plan, started)
    else:
        _stream(plan, started)


def _plan(options: StreamOptions, settings: Settings) -> Plan:
    arrival, timing = options.arrival, options.timing
    delay = arrival.buffer_delay
    if delay is not None and not 0 <= delay <= _MOST_DELAY:
        raise UsageError(f"--buffer-delay {delay} is out of range.", hint=f"Give 0 to {_MOST_DELAY}.")
    if arrival.split != "none":
        if delay:
            raise UsageError(
                f"--split {arrival.split} leaves nothing to wait for.", hint="Leave out --buffer-delay."
            )
        delay = 0
    check_stdout(
        [
            ("--tee", arrival.tee),
            ("-o -", any(map(is_stdout, options.output.output or ()))),
            ("--timings -", any(map(is_stdout, timing.timings or ()))),
            ("--json", options.report.json),
        ]
    )
    check_playing(options.play)
    key = find_secret_key(settings)
    engine = choose_engine(settings, key)
    destinations = plan_destinations(
        options.output, options.play, timing, settings, straight_mp3=False, is_rehearsal=False
    )
    with_timings = bool(timing.timings) or timing.phonemes or options.play.follow or options.report.json
    request = speech_request(
        options.voice,
        settings,
        destinations.source,
        word_timestamps=with_timings,
        phoneme_timestamps=timing.phonemes,
    )
    is_styled = any(value is not None for value in options.cues)
    return Plan(
        settings=settings,
        key=key,
        engine=engine,
        fallback=options.engine.fallback is not None,
        request=replace(request, max_buffer_delay_ms=delay),
        arrival=arrival,
        destinations=destinations,
        profile=options.cues.profile(settings.captions) if timing.timings or is_styled else None,
        playing=Playing(options.play, steers=False, command="cartesia stream"),
        prints_events=options.report.json,
        prints_stats=options.report.stats,
    )


def _stream(plan: Plan, started: float) -> None:
    """Speak text that comes through a pipe, as one utterance."""
    planned, timeline = plan.destinations, Timeline(plan.destinations.source)
    with (
        open_stage(planned, plan.settings, timeline, plan.playing) as opened,
        _open_text(plan, opened) as text,
    ):

        def speak(engine: Synthesizer, request: SpeechRequest) -> None:
            events = engine.stream(request, text.pieces())
            with closing(write_utterance(events, opened.sink, timeline)) as progresses:
                for progress in progresses:
                    if timeline.n_bytes:
                        text.forget()
                    show(progress, opened, as_event=plan.prints_events)
                    if opened.are_over:
                        break

        engine, voice, traffic = perform(plan, speak, can_fall_back=lambda: not timeline.n_bytes)
        if plan.arrival.tee:  # who reads it gets all of it, whether it is heard or not
            text.pass_on()
        if text.n_dropped:
            console.warn(f"{text.n_dropped} control characters dropped from the text")
        texts = format_timings(
            planned.timings, plan.profile, timeline, text=text.text, language=plan.request.language
        )
        write_timings(texts, opened)
    report(plan, Performance(engine, voice, traffic, timeline, opened, started), text.first_text)
    if "-" in texts:
        console.data(texts["-"])


def _open_text(plan: Plan, opened: OpenDestinations) -> ArrivingText:
    arrival, delay = plan.arrival, plan.request.max_buffer_delay_ms

    def idle() -> None:
        if opened.player:
            opened.player.give_way()
        if opened.are_over and not arrival.tee:
            text.close()

    text = ArrivingText(
        sys.stdin.fileno(),
        split=arrival.split,
        markdown=arrival.markdown,
        patience=(_USUAL_DELAY if delay is None or arrival.split != "none" else delay) / 1000,
        tee=console.pass_on if arrival.tee else None,
        keeps_text=any(fmt == "json" for _, fmt in plan.destinations.timings),
        idle=idle,
    )
    return text


def perform(
    plan: Plan, speak: Callable[[Synthesizer, SpeechRequest], None], *, can_fall_back: Callable[[], bool]
) -> tuple[EngineName, str, Traffic]:
    """Let the planned engine speak, or the one that may take over; return which, its voice, and its traffic.

    Args:
        plan: of the run.
        speak: brings all that there is to speak from an engine to where it goes.
        can_fall_back: whether nothing has been spoken yet.
    """
    if plan.engine == "local":
        return _perform_locally(plan.request, speak)
    try:
        return _perform_in_cloud(plan, speak)
    except CLOUD_FAILURES as failure:
        if not (plan.fallback and can_fall_back()):
            raise
        tell_fallback(failure, "voice")
    return _perform_locally(replace(plan.request, voice_id="heart"), speak)


def _perform_in_cloud(
    plan: Plan, speak: Callable[[Synthesizer, SpeechRequest], None]
) -> tuple[EngineName, str, Traffic]:
    with closing(open_cloud(plan.settings, plan.key)) as client:
        wanted = voice_id = plan.request.voice_id
        names = VoiceNames(plan.settings.base_url, plan.key)
        if plan.request.voice_embedding is None:
            voice_id = find_voice_id(wanted, client, names)
        try:
            speak(client, replace(plan.request, voice_id=voice_id))
        except RequestError:
            names.forget(wanted)  # the name may stand for a voice that is gone
            raise
        return "cloud", voice_id, client.traffic


def _perform_locally(
    request: SpeechRequest, speak: Callable[[Synthesizer, SpeechRequest], None]
) -> tuple[EngineName, str, Traffic]:
    with closing(open_local()) as engine:
        voice = engine.get_voice(request.voice_id)
        speak(engine, request)
        return "local", voice.name, engine.traffic


def report(plan: Plan, done: Performance, first_text: float | None) -> None:
    """Say what was made: as the last event, as figures, or to a person at the terminal."""
    stats = {"first_text": done.since_start(first_text), **done.stats()}
    if plan.prints_events:
        event = {"type": "done", "duration": round(done.timeline.duration, 3)}
        console.data_json({**event, "stats": stats} if plan.prints_stats else event)
    elif plan.prints_stats:
        report_stats(stats)
    tell_files(plan.destinations, done.timeline)
