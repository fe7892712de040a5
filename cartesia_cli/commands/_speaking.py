"""Brings planned speech to its destinations."""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from cartesia_cli import console
from cartesia_cli.cache import VoiceNames
from cartesia_cli.commands._destinations import Destinations, OpenDestinations
from cartesia_cli.commands._remembering import cloud_origin, local_origin, remembering
from cartesia_cli.commands._reporting import (
    Performance,
    report_stats,
    show,
    tell_files,
    write_timings,
)
from cartesia_cli.commands._setup import tell_fallback
from cartesia_cli.commands._stage import Playing, open_stage
from cartesia_cli.credentials import Key
from cartesia_cli.engines import CLOUD_FAILURES, find_voice_id, open_cloud, open_local
from cartesia_cli.errors import RequestError, UsageError
from cartesia_cli.models import EngineName, Speak, SpeechRequest, Traffic
from cartesia_cli.settings import Settings
from cartesia_cli.speech import Timeline, format_timings, write_speech

if TYPE_CHECKING:
    from cartesia_cli.captions import Profile


Transport = Literal["bytes", "sse", "websocket"]


class Plan(NamedTuple):
    """A run of ``say``, decided before anything is sent."""

    settings: Settings
    key: Key | None
    engine: EngineName
    fallback: bool
    """Whether the embedded engine may take over if the cloud fails."""

    transcript: str
    requests: tuple[SpeechRequest, ...]
    """One for each part of the transcript."""

    transport: Transport
    destinations: Destinations
    profile: "Profile | None"
    """The rules of captions, where there are any."""

    playing: Playing
    prints_events: bool
    prints_summary: bool
    prints_stats: bool
    is_cached: bool = False
    """Whether speech is taken from the cache, and kept there."""


def speak(plan: Plan, started: float) -> None:
    """Speak, write and play as planned; ``started`` is the monotonic time at which the command began."""
    planned = plan.destinations
    timeline = Timeline(planned.source)
    for request in plan.requests:
        console.detail(f"{plan.engine}: {len(request.transcript)} characters by {request.voice_id}")
    with open_stage(planned, plan.settings, timeline, plan.playing) as opened:
        engine, voice, traffic = _perform(plan, opened, timeline)
        texts = format_timings(
            planned.timings,
            plan.profile,
            timeline,
            text=plan.transcript,
            language=plan.requests[0].language,
        )
        write_timings(texts, opened)
    console.detail(f"done: {timeline.duration:.3f} s, {traffic.requests} requests, {traffic.retries} retries")
    _report(plan, Performance(engine, voice, traffic, timeline, opened, started))
    if "-" in texts:
        console.data(texts["-"])


def _perform(plan: Plan, opened: OpenDestinations, timeline: Timeline) -> tuple[EngineName, str, Traffic]:
    """Ask the planned engine, or the one that may take over; return which, its voice, and its traffic."""
    if plan.engine == "local":
        return _perform_locally(plan, opened, timeline, plan.requests)
    try:
        return _perform_in_cloud(plan, opened, timeline)
    except CLOUD_FAILURES as failure:
        if not plan.fallback or timeline.n_bytes:
            raise
        timeline.rewind()  # timings may have come before the audio that did not
        requests = [replace(request, voice_id="heart") for request in plan.requests]
        tell_fallback(failure, "voice")
        try:
            return _perform_locally(plan, opened, timeline, requests)
        except UsageError as refusal:
            console.note(str(refusal))
            raise failure from refusal


def _perform_in_cloud(
    plan: Plan, opened: OpenDestinations, timeline: Timeline
) -> tuple[EngineName, str, Traffic]:
    with closing(open_cloud(plan.settings, plan.key)) as client:
        wanted = voice_id = plan.requests[0].voice_id
        names = VoiceNames(plan.settings.base_url, plan.key)
        if plan.requests[0].voice_embedding is None:
            voice_id = find_voice_id(wanted, client, names)
        requests = [replace(request, voice_id=voice_id) for request in plan.requests]
        synthesize = partial(client.synthesize, transport=plan.transport)
        try:
            ask: Speak = synthesize
            if plan.is_cached:
                ask = remembering(ask, requests, cloud_origin(plan.settings), client)
            _write(ask, requests, plan, opened, timeline)
        except RequestError:
            names.forget(wanted)  # the name may stand for a voice that is gone
            raise
        return "cloud", voice_id, client.traffic


def _perform_locally(
    plan: Plan, opened: OpenDestinations, timeline: Timeline, requests: Sequence[SpeechRequest]
) -> tuple[EngineName, str, Traffic]:
    with closing(open_local()) as engine:
        voice = engine.get_voice(requests[0].voice_id)
        ask: Speak = engine.synthesize
        if plan.is_cached:
            requests = [replace(request, voice_id=voice.id) for request in requests]
            ask = remembering(ask, requests, local_origin(), engine.catalogue)
        _write(ask, requests, plan, opened, timeline)
        return "local", voice.name, engine.traffic


def _write(
    ask: Speak, requests: Sequence[SpeechRequest], plan: Plan, opened: OpenDestinations, timeline: Timeline
) -> None:
    """Bring the speech of all parts to the stage, and show what happens."""
    repeatable = not plan.prints_events
    with closing(write_speech(ask, requests, opened.sink, timeline, repeatable=repeatable)) as progresses:
        for progress in progresses:
            show(progress, opened, as_event=plan.prints_events)
            if opened.are_over:
                return


def _report(plan: Plan, done: Performance) -> None:
    """Say what was made: as an event, as one JSON object, as figures, or to a person at the terminal."""
    stats = done.stats()
    if plan.prints_events:
        console.data_json({"type": "done", "duration": round(done.timeline.duration, 3)})
    if plan.prints_summary:
        console.data_json(_summary(plan, done, stats))
    elif plan.prints_stats:
        report_stats(stats)
    tell_files(plan.destinations, done.timeline)


def _summary(plan: Plan, done: Performance, stats: dict[str, Any]) -> dict[str, Any]:
    planned = plan.destinations
    return {
        "engine": done.engine,
        "voice": done.voice,
        "model": plan.requests[0].model_id if done.engine == "cloud" else None,
        "text": plan.transcript,
        "duration": round(done.timeline.duration, 3),
        "outputs": [
            {
                "path": target,
                "format": output.name,
                "encoding": output.encoding,
                "sample_rate": output.sample_rate,
                "bytes": sink.written,
            }
            for target, output, sink in zip(
                planned.targets, planned.formats, done.opened.outputs, strict=True
            )
        ],
        "timings": [target for target, _ in planned.timings],
        "stats": stats,
    }
