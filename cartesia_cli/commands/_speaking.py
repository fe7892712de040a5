"""Brings planned speech to its destinations, and tells what became of it."""

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack, closing
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from cartesia_cli import console
from cartesia_cli.cache import VoiceNames
from cartesia_cli.commands._destinations import Destinations, OpenDestinations, open_destinations
from cartesia_cli.credentials import Key
from cartesia_cli.engines import CLOUD_FAILURES, find_voice_id, open_cloud, open_local
from cartesia_cli.errors import RequestError, UnavailableError, UsageError
from cartesia_cli.models import EngineName, PhonemeTimings, SpeechRequest, SpeechWarning, Traffic, WordTimings
from cartesia_cli.settings import Settings
from cartesia_cli.speech import AudioWritten, SpeechProgress, Timeline, write_speech

if TYPE_CHECKING:
    from cartesia_cli.captions import Profile
    from cartesia_cli.commands._follow import Clock


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

    transport: Literal["bytes", "sse"]
    destinations: Destinations
    profile: "Profile | None"
    """The rules of captions, where there are any."""

    follows: bool
    """Whether the words are shown in time with the sound."""

    prints_events: bool
    prints_summary: bool
    prints_stats: bool


class _Performance(NamedTuple):
    """How a run of ``say`` went."""

    engine: EngineName
    voice: str
    """Its ID, or the name of a built-in one."""

    traffic: Traffic
    timeline: Timeline
    opened: OpenDestinations
    started: float
    """``time.monotonic()``."""


def speak(plan: Plan, started: float) -> None:
    """Speak, write and play as planned; ``started`` is the monotonic time at which the command began."""
    settings, planned = plan.settings, plan.destinations
    timeline = Timeline(planned.source)
    for request in plan.requests:
        console.detail(f"{plan.engine}: {len(request.transcript)} characters by {request.voice_id}")
    with ExitStack() as stack:
        start_following = stack.enter_context(_following(timeline)) if plan.follows else None
        opened = stack.enter_context(
            open_destinations(planned, device=settings.device, gain_db=settings.gain)
        )
        if start_following and opened.player:
            start_following(opened.player)
        engine, voice, traffic = _perform(plan, opened, timeline)
        texts = _format_timings(plan, timeline)
        for target, file in opened.timings.items():
            file.file.write(texts[target].encode())
            file.finish()  # the sound must not appear without its timings
    console.detail(f"done: {timeline.duration:.3f} s, {traffic.requests} requests, {traffic.retries} retries")
    _report(plan, _Performance(engine, voice, traffic, timeline, opened, started))
    if "-" in texts:
        console.data(texts["-"])


def _following(timeline: Timeline) -> "AbstractContextManager[Callable[[Clock], None]]":
    from cartesia_cli.commands._follow import following

    return following(timeline)


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
        console.note(f"{failure} Going on with the built-in voice.")
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
            for progress in write_speech(
                synthesize, requests, opened.sink, timeline, repeatable=not plan.prints_events
            ):
                _show(progress, plan)
        except RequestError:
            names.forget(wanted)  # the name may stand for a voice that is gone
            raise
        return "cloud", voice_id, client.traffic


def _perform_locally(
    plan: Plan, opened: OpenDestinations, timeline: Timeline, requests: Sequence[SpeechRequest]
) -> tuple[EngineName, str, Traffic]:
    with closing(open_local()) as engine:
        voice = engine.get_voice(requests[0].voice_id)
        for progress in write_speech(engine.synthesize, requests, opened.sink, timeline):
            _show(progress, plan)
        return "local", voice.name, engine.traffic


def _show(progress: SpeechProgress, plan: Plan) -> None:
    """Print an event, or what a person must know of it."""
    if plan.prints_events:
        console.data_json(_event(progress))
    elif isinstance(progress, SpeechWarning):
        console.warn(progress.message)


def _event(progress: SpeechProgress) -> dict[str, Any]:
    match progress:
        case AudioWritten(n_bytes, start, end):
            return {"type": "chunk", "bytes": n_bytes, "start": round(start, 3), "end": round(end, 3)}
        case WordTimings(words):
            spoken = [{"word": w.word, "start": round(w.start, 3), "end": round(w.end, 3)} for w in words]
            return {"type": "timestamps", "words": spoken}
        case PhonemeTimings(phonemes):
            heard = [
                {"phoneme": p.phoneme, "start": round(p.start, 3), "end": round(p.end, 3)} for p in phonemes
            ]
            return {"type": "phoneme_timestamps", "phonemes": heard}
        case SpeechWarning(message):
            return {"type": "warning", "message": message}


def _format_timings(plan: Plan, timeline: Timeline) -> dict[str, str]:
    """Return what each timings file holds, by its name."""
    wanted = plan.destinations.timings
    if not wanted or plan.profile is None:
        return {}
    if not timeline.words:
        raise UnavailableError(
            "The API sent no word timings, so there is nothing to make subtitles of.",
            hint="Another model or language may have them.",
        )
    from cartesia_cli.captions import cues_from_words, format_captions

    language = plan.requests[0].language
    cues = cues_from_words(timeline.words, plan.profile, language=language)
    return {
        target: format_captions(
            fmt,
            cues,
            words=timeline.words,
            phonemes=timeline.phonemes,
            text=plan.transcript,
            language=language,
            duration=timeline.duration,
        )
        for target, fmt in wanted
    }


def _report(plan: Plan, done: _Performance) -> None:
    """Say what was made: as an event, as one JSON object, as figures, or to a person at the terminal."""
    stats = _stats(done)
    if plan.prints_events:
        console.data_json({"type": "done", "duration": round(done.timeline.duration, 3)})
    if plan.prints_summary:
        console.data_json(_summary(plan, done, stats))
    elif plan.prints_stats:
        console.report({name: value for name, value in stats.items() if value is not None})
    named = [target for target in plan.destinations.targets if target != "-"]
    named += [target for target, _ in plan.destinations.timings if target != "-"]
    if named:
        console.hint_to_person(f"{', '.join(named)}: {done.timeline.duration:.1f} s of speech")


def _stats(done: _Performance) -> dict[str, Any]:
    player = done.opened.player
    first_byte, first_sound = done.timeline.first_byte, player.first_sound if player else None
    return {
        "first_byte": _since(done.started, first_byte),
        "first_sound": _since(done.started, first_sound),
        "wall": _since(done.started, time.monotonic()),
        "requests": done.traffic.requests,
        "retries": done.traffic.retries,
        "underruns": player.underruns if player else None,
    }


def _since(started: float, moment: float | None) -> float | None:
    return None if moment is None else round(moment - started, 3)


def _summary(plan: Plan, done: _Performance, stats: dict[str, Any]) -> dict[str, Any]:
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
