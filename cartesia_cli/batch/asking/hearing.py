"""Recordings transcribed no more at once than the API lets us."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from cartesia_cli.batch.asking.throttle import Throttle
from cartesia_cli.engines import Transcriber
from cartesia_cli.models import Traffic, Transcript


class CountingTranscriber(Transcriber, Protocol):
    """A transcriber that counts what it asks for; that of the cloud."""

    @property
    def traffic(self) -> Traffic:
        """Requests made so far."""


class ThrottledTranscriber:
    """Fits ``Transcriber``.

    Args:
        transcriber: which asks once, without retries of its own.
        throttle: when it may ask, and again.
    """

    def __init__(self, transcriber: CountingTranscriber, throttle: Throttle) -> None:
        self._transcriber = transcriber
        self._throttle = throttle

    @property
    def traffic(self) -> Traffic:
        """Requests made and repeated so far."""
        return replace(self._transcriber.traffic, retries=self._throttle.n_retries)

    def transcribe(self, recording: Path, /, **options: Any) -> Transcript:
        """See ``Transcriber``."""
        return self._throttle.call(partial(self._transcriber.transcribe, recording, **options))

    def close(self) -> None:
        """Close the transcriber."""
        self._transcriber.close()
