"""Does what ``cartesia clone`` was asked for."""

import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from cartesia_cli import console
from cartesia_cli.cache import VoiceList, VoiceNames
from cartesia_cli.commands._asking import ask, can_ask, require_yes
from cartesia_cli.commands._clone_findings import check_usable, findings, needs_conversion, serious
from cartesia_cli.commands._clone_picture import show_clip
from cartesia_cli.commands._clone_preview import plan_preview, speak_preview
from cartesia_cli.commands._recording import STDIN, recording_file
from cartesia_cli.commands._reporting import report_stats
from cartesia_cli.commands._setup import find_secret_key, set_up
from cartesia_cli.commands.clone import CloneOptions, NewVoiceOptions
from cartesia_cli.engines import BUILT_IN_NOTICE, choose_engine, find_voice_id, open_library
from cartesia_cli.errors import OutputError, UsageError
from cartesia_cli.models import CloneRequest, EngineName, Traffic, Voice
from cartesia_cli.settings import Settings

if TYPE_CHECKING:
    from cartesia_cli.audio.clips import Clip


class _Source(NamedTuple):
    """The recording that was given."""

    name: str
    """As the user knows it."""

    path: Path


def run(options: CloneOptions) -> None:
    """Look at a clip, ask for consent, and make a voice of it."""
    started = time.monotonic()
    play = options.play
    settings = set_up(
        options.engine.as_engine_options(),
        options.report,
        {"language": options.voice.language, "device": play.device, "gain": play.gain},
    )
    given, name = _check(options)
    key = find_secret_key(settings)
    engine = choose_engine(settings, key)
    preview = plan_preview(options, settings, engine, key)
    if engine == "local":
        _tell_of_built_in(options.voice, settings)
    with tempfile.TemporaryDirectory(prefix="cartesia-") as folder:
        source = _Source(_name(given), recording_file(given, Path(folder)))
        clip = _examine(source, options, settings, Path(folder))
        with closing(open_library(settings, engine, key)) as library:
            base = options.voice.base_voice
            if base is not None:
                base = settings.aliases.get(base, base)
                if engine == "cloud":
                    base = find_voice_id(base, library, VoiceNames(settings.base_url, key))
            voice = library.clone_voice(clip, _request(options.voice, name, settings.language, base))
            traffic = getattr(library, "traffic", Traffic())
    if engine == "cloud":
        VoiceNames(settings.base_url, key).forget_voice(voice.id, name)  # another may have had its name
    VoiceList().change(voice.id, voice.name)
    _report(options, voice, engine)
    if options.report.stats:
        wall = round(time.monotonic() - started, 3)
        report_stats({"wall": wall, "requests": traffic.requests, "retries": traffic.retries})
    if preview is not None:
        speak_preview(preview, voice, started)


def _check(options: CloneOptions) -> tuple[str, str]:
    """Return the clip and the name.

    Raises:
        UsageError: one of them is missing, or there is nobody to be asked.
    """
    given, name = options.clip.clip, (options.voice.name or "").strip()
    if given is None:
        raise UsageError("There is no clip.", hint="For example: cartesia clone anna.wav --name Anna")
    if not name:
        raise UsageError("The voice needs a name.", hint="Add --name NAME.")
    return given, name


def _name(given: str) -> str:
    return "The clip" if given == STDIN else Path(given).name


