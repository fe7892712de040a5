"""Decides what a run of ``say`` will do, before anything is sent."""

import time
from dataclasses import replace

from cartesia_cli import console
from cartesia_cli.commands._destinations import check_stdout, is_stdout, plan_destinations
from cartesia_cli.commands._keys import can_steer
from cartesia_cli.commands._setup import find_secret_key, set_up
from cartesia_cli.commands._speaking import Plan, Transport, speak
from cartesia_cli.commands._speech import speech_request, speech_settings, warn_of_ignored_options
from cartesia_cli.commands._stage import Playing, check_playing
from cartesia_cli.commands._text import read_text
from cartesia_cli.commands.say import SayOptions, SendOptions, TextOptions
from cartesia_cli.credentials import Key
from cartesia_cli.engines import BUILT_IN_NOTICE, choose_engine, is_voice_id
from cartesia_cli.errors import CredentialsError, UsageError
from cartesia_cli.models import AudioFormat, Container, EngineName
from cartesia_cli.sentences import is_speakable, split_parts
from cartesia_cli.settings import Settings


def run(options: SayOptions) -> None:
    """Do what ``cartesia say`` was asked for, or show what it would do."""
    started = time.monotonic()
    voice = options.voice
    settings = set_up(options.engine, options.report, speech_settings(voice, options.cues, options.play))
    plan = _plan(options, settings)
    is_rehearsal = options.send.curl or options.send.dry_run
    if is_rehearsal and plan.engine == "cloud" and not is_voice_id(plan.requests[0].voice_id):
        console.note(f"the ID of {plan.requests[0].voice_id!r} is looked up when the request is sent")
    if options.send.curl:
        _show_curl(plan)
    elif options.send.dry_run:
        _show_dry_run(plan, as_json=options.report.json)
    else:
        if plan.engine == "local" and settings.engine == "auto":
            console.note(BUILT_IN_NOTICE)
        warn_of_ignored_options(plan.engine, voice, settings, options.send.transport)
        speak(plan, started)


def _plan(options: SayOptions, settings: Settings) -> Plan:
    send, timing = options.send, options.timing
    is_rehearsal = send.dry_run or send.curl
    if not is_rehearsal:
        _check_stdout(options)
    transcript = read_text(options.text.text or (), options.text.file)
    key = None if send.curl else find_secret_key(settings)
    engine: EngineName = "cloud" if send.curl else _choose(settings, key, is_rehearsal=is_rehearsal)
    parts = [transcript] if engine == "local" else [p for p in split_parts(transcript) if is_speakable(p)]
    check_playing(options.play)
    asks_for_timings = bool(timing.timings) or timing.phonemes or options.play.follow or send.events
    steers = can_steer(reads_stdin=_reads_stdin(options.text), no_input=options.report.no_input)
    # Sentences to jump to are known by their words.
    plays = options.play.play or not (options.output.output or timing.timings)
    with_timings = asks_for_timings or (steers and plays and send.transport != "bytes")
    destinations = plan_destinations(
        options.output,
        options.play,
        timing,
        settings,
        straight_mp3=engine == "cloud"
        and not with_timings
        and len(parts) == 1
        and not options.engine.fallback,
        is_rehearsal=is_rehearsal,
    )
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
        transcript=transcript,
        requests=tuple(replace(request, transcript=part) for part in parts),
        transport=_transport(send, with_timings=with_timings, source=destinations.source),
        destinations=destinations,
        # Loaded only where captions are asked for: every other run is spared the import.
        profile=options.cues.profile(settings.captions) if timing.timings or is_styled else None,
        playing=Playing(options.play, steers, "cartesia say"),
        prints_events=send.events,
        prints_summary=options.report.json,
        prints_stats=options.report.stats,
        is_cached=send.cache,
    )


def _reads_stdin(given: TextOptions) -> bool:
    return given.file == "-" or (given.file is None and given.text in (None, [], ["-"]))


def _check_stdout(options: SayOptions) -> None:
    check_stdout(
        [
            ("-o -", any(map(is_stdout, options.output.output or ()))),
            ("--timings -", any(map(is_stdout, options.timing.timings or ()))),
            ("--json", options.report.json),
            ("--events", options.send.events),
        ]
    )


def _transport(send: SendOptions, *, with_timings: bool, source: AudioFormat) -> Transport:
    """Return how the speech comes: bytes for audio alone, events where timings are wanted."""
    wanted = send.transport if send.transport in {"sse", "websocket"} else None
    if with_timings:
        if send.transport == "bytes":
            raise UsageError("--transport bytes has no timings.", hint="Use --transport sse, or auto.")
        return wanted or "sse"
    if wanted and source.container is Container.MP3:
        console.warn(f"only bytes can carry MP3; --transport {wanted} is ignored")
        return "bytes"
    return wanted or "bytes"


def _choose(settings: Settings, key: Key | None, *, is_rehearsal: bool) -> EngineName:
    try:
        return choose_engine(settings, key)
    except CredentialsError:
        if is_rehearsal:  # needs no key
            return "cloud"
        raise


def _show_dry_run(plan: Plan, *, as_json: bool) -> None:
    from cartesia_cli.commands._rehearsal import show_requests

    show_requests(
        plan.requests,
        engine=plan.engine,
        transport=plan.transport,
        base_url=plan.settings.base_url,
        headers=plan.settings.headers,
        as_json=as_json,
    )


def _show_curl(plan: Plan) -> None:
    from cartesia_cli.commands._rehearsal import show_curl

    targets, formats = plan.destinations.targets, plan.destinations.formats
    source = plan.destinations.source
    lone = len(targets) == len(plan.requests) == 1 and plan.transport == "bytes" and targets[0] != "-"
    wrapping, output = None, None
    if lone and formats[0].name == "wav":
        wrapping, output = {"container": "wav"}, targets[0]
    elif lone:
        # What the API sends need not be what we would make of it.
        straight = formats[0].name == ("mp3" if source.container is Container.MP3 else "raw")
        output = targets[0] if straight else f"{targets[0]}.pcm"
    if plan.transport == "websocket":
        console.note("curl shows no socket: this asks for the same as an event stream")
    show_curl(
        plan.requests,
        endpoint="sse" if plan.transport == "websocket" else plan.transport,
        base_url=plan.settings.base_url,
        headers=plan.settings.headers,
        wrapping=wrapping,
        output=output,
    )
