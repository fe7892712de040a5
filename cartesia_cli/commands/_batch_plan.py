"""Decides how a run of ``batch`` does its work, before the manifest is read."""

import os
import re
import shutil
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from copy import copy
from dataclasses import replace
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from cartesia_cli import console
from cartesia_cli.batch.journal import FILE_NAME
from cartesia_cli.batch.making.recipe import Recipe, Secrets
from cartesia_cli.batch.manifest import ManifestFormat, manifest_format
from cartesia_cli.batch.naming import Names
from cartesia_cli.batch.places import open_place
from cartesia_cli.batch.places.folder import Folder
from cartesia_cli.batch.places.occupation import Shard
from cartesia_cli.batch.planning import FormatChoice, Planner
from cartesia_cli.batch.report import report_format
from cartesia_cli.cache import VoiceNames
from cartesia_cli.commands._destinations import CAPTION_FORMATS, check_stdout, is_stdout
from cartesia_cli.commands._remembering import cloud_origin, local_origin, pronunciations
from cartesia_cli.commands._speech import speech_request
from cartesia_cli.commands.batch import BatchOptions
from cartesia_cli.credentials import Key
from cartesia_cli.engines import choose_engine, find_voice_id, open_library
from cartesia_cli.errors import CredentialsError, RequestError, UsageError
from cartesia_cli.folders import user_folder
from cartesia_cli.local.workers import count_cores
from cartesia_cli.models import AudioFormat, Encoding, EngineName
from cartesia_cli.settings import Settings

if TYPE_CHECKING:
    from cartesia_cli.captions import Profile

_STDIN = "-"
_SHARD = re.compile(r"([0-9]{1,9})/([0-9]{1,9})")
_RETRIES = 5
"""How often a run of many asks again, unless it is told: nobody waits for one answer. What breaks off after
its beginning may have to be paid for: that is asked for again as often as elsewhere."""

_CLOUD_JOBS = 16
_UNLIMITED = 10_000
"""At once, on a cluster whose workers have a voice of their own: as many as they have threads."""

_VOICES = 10_000
"""Names of voices that are remembered while a manifest is read."""


class Plan(NamedTuple):
    """A run of ``batch``, decided before the manifest is read."""

    options: BatchOptions
    engine: EngineName
    secrets: Secrets
    manifest: str
    """As the user knows it."""

    format: ManifestFormat
    shard: Shard
    planner: Planner
    recipe: Recipe
    journal: Path


@contextmanager
def plan_batch(options: BatchOptions, settings: Settings, key: Key | None) -> Iterator[Plan]:
    """Lend the plan of a run.

    Raises:
        CartesiaError: an option is out of its range, or something it names cannot be had.
    """
    _check_options(options)
    is_rehearsal = options.work.dry_run
    try:
        engine: EngineName = choose_engine(settings, key)
    except CredentialsError:
        if not is_rehearsal:  # which needs no key
            raise
        engine = "cloud"
    target = options.target
    timings: tuple[str, ...] = tuple(dict.fromkeys(target.timings or ()))
    profile = options.cues.profile(settings.captions) if timings else None
    usual = speech_request(
        options.voice, settings, AudioFormat(), word_timestamps=bool(timings), phoneme_timestamps=False
    )
    transport = options.work.transport or "auto"
    if timings and transport == "bytes":
        raise UsageError("--transport bytes has no timings.", hint="Use --transport sse, or auto.")
    journal = target.journal or _journal(target.output or ".")
    with ExitStack() as stack:
        find_voice: Callable[[str], str] = _as_it_is
        said: object = None
        if not is_rehearsal or engine == "local" or key is not None:
            library = stack.enter_context(closing(open_library(settings, engine, key)))
            if usual.pronunciation_dict_id is not None:
                said = pronunciations([usual.pronunciation_dict_id], library)
            names = VoiceNames(settings.base_url, key) if engine == "cloud" else None
            find_voice = _remembered(lambda voice: find_voice_id(voice, library, names, settings.aliases))
        origin = cloud_origin(settings) if engine == "cloud" else local_origin()
        address = settings.base_url if engine == "cloud" else ""
        yield Plan(
            options=options,
            engine=engine,
            secrets=Secrets(key, settings.headers),
            manifest=options.manifest.manifest,
            format=_manifest_format(options),
            shard=_shard(options.manifest.shard),
            planner=Planner(
                engine,
                usual,
                voice=settings.voice,
                find_voice=find_voice,
                names=Names(target.name),
                choice=_choice(options, settings),
                transport=transport,
                timings=timings,
                origin=repr((address, said)),
                rules=repr(profile),
            ),
            recipe=_recipe(
                options,
                settings,
                engine,
                journal=journal,
                origin=repr((origin, said or [])),
                profile=profile,
            ),
            journal=journal,
        )


@contextmanager
def open_manifest(name: str) -> Iterator[BinaryIO]:
    """Open a manifest, ``-`` for stdin, so that it can be read twice.

    Raises:
        UsageError: it cannot be read.
    """
    with ExitStack() as stack:
        yield _open(name, stack)