def _examine(source: _Source, options: CloneOptions, settings: Settings, folder: Path) -> Path:
    """Return the clip to be sent, after it was looked at and found good, by us or by a person.

    Raises:
        UsageError: it cannot be used, or nobody consents to its use.
    """
    from cartesia_cli.audio.clips import LONGEST, best_stretch, measure_clip

    report, yes = options.report, options.clip.yes
    clip = measure_clip(source.path)
    check_usable(clip, source.name)
    found = findings(clip, source.path)
    is_too_long = clip.duration > LONGEST
    stretch = best_stretch(clip) if options.clip.trim or is_too_long else None
    has_reader = console.stderr_is_terminal()
    if not report.quiet and (has_reader or not report.json):  # a program wants the error alone
        sees = has_reader and settings.color != "never"
        show_clip(clip, found, stretch, as_picture=sees)
    if is_too_long and not options.clip.trim:
        _offer_trimming(source.name, clip, stretch, may_ask=can_ask(no_input=report.no_input) and not yes)
    bad = serious(found)
    if bad and not yes:
        _accept(source.name, ", ".join(finding.name for finding in bad), no_input=report.no_input)
    require_yes(
        "Do you have the speaker's consent to make a voice of this?",
        yes=yes,
        no_input=report.no_input,
        refusal=UsageError(
            "A voice needs its speaker's consent, and there is nobody to ask.",
            hint="Add --yes if you have it.",
        ),
    )
    return _prepare(source, clip, stretch, folder)


def _offer_trimming(name: str, clip: "Clip", stretch: tuple[float, float] | None, *, may_ask: bool) -> None:
    """Go on if a person wants the best stretch.

    Raises:
        UsageError: nobody does.
    """
    start, end = stretch or (0.0, 0.0)
    question = f"Use its best {end - start:.0f} seconds, from {start:.1f} to {end:.1f} s?"
    if not (may_ask and ask(question, default=True)):
        raise UsageError(
            f"{name} is {clip.duration:.1f} s long, and a clip has at most 20 s.",
            hint=f"Add --trim to use its best {end - start:.0f} seconds.",
        )


def _accept(name: str, problems: str, *, no_input: bool) -> None:
    """Go on if a person does not mind what is wrong."""
    require_yes(
        f"The voice will not be good ({problems}). Go on all the same?",
        yes=False,
        no_input=no_input,
        refusal=UsageError(
            f"{name} makes no good voice: {problems}.",
            hint="Record it again, or add --yes to use it as it is.",
        ),
    )


def _prepare(source: _Source, clip: "Clip", stretch: tuple[float, float] | None, folder: Path) -> Path:
    """Return the file to be sent: the clip itself, or one channel of it, or a part, as a WAV."""
    if stretch is None and clip.n_channels == 1 and not needs_conversion(source.path):
        return source.path
    from cartesia_cli.audio.clips import write_stretch

    start, end = stretch or (0.0, None)
    (folder / "sent").mkdir()
    target = folder / "sent" / f"{source.path.stem}.wav"
    try:
        write_stretch(source.path, target, start, end)
    except OSError as error:
        raise OutputError(f"Cannot write a part of the clip to {folder}: {error.strerror}.") from error
    console.detail(f"sending {target.stat().st_size} bytes of WAV, from {start:.2f} s on")
    return target


def _request(wanted: NewVoiceOptions, name: str, language: str, base_voice_id: str | None) -> CloneRequest:
    return CloneRequest(
        name,
        language=language,
        description=wanted.description,
        accent=wanted.accent,
        base_voice_id=base_voice_id,
        mode=wanted.mode,
        enhance=True if wanted.enhance else None,
    )


def _tell_of_built_in(wanted: NewVoiceOptions, settings: Settings) -> None:
    """Say who makes the voice, and how little that is."""
    if settings.engine == "auto":
        console.note(BUILT_IN_NOTICE)
    console.note(
        "the built-in engine moves its nearest voice to the pitch and the pace of the clip; that is all"
    )
    given = {"--mode": wanted.mode, "--enhance": wanted.enhance}
    ignored = [name for name, value in given.items() if value]
    if ignored:
        console.warn(f"the built-in engine has no {', '.join(ignored)}; ignored")


def _report(options: CloneOptions, voice: Voice, engine: EngineName) -> None:
    """Print the ID, at once: a preview may take a while, or fail."""
    if options.report.json:
        console.data_json(voice.fields)
        return
    console.pass_on(f"{voice.id}\n".encode())
    if engine == "local" and voice.description:
        console.hint_to_person(voice.description)
