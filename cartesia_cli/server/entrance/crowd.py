"""How much is done at the same time, as a plan of the API limits it: ``--concurrency``."""

from collections.abc import Callable, Mapping
from enum import Enum
from threading import Lock

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cartesia_cli.errors import LimitError
from cartesia_cli.server.failures import error_response


class Work(Enum):
    """What there can be too much of, each with how many of it there are for one text that is spoken."""

    SPEAKING = 1
    """Texts that are spoken: requests, and contexts of sockets."""

    HEARING = 4
    """Recordings that are heard, and sockets that listen."""

    CONVERSING = 10
    """Sockets for speech."""


_WORK: Mapping[tuple[str, str], Work] = {
    ("http", "/tts/bytes"): Work.SPEAKING,
    ("http", "/tts/sse"): Work.SPEAKING,
    ("http", "/infill/bytes"): Work.SPEAKING,
    ("http", "/voice-changer/bytes"): Work.SPEAKING,
    ("http", "/voice-changer/sse"): Work.SPEAKING,
    ("http", "/stt"): Work.HEARING,
    ("http", "/audio/transcriptions"): Work.HEARING,
    ("websocket", "/stt/websocket"): Work.HEARING,
    ("websocket", "/stt/turns/websocket"): Work.HEARING,
    ("websocket", "/tts/websocket"): Work.CONVERSING,
}
"""By what is asked for; the contexts of a socket are counted where they begin."""

_NAMES: Mapping[Work, str] = {
    Work.SPEAKING: "texts are spoken",
    Work.HEARING: "recordings are heard",
    Work.CONVERSING: "sockets for speech are open",
}


class CrowdedError(LimitError):
    """There is too much to do already: status 429."""


class Crowd:
    """Everybody who is being served. Several threads may ask it.

    Args:
        limit: texts that are spoken at the same time at most; None is no limit, of anything.
    """

    def __init__(self, limit: int | None) -> None:
        self._limit = limit
        self._counts = dict.fromkeys(Work, 0)
        self._lock = Lock()

    def enter(self, work: Work) -> "Place":
        """Return a place; its holder leaves it when the work is done.

        Raises:
            CrowdedError: there is none left.
        """
        most = None if self._limit is None else self._limit * work.value
        with self._lock:
            if most is not None and self._counts[work] >= most:
                raise CrowdedError(
                    f"At most {most} {_NAMES[work]} here at a time.",
                    title="Too many requests at once",
                    code="concurrency_limited",
                )
            self._counts[work] += 1
        return Place(lambda: self._free(work))

    def count(self, work: Work) -> int:
        """Return how many are in."""
        return self._counts[work]

    def _free(self, work: Work) -> None:
        with self._lock:
            self._counts[work] -= 1


class Place:
    """A place in the crowd. It is left once, however often and by whichever thread that is said."""

    def __init__(self, free: Callable[[], None]) -> None:
        self._free = [free]

    def leave(self) -> None:
        """Make room for somebody else."""
        if (free := self._take()) is not None:
            free()

    def passed_on(self) -> "Place | None":
        """Return this place for somebody else to hold; None if it has been left already."""
        free = self._take()
        return None if free is None else Place(free)

    def _take(self) -> Callable[[], None] | None:
        try:
            return self._free.pop()  # one of several threads gets it
        except IndexError:
            return None


class CrowdMiddleware:
    """Refuses requests and sockets for which there is no place, before anything of a body is read.

    The paths are below ``root``. A place is free again when the last byte of the answer goes out, not after
    it: who has got it may ask anew.
    """

    def __init__(self, app: ASGIApp, crowd: Crowd, root: str = "") -> None:
        self._app = app
        self._crowd = crowd
        self._root = root

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or refuse it."""
        work = self._work(scope)
        if work is None:
            await self._app(scope, receive, send)
            return
        try:
            place = self._crowd.enter(work)
        except CrowdedError as error:
            await error_response(HTTPConnection(scope), error)(scope, receive, send)
            return

        async def receive_last() -> Message:
            message = await receive()
            if message["type"] == "websocket.disconnect":
                place.leave()
            return message

        async def send_last(message: Message) -> None:
            if _is_last(message):
                place.leave()
            await send(message)

        try:
            await self._app(scope, receive_last, send_last)
        finally:
            place.leave()

    def _work(self, scope: Scope) -> Work | None:
        kind: str = scope["type"]
        if kind == "http" and scope["method"] != "POST":
            return None
        return _WORK.get((kind, scope.get("path", "").removeprefix(self._root).rstrip("/")))


def crowd_of(connection: HTTPConnection) -> Crowd:
    """Return the crowd of the app that a request came to."""
    crowd: Crowd = connection.app.state.crowd
    return crowd


def _is_last(message: Message) -> bool:
    if message["type"] == "http.response.body":
        return not message.get("more_body", False)
    return bool(message["type"] == "websocket.close")