def _open(name: str, stack: ExitStack) -> BinaryIO:
    if name == _STDIN and (sys.stdin is None or sys.stdin.isatty()):
        raise UsageError("There is no manifest on standard input.", hint="Name a file, or pipe one in.")
    try:
        source = stack.enter_context(Path(name).open("rb")) if name != _STDIN else sys.stdin.buffer  # noqa: SIM115
        if name != _STDIN and stat.S_ISREG(os.fstat(source.fileno()).st_mode):
            return source
        spool = stack.enter_context(TemporaryFile())  # noqa: SIM115  closed by the stack
        shutil.copyfileobj(source, spool)
        spool.seek(0)
    except OSError as error:
        raise UsageError(f"Cannot read {name}: {error.strerror}.") from error
    return spool


def _check_options(options: BatchOptions) -> None:
    """Raise UsageError for what cannot be, whatever the settings say."""
    given = options.target.output
    if given is None and not options.work.dry_run:
        raise UsageError("There is nowhere to put the files.", hint="Add -o DIR.")
    if given is not None and given in {"", _STDIN}:
        raise UsageError("A batch needs a folder for its files.", hint="Name one, like -o out/.")
    if options.voice.context_id is not None:
        raise UsageError("--context-id names one utterance, and a batch has many.", hint="Leave it out.")
    for each in options.target.timings or ():
        if each not in CAPTION_FORMATS:
            raise UsageError(
                f"There are no timings in the format {each!r}.",
                hint=f"Give one of {', '.join(CAPTION_FORMATS)}; the names are those of the audio.",
            )
    report = options.work.report
    if report is not None:
        report_format(report)
        check_stdout([("--json", options.report.json), ("--report", is_stdout(str(report)))])
        if is_stdout(str(report)):
            console.binary_stdout()  # which may be closed
    own = (Path(options.manifest.manifest), report, options.target.journal)
    real = [os.path.realpath(path) for path in own if path is not None and str(path) != os.devnull]
    if len(set(real)) < len(real):
        raise UsageError(
            "Manifest, report and journal must not be the same file.", hint="Give each its own name."
        )


def _manifest_format(options: BatchOptions) -> ManifestFormat:
    given = options.manifest
    if given.manifest_format is not None:
        return given.manifest_format
    if given.manifest == _STDIN:
        raise UsageError(
            "Standard input does not say how its manifest is written.",
            hint="Add --manifest-format jsonl, csv, tsv or txt.",
        )
    return manifest_format(given.manifest)


def _shard(given: str | None) -> Shard:
    if given is None:
        return Shard(1, 1)
    match = _SHARD.fullmatch(given)
    shard = Shard(*map(int, match.groups())) if match else Shard(0, 0)
    if not 1 <= shard.i <= shard.n:
        raise UsageError(f"--shard {given} is no part of a whole.", hint="Give I/N, such as 1/4 to 4/4.")
    return shard


def _choice(options: BatchOptions, settings: Settings) -> FormatChoice:
    target = options.target
    return FormatChoice(
        format=target.format or settings.format or "wav",
        encoding=Encoding(target.encoding) if target.encoding else None,
        sample_rate=target.sample_rate,
        bit_rate=target.bit_rate,
        usual_encoding=settings.encoding,
        usual_rate=settings.sample_rate,
    )


def _recipe(
    options: BatchOptions,
    settings: Settings,
    engine: EngineName,
    *,
    journal: Path,
    origin: str,
    profile: "Profile | None",
) -> Recipe:
    target, work = options.target, options.work
    default = _CLOUD_JOBS
    if engine == "local":
        default = count_cores() if work.cluster is None else _UNLIMITED
    return Recipe(
        engine=engine,
        settings=replace(settings, headers={}),
        target=target.output or ".",
        journal=journal,
        origin=origin,
        transport=work.transport or "auto",
        n_at_once=work.jobs or default,
        retries=_RETRIES if settings.origin("retries") == "default" else settings.retries,
        repeats=settings.retries,
        profile=profile,
        is_cached=not work.no_cache,
        is_forced=target.force,
        checks_sound=work.verify,
        checks_words=work.verify_asr,
    )


def _journal(target: str) -> Path:
    """Return where it is noted what was made: beside the files, or for a URL on this machine."""
    place = open_place(target)
    if isinstance(place, Folder):
        return place.root / FILE_NAME
    folder = user_folder("state", os.environ)
    if folder is None:
        raise UsageError("There is no folder to note in what was made.", hint="Name a file with --journal.")
    return folder / "journals" / f"{sha256(target.rstrip('/').encode()).hexdigest()[:32]}.sqlite3"


def _remembered(find_voice: Callable[[str], str]) -> Callable[[str], str]:
    """Return what asks once for each name, also for one that is unknown."""

    @lru_cache(_VOICES)
    def look(voice: str) -> str | UsageError | RequestError:
        try:
            return find_voice(voice)
        except (UsageError, RequestError) as error:
            return error

    def find(voice: str) -> str:
        found = look(voice)
        if isinstance(found, str):
            return found
        raise copy(found)

    return find


def _as_it_is(voice: str) -> str:
    """Return a name that nobody can be asked about."""
    return voice
