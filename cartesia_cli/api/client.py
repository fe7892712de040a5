"""The Cartesia API as an engine: speech, transcripts and voices."""

import random
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Literal, Self
from urllib.parse import quote

from cartesia_cli.api.exchange import Answer, Exchange, Form, refuse
from cartesia_cli.api.recordings import Recording
from cartesia_cli.api.sse import EventDecoder
from cartesia_cli.api.way import Timeouts
from cartesia_cli.errors import UnavailableError, UsageError
from cartesia_cli.models import (
    AudioChunk,
    AudioFormat,
    Container,
    SpeechEvents,
    SpeechRequest,
    Traffic,
    Transcript,
    Voice,
)
from cartesia_cli.wire import decode_transcript, decode_voice, encode_request

TransportName = Literal["auto", "bytes", "sse"]

_STT_MODEL = "ink-whisper"
_NOT_AUDIO = frozenset({"text/html", "application/json", "application/problem+json", "text/event-stream"})
_NOT_EVENTS = frozenset({"text/html", "application/json", "application/problem+json"})


class Client:
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

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close every connection."""
        self._exchange.close()

    def synthesize(self, request: SpeechRequest, /, *, transport: TransportName = "auto") -> SpeechEvents:
        """Yield audio and timings as the API makes them; closing the iterator ends the request.

        Args:
            request: one text; without timings where ``transport`` is ``bytes``.
            transport: ``auto`` takes ``sse`` where timings are wanted.

        Raises:
            CredentialsError, LimitError, RequestError, UnavailableError, UsageError: before the first
                event, or in the stream. What was yielded before stays valid.
        """
        if transport == "sse" or (
            transport == "auto" and (request.word_timestamps or request.phoneme_timestamps)
        ):
            return self._synthesize_events(request)
        return self._synthesize_bytes(request)

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
            transcript = decode_transcript(self._exchange.json("/stt", params, Form(fields, file)))
        if words and transcript.text and not transcript.words:
            raise UnavailableError(
                "The API sent a text without the times of its words.",
                hint="Ask for the text alone: without --words, and not as subtitles.",
            )
        return transcript

    def get_voice(self, voice_id: str, /) -> Voice:
        """Return one voice.

        Raises:
            RequestError: no voice has this ID.
            CredentialsError, LimitError, UnavailableError: no answer.
        """
        name = quote(voice_id, safe="")
        if not name.strip("."):  # empty, or a step up in the path
            raise UsageError(f"{voice_id!r} is not the ID of a voice.", hint="Use the ID of a voice.")
        return decode_voice(self._exchange.json(f"/voices/{name}"))

    def voices(self, *, query: str | None = None) -> Iterator[Voice]:
        """Yield every voice, or those whose name, description or ID matches ``query``; page by page.

        The end is an empty page, whatever the API says of more: so its own clients have it.

        Raises:
            CredentialsError, LimitError, RequestError, UnavailableError: no answer, or pages without end.
        """
        wanted = {"limit": "100"} | ({"q": query} if query else {})
        cursors: set[str] = set()
        page: dict[str, str] = {}
        while True:
            payload = self._exchange.json("/voices", wanted | page)
            if isinstance(payload, list):  # API versions before 2024-11-13: all voices, and no query
                voices = [decode_voice(item) for item in payload]
                yield from (voice for voice in voices if query is None or _matches(voice, query))
                return
            voices, more = _read_page(payload)
            if not voices or (not more and voices[-1].id in cursors):  # the only page, again
                return
            if voices[-1].id in cursors:
                raise UnavailableError(
                    "The API sends the same page of voices again and again.",
                    hint="Check --base-url: the server does not page as the Cartesia API does.",
                )
            yield from voices
            cursors.add(voices[-1].id)
            page = {"starting_after": voices[-1].id}

    def _synthesize_bytes(self, request: SpeechRequest) -> SpeechEvents:
        body = encode_request(request, endpoint="bytes")
        with self._exchange.answer("POST", "/tts/bytes", accept="audio/wav", body=body) as answer:
            if answer.content_type in _NOT_AUDIO:
                refuse(answer, "audio")
            n_bytes = 0
            for piece in answer.pieces:
                n_bytes += len(piece)
                yield AudioChunk(piece)
            _require_audio(n_bytes, request.format)

    def _synthesize_events(self, request: SpeechRequest) -> SpeechEvents:
        body = encode_request(request, endpoint="sse")
        with self._exchange.answer("POST", "/tts/sse", accept="text/event-stream", body=body) as answer:
            if answer.content_type in _NOT_EVENTS:
                refuse(answer, "an event stream")
            n_bytes = 0
            for event in _read_events(answer):
                if isinstance(event, AudioChunk):
                    n_bytes += len(event.data)
                yield event
            _require_audio(n_bytes, request.format)


def _read_events(answer: Answer) -> SpeechEvents:
    decoder = EventDecoder()
    for piece in answer.pieces:
        yield from decoder.feed(piece)
        if decoder.done:
            answer.finish()
            return
    decoder.close()


def _read_page(payload: object) -> tuple[list[Voice], bool]:
    """Return the voices of a page, and whether the API says that it may have more."""
    if not isinstance(payload, dict) or not isinstance(payload.get("data"), list):
        raise UnavailableError(
            "The API answered without a list of voices.",
            hint="Check --base-url: this may not be a server of the Cartesia API.",
        )
    return [decode_voice(item) for item in payload["data"]], payload.get("has_more") is not False


def _matches(voice: Voice, query: str) -> bool:
    return any(query.casefold() in text.casefold() for text in (voice.id, voice.name, voice.description))


def _require_audio(n_bytes: int, audio: AudioFormat) -> None:
    """Raise if there was none, or if it ends within a sample, which would make noise of all that follows."""
    if n_bytes == 0:
        raise UnavailableError("The API answered without any audio.", hint="Try again.")
    if audio.container is Container.RAW and n_bytes % audio.encoding.sample_width:
        raise UnavailableError("The audio from the API ends in the middle of a sample.", hint="Try again.")
