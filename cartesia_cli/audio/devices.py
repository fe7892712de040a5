"""The sound system: its library, its devices, and calls to it that end even where it hangs."""

import atexit
import contextlib
import os
import queue
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from functools import cache, partial
from typing import Any, Literal, NamedTuple, TypeVar

from cartesia_cli.errors import OutputError, UsageError

_T = TypeVar("_T")

_POLL = 0.02
"""Seconds between two looks at a call under way; a wait without end could not be interrupted on Windows."""

_NO_DEVICE_HINT = "Write a file with -o instead, or check the sound settings of this system."


class SoundThread:
    """The one thread that calls PortAudio.

    Some sound systems hang for a minute in open or close when their server does, and some (WASAPI)
    only serve the thread that initialised them. Whoever calls can stop waiting at any time.
    """

    def __init__(self) -> None:
        self._calls: queue.SimpleQueue[tuple[Callable[[], Any], Future[Any]]] = queue.SimpleQueue()
        threading.Thread(target=self._run, name="sound", daemon=True).start()

    def call(self, function: Callable[[], _T], *, seconds: float) -> _T:
        """Return ``function()``, or raise what it raises.

        Raises:
            OutputError: no answer within ``seconds``.
        """
        future: Future[_T] = Future()
        with _kept_stderr() as bring_back_stderr:
            self._calls.put((function, future))
            deadline = time.monotonic() + seconds
            try:
                while not future.done() and time.monotonic() < deadline:
                    with contextlib.suppress(TimeoutError):
                        future.exception(timeout=_POLL)
            finally:
                if not future.done():
                    _skip_goodbye()
                    bring_back_stderr()
        if not future.done():
            raise OutputError("The sound system does not answer.", hint=_NO_DEVICE_HINT)
        return future.result()

    def _run(self) -> None:
        while True:
            function, future = self._calls.get()
            try:
                future.set_result(function())
            except BaseException as error:  # noqa: BLE001  the caller raises it, whatever it is
                future.set_exception(error)


@cache
def sound_thread() -> SoundThread:
    """Return this process's thread for PortAudio."""
    return SoundThread()


@contextlib.contextmanager
def _kept_stderr() -> Iterator[Callable[[], object]]:
    """Yield a function that brings stderr back: sounddevice closes it for as long as its import takes."""
    try:
        kept = os.dup(2)
    except OSError:  # it is closed
        yield lambda: None
        return
    try:
        yield partial(os.dup2, kept, 2)
    finally:
        os.close(kept)


def _skip_goodbye() -> None:
    """Let the process exit without closing PortAudio, which would wait for the call that hangs."""
    handler = getattr(sys.modules.get("sounddevice"), "_exit_handler", None)
    if handler is not None:
        atexit.unregister(handler)


def load_sounddevice() -> Any:
    """Import sounddevice, or say what is missing.

    Where PortAudio is not installed, or is broken, the import itself raises OSError.

    Raises:
        OutputError: no sounddevice, or no PortAudio.
    """
    try:
        import sounddevice
    except (ImportError, OSError) as error:
        raise OutputError(
            f"Cannot play: {error}.",
            hint="Install PortAudio (Debian, Ubuntu: apt install libportaudio2), or write a file with -o.",
        ) from error
    return sounddevice


def find_output(sounddevice: Any, wanted: str | int | None) -> Mapping[str, Any]:
    """Return what PortAudio knows of one output device.

    Args:
        sounddevice: the module.
        wanted: an index (also as text), a name, a part of a name in any case, or None for the
            default. An exact name wins over parts of names, and the default sound system (Windows
            has several, with the same devices) over the others.

    Raises:
        OutputError: there is no output device.
        UsageError: none fits, or several do.
    """
    return _find(sounddevice, wanted, _LOUDSPEAKER)


def find_input(sounddevice: Any, wanted: str | int | None) -> Mapping[str, Any]:
    """Return what PortAudio knows of one input device, chosen as ``find_output`` does.

    Raises:
        OutputError: there is no input device.
        UsageError: none fits, or several do.
    """
    return _find(sounddevice, wanted, _MICROPHONE)


class _Kind(NamedTuple):
    """Devices of one direction."""

    direction: Literal["input", "output"]
    name: str
    hint: str
    """What to do where there is none."""

    @property
    def place(self) -> int:
        """Where this direction stands in sounddevice's pairs."""
        return int(self.direction == "output")


_LOUDSPEAKER = _Kind("output", "sound device", _NO_DEVICE_HINT)
_MICROPHONE = _Kind("input", "microphone", "Connect one, or name a file.")


def _find(sounddevice: Any, wanted: str | int | None, kind: _Kind) -> Mapping[str, Any]:
    channels = f"max_{kind.direction}_channels"
    devices: list[Mapping[str, Any]] = [
        device for device in sounddevice.query_devices() if device[channels] > 0
    ]
    if not devices:
        raise OutputError(f"There is no {kind.name}.", hint=kind.hint)
    usual = _default(sounddevice, devices, kind)
    if wanted is None:
        return usual
    if isinstance(wanted, int) or wanted.isdecimal():
        found = [device for device in devices if device["index"] == int(wanted)]
    else:
        name = wanted.casefold()
        found = [device for device in devices if device["name"].casefold() == name]
        found = found or [device for device in devices if name in device["name"].casefold()]
    if len(found) > 1:
        preferred = [device for device in found if device["hostapi"] == usual["hostapi"]]
        found = preferred if len(preferred) == 1 else found
    if len(found) == 1:
        return found[0]
    problem = f"fits several {kind.name}s" if found else f"is not a {kind.name}"
    listed = ", ".join(f"{device['index']} {device['name']}" for device in found or devices)
    raise UsageError(f"{wanted!r} {problem}.", hint=f"Choose one of: {listed}.")


def _default(sounddevice: Any, devices: Sequence[Mapping[str, Any]], kind: _Kind) -> Mapping[str, Any]:
    default = sounddevice.default.device[kind.place]
    if default < 0:
        default = sounddevice.query_hostapis(devices[0]["hostapi"])[f"default_{kind.direction}_device"]
    return next((device for device in devices if device["index"] == default), devices[0])
