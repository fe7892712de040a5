"""Utterances that share a connection: each has a context, and one thread reads for all of them.

What has arrived for a context waits there until it is taken; see ``Backlog``.
"""

import threading
import time
import uuid
from collections.abc import Iterator

from cartesia_cli.api.backlog import Backlog
from cartesia_cli.api.frames import Closing, Message
from cartesia_cli.api.sockets import Socket, closing_error
from cartesia_cli.api.way import BrokenConnectionError
from cartesia_cli.errors import CartesiaError, OutputError
from cartesia_cli.models import AudioChunk, SpeechEvent
from cartesia_cli.wire import ContextDecoder, ContextEnd, encode_cancel

_AT_ONCE = 256 * 2**10
"""Bytes of audio that are taken at a time."""

LOST = 0
"""Instead of a status: the connection is gone."""


class Context:
    """What arrives for one utterance. One thread takes it.

    Args:
        line: the connection.
        context_id: its name there.
        news: is told of everything that arrives, and guards what is here.
    """

    def __init__(self, line: "Line", context_id: str, news: threading.Condition) -> None:
        self.line = line
        self.id = context_id
        self.news = news
        self.n_audio = 0
        """Bytes of audio that have arrived, taken or not."""

        self.heard_at = 0.0
        """When something arrived last (``time.monotonic``); 0 for never."""

        self.is_begun = False
        """Whether the server knows it."""

        self.is_closed = False
        self._end: ContextEnd | None = None
        self._backlog = Backlog()
        self._n_in_hand = 0

    @property
    def end(self) -> ContextEnd | None:
        """How it ended, once all before that was taken."""
        return None if self._backlog else self._end

    @property
    def n_unread(self) -> int:
        """Bytes of audio that were not taken, or are in the hands of who took them last."""
        return self._backlog.n_bytes + self._n_in_hand

    def may_help(self, error: CartesiaError) -> bool:
        """Whether the same text in another context may be spoken, after this error."""
        return bool(error.is_passing)

    @property
    def is_lost(self) -> bool:
        """Whether it ended with its connection."""
        return self._end is not None and self._end.status == LOST

    def post(self, message: str) -> None:
        """Send a message of this context without waiting."""
        self.is_begun = True
        self.line.socket.post(message)

    def deliver(self, events: list[SpeechEvent], n_audio: int, end: ContextEnd | None) -> None:
        """Add what has arrived."""
        with self.news:
            if self.is_closed:
                return
            try:
                for event in events:
                    self._backlog.add(event)
            except OutputError as error:
                end = ContextEnd(error)
            self.n_audio += n_audio
            self._end = self._end or end
            self.heard_at = time.monotonic()
            self.news.notify_all()

    def take(self) -> list[SpeechEvent]:
        """Return what comes next, if it is there; what was taken before counts as read. Hold ``news``."""
        if self._n_in_hand:
            self._n_in_hand = 0
            self.news.notify_all()  # more text may be sent
        taken = self._backlog.take(_AT_ONCE)
        self._n_in_hand = sum(len(event.data) for event in taken if isinstance(event, AudioChunk))
        return taken

    def events(self, first: float, stall: float) -> Iterator[SpeechEvent]:
        """Yield what arrives, to the end.

        Args:
            first: seconds until the first of it.
            stall: seconds from one to the next.

        Raises:
            CartesiaError: the end is an error.
            BrokenConnectionError: nothing arrived in time.
        """
        since, limit = time.monotonic(), first
        while True:
            with self.news:
                taken = self.take()
                while not taken and self._end is None:
                    left = since + limit - time.monotonic()
                    if left <= 0:
                        raise self.silence(limit)
                    self.news.wait(left)
                    taken = self.take()
                end = self.end
            yield from taken
            if end is not None:
                if end.error is not None:
                    raise end.error
                return
            since, limit = time.monotonic(), stall

    def silence(self, seconds: float) -> BrokenConnectionError:
        """Return the error that nothing came for so long; the connection is not used again."""
        self.line.is_doubtful = True
        host = self.line.socket.way.host
        if self.heard_at:
            text = f"{host} fell silent for {seconds:g} s in the middle of its answer."
        else:
            text = f"{host} did not answer within {seconds:g} s."
        return BrokenConnectionError(text, hint="Try again; --timeout SECONDS waits longer.")

    def close(self) -> None:
        """Give up what has not been taken; the server is told, unless it had ended."""
        with self.news:
            if self.is_closed:
                return
            self.is_closed = True
            if self._end is None and self.is_begun:
                self.post(encode_cancel(self.id))
            self._backlog.clear()
            self.news.notify_all()
        self.line.forget(self)


