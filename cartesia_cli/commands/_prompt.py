"""``cartesia stream`` at a terminal: each line is spoken, and a new one interrupts the old."""

import os
import queue
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from typing import NamedTuple

from cartesia_cli import console
from cartesia_cli.commands._reporting import Performance, show, write_timings
from cartesia_cli.commands._stage import open_stage
from cartesia_cli.commands._streaming import Plan, perform, report
from cartesia_cli.engines import CLOUD_FAILURES, Synthesizer
from cartesia_cli.errors import UsageError
from cartesia_cli.models import Flush, Flushed, SpeechEvent, SpeechEvents, SpeechRequest, TextPiece
from cartesia_cli.sentences import clean_text, is_speakable
from cartesia_cli.speech import Timeline, format_timings, write_utterance

_MOST_WAITING = 64
"""Events of the line that is spoken; more of them wait where they are made."""

_LOOK = 0.1
"""Seconds between two looks of one thread at what another does."""


def converse(plan: Plan, started: float) -> None:
    """Speak line after line until the input ends."""
    planned, timeline = plan.destinations, Timeline(plan.destinations.source)
    texts: list[str] = []
    with open_stage(planned, plan.settings, timeline, plan.playing) as opened:
        player = opened.player
        console.hint_to_person("each line is spoken; a new one interrupts the old; Ctrl-D ends")
        silence = player.discard if player else lambda: None
        with closing(_Prompt(sys.stdin.fileno(), silence=silence)) as prompt:

            def speak(engine: Synthesizer, request: SpeechRequest) -> None:
                while not opened.are_over and (line := prompt.wait()) is not None:
                    if not is_speakable(line.text):
                        continue
                    events = prompt.speak(engine, request, line)
                    if player:
                        player.discard()
                    try:
                        with closing(write_utterance(events, opened.sink, timeline)) as progresses:
                            for progress in progresses:
                                show(progress, opened, as_event=plan.prints_events)
                    except CLOUD_FAILURES:
                        prompt.put_back(line)
                        raise
                    texts.append(line.text)
                    if player:
                        player.wait_until_heard()

            done = perform(plan, speak, can_fall_back=lambda: not timeline.n_bytes)
        if not texts:
            raise UsageError(
                "There is nothing to say: the text is empty.", hint="Type a line, and press Enter."
            )
        language = plan.request.language
        timings = format_timings(
            planned.timings, plan.profile, timeline, text="".join(texts), language=language
        )
        write_timings(timings, opened)
    report(plan, Performance(*done, timeline, opened, started), None)
    if "-" in timings:
        console.data(timings["-"])


class _Line(NamedTuple):
    number: int
    text: str


class _End(NamedTuple):
    """The input has ended."""

    failure: BaseException | None
    """Why, if not of itself."""


class _Event(NamedTuple):
    line: int
    event: SpeechEvent | BaseException | None
    """None: the line is over."""


class _InterruptedError(Exception):
    """Nobody wants to hear the rest of a line."""


class _Spoken:
    """A line on its way: its text as an engine takes it, held open until all of it was spoken."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._over = threading.Event()
        self._interrupted = False

    def pieces(self) -> Iterator[TextPiece]:
        """Yield the line; an interruption is raised where its speech is made, which cancels it there."""
        yield self._text
        yield Flush()
        self._over.wait()
        if self._interrupted:
            raise _InterruptedError

    def finish(self) -> None:
        """Note that all of it was spoken."""
        self._over.set()

    def interrupt(self) -> None:
        """Let no more of it be spoken."""
        self._interrupted = True
        self._over.set()


class _Prompt:
    """The lines of a terminal and the speech of the newest of them, in the order in which they come.

    Args:
        descriptor: of the terminal.
        silence: called as soon as there is a new line; what it raises is raised to who waits for lines.
    """

    def __init__(self, descriptor: int, *, silence: Callable[[], None]) -> None:
        self._descriptor = descriptor
        self._silence = silence
        self._inbox: queue.SimpleQueue[_Line | _End | _Event] = queue.SimpleQueue()
        self._newest = 0
        self._pending: _Line | None = None
        self._ended = False
        threading.Thread(target=self._read, name="prompt", daemon=True).start()

    def close(self) -> None:
        """Let no line be spoken any more."""
        self._newest = -1

    def wait(self) -> _Line | None:
        """Return the next line; None at the end."""
        while self._pending is None and not self._ended:
            self._take(self._inbox.get())
        line, self._pending = self._pending, None
        return line

    def put_back(self, line: _Line) -> None:
        """Let a line be the next one again, if there is no newer one."""
        self._pending = self._pending or line

    def speak(self, engine: Synthesizer, request: SpeechRequest, line: _Line) -> SpeechEvents:
        """Yield the speech of a line, up to its end or to the next line."""
        room, spoken = threading.Semaphore(_MOST_WAITING), _Spoken(line.text)
        arguments = (engine, request, line.number, spoken, room)
        puller = threading.Thread(target=self._pull, args=arguments, name="line", daemon=True)
        puller.start()
        try:
            while self._pending is None:
                item = self._inbox.get()
                self._take(item)
                if not isinstance(item, _Event) or item.line != line.number:
                    continue
                if item.event is None:
                    return
                if isinstance(item.event, BaseException):
                    raise item.event
                room.release()
                if isinstance(item.event, Flushed):
                    spoken.finish()
                if self._newest == line.number:
                    yield item.event
        finally:
            spoken.interrupt()
            puller.join(_LOOK)  # in which a server is told

    def _take(self, item: _Line | _End | _Event) -> None:
        if isinstance(item, _Line):
            self._pending = item
        elif isinstance(item, _End):
            if item.failure is not None:
                raise item.failure
            self._ended = True

    def _read(self) -> None:
        failure: BaseException | None = None
        try:
            for number, raw in enumerate(_read_lines(self._descriptor), 1):
                if self._newest < 0:
                    return
                # A slip of the keyboard ends no conversation.
                text, _ = clean_text(raw.decode(errors="replace"))
                self._newest = number
                self._silence()
                self._inbox.put(_Line(number, text))
        except BaseException as error:  # noqa: BLE001  carried to who waits for lines, who raises it
            failure = error
        self._inbox.put(_End(failure))

    def _pull(
        self,
        engine: Synthesizer,
        request: SpeechRequest,
        line: int,
        spoken: _Spoken,
        room: threading.Semaphore,
    ) -> None:
        try:
            with closing(engine.stream(request, spoken.pieces())) as events:
                for event in events:
                    while not room.acquire(timeout=_LOOK):
                        if self._newest != line:
                            return
                    if self._newest != line:
                        return
                    self._inbox.put(_Event(line, event))
        except _InterruptedError:
            return
        except BaseException as failure:  # noqa: BLE001  carried to the reader, who raises it
            self._inbox.put(_Event(line, failure))
        else:
            self._inbox.put(_Event(line, None))


def _read_lines(descriptor: int) -> Iterator[bytes]:
    """Yield the lines of a terminal until it ends, or goes away.

    Past Python's own buffer: a thread that waits in there would keep the program from ending.
    """
    rest = b""
    with suppress(OSError):
        while data := os.read(descriptor, 4096):
            *lines, rest = (rest + data).split(b"\n")
            yield from (line + b"\n" for line in lines)
    if rest:
        yield rest
