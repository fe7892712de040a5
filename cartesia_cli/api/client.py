"""The Cartesia API as an engine: speech, transcripts, voices, and what else it has."""

import random
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO, Literal, Self

from cartesia_cli.api.account import Account
from cartesia_cli.api.bodies import Form
from cartesia_cli.api.changing import Changing
from cartesia_cli.api.dictionaries import Dictionaries
from cartesia_cli.api.exchange import Exchange
from cartesia_cli.api.receiving import receive_bytes, receive_events
from cartesia_cli.api.recordings import Recording
from cartesia_cli.api.voices import Voices
from cartesia_cli.api.way import Timeouts
from cartesia_cli.errors import UnavailableError
from cartesia_cli.models import (
    ListenRequest,
    SpeechEvents,
    SpeechRequest,
    TextPiece,
    Traffic,
    Transcript,
    TranscriptUpdates,
)
from cartesia_cli.wire import decode_transcript, encode_request

if TYPE_CHECKING:
    from cartesia_cli.api.lines import Lines

TransportName = Literal["auto", "bytes", "sse", "websocket"]

_STT_MODEL = "ink-whisper"


class Client(Voices, Dictionaries, Changing, Account):
    """Speaks with the API. Safe for use by several threads; use it in a ``with`` block, or close it.

    Args:
        api_key: None for a server that asks for none.
        base_url: of the API, with or without a path.
        timeouts: for each part of a request.
        retries: how often a request is sent again, before any of its answer was used.
        headers: added to each request; they win over our own.
        sleep: waits between attempts.
        jitter: returns a number from 0 to 1, so that clients do not come back all at once.

    Raises:
        CredentialsError: the key cannot be sent.
        UsageError: the base URL or a header cannot be used.
    """

    name: Literal["cloud"] = "cloud"

    def __init__(
        self,
        api_key: str | None,
        *,
        base_url: str,
        timeouts: Timeouts | None = None,
        retries: int = 2,
        headers: Mapping[str, str] | None = None,
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.traffic = Traffic()
        self._exchange = Exchange(
            api_key,
            base_url=base_url,
            timeouts=timeouts or Timeouts(),
            retries=retries,
            headers=headers or {},
            traffic=self.traffic,
            sleep=sleep,
            jitter=jitter,
        )
        self._lock = threading.Lock()
        self._lines: Lines | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close every connection."""
        with self._lock:
            if self._lines is not None:
                self._lines.close()
        self._exchange.close()

    def synthesize(self, request: SpeechRequest, /, *, transport: TransportName = "auto") -> SpeechEvents:
        """Yield audio and timings as the API makes them; closing the iterator ends the request.

        Args:
            request: one text; without timings where ``transport`` is ``bytes``.
            transport: ``auto`` takes ``sse`` where timings are wanted. What is asked for by ``websocket``
                shares one connection, which stays open for the next.

        Raises:
            CredentialsError, LimitError, RequestError, UnavailableError, UsageError: before the first
                event, or in the stream. What was yielded before stays valid.
        """
        if transport == "sse" or (
            transport == "auto" and (request.word_timestamps or request.phoneme_timestamps)
        ):
            body = encode_request(request, endpoint="sse")
            return receive_events(self._exchange, "/tts/sse", body, request.format)
        if transport == "websocket":
            from cartesia_cli.api.speaking import speak

            return speak(self._exchange, self._open_lines(), request)
        body = encode_request(request, endpoint="bytes")
        return receive_bytes(self._exchange, "/tts/bytes", body, request.format)

    def stream(self, request: SpeechRequest, pieces: Iterable[TextPiece], /) -> SpeechEvents:
        """Yield the speech of a text that is still being written; see ``engines.Synthesizer``.

        Raises:
            CredentialsError, LimitError, RequestError, UnavailableError, UsageError: before the first
                event, or in the stream. What was yielded before stays valid.
        """
        from cartesia_cli.api.streaming import Stream

        return Stream(self._exchange, self._open_lines(), request).events(pieces)

    def listen(self, request: ListenRequest, sound: Iterable[bytes], /) -> TranscriptUpdates:
        """Yield what is understood of sound that is still arriving; see ``engines.LiveTranscriber``.

        Raises:
            CredentialsError, LimitError, RequestError, UnavailableError, UsageError: before the first
                update or after any. What was yielded before stays valid.
        """
        from cartesia_cli.api.listening import listen

        return listen(self._exchange, request, sound)

    def transcribe(
        self,
        recording: Path | BinaryIO,
        /,
        *,
        words: bool,
        language: str | None = None,
        model_id: str | None = None,
        encoding: str | None = None,
        sample_rate: int | None = None,
        progress: Callable[[float], None] | None = None,
    ) -> Transcript:
        """Return what is said in a recording, which is sent as it is.

        Args:
            recording: a file of any kind that the API reads, or a stream of its bytes.
            words: whether the times of the words are wanted.
            language: its code; None leaves it to the API.
            model_id: None for the API's model for recordings.
            encoding: of samples without a header.
            sample_rate: of samples without a header, in hertz.
            progress: told now and then which share has been sent, 0 to 1; not of a pipe.

        Raises:
            UsageError: the recording cannot be read, or is empty.
            CredentialsError, LimitError, RequestError, UnavailableError: no answer.
        """
        fields: dict[str, str | list[str]] = {"model": model_id or _STT_MODEL}
        if language is not None:
            fields["language"] = language
        if words:
            fields["timestamp_granularities[]"] = ["word"]
        samples = {"encoding": encoding, "sample_rate": None if sample_rate is None else str(sample_rate)}
        params = {name: value for name, value in samples.items() if value is not None}
        with Recording(recording, progress) as file:
            transcript = decode_transcript(self._exchange.json("/stt", params, Form(fields, {"file": file})))
        if words and transcript.text and not transcript.words:
            raise UnavailableError(
                "The API sent a text without the times of its words.",
                hint="Ask for the text alone: without --words, and not as subtitles.",
            )
        return transcript

    def _open_lines(self) -> "Lines":
        from cartesia_cli.api.lines import Lines

        with self._lock:
            if self._lines is None:
                self._lines = Lines(
                    partial(self._exchange.open_socket, "/tts/websocket"), self._exchange.count_reconnect
                )
            return self._lines
