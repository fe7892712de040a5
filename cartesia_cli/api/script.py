"""A text that is still being written: what of it was sent, and what was spoken. No I/O.

The server does not say which text its audio belongs to. But a context speaks in order, so text that was
sent before some of its audio arrived has been heard there.
"""

from collections import deque

from cartesia_cli.models import Flush, TextPiece
from cartesia_cli.sentences import is_speakable


class Script:
    """The pieces of one text; they are sent to one context after the other, and each is spoken once."""

    def __init__(self) -> None:
        self.has_speech = False
        """Whether there is something to say in what waits to be sent."""

        self.n_flushes = 0
        """Sent to the context at hand, and not answered."""

        self.is_beginning = True
        """Whether nothing was sent to the context at hand."""

        self._waiting: deque[TextPiece] = deque()
        self._n_idle_flushes = 0
        self._brackets = ""  # the end of what waits, from what may begin a tag
        self._sent: deque[tuple[TextPiece, int]] = deque()  # with the bytes of audio before it
        self._is_blank = True  # what was sent since the last flush
        self._answered_at: int | None = None  # how much audio there was when nothing was owed, last

    @property
    def is_answered(self) -> bool:
        """Whether all that was sent to the context at hand was flushed, and spoken."""
        return self._is_blank and self.n_flushes == 0

    def can_resume(self, n_audio: int) -> bool:
        """Return whether nothing is lost with the context at hand: what it owes has not begun to be spoken.

        Args:
            n_audio: bytes of audio that arrived in it.
        """
        return self.is_answered or self._answered_at == n_audio

    @property
    def is_waiting(self) -> bool:
        """Whether something is to be sent, or to be answered."""
        flushes = any(isinstance(piece, Flush) for piece in self._waiting)
        return self.has_speech or flushes or self._n_idle_flushes > 0

    def add(self, piece: TextPiece) -> None:
        """Note what was written next."""
        if piece == "":
            return
        self._waiting.append(piece)
        if isinstance(piece, Flush) or self.has_speech:
            return
        text = self._brackets + piece
        self.has_speech = is_speakable(text)
        self._brackets = text if "<" in text or "[" in text else ""

    def take_idle_flushes(self) -> int:
        """Return how many flushes came where nothing was to be said; they are answered as they are."""
        if self.is_beginning:
            self._drop_idle_flushes()
        n_flushes, self._n_idle_flushes = self._n_idle_flushes, 0
        return n_flushes

    def begin(self) -> None:
        """Go on in a new context; what is sent to it first has something to say."""
        self.is_beginning = True
        self._answered_at = None

    def take(self, n_audio: int) -> list[TextPiece]:
        """Return what is to be sent now.

        Args:
            n_audio: bytes of audio that have arrived in the context at hand.
        """
        pieces: list[TextPiece] = []
        if self.is_beginning and self.has_speech:
            self._drop_idle_flushes()
            pieces.append(self._take_beginning())
            self.is_beginning = False
        pieces += self._waiting
        self._waiting.clear()
        self.has_speech, self._brackets = False, ""
        if self.is_answered:
            self._answered_at = n_audio
        while self._sent and self._sent[0][1] < n_audio and isinstance(self._sent[0][0], str):
            self._sent.popleft()  # spoken: never to be sent again
        for piece in pieces:
            self._sent.append((piece, n_audio))
            if isinstance(piece, Flush):
                self.n_flushes += 1
                self._is_blank = True
            elif piece.strip():
                self._is_blank = False
        return pieces

    def answer_flush(self) -> bool:
        """Note that a flush was answered; return whether one was to be."""
        if not self.n_flushes:
            return False
        self.n_flushes -= 1
        for i, (piece, _) in enumerate(self._sent):
            if isinstance(piece, Flush):
                del self._sent[i]
                break
        return True

    def leave(self, n_audio: int, *, is_whole: bool) -> int:
        """Take back what the context at hand did not speak; return how many flushes it has answered.

        Args:
            n_audio: bytes of audio that arrived in it.
            is_whole: whether the server had been told that this is all, and has done it.
        """
        unspoken = [piece for piece, mark in self._sent if mark >= n_audio]
        if is_whole and not is_speakable("".join(piece for piece in unspoken if isinstance(piece, str))):
            unspoken = []
        n_answered = self.n_flushes - sum(isinstance(piece, Flush) for piece in unspoken)
        self._sent.clear()
        self.n_flushes, self._is_blank = 0, True
        waiting = [*unspoken, *self._waiting]
        self._waiting.clear()
        self.has_speech, self._brackets = False, ""
        for piece in waiting:
            self.add(piece)
        return n_answered

    def _drop_idle_flushes(self) -> None:
        """Take out the flushes before the first that is to be said."""
        if not any(isinstance(piece, Flush) for piece in self._waiting):
            return
        head: list[str] = []
        while self._waiting and not is_speakable("".join(head)):
            piece = self._waiting.popleft()
            if isinstance(piece, Flush):
                self._n_idle_flushes += 1
            else:
                head.append(piece)
        self._waiting.extendleft(reversed(head))

    def _take_beginning(self) -> str:
        """Return the first pieces as one, up to the first that has something to say."""
        text = ""
        while self._waiting and not is_speakable(text):
            piece = self._waiting.popleft()
            if isinstance(piece, Flush):  # before which there is something to say after all
                self._waiting.appendleft(piece)
                break
            text += piece
        return text
