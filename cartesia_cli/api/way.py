"""The way to a server: how long each part of it may take, and what its failures mean."""

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum, auto
from http.client import HTTPException, IncompleteRead, RemoteDisconnected

from cartesia_cli.errors import UnavailableError
from cartesia_cli.wire.values import one_line

_NETWORK_HINT = "Check the network and --base-url."
_PROXY_HINT = "Check HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY."
_PATIENCE_HINT = "Try again; --timeout SECONDS waits longer."


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long to wait, in seconds. There is no limit on the whole of an answer."""

    connect: float = 5.0
    """For a connection."""

    first_byte: float = 60.0
    """From the end of the request to the first byte of the answer's body."""

    stall: float = 10.0
    """Without any byte, once the body has begun; and for each part of the request to be taken."""

    ping: float = 20.0
    """Of silence on a socket before the server is asked whether it is there, and for its answer."""


class Stage(Enum):
    """How far a request has come."""

    CONNECTING = auto()
    SENDING = auto()
    WAITING = auto()
    RECEIVING = auto()


class BrokenConnectionError(UnavailableError):
    """The way broke: no answer, or not all of it."""

    is_passing = True

    is_sent = False
    """Whether the server may have read the request, or a part of it."""


class UntrustedServerError(BrokenConnectionError):
    """The server's certificate is not one to talk to."""

    is_passing = False


class ProxyRefusedError(Exception):
    """A proxy answered, but opened no connection."""


@dataclass(slots=True)
class Way:
    """Where one request goes, and how far it has come."""

    host: str
    """In ASCII, an IPv6 address without brackets."""

    port: int
    timeouts: Timeouts
    proxy: str | None = None
    """Host and port of the proxy between."""

    stage: Stage = Stage.CONNECTING
    silence: float = field(init=False)
    """Seconds without any byte, once the body has begun."""

    def __post_init__(self) -> None:
        self.silence = self.timeouts.stall

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Turn every failure of the network into ours.

        Raises:
            BrokenConnectionError: something failed inside.
        """
        try:
            yield
        except TimeoutError as error:
            raise self._at_this_stage(self._timeout()) from error
        except (OSError, HTTPException, ProxyRefusedError, UnicodeError) as error:
            raise self._at_this_stage(self._failure(error)) from error

    def _at_this_stage(self, broken: BrokenConnectionError) -> BrokenConnectionError:
        broken.is_sent = self.stage is not Stage.CONNECTING
        return broken

    @property
    def _next_hop(self) -> str:
        return f"the proxy {self.proxy}" if self.proxy else f"{self.host}:{self.port}"

    def _timeout(self) -> BrokenConnectionError:
        limits = self.timeouts
        match self.stage:
            case Stage.CONNECTING:
                hint = _PROXY_HINT if self.proxy else _NETWORK_HINT
                return _broken(f"No connection to {self._next_hop} within {limits.connect:g} s.", hint)
            case Stage.SENDING:
                text = f"{self.host} did not take the request for {limits.stall:g} s."
            case Stage.WAITING:
                text = f"{self.host} did not answer within {limits.first_byte:g} s."
            case Stage.RECEIVING:
                text = f"{self.host} fell silent for {limits.stall:g} s in the middle of its answer."
        return _broken(text, _PATIENCE_HINT)

    def _failure(self, error: Exception) -> BrokenConnectionError:
        if isinstance(error, ProxyRefusedError):
            return _broken(f"The proxy {self.proxy} refuses: {one_line(str(error), 120)}.", _PROXY_HINT)
        match self.stage:
            case Stage.CONNECTING:
                return self._unreachable(error)
            case Stage.SENDING | Stage.WAITING:
                if isinstance(error, HTTPException) and not isinstance(
                    error, RemoteDisconnected | IncompleteRead
                ):
                    return _broken(f"{self._next_hop} does not answer in HTTP.", "Check --base-url.")
                return _broken(f"{self._next_hop} closed the connection without an answer.", "Try again.")
            case Stage.RECEIVING:
                text = f"The connection to {self.host} broke off in the middle of the answer."
                return _broken(text, "Try again.")

    def _unreachable(self, error: Exception) -> BrokenConnectionError:
        hint = _PROXY_HINT if self.proxy else _NETWORK_HINT
        match error:
            case ssl.SSLCertVerificationError():
                return UntrustedServerError(
                    f"The certificate of {self.host} is not trusted: {one_line(error.verify_message, 120)}.",
                    hint="If the authority behind it is your own, let SSL_CERT_FILE name its certificate.",
                )
            case ssl.SSLError():
                return _broken(
                    f"No encrypted connection to {self.host}: {one_line(error.reason or str(error), 120)}.",
                    "If the server does not speak TLS, write http:// in --base-url.",
                )
            case ConnectionRefusedError():
                return _broken(f"{self._next_hop} refuses the connection.", hint)
            case socket.gaierror() | UnicodeError():
                return _broken(f"The name of {self._next_hop} is not known, or there is no network.", hint)
            case OSError(strerror=str(text)):
                return _broken(f"Cannot reach {self._next_hop}: {one_line(text, 120)}.", hint)
            case _:
                return _broken(f"Cannot reach {self._next_hop}: it closed the connection.", hint)


def _broken(message: str, hint: str) -> BrokenConnectionError:
    sentence = f"T{message[1:]}" if message.startswith("the ") else message
    return BrokenConnectionError(sentence, hint=hint)
