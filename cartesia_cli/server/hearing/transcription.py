"""``POST /stt`` and, for OpenAI's clients, ``POST /audio/transcriptions``: a recording in, text out."""

import asyncio
import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, QueryParams, UploadFile
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from cartesia_cli.engines import Transcriber
from cartesia_cli.errors import RequestError
from cartesia_cli.models import Transcript
from cartesia_cli.server.bodies import kept, read_form, required_upload
from cartesia_cli.server.failures import UnableError, request_id
from cartesia_cli.server.rules import rules_of
from cartesia_cli.server.schemas.kinds import Form
from cartesia_cli.server.schemas.recordings import OpenAITranscriptionForm, TranscriptionForm
from cartesia_cli.wire import encode_transcript
from cartesia_cli.wire.listening import SAMPLE_WIDTHS

_RATES = range(1_000, 768_001)
"""Hertz of samples without a header; a few bytes at a lower rate would be hours of work."""

_CLIENT_LEFT = 499
"""What proxies write into their logs; nobody is there to get it."""


def transcription_routes(transcriber: Transcriber | None) -> list[Route]:
    """Return the routes that listen with ``transcriber``; without one they answer 501."""

    async def transcriptions(request: Request, *, schema: type[Form]) -> Response:
        if transcriber is None:
            raise UnableError("This server does not transcribe.")
        async with read_form(request, rules_of(request).max_recording, schema) as form:
            asked = _asked(form, request.query_params)
            try:
                async with _client_of(request) as client:
                    transcript = await run_in_threadpool(_transcribe, transcriber, asked, client)
            except ClientDisconnect:
                return Response(status_code=_CLIENT_LEFT)
        answer = encode_transcript(transcript, words=asked.words, request_id=request_id(request))
        return JSONResponse(answer)

    forms = {"/stt": TranscriptionForm, "/audio/transcriptions": OpenAITranscriptionForm}
    return [
        Route(path, partial(transcriptions, schema=schema), methods=["POST"])
        for path, schema in forms.items()
    ]


@dataclass(frozen=True, slots=True)
class _Asked:
    """One recording, and what is to be known of it."""

    upload: UploadFile
    model_id: str
    language: str | None
    words: bool
    encoding: str | None
    sample_rate: int | None


def _asked(form: FormData, query: QueryParams) -> _Asked:
    """Return what a client of any version asked for.

    Raises:
        RequestError: as the API answers with status 400.
    """
    upload = required_upload(form, "file")
    model = _text(form, "model")
    if model is None:
        raise RequestError("The form names no model.", title="Invalid model")
    # OpenAI's clients write the brackets too; a form by hand may lack them.
    units = [*form.getlist("timestamp_granularities[]"), *form.getlist("timestamp_granularities")]
    if any(unit != "word" for unit in units):
        raise RequestError("A timestamp granularity can only be 'word'.", title="Invalid request")
    encoding, rate = query.get("encoding") or None, query.get("sample_rate") or None
    if encoding is not None and encoding not in SAMPLE_WIDTHS:
        raise RequestError(
            f"The encoding is none of {', '.join(sorted(SAMPLE_WIDTHS))}.",
            title="Invalid encoding",
            code="unsupported_audio_format",
        )
    if rate is not None and not (re.fullmatch(r"\d{1,6}", rate, re.ASCII) and int(rate) in _RATES):
        raise RequestError(
            f"The sample rate is not a number of hertz from {_RATES.start} to {_RATES.stop - 1}.",
            title="Invalid sample rate",
        )
    return _Asked(
        upload,
        model,
        _text(form, "language"),
        bool(units),
        encoding,
        None if rate is None else int(rate),
    )


def _text(form: FormData, name: str) -> str | None:
    value = form.get(name)
    return value.strip() or None if isinstance(value, str) else None


class _Client:
    """Whoever waits for a transcript."""

    is_gone = False

    def check(self, _share: float) -> None:
        """Stop the work for somebody who has left.

        Raises:
            ClientDisconnect: nobody waits any more.
        """
        if self.is_gone:
            raise ClientDisconnect


@asynccontextmanager
async def _client_of(request: Request) -> AsyncGenerator[_Client, None]:
    """Watch whether the client of a request, whose body has been read, leaves."""
    client = _Client()

    async def watch() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass
        client.is_gone = True

    watching = asyncio.create_task(watch())
    try:
        yield client
    finally:
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching


def _transcribe(transcriber: Transcriber, asked: _Asked, client: _Client) -> Transcript:
    """Return what is said in a recording, its times to the millisecond."""
    with kept(asked.upload, "recording") as path:
        transcript = transcriber.transcribe(
            path,
            words=asked.words,
            language=asked.language,
            model_id=asked.model_id,
            encoding=asked.encoding,
            sample_rate=asked.sample_rate,
            progress=client.check,
        )
    words = (replace(word, start=round(word.start, 3), end=round(word.end, 3)) for word in transcript.words)
    return replace(transcript, words=tuple(words))
