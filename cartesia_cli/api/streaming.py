"""Speech of a text that is still being written, over the TTS WebSocket.

One thread pulls the text and sends it, so that it goes out while audio is played. Everything else happens
in the caller's: connections, contexts, and what is to be done when one of them ends.

A context expires about a second after its last audio. So the speech may need several, one after the other,
which make one timeline: what follows a pause goes to a new one, and so does what the last did not speak.
"""

import threading
import time
from collections.abc import Generator, Iterable
from dataclasses import replace
from typing import Any, TypeVar

from cartesia_cli.api.contexts import LOST, Context, Line
from cartesia_cli.api.endings import require_audio
from cartesia_cli.api.exchange import Exchange
from cartesia_cli.api.lines import Lines
from cartesia_cli.api.script import Script
from cartesia_cli.errors import CartesiaError, UnavailableError, UsageError
from cartesia_cli.models import (
    AudioChunk,
    Flush,
    Flushed,
    PhonemeTiming,
    PhonemeTimings,
    SpeechEvent,
    SpeechEvents,
    SpeechRequest,
    TextPiece,
    WordTiming,
    WordTimings,
)
from cartesia_cli.wire import ContextEnd, encode_context, encode_text

_Timing = TypeVar("_Timing", WordTiming, PhonemeTiming)

IDLE_SECONDS = 0.8
"""Without text, once all was spoken, before a context is finished; the server would do it after 1 s."""

LONGEST_DELAY = 5.0
"""Seconds that text may wait at the server for more of it."""

_UNHEARD = 2 * 2**20
"""Bytes of audio that may wait to be heard before more text is sent."""

_TEXT_AHEAD = 6_000
"""Characters that may be on their way to being spoken: who leaves early has not paid for a book."""

_PACE = 15
"""Characters that are spoken in a second, about, in English; no harm is done where they are fewer."""

_SLOW = 5.0
"""Seconds after which more text is sent although none of it has been answered with audio."""


