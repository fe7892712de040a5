"""An open WebSocket of the API. No exception of a library passes this module.

The connection has no thread of its own: whoever receives also answers the server's pings and sends ours, so
somebody has to receive while it is open. Any number of threads may send, and any may close it.
"""

import socket
import threading
import time
from collections import deque
from contextlib import suppress
from ssl import SSLWantReadError, SSLWantWriteError

from cartesia_cli.api.connection import wait_until_ready
from cartesia_cli.api.frames import Closing, Frames, Message
from cartesia_cli.api.way import BrokenConnectionError, Way
from cartesia_cli.errors import CartesiaError, CredentialsError, LimitError, RequestError, UnavailableError
from cartesia_cli.wire.values import one_line

READ_SIZE = 256 * 2**10
"""Bytes at a time: with less, threads that hand over what was read take longer for that than for the rest."""

_NOT_NOW = (BlockingIOError, SSLWantReadError, SSLWantWriteError)
_NORMAL = 1000

_CLOSINGS = {
    1001: "it is going away",
    1005: "it does not say why",
    1011: "something failed there",
    1012: "it is restarting",
    1013: "it is too busy",
}
_AUTH_WORDS = ("auth", "api key", "token", "credential", "forbidden", "permission")
_QUOTA_WORDS = ("quota", "credit", "payment")
_LIMIT_WORDS = ("limit", "concurren", "too many", *_QUOTA_WORDS)


class Socket:
    """Messages to and from the API.

    Args:
        connected: on which the protocol has been agreed upon.
        way: to the server.
        begun: what the server has sent after it agreed.
    """

    def __init__(self, connected: socket.socket, way: Way, *, begun: bytes = b"") -> None:
        self._socket = connected
        self._socket.setblocking(False)
        self._way = way
        self._ping = way.timeouts.ping
        self._frames = Frames()
        self._lock = threading.Lock()  # TLS connections cannot read and write at the same time
        self._outgoing = bytearray()
        self._inbox = deque(self._frames.feed(begun)) if begun else deque[Message]()
        self._heard_at = time.monotonic()
        self._pinged_at: float | None = None
        self._n_waiting = 0
        self._can_send = True
        self._is_closed = False
        self._failure: CartesiaError | None = None

    @property
    def is_open(self) -> bool:
        """Whether, as far as is known, messages can be sent."""
        return self._can_send and not self._is_closed and self._frames.is_open

    @property
    def way(self) -> Way:
        """The way to the server."""
        return self._way

    @property
    def heard_at(self) -> float:
        """When the server last sent anything (``time.monotonic``)."""
        return self._heard_at

    def send(self, message: str | bytes) -> None:
        """Send a text, or bytes, and wait until the network has taken it.

        Raises:
            UnavailableError: it cannot be sent; ``receive`` may know the reason.
        """
        self.post(message)
        limit = self._way.timeouts.stall
        if not self.drain(limit):
            raise BrokenConnectionError(
                f"{self._way.host} took nothing for {limit:g} s.",
                hint="Try again; --timeout SECONDS waits longer.",
            )
        if not self.is_open:
            raise self._failure or _lost(self._way.host)

    def drain(self, seconds: float) -> bool:
        """Return whether the network has taken all that was posted; it may be so many seconds without any."""
        while left := self._flushed():
            if not self._wait(seconds, writable=True) and self._flushed() >= left:
                return False
        return True

    def post(self, message: str | bytes) -> None:
        """Send a message without waiting; if that fails, ``receive`` tells."""
        with self._lock:
            if self.is_open:
                self._frames.send(message)
                self._flush()

    def receive(self, timeout: float | None = None) -> str | bytes | None:
        """Return the next message; None if the connection was closed in order, by the server or by us.

        Args:
            timeout: seconds to wait, None for as long as the server is there.

        Raises:
            TimeoutError: there was none in time.
            CredentialsError, LimitError, RequestError, UnavailableError: the server closed the
                connection, with a reason or without, or it is gone.
        """
        if not self._inbox:
            self._inbox.extend(self.receive_all(timeout) or ())
        if not self._inbox:
            return None
        data, is_text = self._inbox.popleft()
        if not is_text:
            return data
        try:
            return data.decode()
        except UnicodeDecodeError as error:
            raise UnavailableError("The API sent a message that is not UTF-8.", hint="Try again.") from error

    def receive_all(self, timeout: float | None = None) -> list[Message] | None:
        """Return the messages that are there, at least one; as ``receive``, for all at once."""
        if self._inbox:
            messages, self._inbox = list(self._inbox), deque()
            return messages
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            with self._lock:
                if self._failure is not None:
                    raise self._failure
                if self._is_closed:
                    return None
                if (closing := self._frames.closing) is not None:
                    self._end(None if closing.code == _NORMAL else closing_error(closing))
                    continue
                if (problem := self._frames.problem) is not None:
                    self._end(_nonsense(problem))
                    continue
                has_read, arrived = self._read()
            if arrived:
                return arrived
            if not has_read:
                self._wait_for_server(deadline)

    def close(self) -> None:
        """Close the connection at once; whoever waits for it goes on."""
        with self._lock:
            if self._is_closed:
                return
            self._frames.close()
            self._flush()
            self._end(None)

    def _read(self) -> tuple[bool, list[Message]]:
        """Return whether there was anything, and the messages in it."""
        try:
            data = self._socket.recv(READ_SIZE)
        except _NOT_NOW:
            return False, []
        except OSError as error:
            self._end(_lost(self._way.host), error)
            return True, []
        if not data:
            self._end(_lost(self._way.host))
            return True, []
        self._heard_at = time.monotonic()
        self._pinged_at = None
        messages = self._frames.feed(data)
        self._flush()
        return True, messages

    def _end(self, failure: CartesiaError | None, cause: Exception | None = None) -> None:
        """Let go of the network; None for an end in order."""
        if failure is not None:
            failure.__cause__ = cause
        self._failure = failure
        self._is_closed = True
        with suppress(OSError):  # the server was faster
            socket.socket.shutdown(self._socket, socket.SHUT_RDWR)  # a TLS socket's own forgets its keys
        self._release()

    def _release(self) -> None:
        """Close the file, unless somebody is looking at it, who does it then."""
        if self._is_closed and not self._n_waiting:
            self._socket.close()

    def _flushed(self) -> int:
        """Send what can be sent, and return how many bytes are left."""
        with self._lock:
            self._flush()
            return len(self._outgoing)

    def _flush(self) -> None:
        self._outgoing += self._frames.take_outgoing()
        if self._is_closed:
            self._outgoing.clear()  # nobody will take it: who waits for that goes on
        try:
            while self._outgoing:
                del self._outgoing[: self._socket.send(self._outgoing)]
        except _NOT_NOW:
            return
        except OSError:
            self._can_send = False  # the reason is among what the server has sent, or there is none
            self._outgoing.clear()

    def _wait_for_server(self, deadline: float | None) -> None:
        """Wait until there may be something to read; ask whether the server is there.

        Raises:
            TimeoutError: the deadline has come.
        """
        due = self._ping + (self._heard_at if self._pinged_at is None else self._pinged_at)
        until = due if deadline is None else min(due, deadline)
        if self._wait(until - time.monotonic(), writable=bool(self._outgoing), readable=True):
            return
        now = time.monotonic()
        if now >= due:
            with self._lock:
                if self._pinged_at is not None:
                    text = f"{self._way.host} has not answered for {self._ping:g} s."
                    self._end(BrokenConnectionError(text, hint="Try again."))
                elif self.is_open:
                    self._frames.ping()
                    self._flush()
                self._pinged_at = now
        if deadline is not None and now >= deadline:
            raise TimeoutError

    def _wait(self, seconds: float, *, writable: bool, readable: bool = False) -> bool:
        """Return whether the network is ready for what is wanted, after so many seconds at most."""
        with self._lock:
            if self._is_closed:
                return True
            self._n_waiting += 1
        try:
            return wait_until_ready(self._socket, max(seconds, 0.001), readable=readable, writable=writable)
        finally:
            with self._lock:
                self._n_waiting -= 1
                self._release()


