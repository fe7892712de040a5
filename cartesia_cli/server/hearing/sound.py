"""Sound that arrives in the event loop, and an engine that waits for it in a thread."""

import asyncio
import threading
from collections import deque
from collections.abc import AsyncGenerator, Iterator
from concurrent.futures import ThreadPoolExecutor

from anyio import CancelScope

from cartesia_cli.engines import LiveTranscriber
from cartesia_cli.models import ListenRequest, TranscriptUpdate

_MOST_AHEAD = 2**20
"""Bytes that may wait for an engine: half a minute of what clients usually send."""


class AbandonedError(Exception):
    """Raised to an engine whose client has left."""


class Sound:
    """Bytes from one client: put in by the event loop, iterated over by one thread.

    Who puts in faster than the thread takes out has to wait.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._pieces: deque[bytes] = deque()
        self._n_waiting = 0
        self._changed = threading.Condition()
        self._space = asyncio.Event()
        self._begun = asyncio.Event()
        self._is_over = self._is_abandoned = False

    async def put(self, data: bytes) -> None:
        """Add bytes, as soon as there is space; none of it counts once the sound is abandoned."""
        while True:
            with self._changed:
                if self._is_abandoned or not data:
                    return
                if self._n_waiting < _MOST_AHEAD:
                    self._pieces.append(data)
                    self._n_waiting += len(data)
                    self._changed.notify()
                    self._begun.set()
                    return
                self._space.clear()
            await self._space.wait()

    async def begins(self) -> bool:
        """Return, as soon as it is known, whether there is any."""
        await self._begun.wait()
        return self._n_waiting > 0

    def end(self) -> None:
        """Nothing more will be put in."""
        with self._changed:
            self._is_over = True
            self._changed.notify()
        self._begun.set()

    def abandon(self) -> None:
        """End the iteration with an error, at once; nobody waits any more."""
        with self._changed:
            self._is_abandoned = True
            self._pieces.clear()
            self._changed.notify()
        self._space.set()

    def __iter__(self) -> Iterator[bytes]:
        """Yield the bytes in order.

        Raises:
            AbandonedError: nobody wants to know any more.
        """
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._pieces or self._is_over or self._is_abandoned)
                if self._is_abandoned:
                    raise AbandonedError
                if not self._pieces:
                    return
                data = self._pieces.popleft()
                self._n_waiting -= len(data)
            self._loop.call_soon_threadsafe(self._space.set)
            yield data


async def hear(
    transcriber: LiveTranscriber, request: ListenRequest, sound: Sound
) -> AsyncGenerator[TranscriptUpdate, None]:
    """Yield what an engine understands, one at a time as they are asked for; close it after use.

    The engine works in a thread of its own, which is gone when this is closed.

    Raises:
        CartesiaError: of the engine.
    """
    loop = asyncio.get_running_loop()
    thread = ThreadPoolExecutor(1, "listener")
    updates = transcriber.listen(request, sound)
    try:
        # StopIteration cannot cross from a thread into a coroutine: None says the same.
        while (update := await loop.run_in_executor(thread, next, updates, None)) is not None:
            yield update
    finally:
        sound.abandon()
        with CancelScope(shield=True):  # the thread may still be in the generator: it comes out first
            await loop.run_in_executor(thread, updates.close)
        thread.shutdown(wait=False)
