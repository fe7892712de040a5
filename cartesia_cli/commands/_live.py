"""Does what ``cartesia transcribe --live`` was asked for: writes down what is being said."""

import queue
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, Protocol

from cartesia_cli import console
from cartesia_cli.commands._live_plan import SAMPLE_RATE, LivePlan, plan_live
from cartesia_cli.commands._live_writing import Paper, open_paper
from cartesia_cli.commands._sources import STDIN
from cartesia_cli.commands.transcribe import TranscribeOptions
from cartesia_cli.credentials import Key
from cartesia_cli.engines import (
    BUILT_IN_NOTICE,
    CLOUD_FAILURES,
    LiveTranscriber,
    open_live_transcriber,
    open_local_transcriber,
)
from cartesia_cli.errors import UsageError
from cartesia_cli.models import EngineName, ListenRequest, TranscriptUpdate, TranscriptUpdates
from cartesia_cli.settings import Settings

if TYPE_CHECKING:
    from cartesia_cli.audio.capture import Microphone

_LAST_WORDS = 5.0
"""Seconds that the engine has for what was said before the end was asked for."""


_POLL = 0.1
"""Seconds between two looks at the signals: not every one of them ends a wait for the queue."""


class Sound(Protocol):
    """A source of live sound."""

    def __iter__(self) -> Iterator[bytes]:
        """Return what yields blocks of samples as they come."""

    def stop(self) -> None:
        """End the sound; may be called by any thread, and by a signal's handler."""


def transcribe_live(
    options: TranscribeOptions, settings: Settings, engine: EngineName, key: Key | None
) -> None:
    """Write down what is said until the sound ends, or until told to stop."""
    started = time.monotonic()
    plan = plan_live(options, settings, engine)
    if engine == "local" and settings.engine == "auto":
        console.note(BUILT_IN_NOTICE)
    _warn_of_ignored_options(plan)
    with ExitStack() as stack:
        transcriber = stack.enter_context(closing(open_live_transcriber(settings, engine, key)))
        if engine == "cloud" and options.engine.fallback:
            transcriber = stack.enter_context(closing(_WithFallback(transcriber)))
        sound = stack.enter_context(_open_sound(plan))
        paper = stack.enter_context(open_paper(plan))
        try:
            _listen(transcriber, plan.request, sound, paper)
        finally:
            if options.report.stats:
                console.report({"wall": round(time.monotonic() - started, 3)})


def _warn_of_ignored_options(plan: LivePlan) -> None:
    given = plan.options
    if plan.engine == "cloud":
        if given.live.turns and given.live.min_volume is not None:
            console.warn("turns know no --min-volume; ignored")
        return
    named = {"--keyterm": given.listen.keyterm, "--model": plan.settings.origin("stt_model") == "option"}
    ignored = [name for name, value in named.items() if value]
    if ignored:
        console.warn(f"the built-in recogniser has no {', '.join(ignored)}; ignored")


@contextmanager
def _open_sound(plan: LivePlan) -> Iterator[Sound]:
    if plan.source is None:
        from cartesia_cli.audio.capture import Microphone

        with Microphone(plan.options.live.device, sample_rate=SAMPLE_RATE) as microphone:
            console.hint_to_person("listening; Ctrl-C ends")
            try:
                yield microphone
            except KeyboardInterrupt:  # how it usually ends
                _warn_of_lost_sound(microphone)
                raise
            _warn_of_lost_sound(microphone)
        return
    from cartesia_cli.audio.recordings import open_live

    source: Path | BinaryIO = Path(plan.source)
    if plan.source == STDIN:
        if sys.stdin is None:
            raise UsageError("Standard input is closed.", hint="Name a file.")
        source = sys.stdin.buffer
    given = plan.options.source
    with open_live(source, encoding=given.encoding, sample_rate=given.sample_rate, pace=plan.pace) as sound:
        yield sound


def _warn_of_lost_sound(microphone: "Microphone") -> None:
    if microphone.is_silent:
        console.warn("the microphone gave nothing but silence: is it muted, or not allowed to be used?")
    if microphone.overflows:
        console.warn("this machine was too slow for the microphone: some of the sound is missing")


class _WithFallback:
    """The cloud, and the embedded engine where the cloud takes none of the sound; then it says so."""

    def __init__(self, cloud: LiveTranscriber) -> None:
        self._cloud = cloud
        self._local: LiveTranscriber | None = None

    def listen(self, request: ListenRequest, sound: Iterable[bytes], /) -> TranscriptUpdates:
        has_begun = False

        def taken() -> Iterator[bytes]:
            nonlocal has_begun
            has_begun = True
            yield from sound

        try:
            yield from self._cloud.listen(request, taken())
        except CLOUD_FAILURES as failure:
            if has_begun:  # what the cloud has heard cannot be heard again
                raise
            console.note(f"{failure} Going on with the built-in recogniser.")
        else:
            return
        self._local = open_local_transcriber()
        yield from self._local.listen(request, sound)

    def close(self) -> None:
        if self._local is not None:
            self._local.close()


class _Stop(NamedTuple):
    signum: int


_Item = TranscriptUpdate | BaseException | _Stop | None


def _listen(transcriber: LiveTranscriber, request: ListenRequest, sound: Sound, paper: Paper) -> None:
    """Write what is understood; at a signal the sound ends, and what was said before is still written."""
    inbox: queue.SimpleQueue[_Item] = queue.SimpleQueue()
    pull = partial(_pull, transcriber, request, sound, inbox)
    with _signals(lambda signum: inbox.put(_Stop(signum))) as die_of:
        threading.Thread(target=pull, name="listen", daemon=True).start()
        stopped: _Stop | None = None
        deadline: float | None = None
        is_whole = False
        while True:
            if deadline is not None and time.monotonic() >= deadline:
                break
            try:
                item = inbox.get(timeout=_POLL)
            except queue.Empty:
                continue
            match item:
                case TranscriptUpdate():
                    paper.write(item)
                case _Stop() if stopped is None:
                    stopped, deadline = item, time.monotonic() + _LAST_WORDS
                    sound.stop()
                case BaseException() if stopped is None:
                    raise item
                case _:  # the end, a failure after the signal, or a second one
                    is_whole = item is None
                    break
        if stopped is not None:
            paper.leave()
            if not is_whole:
                console.warn("the last words may be missing")
            die_of(stopped.signum)


def _pull(
    transcriber: LiveTranscriber, request: ListenRequest, sound: Sound, inbox: "queue.SimpleQueue[_Item]"
) -> None:
    try:
        with closing(transcriber.listen(request, sound)) as updates:
            for update in updates:
                inbox.put(update)
    except BaseException as failure:  # noqa: BLE001  carried to the writer, who raises it
        inbox.put(failure)
    else:
        inbox.put(None)


@contextmanager
def _signals(on_signal: Callable[[int], None]) -> Iterator[Callable[[int], None]]:
    """Catch what ends a program, once; yield a function that lets a signal have its usual effect after all.

    What our parent ignores, as nohup does, stays ignored.
    """
    usual = {}
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        signum = getattr(signal, name, None)
        handler = signum and signal.getsignal(signum)
        if signum is not None and callable(handler):
            usual[int(signum)] = handler

    is_told = False

    def catch(signum: int, frame: FrameType | None) -> None:
        nonlocal is_told
        if is_told:  # at once: what is written may wait for a reader that does not read
            usual[signum](signum, frame)
        is_told = True
        on_signal(signum)

    for signum in usual:
        signal.signal(signum, catch)
    try:
        yield lambda signum: usual[signum](signum, None)
    finally:
        for signum, handler in usual.items():
            signal.signal(signum, handler)
