"""How the files of a run are made: plain values, which a process of any machine can follow."""

import os
import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack, closing
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from cartesia_cli.batch.asking.bounds import bounded
from cartesia_cli.batch.asking.budget import Purse
from cartesia_cli.batch.asking.hearing import ThrottledTranscriber
from cartesia_cli.batch.asking.throttle import Throttle
from cartesia_cli.batch.jobs import Job
from cartesia_cli.batch.journal import Journal
from cartesia_cli.batch.making.workshop import Check, Output, Patience, Workshop
from cartesia_cli.batch.places import open_place
from cartesia_cli.batch.planning import TransportName
from cartesia_cli.cache.speech import SpeechCache
from cartesia_cli.credentials import Key, find_key
from cartesia_cli.engines import Transcriber, open_cloud, open_local, open_local_transcriber
from cartesia_cli.folders import user_folder
from cartesia_cli.models import EngineName, Speak, SpeechEvents, SpeechRequest
from cartesia_cli.settings import Settings

if TYPE_CHECKING:
    from cartesia_cli.captions import Profile


Gate = Callable[[], AbstractContextManager[None]]
"""Holds a request back while too many are under way elsewhere."""


@dataclass(frozen=True, slots=True)
class Secrets:
    """What nobody but the API may see."""

    key: Key | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Recipe:
    """How the files of a run are made. It holds no secret."""

    engine: EngineName
    settings: Settings
    """Without headers."""

    target: str
    """Where the files go: a folder or a URL."""

    journal: Path | None
    """None where somebody else keeps it."""

    origin: str
    """What shapes the speech besides a request: see ``SpeechCache.wrap``."""

    transport: TransportName = "auto"
    n_at_once: int = 1
    """Requests to the API that may be under way at once."""

    retries: int = 0
    """How often a request is sent again that had no answer."""

    repeats: int = 0
    """How often speech is asked for again that broke off."""

    profile: "Profile | None" = None
    is_cached: bool = False
    is_forced: bool = False
    checks_sound: bool = False
    checks_words: bool = False

    def open(
        self,
        secrets: Secrets | None = None,
        *,
        output: Output | None = None,
        stop: threading.Event | None = None,
        purse: Purse | None = None,
        gate: Gate | None = None,
    ) -> Workshop:
        """Return a workshop that follows it; close it in the end.

        Args:
            secrets: for the API; None takes what this machine has.
            output: where the files go, if somebody has opened it.
            stop: when it is set, nobody waits any more.
            purse: pays for what is asked for.
            gate: held around each request.

        Raises:
            CartesiaError: the journal cannot be used, or an engine not be opened.
        """
        with ExitStack() as stack:
            throttle = Throttle(self.n_at_once, retries=self.retries, stop=stop)
            ask, transcriber = self._engines(secrets, throttle, gate, stack)
            kept = ExitStack()
            output = output or kept.enter_context(closing(open_place(self.target)))
            return Workshop(
                ask,
                output,
                None if self.journal is None else Journal(self.journal),
                patience=Patience(self.repeats, throttle.pause),
                profile=self.profile,
                memory=_Memory(self.origin) if self.is_cached else None,
                purse=purse,
                checks=self._checks(transcriber),
                is_forced=self.is_forced,
                held=stack.pop_all(),
                kept=kept,
            )

    def _engines(
        self, secrets: Secrets | None, throttle: Throttle, gate: Gate | None, stack: ExitStack
    ) -> tuple[Speak, Transcriber | None]:
        if self.engine == "local":
            engine = stack.enter_context(closing(open_local()))
            if not self.checks_words:
                return engine.synthesize, None
            return engine.synthesize, stack.enter_context(closing(open_local_transcriber()))
        if secrets is None:
            secrets = Secrets(find_key(os.environ, folder=user_folder("config", os.environ)))
        # The throttle decides who asks again, and when: it knows about all requests.
        settings = replace(self.settings, headers=secrets.headers, retries=0)
        client = stack.enter_context(closing(open_cloud(settings, secrets.key)))
        synthesize = bounded(partial(client.synthesize, transport=self.transport))
        ask = throttle.wrap(synthesize if gate is None else _gated(synthesize, gate))
        return ask, ThrottledTranscriber(client, throttle) if self.checks_words else None

    def _checks(self, transcriber: Transcriber | None) -> list[Check]:
        checks: list[Check] = []
        if self.checks_sound:
            checks.append(_check_sound)
        if transcriber is not None:
            checks.append(partial(_check_words, transcriber=transcriber))
        return checks


def _gated(speak: Speak, gate: Gate) -> Speak:
    """Return ``speak``, held back by a gate."""

    def speak_gated(request: SpeechRequest) -> SpeechEvents:
        with gate():
            yield from speak(request)

    return speak_gated


class _Memory:
    """The speech cache, for one origin."""

    def __init__(self, origin: str) -> None:
        self._cache = SpeechCache()
        self._origin = origin

    def wrap(self, speak: Speak) -> Speak:
        return self._cache.wrap(speak, self._origin)

    def has(self, request: SpeechRequest) -> bool:
        return self._cache.has(request, self._origin)

    def forget(self, request: SpeechRequest) -> None:
        self._cache.forget(request, self._origin)


def _check_sound(path: Path, job: Job) -> list[str]:
    from cartesia_cli.batch.checking import check_sound

    request = job.requests[0]
    flaws = check_sound(path, job.text, job.output, speed=request.speed, language=request.language)
    return [flaw.message for flaw in flaws]


def _check_words(path: Path, job: Job, *, transcriber: Transcriber) -> list[str]:
    from cartesia_cli.batch.checking import check_words

    request = job.requests[0]
    flaws = check_words(
        path, job.text, transcriber, job.output, speed=request.speed, language=request.language
    )
    return [flaw.message for flaw in flaws]
