"""Decides what a run of ``say`` will do, before anything is sent."""

import os
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from cartesia_cli import console
from cartesia_cli.commands._destinations import check_stdout, plan_destinations
from cartesia_cli.commands._options import (
    CaptionOptions,
    EngineOptions,
    OutputOptions,
    PlayOptions,
    ReportOptions,
    VoiceOptions,
)
from cartesia_cli.commands._rehearsal import show_curl, show_requests
from cartesia_cli.commands._setup import set_up
from cartesia_cli.commands._speaking import Plan, speak
from cartesia_cli.commands._speech import speech_request, warn_of_ignored_options
from cartesia_cli.commands._text import read_text
from cartesia_cli.commands.say import SendOptions, TextOptions
from cartesia_cli.credentials import Key, find_key
from cartesia_cli.engines import BUILT_IN_NOTICE, choose_engine
from cartesia_cli.errors import CredentialsError, UsageError
from cartesia_cli.folders import user_folder
from cartesia_cli.models import EngineName
from cartesia_cli.sentences import is_speakable, split_parts
from cartesia_cli.settings import Settings

if TYPE_CHECKING:
    from cartesia_cli.captions import Profile


def run(
    text: TextOptions,
    voice: VoiceOptions,
    output: OutputOptions,
    play: PlayOptions,
    captions: CaptionOptions,
    send: SendOptions,
    engine: EngineOptions,
    report: ReportOptions,
) -> None:
    """Do what ``cartesia say`` was asked for, or show what it would do."""
    started = time.monotonic()
    settings = set_up(
        engine,
        report,
        {
            "voice": voice.voice,
            "model": voice.model,
            "language": voice.language,
            "captions": captions.captions,
            "device": play.device,
            "gain": play.gain,
        },
    )
    plan = _plan(text, voice, output, play, captions, send, engine, report, settings)
    if send.curl:
        _show_curl(plan)
    elif send.dry_run:
        _show_dry_run(plan, as_json=report.json)
    else:
        if plan.engine == "local" and settings.engine == "auto":
            console.note(BUILT_IN_NOTICE)
        warn_of_ignored_options(plan.engine, voice, settings, send.transport)
        speak(plan, started)


def _plan(
    text: TextOptions,
    voice: VoiceOptions,
    output: OutputOptions,
    play: PlayOptions,
    captions: CaptionOptions,
    send: SendOptions,
    engine: EngineOptions,
    report: ReportOptions,
    settings: Settings,
) -> Plan:
    rehearsal = send.dry_run or send.curl
    check_stdout(
        [
            ("-o -", "-" in (output.output or ()) and not rehearsal),
            ("--timings -", "-" in (captions.timings or ()) and not rehearsal),
            ("--json", report.json and not rehearsal),
            ("--events", send.events and not rehearsal),
        ]
    )
    transcript = read_text(text.text or (), text.file)
    key = None if send.curl else find_key(os.environ, folder=user_folder("config", os.environ))
    console.keep_secret(key.value if key else None)
    chosen = "cloud" if send.curl else _choose(settings, key, rehearsal=rehearsal)
    with_timings = bool(captions.timings) or captions.phonemes or play.follow or send.events
    if send.transport == "bytes" and with_timings:
        raise UsageError("--transport bytes has no timings.", hint="Use --transport sse, or auto.")
    transport: Literal["bytes", "sse"] = "sse" if with_timings or send.transport == "sse" else "bytes"
    parts = [transcript] if chosen == "local" else [p for p in split_parts(transcript) if is_speakable(p)]
    destinations = plan_destinations(
        output,
        play,
        captions,
        settings,
        straight_mp3=chosen == "cloud" and transport == "bytes" and len(parts) == 1 and not engine.fallback,
    )
    request = speech_request(
        voice,
        settings,
        destinations.source,
        word_timestamps=with_timings,
        phoneme_timestamps=captions.phonemes,
    )
    return Plan(
        settings=settings,
        key=key,
        engine=chosen,
        fallback=engine.fallback is not None,
        transcript=transcript,
        requests=tuple(replace(request, transcript=part) for part in parts),
        transport=transport,
        destinations=destinations,
        profile=_profile(captions, settings),
        follows=play.follow,
        prints_events=send.events,
        prints_summary=report.json,
        prints_stats=report.stats,
    )


def _choose(settings: Settings, key: Key | None, *, rehearsal: bool) -> EngineName:
    try:
        return choose_engine(settings, key)
    except CredentialsError:
        if rehearsal:  # needs no key
            return "cloud"
        raise


def _profile(captions: CaptionOptions, settings: Settings) -> "Profile | None":
    """Return the caption rules; None where nobody asks for captions, which saves loading them."""
    if not captions.timings and captions == CaptionOptions(phonemes=captions.phonemes):
        return None
    from cartesia_cli.captions import load_profile

    return load_profile(
        settings.captions,
        max_chars=captions.max_chars,
        max_lines=captions.max_lines,
        min_duration=captions.min_duration,
        max_duration=captions.max_duration,
        cps=captions.cps,
        gap=captions.gap,
    )


def _show_dry_run(plan: Plan, *, as_json: bool) -> None:
    show_requests(
        plan.requests,
        engine=plan.engine,
        endpoint=plan.transport,
        base_url=plan.settings.base_url,
        headers=plan.settings.headers,
        as_json=as_json,
    )


def _show_curl(plan: Plan) -> None:
    targets, formats = plan.destinations.targets, plan.destinations.formats
    lone = len(targets) == 1 and len(plan.requests) == 1
    wav = lone and formats[0].name == "wav" and plan.transport == "bytes"
    show_curl(
        plan.requests,
        endpoint=plan.transport,
        base_url=plan.settings.base_url,
        headers=plan.settings.headers,
        wrapping={"container": "wav"} if wav else None,
        output=targets[0] if lone else None,
    )