class Stream:
    """One text on its way.

    Args:
        exchange: counts, waits between attempts, and keeps secrets.
        lines: the connections.
        request: how to speak.
    """

    def __init__(self, exchange: Exchange, lines: Lines, request: SpeechRequest) -> None:
        self._exchange = exchange
        self._lines = lines
        self._request = request
        self._fields: dict[str, Any] = encode_context(request, "")
        self._script = Script()
        self._news = threading.Condition()  # guards the script and all that follows
        self._context: Context | None = None
        self._is_finishing = False
        self._is_last = False  # whether only the end of all is owed
        self._sent_at = 0.0
        self._texted_at = 0.0  # when there was text in what was sent
        self._is_complete = False
        self._is_stopped = False
        self._failure: BaseException | None = None

        self._line: Line | None = None
        self._n_bytes = 0  # of audio, in all contexts
        self._n_characters = 0  # of text that was sent
        self._n_audio = 0  # bytes that had come in this context when text was last sent
        self._n_unanswered = 0  # characters that were sent since
        self._offset = 0.0  # seconds of audio before this context
        self._n_retries = 0  # since there was audio
        self._may_be_stale = True

    def events(self, pieces: Iterable[TextPiece]) -> SpeechEvents:
        """Yield the speech; see ``engines.Synthesizer.stream``."""
        puller = threading.Thread(target=self._pull, args=(pieces,), name="cartesia-text", daemon=True)
        puller.start()
        try:
            with self._exchange.kept():
                yield from self._speak()
        finally:
            self._stop()

    # ---- the caller's thread

    def _speak(self) -> SpeechEvents:
        unreachable = self._connect()
        is_over = False
        while not is_over:
            if self._line is None or not self._line.is_usable:
                n_answered, has_speech = self._wait_for_text()
                yield from [Flushed()] * n_answered
                if has_speech:
                    if unreachable is not None:
                        raise unreachable
                    self._reconnect()
                elif n_answered:
                    continue
                else:
                    break
            is_over = yield from self._speak_context()
        if not self._n_bytes:
            raise UsageError("There is nothing to say: the text is empty.", hint="Write something to say.")

    def _connect(self) -> CartesiaError | None:
        """Open a connection while the text is being written; without text, none is needed."""
        try:
            self._line = self._lines.take(alone=True)
        except CartesiaError as error:
            return error
        return None

    def _reconnect(self) -> None:
        if self._line is not None:
            self._lines.give_back(self._line)
            self._line = None
        self._line = self._lines.take(alone=True)

    def _wait_for_text(self) -> tuple[int, bool]:
        """Return how many flushes are answered as they are, and whether there is text to speak.

        There are no flushes and no text at the end.
        """
        with self._news:
            while self._failure is None:
                n_answered = self._script.take_idle_flushes()
                if n_answered or self._script.has_speech or self._is_complete:
                    return n_answered, self._script.has_speech
                self._news.wait()
            raise self._failure

    def _speak_context(self) -> Generator[SpeechEvent, None, bool]:
        """Speak in one context what there is to speak, until it ends; return whether this was all.

        The context is there before its text, which needs not wait for this thread then.
        """
        self._offset = self._request.format.seconds(self._n_bytes)
        context = self._open()
        try:
            end = None
            while end is None:
                taken, end = self._take(context)
                for event in taken:
                    yield self._placed(event)
            n_answered, error = self._leave(context, end)
        finally:
            self._close(context)
        yield from [Flushed()] * n_answered
        if error is not None:
            self._try_again(error, is_stale=end.status == LOST and context.line.n_opened > 1)
        with self._news:
            return self._is_complete and not self._script.is_waiting

    def _open(self) -> Context:
        assert self._line is not None  # noqa: S101  _speak has connected
        with self._news:
            context = self._line.open(self._request.context_id if not self._n_bytes else None, self._news)
            self._fields = encode_context(self._request, context.id)
            self._is_finishing = self._is_last = False
            self._context = context
            self._script.begin()
            self._n_audio = self._n_unanswered = 0
            self._send()
        return context

    def _take(self, context: Context) -> tuple[list[SpeechEvent], ContextEnd | None]:
        """Return what comes next, waiting for it, and how the context has ended once it has."""
        script = self._script
        with self._news:
            while self._failure is None:
                if n_answered := script.take_idle_flushes():
                    return [Flushed()] * n_answered, None
                arrived, end = context.take(), context.end
                taken = [
                    event for event in arrived if not isinstance(event, Flushed) or script.answer_flush()
                ]
                if taken or end is not None:
                    return taken, end
                if script.is_beginning and self._is_complete:
                    return [], ContextEnd()
                if self._is_finishing and script.has_speech:
                    return [], ContextEnd()  # nothing but its end is to come: do not wait for that
                seconds = self._patience(context)
                if seconds is not None and seconds <= 0:
                    return [], ContextEnd(context.silence(-seconds), LOST)
                self._news.wait(seconds)
            raise self._failure

    def _patience(self, context: Context) -> float | None:
        """Return how long to wait for news, None for any time; below 0, how long they did not come.

        A context that has nothing to do, or whose text may wait for more of it, is finished in time.
        """
        if self._script.is_beginning:
            return None
        limits, now = self._exchange.timeouts, time.monotonic()
        last = max(context.heard_at, self._sent_at)
        if not self._is_finishing and not self._script.n_flushes:
            if self._script.is_answered:
                due = context.heard_at + IDLE_SECONDS
            else:
                due = last + LONGEST_DELAY + limits.first_byte
            if now < due:
                return due - now
            self._finish()
            last = self._sent_at
        limit = limits.stall if context.heard_at > self._texted_at else limits.first_byte
        return last + limit - now if now < last + limit else -limit

    def _leave(self, context: Context, end: ContextEnd) -> tuple[int, CartesiaError | None]:
        """Return how many flushes it has answered, and the error after which the text is to be sent again.

        Raises:
            CartesiaError: what was to be spoken is lost.
        """
        with self._news:
            self._context = None
            if self._script.is_beginning:
                return 0, None
            if context.n_audio:
                self._n_retries, self._may_be_stale = 0, True
            n_audio = context.n_audio
            was_done = end.error is None and (n_audio > 0 or self._is_finishing)
            is_owed = self._is_last and self._script.is_answered  # the word that this was all
            can_resume = n_audio > 0 and self._script.can_resume(n_audio) and not is_owed
            if was_done or (end.status == LOST and can_resume):
                require_audio(n_audio, self._request.format)
                is_whole = self._is_finishing and was_done
                return self._script.leave(n_audio, is_whole=is_whole), None
            error = end.error or UnavailableError("The API answered without any audio.", hint="Try again.")
            if context.n_audio or (end.error is not None and not context.may_help(error)):
                raise error
            return self._script.leave(0, is_whole=False), error

    def _try_again(self, error: CartesiaError, *, is_stale: bool) -> None:
        """Wait before the same text is sent again.

        Raises:
            CartesiaError: it was sent often enough.
        """
        if is_stale and self._may_be_stale:
            self._may_be_stale = False
        elif self._exchange.pause(self._n_retries, error):
            self._n_retries += 1
        else:
            raise error

    def _placed(self, event: SpeechEvent) -> SpeechEvent:
        """Return an event on the timeline of all contexts."""
        match event:
            case AudioChunk(data):
                self._n_bytes += len(data)
            case WordTimings(words) if self._offset:
                return WordTimings(tuple(map(self._moved, words)))
            case PhonemeTimings(phonemes) if self._offset:
                return PhonemeTimings(tuple(map(self._moved, phonemes)))
            case _:
                pass
        return event

    def _moved(self, timing: _Timing) -> _Timing:
        return replace(timing, start=timing.start + self._offset, end=timing.end + self._offset)

    def _close(self, context: Context) -> None:
        with self._news:
            self._context = None
        context.close()

    def _stop(self) -> None:
        with self._news:
            self._is_stopped = True
            context = self._context  # still, if an interruption came as it was opened
            self._news.notify_all()
        if context is not None:
            self._close(context)
        if self._line is not None:
            self._lines.give_back(self._line)

    # ---- the text's thread

    def _pull(self, pieces: Iterable[TextPiece]) -> None:
        failure: BaseException | None = None
        try:
            for piece in pieces:
                with self._news:
                    self._script.add(piece)
                    self._send()
                    self._news.notify_all()
                if not self._wait_for_room():
                    return
        except BaseException as error:  # noqa: BLE001  it is raised where the speech is taken
            failure = error
        with self._news:
            self._failure = failure
            self._is_complete = True
            if failure is None:
                self._send()
            self._news.notify_all()

    def _wait_for_room(self) -> bool:
        """Wait while too much audio is not taken, or text not sent; return whether to go on."""
        with self._news:
            self._news.wait_for(lambda: self._is_stopped or not self._is_unanswered, _SLOW)
            self._news.wait_for(lambda: self._is_stopped or not self._is_full)
            context = self._context
        while context is not None and not self._is_stopped and not context.line.socket.drain(1.0):
            pass
        return not self._is_stopped

    @property
    def _is_full(self) -> bool:
        """Whether there is enough to be heard; that ends as it is heard."""
        n_unread = self._context.n_unread if self._context else 0
        heard = self._request.format.seconds(self._n_bytes)
        is_far_ahead = self._n_characters > _TEXT_AHEAD + _PACE * heard
        return n_unread > _UNHEARD or (is_far_ahead and n_unread > 0)

    @property
    def _is_unanswered(self) -> bool:
        """Whether much was sent, and no audio came since."""
        context = self._context
        return context is not None and context.n_audio <= self._n_audio and self._n_unanswered > _TEXT_AHEAD

    # ---- both

    def _send(self) -> None:
        """Send what waits, if there is a context for it. Hold ``news``."""
        context = self._context
        if context is None or self._is_finishing or context.end is not None:
            return
        if self._script.is_beginning:
            if not self._script.has_speech:
                return
            self._exchange.count_request()
        for piece in self._script.take(context.n_audio):
            text, flush = ("", True) if isinstance(piece, Flush) else (piece, False)
            self._n_characters += len(text)
            if context.n_audio > self._n_audio:
                self._n_audio, self._n_unanswered = context.n_audio, 0
            self._n_unanswered += len(text)
            context.post(encode_text(self._fields, text, goes_on=True, flush=flush))
            self._sent_at = time.monotonic()
            if not flush:
                self._texted_at = self._sent_at
        if self._is_complete:
            self._finish()
            self._is_last = True

    def _finish(self) -> None:
        """Tell the server that there is no more text in this context. Hold ``news``."""
        if self._context is not None:
            self._context.post(encode_text(self._fields, "", goes_on=False))
        self._is_finishing = True
        self._sent_at = time.monotonic()
