"""Live transcription: a thread sends the sound while the text comes back on the same socket."""

import threading
import time
from collections.abc import Generator, Iterable
from typing import TYPE_CHECKING

from cartesia_cli.api.exchange import Exchange
from cartesia_cli.api.way import BrokenConnectionError
from cartesia_cli.errors import CartesiaError, UnavailableError, UsageError
from cartesia_cli.models import ListenRequest, TranscriptUpdate, TranscriptUpdates
from cartesia_cli.wire.listening import SAMPLE_WIDTHS, encode_listen_query
from cartesia_cli.wire.live import Milestone, decode_update, encode_command

if TYPE_CHECKING:
    from cartesia_cli.api.sockets import Socket

MODEL, TURNS_MODEL = "ink-whisper", "ink-2"
"""Those that are asked for if nobody says which."""

FRAME_SECONDS = 0.1
MOST_BYTES = 32_000
"""Of a frame."""

_LAST_FRAME = 0.5
"""Seconds in which sound that is only being decoded has come: there is a tenth of a second in a frame."""

_GLANCE = 0.25
"""Seconds after which it is looked at whether the sound has come to its end."""


def listen(exchange: Exchange, request: ListenRequest, sound: Iterable[bytes]) -> TranscriptUpdates:
    """Yield what the API understands; see ``engines.LiveTranscriber``.

    Once all sound has been sent, the API may be silent for as long as an answer may take; before, it may be
    for as long as nobody speaks.

    Args:
        exchange: with the API.
        request: what the bytes mean, and what is wanted. With turns, its language is not sent.
        sound: pulled by a thread of its own, which ends with the first sound after the generator was closed.

    Raises:
        UsageError: the encoding is not one that the API knows.
        CredentialsError, LimitError, RequestError, UnavailableError: of the API.
    """
    if request.encoding not in SAMPLE_WIDTHS:
        raise UsageError(
            f"The API does not know the encoding {request.encoding!r}.",
            hint=f"Choose one of {', '.join(SAMPLE_WIDTHS)}.",
        )
    path = "/stt/turns/websocket" if request.turns else "/stt/websocket"
    query = encode_listen_query(request, model_id=TURNS_MODEL if request.turns else MODEL)
    with exchange.kept():
        exchange.count_request()
        socket = exchange.open_socket(path, query)
        sender = _Sender(socket, cut_frames(sound, request), encode_command("close", turns=request.turns))
        try:
            yield from _receive(socket, sender, exchange.timeouts.first_byte)
        finally:
            sender.stop()


def cut_frames(sound: Iterable[bytes], request: ListenRequest) -> Generator[bytes, None, None]:
    """Yield sound in pieces of ``FRAME_SECONDS``, each of whole samples, and the rest of it."""
    width = SAMPLE_WIDTHS[request.encoding]
    size = width * max(1, min(int(request.sample_rate * FRAME_SECONDS), MOST_BYTES // width))
    waiting = bytearray()
    for piece in sound:
        waiting += piece
        while len(waiting) >= size:
            yield bytes(waiting[:size])
            del waiting[:size]
    if whole := len(waiting) - len(waiting) % width:
        yield bytes(waiting[:whole])


def _receive(socket: "Socket", sender: "_Sender", patience: float) -> TranscriptUpdates:
    heard_at = time.monotonic()
    while True:
        try:
            message = socket.receive(_GLANCE)
        except TimeoutError:
            silence = time.monotonic() - max(heard_at, sender.ended_at or heard_at)
            if sender.ended_at is not None and silence >= patience:
                raise BrokenConnectionError(
                    f"The API sent no end of the transcript for {patience:g} s.",
                    hint="Try again; --timeout SECONDS waits longer.",
                ) from None
            continue
        except CartesiaError as error:
            if sender.failure is None:
                raise
            raise sender.failure from error
        if message is None:
            sender.require_end()
            return
        heard_at = time.monotonic()
        match decode_update(message):
            case TranscriptUpdate() as update:
                yield update
            case Milestone.DONE:
                sender.require_end()
                return
            case _:
                pass


class _Sender:
    """Sends frames and then that this was all, from a thread of its own.

    Args:
        socket: to send on; it is closed when the frames fail, or the network takes no more.
        frames: pulled one at a time, and closed.
        farewell: the last message.
    """

    def __init__(self, socket: "Socket", frames: Generator[bytes, None, None], farewell: str) -> None:
        self.failure: BaseException | None = None
        """What the frames raised, or why they cannot be sent."""

        self.ended_at: float | None = None
        """When all had been sent (``time.monotonic``)."""

        self._socket = socket
        self._frames = frames
        self._farewell = farewell
        self._is_pulling = self._is_stopped = self._has_ended = False
        self._thread = threading.Thread(target=self._send, name="sender", daemon=True)
        self._thread.start()

    def require_end(self) -> None:
        """Check that the API's end, however it is said, came when all had been sent.

        Raises:
            UnavailableError: it was not.
            BaseException: what the frames raised.
        """
        if self.failure is not None:
            raise self.failure
        if not self._has_ended:
            raise UnavailableError(
                "The API ended the transcript while sound was still being sent.",
                hint="Try again; the API does so when no sound comes for some minutes.",
            )

    def stop(self) -> None:
        """Close the socket. The thread is gone then, unless it waits for sound: it goes when that comes.

        One that only decodes is waited for: a process that ends under its hands crashes.
        """
        self._is_stopped = True
        self._socket.close()
        self._thread.join(_LAST_FRAME if self._is_pulling else None)

    def _send(self) -> None:
        try:
            while (frame := self._pull()) is not None:
                self._socket.send(frame)
            if not self._is_stopped:
                self._has_ended = True  # before it is sent, for the answer may be faster than this thread
                self._socket.send(self._farewell)
                self.ended_at = time.monotonic()
        except CartesiaError as error:  # of any kind: a socket that was closed says why to whoever sends, too
            self._give_up(error)
        finally:
            self._frames.close()

    def _pull(self) -> bytes | None:
        """Return the next frame, None after the last and when nobody wants to hear any more."""
        self._is_pulling = True
        try:
            return None if self._is_stopped else next(self._frames, None)
        except BaseException as error:  # noqa: BLE001  raised again where the sound is listened to
            self.failure = error
            self._is_stopped = True
            self._socket.close()
            return None
        finally:
            self._is_pulling = False

    def _give_up(self, error: CartesiaError) -> None:
        """Let the receiver know, who may know better: a server that closed has said why."""
        if self._socket.is_open:
            self.failure = error
            self._socket.close()