class Line:
    """A connection with contexts on it.

    Args:
        socket: open.
        is_alone: whether it is for one context at a time.
    """

    def __init__(self, socket: Socket, *, is_alone: bool = False) -> None:
        self.socket = socket
        self.is_alone = is_alone
        """Whether others have to stay away."""

        self.is_doubtful = False
        """Whether it is better not used again."""

        self.n_opened = 0
        """How many contexts it has had."""

        self._contexts: dict[str, Context] = {}
        self._lock = threading.Lock()
        self._failure: CartesiaError | None = None
        self._is_over = False
        self._thread = threading.Thread(target=self._read, name="cartesia-contexts", daemon=True)
        self._thread.start()

    @property
    def is_usable(self) -> bool:
        """Whether, as far as is known, contexts can be opened."""
        return not self._is_over and not self.is_doubtful and self.socket.is_open

    @property
    def is_idle(self) -> bool:
        """Whether there is no context on it."""
        return not self._contexts

    def open(self, context_id: str | None = None, news: threading.Condition | None = None) -> Context:
        """Return a new context; if the connection is lost it has ended already.

        Args:
            context_id: its name, unless there is one that is called so.
            news: see ``Context``.
        """
        with self._lock:
            self.n_opened += 1
            if context_id is None or context_id in self._contexts:
                context_id = str(uuid.uuid4())
            context = Context(self, context_id, news or threading.Condition())
            if not self._is_over:
                self._contexts[context_id] = context
                return context
        context.deliver([], 0, self._loss())
        return context

    def forget(self, context: Context) -> None:
        """Ignore what still arrives for a context."""
        with self._lock:
            if self._contexts.get(context.id) is context:
                del self._contexts[context.id]
        if self.is_doubtful and self.is_idle:
            self.close()

    def close(self) -> None:
        """Close the connection; contexts that are open end with it."""
        self.socket.close()
        for context in list(self._contexts.values()):
            with context.news:
                context.news.notify_all()

    def _read(self) -> None:
        decoder = ContextDecoder()
        try:
            while (messages := self.socket.receive_all()) is not None:
                self._deliver(decoder, messages)
        except CartesiaError as error:
            self._failure = error
            self.socket.close()
        with self._lock:
            self._is_over = True
            contexts = list(self._contexts.values())
            self._contexts.clear()
        for context in contexts:
            context.deliver([], 0, self._loss())

    def _loss(self) -> ContextEnd:
        return ContextEnd(self._failure or closing_error(Closing(1000, "")), LOST)

    def _deliver(self, decoder: ContextDecoder, messages: list[Message]) -> None:
        """Give messages to their contexts."""
        found: dict[Context, list[SpeechEvent]] = {}
        for data, _ in messages:
            context_id, event = decoder.decode(data)
            context = self._only_context(event) if context_id is None else self._contexts.get(context_id)
            if context is None:
                continue
            if isinstance(event, ContextEnd):
                self._hand_over(context, found.pop(context, []), event)
            else:
                found.setdefault(context, []).append(event)
        for context, events in found.items():
            self._hand_over(context, events, None)

    def _only_context(self, event: SpeechEvent | ContextEnd) -> Context | None:
        """Return the context that a message without a name can only mean.

        Raises:
            CartesiaError: it is an error that may mean any of several.
        """
        contexts = list(self._contexts.values())
        if len(contexts) == 1:
            return contexts[0]
        if contexts and isinstance(event, ContextEnd) and event.error is not None:
            raise event.error
        return None

    def _hand_over(self, context: Context, events: list[SpeechEvent], end: ContextEnd | None) -> None:
        n_audio = sum(len(event.data) for event in events if isinstance(event, AudioChunk))
        if end is not None:
            with self._lock:
                self._contexts.pop(context.id, None)
        context.deliver(events, n_audio, end)
