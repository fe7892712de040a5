"""``voices preview``: what a voice sounds like."""

import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace

from cartesia_cli import console
from cartesia_cli.cache import VoiceNames
from cartesia_cli.commands._destinations import check_stdout, is_stdout, plan_destinations
from cartesia_cli.commands._keys import can_steer
from cartesia_cli.commands._options import TimingOptions, VoiceOptions
from cartesia_cli.commands._setup import find_secret_key, set_up
from cartesia_cli.commands._speaking import Plan, speak
from cartesia_cli.commands._speech import speech_request
from cartesia_cli.commands._stage import Playing, check_playing
from cartesia_cli.commands._text import read_text
from cartesia_cli.commands._voices import require_voice
from cartesia_cli.commands._voices_options import PreviewOptions
from cartesia_cli.commands._voices_samples import greeting
from cartesia_cli.credentials import Key
from cartesia_cli.engines import BUILT_IN_NOTICE, choose_engine, find_voice_id, open_library
from cartesia_cli.errors import RequestError, UsageError
from cartesia_cli.models import EngineName, Voice
from cartesia_cli.sentences import is_speakable, split_parts
from cartesia_cli.settings import Settings

_SHORT = 1_000
"""Characters that are surely spoken in one part."""


def run_preview(options: PreviewOptions) -> None:
    """Speak a text, or a greeting, with the voice that is asked for.

    Raises:
        CartesiaError: as ``say``.
    """
    started = time.monotonic()
    wanted = require_voice(options.voice.voice)
    sample, report = options.sample, options.report
    settings = set_up(
        options.library.as_engine_options(),
        report,
        {
            "model": sample.model,
            "language": sample.language,
            "device": options.play.device,
            "gain": options.play.gain,
        },
    )
    targets = options.output.output or ()
    check_stdout([("-o -", any(map(is_stdout, targets))), ("--json", report.json)])
    check_playing(options.play)
    text = read_text(sample.text, None) if sample.text else None
    key = find_secret_key(settings)
    engine = choose_engine(settings, key)
    if engine == "local" and settings.engine == "auto":
        console.note(BUILT_IN_NOTICE)
    steers = can_steer(reads_stdin=sample.text == ["-"], no_input=report.no_input)
    with_timings = options.play.follow or (steers and (options.play.play or not targets))
    destinations = plan_destinations(
        options.output,
        options.play,
        TimingOptions(),
        settings,
        straight_mp3=engine == "cloud" and not with_timings and len(text or "") <= _SHORT,
        is_rehearsal=False,
    )
    voice = _find(wanted, settings, engine, key)
    chosen = replace(settings, voice=voice.id, language=sample.language or voice.language, aliases={})
    transcript = text or _greeting(voice, chosen.language)
    request = speech_request(
        VoiceOptions(), chosen, destinations.source, word_timestamps=with_timings, phoneme_timestamps=False
    )
    speak(
        Plan(
            settings=chosen,
            key=key,
            engine=engine,
            fallback=False,
            transcript=transcript,
            requests=tuple(replace(request, transcript=part) for part in _parts(transcript, engine)),
            transport="sse" if with_timings else "bytes",
            destinations=destinations,
            profile=None,
            playing=Playing(options.play, steers, "cartesia voices preview"),
            prints_events=False,
            prints_summary=report.json,
            prints_stats=report.stats,
        ),
        started,
    )


def _parts(transcript: str, engine: EngineName) -> Sequence[str]:
    if engine == "local":
        return [transcript]
    return [part for part in split_parts(transcript) if is_speakable(part)]


def _find(wanted: str, settings: Settings, engine: EngineName, key: Key | None) -> Voice:
    """Return the voice, whose language is needed.

    Raises:
        CartesiaError: there is none, or no answer.
    """
    names = VoiceNames(settings.base_url, key) if engine == "cloud" else None
    with closing(open_library(settings, engine, key)) as library:
        voice_id = find_voice_id(wanted, library, names, settings.aliases)
        try:
            return library.get_voice(voice_id)
        except RequestError:
            if names is not None:
                names.forget(settings.aliases.get(wanted, wanted))
            raise


def _greeting(voice: Voice, language: str) -> str:
    """Return what the voice says.

    Raises:
        UsageError: there is nothing for its language.
    """
    text = greeting(language)
    if text is None:
        raise UsageError(
            f"There is no greeting in the language {language!r} of {voice.name}.",
            hint="Give a text: cartesia voices preview VOICE TEXT",
        )
    return text
