"""What event streams and sockets send."""

from typing import Annotated, Literal

from msgspec import Meta

from cartesia_cli.server.schemas.kinds import Answer

ContextId = Annotated[str | None, Meta(description="As the client gave it.")]
FlushId = Annotated[int | None, Meta(description="From 1, one more after each flush.")]


class Chunk(Answer, kw_only=True):
    """Some audio."""

    type: Literal["chunk"]
    data: Annotated[str, Meta(description="Base64 of samples, never cut inside one.")]
    done: bool
    status_code: int
    step_time: Annotated[float, Meta(description="Milliseconds that it took.")]
    sample_rate: Annotated[int | None, Meta(description="Of the voice changer alone.")] = None
    context_id: ContextId = None
    flush_id: FlushId = None


class WordTimestamps(Answer, kw_only=True):
    """Columns of one length, in seconds from the start of the audio."""

    words: list[str]
    start: list[float]
    end: list[float]


class Timestamps(Answer, kw_only=True):
    """When words are spoken."""

    type: Literal["timestamps"]
    word_timestamps: WordTimestamps
    done: bool
    status_code: int
    context_id: ContextId = None
    flush_id: FlushId = None


class PhonemeColumns(Answer, kw_only=True):
    """Columns of one length, in seconds from the start of the audio."""

    phonemes: list[str]
    start: list[float]
    end: list[float]


class PhonemeTimestamps(Answer, kw_only=True):
    """When phonemes are spoken."""

    type: Literal["phoneme_timestamps"]
    phoneme_timestamps: PhonemeColumns
    done: bool
    status_code: int
    context_id: ContextId = None
    flush_id: FlushId = None


class FlushDone(Answer, kw_only=True):
    """Everything before a flush has been spoken."""

    type: Literal["flush_done"]
    flush_done: bool
    done: bool
    status_code: int
    flush_id: int
    context_id: ContextId = None


class Done(Answer, kw_only=True):
    """The last event of a text that was spoken."""

    type: Literal["done"]
    done: bool
    status_code: int
    context_id: ContextId = None


class ErrorEvent(Answer, kw_only=True):
    """The last event of a text that was not."""

    type: Literal["error"]
    done: bool
    status_code: int
    title: str
    message: str
    request_id: str
    error: Annotated[str, Meta(description='For older clients: "Title: message".')]
    error_code: str | None = None
    doc_url: str | None = None
    context_id: ContextId = None


SPEECH_EVENTS = (Chunk, Timestamps, PhonemeTimestamps, FlushDone, Done, ErrorEvent)
