"""Makes the files of a job: asks for its speech, writes it, and notes that it was made."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

from cartesia_cli.audio.outputs import OutputSink
from cartesia_cli.audio.sinks import open_sink
from cartesia_cli.batch.asking.budget import Bill, Purse
from cartesia_cli.batch.asking.flights import Flights
from cartesia_cli.batch.jobs import Job, Made, MadeFile
from cartesia_cli.batch.journal import Journal, Place, digest_of
from cartesia_cli.batch.runner import StoppedError
from cartesia_cli.errors import CartesiaError, LimitError, UnavailableError
from cartesia_cli.files import Signature, TargetFile, naming
from cartesia_cli.models import Speak, SpeechRequest, SpeechWarning
from cartesia_cli.speech import Timeline, format_timings, write_utterance

if TYPE_CHECKING:
    from cartesia_cli.captions import Profile

_LEAVING = 7.0
"""Seconds that what breaks off may take to put away its files."""

Check = Callable[[Path, Job], Sequence[str]]
"""Looks at an audio file; returns what is wrong with it, a sentence each."""


class Maker(Protocol):
    """Does jobs, for several threads."""

    def make(self, job: Job, /) -> Made:
        """Make the files of a job.

        Raises:
            CartesiaError: they cannot be made; what was there before is still there.
        """

    def close(self) -> None:
        """Free what is held; what is under way breaks off."""


class Memory(Protocol):
    """Speech that need not be asked for again."""

    def wrap(self, speak: Speak, /) -> Speak:
        """Return ``speak`` for what is not kept yet."""

    def has(self, request: SpeechRequest, /) -> bool:
        """Return whether the speech of a request is kept."""

    def forget(self, request: SpeechRequest, /) -> None:
        """Keep the speech of a request no longer."""


class Output(Place, Protocol):
    """Where files go. ``batch.places.Folder`` and ``Bucket`` fit."""

    @property
    def is_remote(self) -> bool:
        """Whether a file that was written has to be brought there."""

    def path(self, name: str, /) -> Path:
        """Return where to write a file of this name; its folder is there.

        Raises:
            OutputError: that cannot be, or would be outside.
        """

    def deliver(self, name: str, /) -> Signature:
        """Bring a finished file, written at ``path``, to where it belongs; return what it is there.

        Raises:
            OutputError: it cannot be brought there.
        """


class Patience(NamedTuple):
    """What is done about an answer that breaks off."""

    retries: int
    """How often a part is asked for again."""

    pause: Callable[[int], None]
    """Waits before the next attempt; it is told how many failed."""


class Workshop:
    """Makes the files of jobs. Safe for use by several threads.

    Args:
        ask: asks an engine.
        output: where files go.
        journal: what was made; None where somebody else keeps it.
        patience: with answers that break off.
        profile: the rules of captions, where timings are wanted.
        memory: speech that was asked for before; None asks for everything.
        purse: pays for what is asked for.
        checks: looks at each audio file before it counts as made.
        is_forced: makes also what was made before.
        held: what is freed in the end, so that what is under way breaks off.
        kept: what is freed when nothing is under way any more.
    """

    def __init__(
        self,
        ask: Speak,
        output: Output,
        journal: Journal | None,
        *,
        patience: Patience,
        profile: "Profile | None" = None,
        memory: Memory | None = None,
        purse: Purse | None = None,
        checks: Sequence[Check] = (),
        is_forced: bool = False,
        held: ExitStack | None = None,
        kept: ExitStack | None = None,
    ) -> None:
        self._ask = ask
        self._output = output
        self._journal = journal
        self._patience = patience
        self._profile = profile
        self._memory = memory
        self._purse = purse or Purse(None)
        self._checks = checks
        self._is_forced = is_forced
        self._held = held or ExitStack()
        self._kept = kept or ExitStack()
        self._flights = Flights()
        self._n_under_way = 0
        self._is_idle = threading.Condition()

    def close(self) -> None:
        """Free the engine, so that what is under way breaks off; wait until it has left nothing behind."""
        self._held.close()
        with self._is_idle:
            self._is_idle.wait_for(lambda: not self._n_under_way, _LEAVING)
        if self._journal is not None:
            self._journal.close()
        self._kept.close()

    def make(self, job: Job) -> Made:
        """Make the files of a job, unless they are there and are what it asks for.

        Raises:
            CartesiaError: they cannot be made; what was there before is still there. Or they cannot be
                checked: they are there, and the next run only checks them.
            UnavailableError: a check found something wrong. The file is there; the next run makes it anew.
            StoppedError: the run was stopped before there was an answer to all of it.
        """
        with self._is_idle:
            self._n_under_way += 1
        try:
            return self._make(job)
        finally:
            with self._is_idle:
                self._n_under_way -= 1
                self._is_idle.notify_all()

    def _make(self, job: Job) -> Made:
        began = time.monotonic()
        if self._journal is not None and not self._is_forced:
            known = self._journal.find(job, self._output)
            if known is not None:
                # What is elsewhere was checked before it was brought there.
                if self._checks and not self._output.is_remote:
                    self._refuse(job, self._flaws(self._output.path(job.name), job))
                return known
        if self._journal is not None and self._output.is_remote:
            self._journal.intend(job, self._output)
        bill = Bill(self._purse, partial(self._needed, job))
        with closing(bill), self._opened(job) as (sink, files):
            timeline = Timeline(job.requests[0].format)
            warnings = self._speak(job, bill, sink, timeline)
            self._write_timings(job, files, timeline)
            sink.finish()
            made, flaws = self._publish(job, sink, files, timeline.duration)
        self._refuse(job, flaws)
        return Made("done", timeline.duration, made, bill.n_credits, time.monotonic() - began, warnings)

    def _needed(self, job: Job) -> list[SpeechRequest]:
        """Return what has to be asked for."""
        return [each for each in job.requests if self._memory is None or not self._memory.has(each)]

    @contextmanager
    def _opened(self, job: Job) -> Iterator[tuple[OutputSink, list[TargetFile]]]:
        """Open every file of a job; what was not published is gone at the end."""
        with ExitStack() as stack:
            files = []
            for name, _ in job.timings:
                files.append(TargetFile(self._output.path(name)))
                stack.callback(files[-1].discard)
            sink = open_sink(self._output.path(job.name), job.output, job.requests[0].format)
            stack.callback(sink.discard)
            sink.open()
            yield sink, files

    def _speak(self, job: Job, bill: Bill, sink: OutputSink, timeline: Timeline) -> tuple[str, ...]:
        """Write the speech of every part, one after the other; return the warnings."""
        ask = bill.wrap(self._ask)
        if self._memory is not None:
            ask = self._flights.wrap(self._memory.wrap(ask))
        return tuple(
            warning for request in job.requests for warning in self._write(ask, request, sink, timeline)
        )

    def _write(self, ask: Speak, request: SpeechRequest, sink: OutputSink, timeline: Timeline) -> list[str]:
        """Write one part, again if it breaks off."""
        n_failures = 0
        while True:
            warnings: list[str] = []
            try:
                with closing(write_utterance(ask(request), sink, timeline, final=False)) as progresses:
                    warnings += [each.message for each in progresses if isinstance(each, SpeechWarning)]
            except (UnavailableError, LimitError) as error:
                # Nobody has heard it: it can be forgotten. One without a beginning was repeated already.
                is_over = timeline.is_at_mark or n_failures >= self._patience.retries
                if is_over or error.is_passing is False:
                    raise
                sink.rewind()
                timeline.rewind()
                self._patience.pause(n_failures)
                n_failures += 1
            else:
                return warnings

    def _write_timings(self, job: Job, files: Sequence[TargetFile], timeline: Timeline) -> None:
        texts = format_timings(
            job.timings, self._profile, timeline, text=job.text, language=job.requests[0].language
        )
        for (name, _), file in zip(job.timings, files, strict=True):
            file.file.write(texts[name].encode())
            file.finish()

    def _publish(
        self, job: Job, sink: OutputSink, files: Sequence[TargetFile], duration: float
    ) -> tuple[tuple[MadeFile, ...], list[str]]:
        """Give finished files their names, the audio last; return what they are, and its flaws."""
        parts = [part for part in (sink.part, *(file.part for file in files)) if part is not None]
        made = tuple(map(_made_file, parts))
        try:
            flaws = self._flaws(parts[0], job)
        except (CartesiaError, StoppedError):
            # Nothing is known against what was paid for: the next run need only check it. What is elsewhere
            # counts as checked if it is noted.
            self._name(job, sink, files, made, duration, is_noted=not self._output.is_remote)
            if self._output.is_remote and self._journal is not None:
                self._journal.forget(job)
            raise
        return self._name(job, sink, files, made, duration, is_noted=not flaws), flaws

    def _name(
        self,
        job: Job,
        sink: OutputSink,
        files: Sequence[TargetFile],
        made: tuple[MadeFile, ...],
        duration: float,
        *,
        is_noted: bool,
    ) -> tuple[MadeFile, ...]:
        """Give finished files their names, where they belong; return what they are there."""
        if is_noted and not self._output.is_remote:
            self._note(job, made, duration)
        for file in files:
            file.publish()
        sink.publish()
        if self._output.is_remote:
            signatures = [self._output.deliver(name) for name in job.names]
            made = tuple(replace(file, signature=each) for file, each in zip(made, signatures, strict=True))
            if is_noted:
                self._note(job, made, duration)
        return made

    def _note(self, job: Job, made: tuple[MadeFile, ...], duration: float) -> None:
        if self._journal is not None:
            self._journal.note(job, made, duration)

    def _flaws(self, path: Path, job: Job) -> list[str]:
        """Return what is wrong with a file.

        Raises:
            CartesiaError, StoppedError: a check cannot be made, and the others found nothing.
        """
        flaws: list[str] = []
        for check in self._checks:
            try:
                flaws += check(path, job)
            except (CartesiaError, StoppedError):
                if not flaws:
                    raise
        return flaws

    def _refuse(self, job: Job, flaws: Sequence[str]) -> None:
        """Have a job with flaws done again by the next run."""
        if not flaws:
            return
        if self._journal is not None:
            self._journal.forget(job)
        if self._memory is not None:
            for request in job.requests:
                self._memory.forget(request)
        raise UnavailableError(" ".join(flaws), hint="The next run makes it anew.")


def _made_file(path: Path) -> MadeFile:
    with naming(path):
        facts = path.stat()
        return MadeFile(Signature(facts.st_size, facts.st_mtime_ns), digest_of(path))