def closing_error(closing: Closing) -> CartesiaError:
    """Return what it means that the server closed the connection with a code of RFC 6455."""
    code = closing.code
    reason = one_line(closing.reason, 200).rstrip(".")
    if code == 1008:
        return _policy_error(reason)
    if code == _NORMAL:
        return BrokenConnectionError(
            f"The API closed the connection before it was done{f': {reason}' if reason else ''}.",
            hint="Try again.",
        )
    why = _CLOSINGS.get(code, "")
    detail = ": ".join(part for part in (why, reason) if part)
    return BrokenConnectionError(
        f"The API closed the connection (code {code}){f': {detail}' if detail else ''}.",
        hint="Try again in a while." if code in {1012, 1013} else "Try again.",
    )


def _policy_error(reason: str) -> CartesiaError:
    text = reason.casefold()
    message = f"The API closed the connection: {reason or 'this breaks its rules (code 1008)'}."
    if any(word in text for word in _LIMIT_WORDS):
        error = LimitError(message, hint="Run fewer at a time, or wait a moment and try again.")
        error.is_passing = not any(word in text for word in _QUOTA_WORDS)
        return error
    if any(word in text for word in _AUTH_WORDS):
        return CredentialsError(message, hint="Check the API key, for example in CARTESIA_API_KEY.")
    return RequestError(message, hint="Check the voice, the model and the other options.")


def _nonsense(problem: str) -> UnavailableError:
    return UnavailableError(
        f"The API does not speak as a WebSocket: {one_line(problem, 120)}.",
        hint="Check --base-url: a proxy or another server may have answered.",
    )


def _lost(host: str) -> BrokenConnectionError:
    return BrokenConnectionError(f"The connection to {host} broke off.", hint="Try again.")
