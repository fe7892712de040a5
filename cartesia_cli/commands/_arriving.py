"""Text that comes on standard input while it is being written, in pieces that may be spoken."""

import codecs
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Self

from cartesia_cli.errors import UsageError
from cartesia_cli.models import Flush, TextPiece
from cartesia_cli.sentences import clean_text
from cartesia_cli.sentences.arriving import PieceCutter

if TYPE_CHECKING:
    from cartesia_cli.sentences.markdown import MarkdownStripper

_IDLE_LOOK = 1.0

Split = Literal["none", "sentence", "line"]

_BLOCK = 4096
_AHEAD = 64 * 2**10
"""Bytes that may wait before no more is read: who writes them shall feel how fast they are spoken."""

_AFTER_SENTENCE = 0.3
"""Seconds of pause after which a finished sentence, or line, is spoken, though more may follow."""


class ArrivingText:
    """The pieces of a text that a thread of its own reads.

    Args:
        descriptor: of the input.
        split: where a piece may end; see ``PieceCutter``.
        markdown: whether the text is Markdown, of which only what is to be read aloud counts.
        patience: seconds of pause after which everything but an unfinished word is spoken.
        tee: takes what is read, as it is read.
        keeps_text: whether ``text`` is wanted.
        idle: called about once a second while nothing comes, by the thread that pulls the pieces.
    """

    def __init__(
        self,
        descriptor: int,
        *,
        split: Split = "none",
        markdown: bool = False,
        patience: float = 3.0,
        tee: Callable[[bytes], None] | None = None,
        keeps_text: bool = False,
        idle: Callable[[], None] = lambda: None,
    ) -> None:
        self.first_text: float | None = None
        """``time.monotonic()`` when the first of it came."""

        self.n_dropped = 0
        """Control characters that nobody can say."""

        self._descriptor = descriptor
        self._tee = tee
        self._patience = patience
        self._idle = idle
        self._flushes_each = split != "none"
        self._text: list[str] | None = [] if keeps_text else None
        self._reading = _Reading(split, markdown=markdown)
        self._changed = threading.Condition()
        # What follows is guarded by it.
        self._unread: deque[bytes] = deque()
        self._n_unread = 0
        self._ended = self._closed = False
        self._failure: BaseException | None = None
        self._pieces: deque[TextPiece] = deque()
        self._n_before = 0
        """Pieces that are not kept any more."""

        self._keeps_pieces = True
        self._owes_flush = self._is_paused = False
        self._reader = 0
        threading.Thread(target=self._read, name="text", daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the pieces, for whoever waits for one."""
        with self._changed:
            self._closed = True
            self._failure = None  # whose traceback holds everything that was in use when it was raised
            self._changed.notify_all()

    @property
    def text(self) -> str:
        """All that was to be spoken, if it was to be kept."""
        return "".join(self._text or ())

    def pieces(self) -> Iterator[TextPiece]:
        """Yield the pieces, from the first on, waiting for them; what was yielded before ends.

        Raises:
            UsageError: the text is not UTF-8.
            OSError: it cannot be read, or the tee takes no more.
        """
        with self._changed:
            self._reader += 1
            mine = self._reader
            self._changed.notify_all()
            index = self._n_before
        while (piece := self._piece(index, mine)) is not None:
            index += 1
            yield piece

    def pass_on(self) -> None:
        """Read the rest for the tee alone.

        Raises:
            UsageError: the text is not UTF-8.
            OSError: it cannot be read, or the tee takes no more.
        """
        self.forget()
        for _ in self.pieces():
            pass

    def forget(self) -> None:
        """Keep the pieces no longer: there will be no second reader."""
        self._keeps_pieces = False

    def _read(self) -> None:
        try:
            while data := _read_some(self._descriptor):
                if self.first_text is None:
                    self.first_text = time.monotonic()
                if self._tee is not None:
                    self._tee(data)
                with self._changed:
                    self._changed.wait_for(lambda: self._closed or self._n_unread < _AHEAD)
                    if self._closed:
                        return
                    self._unread.append(data)
                    self._n_unread += len(data)
                    self._changed.notify_all()
        except BaseException as failure:  # noqa: BLE001  carried to the reader of the pieces, who raises it
            with self._changed:
                self._failure = None if self._closed else failure
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def _piece(self, index: int, reader: int) -> TextPiece | None:
        """Return one piece, once it is there; None at the end, and for a reader whose time is over."""
        with self._changed:
            while True:
                if self._closed or self._reader != reader:
                    return None
                if self._failure is not None:
                    raise self._failure
                while not self._keeps_pieces and self._n_before < index and self._pieces:
                    self._pieces.popleft()
                    self._n_before += 1
                if index < self._n_before + len(self._pieces):
                    return self._pieces[index - self._n_before]
                if self._unread:
                    data = self._unread.popleft()
                    self._n_unread -= len(data)
                    self._changed.notify_all()
                    self._is_paused = False
                    self._add(self._reading.feed(data))
                elif not self._ended:
                    self._wait()
                elif (rest := self._reading.finish()) is not None:
                    self._add(rest)
                else:
                    return None

    def _add(self, texts: list[str]) -> None:
        self.n_dropped = self._reading.n_dropped
        for text in filter(None, texts):
            self._pieces.append(text)
            self._owes_flush = True
            if self._text is not None:
                self._text.append(text)
            if self._flushes_each:
                self._flush()

    def _wait(self) -> None:
        """Wait for text; if none comes for a while, let be spoken what there is."""
        if self._is_paused:
            if not self._changed.wait(_IDLE_LOOK):
                self._idle()
            return
        patience = _AFTER_SENTENCE if self._reading.is_at_end else max(_AFTER_SENTENCE, self._patience)
        if not self._changed.wait(patience):
            self._is_paused = True
            self._add([self._reading.pause()])
            if self._owes_flush:
                self._flush()

    def _flush(self) -> None:
        self._pieces.append(Flush())
        self._owes_flush = False


class _Reading:
    """From bytes to what is spoken: decoded, without what cannot be said, and cut."""

    def __init__(self, split: Split, *, markdown: bool) -> None:
        self.n_dropped = 0
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._stripper = _open_stripper() if markdown else None
        self._cutter = PieceCutter(split)
        self._n_lines = 1
        self._begun = self._finished = False

    @property
    def is_at_end(self) -> bool:
        """Whether a sentence, or line, has just been finished."""
        return self._cutter.is_at_end

    def feed(self, data: bytes) -> list[str]:
        """Return the pieces that are complete.

        Raises:
            UsageError: this is not UTF-8.
        """
        text = self._clean(self._decode(data, final=False))
        return self._cutter.feed(self._stripper.feed(text) if self._stripper else text)

    def pause(self) -> str:
        """Return what may be spoken although more may follow."""
        return self._cutter.pause()

    def finish(self) -> list[str] | None:
        """Return the rest; None if that has been done.

        Raises:
            UsageError: the text ends within a character.
        """
        if self._finished:
            return None
        self._finished = True
        self._decode(b"", final=True)
        last = self._cutter.feed(self._stripper.finish()) if self._stripper else []
        return [*last, *self._cutter.finish()]

    def _decode(self, data: bytes, *, final: bool) -> str:
        try:
            text = self._decoder.decode(data, final)
        except UnicodeDecodeError as error:
            line = self._n_lines + error.object.count(b"\n", 0, error.start)
            at_end = "it ends inside a character" if final else f"byte 0x{error.object[error.start]:02x}"
            raise UsageError(
                f"Standard input is not UTF-8: {at_end} in line {line}.",
                hint="Convert it first, for example with: iconv -f LATIN1 -t UTF-8",
            ) from error
        self._n_lines += text.count("\n")
        return text

    def _clean(self, text: str) -> str:
        # Only the first character of all can be a byte order mark.
        mark = text[:1] if self._begun and text.startswith("\ufeff") else ""
        self._begun = self._begun or bool(text)
        cleaned, n_dropped = clean_text(text.removeprefix(mark))
        self.n_dropped += n_dropped
        return mark + cleaned


def _open_stripper() -> "MarkdownStripper":
    from cartesia_cli.sentences.markdown import MarkdownStripper

    return MarkdownStripper()


def _read_some(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, _BLOCK)
    except OSError as error:
        raise UsageError(f"Cannot read standard input: {error.strerror}.") from error
