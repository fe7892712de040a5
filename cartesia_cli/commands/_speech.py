"""From the options of a voice to a request that an engine understands."""

import json
import math
from pathlib import Path
from typing import Literal

from cartesia_cli import console
from cartesia_cli.commands._options import CueOptions, PlayOptions, VoiceOptions
from cartesia_cli.errors import UsageError
from cartesia_cli.models import SPEEDS, VOLUMES, AudioFormat, EngineName, SpeechRequest
from cartesia_cli.settings import Settings

_MOST_EMBEDDING = 16 * 2**20
"""Bytes; thousands of times what an embedding takes, but a device may go on without end."""


def speech_settings(voice: VoiceOptions, cues: CueOptions, play: PlayOptions) -> dict[str, object | None]:
    """Return what was given on the command line of that which settings can say too."""
    return {
        "voice": voice.voice,
        "model": voice.model,
        "language": voice.language,
        "captions": cues.captions,
        "device": play.device,
        "gain": play.gain,
    }


def speech_request(
    options: VoiceOptions,
    settings: Settings,
    format: AudioFormat,
    *,
    word_timestamps: bool,
    phoneme_timestamps: bool,
) -> SpeechRequest:
    """Return a request without its text.

    Raises:
        UsageError: an option is out of its range, or contradicts another.
    """
    if options.locale and options.language:
        raise UsageError("--language and --locale exclude each other.", hint="A locale names its language.")
    return SpeechRequest(
        transcript="",
        voice_id=settings.aliases.get(settings.voice, settings.voice),
        format=format,
        model_id=settings.model,
        language=None if options.locale else settings.language,
        locale=options.locale,
        speed=_speed(options.speed),
        volume=_volume(options.volume),
        emotion=tuple(options.emotion or ()),
        normalization=options.normalization,
        pronunciation_dict_id=options.dict_,
        context_id=options.context_id,
        voice_embedding=read_embedding(options.voice_embedding) if options.voice_embedding else None,
        word_timestamps=word_timestamps,
        phoneme_timestamps=phoneme_timestamps,
        seed=options.seed,
    )


def warn_of_ignored_options(
    engine: EngineName, options: VoiceOptions, settings: Settings, transport: str | None
) -> None:
    """Name, in one warning, the options that this engine cannot follow; they only change the manner."""
    if engine == "cloud":
        if options.seed is not None:
            console.warn("the API has no --seed; ignored")
        return
    given = {
        "--model": settings.origin("model") == "option",
        "--normalization": options.normalization,
        "--context-id": options.context_id,
        "--transport": transport not in {None, "auto"},
    }
    ignored = [name for name, value in given.items() if value]
    if ignored:
        console.warn(f"the built-in engine has no {', '.join(ignored)}; ignored")


def _speed(given: str | None) -> float | Literal["slow", "normal", "fast"] | None:
    match given:
        case None | "slow" | "normal" | "fast":
            return given
        case _:
            pass
    try:
        factor = float(given)
    except ValueError:
        factor = 0.0
    slowest, fastest = SPEEDS
    if not slowest <= factor <= fastest:
        raise UsageError(
            f"--speed {given} is not a pace.", hint=f"Give {slowest} to {fastest}, or slow, normal, fast."
        )
    return factor


def _volume(given: float | None) -> float | None:
    softest, loudest = VOLUMES
    if given is not None and not softest <= given <= loudest:
        raise UsageError(f"--volume {given:g} is out of range.", hint=f"Give {softest} to {loudest}.")
    return given


def read_embedding(path: Path) -> tuple[float, ...]:
    """Return the numbers of a voice embedding: a JSON list, or an object that has it as ``embedding``."""
    try:
        with path.open("rb") as file:
            data = file.read(_MOST_EMBEDDING + 1)
        if len(data) > _MOST_EMBEDDING:  # such as a device that never ends
            raise UsageError(f"{path} is too large for a voice embedding.", hint="Is it the right file?")
        value = json.loads(data)
    except OSError as error:
        raise UsageError(f"Cannot read {path}: {error.strerror}.") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} is not JSON: {error}.") from error
    numbers = value.get("embedding") if isinstance(value, dict) else value
    if not (isinstance(numbers, list) and numbers and all(isinstance(n, (int, float)) for n in numbers)):
        raise UsageError(
            f"{path} holds no voice embedding.",
            hint='Give a list of numbers, or an object: {"embedding": [...]}',
        )
    try:
        embedding = tuple(float(n) for n in numbers)
    except OverflowError:
        embedding = (math.inf,)
    if not all(map(math.isfinite, embedding)):
        raise UsageError(f"{path} holds a number that is too large.", hint="Is it the right file?")
    return embedding
